//! The messages of ledgered SPSP: opening a link, pushing a snapshot, replying with a cumulative.

use crate::aggregate::contribution::Contribution;
use crate::aggregate::mass::{self, Mass};
use crate::codec::{Read, Reader, WireError, Write};
use crate::identity::Name;

/// The most sections in one datagram, and the most components in one section.
const MAX_PARTS: usize = 4096;

/// A message between two nodes that exchange mass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// Creates a link at the receiver. Carries no mass.
    Open,
    /// The link exists here.
    Accept,
    /// No link: this node has as many as it may.
    Refuse,
    /// The initiator's masses.
    Push { seq: u64, view: u64, sections: Vec<Section> },
    /// The answer to a push that is older than the latest one that was answered, `seq`.
    Stale { seq: u64 },
    /// The amounts that the responder ever took from the initiator. Answers the push `seq`.
    Reply { seq: u64, view: u64, sections: Vec<Section> },
}

/// The part of a message about one group of components.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Section {
    /// The aggregate; `None` for the anchors.
    pub(crate) aggregate: Option<Name>,
    /// Component and mass: the snapshot in a push, the cumulative in a reply. Empty in a reply
    /// when the responder doesn't hold the group.
    pub(crate) masses: Vec<(u64, Mass)>,
    /// In a push: the receiver takes one part of the difference in at least this number, in place of
    /// half of it.
    pub(crate) divisor: Option<u32>,
    /// The state of the sender's window.
    pub(crate) window: Option<WindowPart>,
}

/// A sender's view of the current window.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WindowPart {
    pub(crate) phase: u64,
    /// The members that have reached this phase, by rank in the sorted view; least significant bit
    /// first.
    pub(crate) reached: Vec<u8>,
    /// While closing: their contributions, merged. While opening: the complete result of the window
    /// before, if it had one.
    pub(crate) contribution: Option<Contribution>,
}

impl Section {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.aggregate.is_some())
            | u8::from(self.window.is_some()) << 1
            | u8::from(self.window.as_ref().is_some_and(|w| w.contribution.is_some())) << 2
            | u8::from(self.divisor.is_some()) << 3;
        out.put(&[flags]);
        if let Some(name) = &self.aggregate {
            out.put_name(name);
        }
        if let Some(divisor) = self.divisor {
            out.put_varint(u128::from(divisor));
        }
        out.put_varint(self.masses.len() as u128);
        for &(component, mass) in &self.masses {
            match self.aggregate {
                Some(_) => out.put_varint(u128::from(component)),
                None => out.put(&component.to_be_bytes()),
            }
            mass::write(mass, out);
        }
        if let Some(window) = &self.window {
            out.put_varint(u128::from(window.phase));
            out.put_varint(window.reached.len() as u128);
            out.put(&window.reached);
            if let Some(contribution) = &window.contribution {
                contribution.write(out);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let flags = reader.u8()?;
        let aggregate = if flags & 1 != 0 { Some(reader.name()?) } else { None };
        let divisor = if flags & 8 != 0 {
            Some(u32::try_from(reader.varint64()?).map_err(|_| WireError::Malformed)?)
        } else {
            None
        };
        let count = reader.count(MAX_PARTS)?;
        let mut masses = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let component = match aggregate {
                Some(_) => reader.varint64()?,
                None => reader.u64()?,
            };
            masses.push((component, mass::read(reader)?));
        }
        let window = if flags & 2 != 0 {
            let phase = reader.varint64()?;
            let length = reader.count(reader.0.len())?;
            let reached = reader.take(length)?.to_vec();
            let contribution =
                if flags & 4 != 0 { Some(Contribution::read(reader)?) } else { None };
            Some(WindowPart { phase, reached, contribution })
        } else {
            None
        };
        Ok(Self { aggregate, masses, divisor, window })
    }
}

impl Message {
    /// The bytes of a push or a reply before its sections, at the most.
    pub(crate) const HEAD: usize = 20;

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Open => out.put(&[0]),
            Self::Accept => out.put(&[1]),
            Self::Refuse => out.put(&[2]),
            Self::Stale { seq } => {
                out.put(&[5]);
                out.put_varint(u128::from(*seq));
            }
            Self::Push { seq, view, sections } => write_body(3, *seq, *view, sections, out),
            Self::Reply { seq, view, sections } => write_body(4, *seq, *view, sections, out),
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader(bytes);
        let kind = reader.u8()?;
        let message = match kind {
            0 => Self::Open,
            1 => Self::Accept,
            2 => Self::Refuse,
            3 | 4 => {
                let (seq, view) = (reader.varint64()?, reader.u64()?);
                let mut sections = Vec::new();
                while !reader.0.is_empty() {
                    sections.push(Section::read(&mut reader)?);
                }
                if kind == 3 {
                    Self::Push { seq, view, sections }
                } else {
                    Self::Reply { seq, view, sections }
                }
            }
            5 => Self::Stale { seq: reader.varint64()? },
            _ => return Err(WireError::Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

fn write_body(kind: u8, seq: u64, view: u64, sections: &[Section], out: &mut Vec<u8>) {
    out.put(&[kind]);
    out.put_varint(u128::from(seq));
    out.put(&view.to_be_bytes());
    for section in sections {
        section.write(out);
    }
}

/// Packs a push (or, with `reply`, a reply) into as few messages of at most `limit` bytes as
/// their order allows. A section is never split: one that is longer goes alone.
pub(crate) fn write_sections(
    reply: bool,
    seq: u64,
    view: u64,
    sections: &[Section],
    limit: usize,
) -> Vec<Vec<u8>> {
    let kind = if reply { 4 } else { 3 };
    let mut head = Vec::new();
    write_body(kind, seq, view, &[], &mut head);
    let mut messages = Vec::new();
    let mut current = head.clone();
    let mut section_bytes = Vec::new();
    for section in sections {
        section_bytes.clear();
        section.write(&mut section_bytes);
        if current.len() + section_bytes.len() > limit && current.len() > head.len() {
            messages.push(core::mem::replace(&mut current, head.clone()));
        }
        current.extend_from_slice(&section_bytes);
    }
    messages.push(current);
    messages
}
