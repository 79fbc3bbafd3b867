//! The messages of events and of keys: pushes, feedback, and the steps of a comparison.

use crate::clock::Stamp;
use crate::codec::{Read, Reader, WireError, Write};
use crate::gossip::item::{Fingerprint, Item, Part, Range};
use crate::time::Duration;

/// The most entries, parts, ranges or ids that one message may list.
const MOST: usize = 1 << 17;

/// An entry as its protocol encodes it, with the round in which it is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireEntry {
    pub(crate) round: u32,
    /// The time since it was published or deleted, as it elapsed at the nodes that held it.
    pub(crate) age: Duration,
    pub(crate) bytes: Vec<u8>,
}

impl WireEntry {
    /// Returns the most bytes that an entry of this length takes in a message.
    pub(crate) const fn size(length: usize) -> usize {
        length + 20
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_varint(u128::from(self.round));
        out.put_varint(self.age.as_millis());
        out.put_varint(self.bytes.len() as u128);
        out.put(&self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let round = round(reader)?;
        let age = Duration::from_millis(reader.varint64()?);
        let length = reader.count(reader.0.len())?;
        Ok(Self { round, age, bytes: reader.take(length)?.to_vec() })
    }
}

/// A push of new entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Push {
    /// Whether the sender requests feedback: which of these the receiver held already.
    pub(crate) feedback: bool,
    pub(crate) entries: Vec<WireEntry>,
    /// Entries that are too long for a datagram: receivers that lack one request it.
    pub(crate) announced: Vec<(u32, Item)>,
}

/// One step of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reconcile {
    /// The number of items that the sender holds.
    pub(crate) holds: u64,
    /// Whether this begins a comparison.
    pub(crate) opening: bool,
    pub(crate) parts: Vec<Part>,
    pub(crate) entries: Vec<WireEntry>,
    /// The rest of a requested range, which had no room in this message.
    pub(crate) more: Option<(Item, Item)>,
}

/// A message of events or of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Push(Push),
    /// The answer to a push that requests feedback: the ids that the receiver held already.
    Feedback(Vec<u64>),
    Reconcile(Reconcile),
}

impl Message {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Push(push) => {
                out.put(&[u8::from(push.feedback)]);
                out.put_varint(push.entries.len() as u128);
                for wire in &push.entries {
                    wire.write(&mut out);
                }
                out.put_varint(push.announced.len() as u128);
                let mut bounds = Bounds::default();
                for (round, item) in &push.announced {
                    out.put_varint(u128::from(*round));
                    bounds.write(*item, &mut out);
                }
            }
            Self::Feedback(ids) => {
                out.put(&[2]);
                write_ids(ids, &mut out);
            }
            Self::Reconcile(step) => {
                out.put(&[3]);
                write_talk(step, &mut out);
            }
        }
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader(bytes);
        let message = match reader.u8()? {
            kind @ (0 | 1) => {
                let entries = read_list(&mut reader, WireEntry::read)?;
                let mut bounds = Bounds::default();
                let announced = read_list(&mut reader, |r| Ok((round(r)?, bounds.read(r)?)))?;
                Self::Push(Push { feedback: kind == 1, entries, announced })
            }
            2 => Self::Feedback(read_ids(&mut reader)?),
            3 => Self::Reconcile(read_talk(&mut reader)?),
            _ => return Err(WireError::Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

fn write_talk(step: &Reconcile, out: &mut Vec<u8>) {
    let mut bounds = Bounds::default();
    out.put_varint(u128::from(step.holds));
    out.put_varint(step.parts.len() as u128);
    for part in &step.parts {
        match part {
            Part::Ranges { lower, ranges } => {
                out.put(&[0]);
                bounds.write(*lower, out);
                out.put_varint(ranges.len() as u128);
                for Range { upper, fingerprint } in ranges {
                    bounds.write(*upper, out);
                    out.put_varint(u128::from(fingerprint.count));
                    if fingerprint.count > 0 {
                        out.put(&fingerprint.sum.to_be_bytes());
                    }
                }
            }
            Part::Ids { lower, upper, ids } => {
                out.put(&[1]);
                bounds.write(*lower, out);
                bounds.write(*upper, out);
                write_ids(ids, out);
            }
            Part::Want(ids) => {
                out.put(&[2]);
                write_ids(ids, out);
            }
            Part::WantRange { lower, upper } => {
                out.put(&[3]);
                bounds.write(*lower, out);
                bounds.write(*upper, out);
            }
        }
    }
    out.put_varint(step.entries.len() as u128);
    for wire in &step.entries {
        wire.write(out);
    }
    out.put(&[u8::from(step.more.is_some()) | u8::from(step.opening) << 1]);
    if let Some((lower, upper)) = step.more {
        bounds.write(lower, out);
        bounds.write(upper, out);
    }
}

fn read_talk(reader: &mut Reader<'_>) -> Read<Reconcile> {
    let mut bounds = Bounds::default();
    let holds = reader.varint64()?;
    let parts = read_list(reader, |reader| {
        Ok(match reader.u8()? {
            0 => {
                let lower = bounds.read(reader)?;
                let ranges = read_list(reader, |reader| {
                    let upper = bounds.read(reader)?;
                    let count = reader.varint64()?;
                    let sum = if count > 0 { reader.u64()? } else { 0 };
                    Ok(Range { upper, fingerprint: Fingerprint { count, sum } })
                })?;
                Part::Ranges { lower, ranges }
            }
            1 => {
                let (lower, upper) = (bounds.read(reader)?, bounds.read(reader)?);
                Part::Ids { lower, upper, ids: read_ids(reader)? }
            }
            2 => Part::Want(read_ids(reader)?),
            3 => Part::WantRange { lower: bounds.read(reader)?, upper: bounds.read(reader)? },
            _ => return Err(WireError::Malformed),
        })
    })?;
    let entries = read_list(reader, WireEntry::read)?;
    let flags = reader.u8()?;
    if flags > 3 {
        return Err(WireError::Malformed);
    }
    let goes_on = flags & 1 == 1;
    let more = if goes_on { Some((bounds.read(reader)?, bounds.read(reader)?)) } else { None };
    Ok(Reconcile { holds, opening: flags & 2 == 2, parts, entries, more })
}

fn round(reader: &mut Reader<'_>) -> Read<u32> {
    u32::try_from(reader.varint()?).map_err(|_| WireError::Malformed)
}

fn write_ids(ids: &[u64], out: &mut Vec<u8>) {
    out.put_varint(ids.len() as u128);
    for id in ids {
        out.put(&id.to_be_bytes());
    }
}

fn read_ids(reader: &mut Reader<'_>) -> Read<Vec<u64>> {
    let count = reader.count(MOST)?;
    (0..count).map(|_| reader.u64()).collect()
}

/// Reads a count and that many values; a wrong count costs no memory.
fn read_list<T>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    let count = reader.count(MOST)?;
    let mut list = Vec::new();
    for _ in 0..count {
        list.push(read(reader)?);
    }
    Ok(list)
}

/// Writes items as differences of their stamps, which mostly rise; and an id only if it is not 0.
#[derive(Default)]
struct Bounds {
    before: u64,
}

impl Bounds {
    fn write(&mut self, item: Item, out: &mut Vec<u8>) {
        let step = i128::from(item.stamp.0) - i128::from(self.before);
        let step = ((step << 1) ^ (step >> 127)) as u128;
        let with_id = item.id != 0;
        out.put_varint(step << 1 | u128::from(with_id));
        if with_id {
            out.put(&item.id.to_be_bytes());
        }
        self.before = item.stamp.0;
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Read<Item> {
        let code = reader.varint()?;
        let step = code >> 1;
        let step = ((step >> 1) as i128) ^ -((step & 1) as i128);
        let stamp = i128::from(self.before).checked_add(step).ok_or(WireError::Malformed)?;
        self.before = u64::try_from(stamp).map_err(|_| WireError::Malformed)?;
        let id = if code & 1 == 1 { reader.u64()? } else { 0 };
        Ok(Item { stamp: Stamp(self.before), id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item() -> impl Strategy<Value = Item> {
        (any::<u64>(), any::<u64>()).prop_map(|(stamp, id)| Item { stamp: Stamp(stamp), id })
    }

    fn part() -> impl Strategy<Value = Part> {
        let fingerprint = (0u64..1000, any::<u64>())
            .prop_map(|(count, sum)| Fingerprint { count, sum: if count > 0 { sum } else { 0 } });
        let range = (item(), fingerprint).prop_map(|(upper, f)| Range { upper, fingerprint: f });
        let ids = || prop::collection::vec(any::<u64>(), 0..9);
        prop_oneof![
            (item(), prop::collection::vec(range, 0..5))
                .prop_map(|(lower, ranges)| Part::Ranges { lower, ranges }),
            (item(), item(), ids()).prop_map(|(lower, upper, ids)| Part::Ids { lower, upper, ids }),
            ids().prop_map(Part::Want),
            (item(), item()).prop_map(|(lower, upper)| Part::WantRange { lower, upper }),
        ]
    }

    fn wire_entry() -> impl Strategy<Value = WireEntry> {
        (any::<u32>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(
            |(round, age, bytes)| WireEntry { round, age: Duration::from_millis(age), bytes },
        )
    }

    fn message() -> impl Strategy<Value = Message> {
        let list = || prop::collection::vec(wire_entry(), 0..4);
        prop_oneof![
            (any::<bool>(), list(), prop::collection::vec((any::<u32>(), item()), 0..4)).prop_map(
                |(feedback, entries, announced)| Message::Push(Push {
                    feedback,
                    entries,
                    announced
                })
            ),
            prop::collection::vec(any::<u64>(), 0..5).prop_map(Message::Feedback),
            (
                (any::<u64>(), any::<bool>()),
                prop::collection::vec(part(), 0..5),
                list(),
                prop::option::of((item(), item()))
            )
                .prop_map(|((holds, opening), parts, entries, more)| {
                    Message::Reconcile(Reconcile { holds, opening, parts, entries, more })
                }),
        ]
    }

    proptest! {
        #[test]
        fn messages_come_back_as_they_were(message in message()) {
            prop_assert_eq!(Message::read(&message.write()), Ok(message));
        }

        #[test]
        fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::read(&bytes);
        }

        #[test]
        fn cut_messages_are_refused(message in message(), keep in 0.0..1.0) {
            let bytes = message.write();
            let cut = (bytes.len() as f64 * keep) as usize;
            prop_assert_eq!(Message::read(&bytes[..cut]), Err(WireError::Malformed));
        }
    }
}
