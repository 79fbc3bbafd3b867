//! Membership on the wire: foca's headers and members, and the full state exchange.

use core::net::SocketAddr;
use foca::{Header, Member, Message as Swim, State};

use crate::codec::{Read, Reader, WireError, Write};
use crate::identity::{Name, NodeId};
use crate::membership::directory::Directory;
use crate::membership::peer::Peer;

/// A message of the state exchange, on the reliable path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StateMessage {
    /// All members that the sender has. `reply` requests the same in return; `join` requests to become
    /// a member. An answer repeats the `token`. `wall` is the sender's wall clock, in milliseconds
    /// since 1970.
    Exchange {
        from: Peer,
        token: u64,
        reply: bool,
        join: bool,
        wall: u64,
        members: Vec<Member<Peer>>,
    },
    /// The join is refused: a live member at `by` already has this name.
    NameTaken { token: u64, name: Name, by: SocketAddr },
    /// The digest of the sender's membership. A receiver with another digest answers with an exchange.
    Compare { from: Peer, wall: u64, digest: u64 },
}

/// The most members that one exchange may carry.
const MAX_MEMBERS: usize = 1 << 20;

impl StateMessage {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exchange { from, token, reply, join, wall, members } => {
                out.put(&[0, u8::from(*reply) | u8::from(*join) << 1]);
                out.put(&token.to_be_bytes());
                out.put_varint(u128::from(*wall));
                out.put_identity(from);
                out.put_varint(members.len() as u128);
                for member in members {
                    write_member(member, out);
                }
            }
            Self::NameTaken { token, name, by } => {
                out.put(&[1]);
                out.put(&token.to_be_bytes());
                out.put_name(name);
                out.put_addr(by);
            }
            Self::Compare { from, wall, digest } => {
                out.put(&[2]);
                out.put_varint(u128::from(*wall));
                out.put_identity(from);
                out.put(&digest.to_be_bytes());
            }
        }
    }

    pub(crate) fn read(bytes: &[u8], directory: &Directory) -> Read<Self> {
        let mut reader = Reader(bytes);
        let message = match reader.u8()? {
            0 => {
                let flags = reader.u8()?;
                let token = reader.u64()?;
                let wall = reader.varint64()?;
                let from = read_peer(&mut reader, directory)?;
                let count = reader.count(MAX_MEMBERS)?;
                let mut members = Vec::new();
                for _ in 0..count {
                    members.push(read_member(&mut reader, directory)?);
                }
                let (reply, join) = (flags & 1 != 0, flags & 2 != 0);
                Self::Exchange { from, token, reply, join, wall, members }
            }
            1 => Self::NameTaken { token: reader.u64()?, name: reader.name()?, by: reader.addr()? },
            2 => {
                let wall = reader.varint64()?;
                let from = read_peer(&mut reader, directory)?;
                Self::Compare { from, wall, digest: reader.u64()? }
            }
            _ => return Err(WireError::Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

impl StateMessage {
    /// Reads the token and the sender's address of an exchange that requests an answer.
    pub(crate) fn read_request(bytes: &[u8]) -> Read<(u64, SocketAddr)> {
        let mut reader = Reader(bytes);
        if reader.u8()? != 0 || reader.u8()? & 1 == 0 {
            return Err(WireError::Malformed);
        }
        let token = reader.u64()?;
        reader.varint64()?;
        let (addr, ..) = read_identity(&mut reader)?;
        Ok((token, addr))
    }
}

/// A member as a message contains it.
#[derive(Clone, Copy)]
pub(crate) struct WireMember<'a> {
    pub(crate) addr: SocketAddr,
    incarnation: u64,
    name: &'a str,
    refutations: u16,
    state: State,
}

impl<'a> WireMember<'a> {
    fn read(reader: &mut Reader<'a>) -> Read<Self> {
        let (addr, incarnation, name) = read_identity(reader)?;
        let refutations = reader.u16()?;
        let state = match reader.u8()? {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            _ => return Err(WireError::Malformed),
        };
        Ok(Self { addr, incarnation, name, refutations, state })
    }

    pub(crate) fn id(&self) -> NodeId {
        NodeId::of(self.addr, self.incarnation)
    }

    /// Returns whether it says no more than that the member is up: it has never been suspected.
    pub(crate) fn is_join(&self) -> bool {
        self.state == State::Alive && self.refutations == 0
    }
}

fn read_identity<'a>(reader: &mut Reader<'a>) -> Read<(SocketAddr, u64, &'a str)> {
    let (addr, incarnation) = (reader.addr()?, reader.u64()?);
    let length = usize::from(reader.u8()?);
    let name = core::str::from_utf8(reader.take(length)?).map_err(|_| WireError::Malformed)?;
    Ok((addr, incarnation, name))
}

fn read_peer(reader: &mut Reader<'_>, directory: &Directory) -> Read<Peer> {
    let (addr, incarnation, name) = read_identity(reader)?;
    directory.read(incarnation, addr, name).ok_or(WireError::Malformed)
}

pub(crate) fn write_member(member: &Member<Peer>, out: &mut Vec<u8>) {
    out.put_identity(member.id());
    out.put(&member.incarnation().to_be_bytes());
    out.put(&[match member.state() {
        State::Alive => 0,
        State::Suspect => 1,
        State::Down => 2,
    }]);
}

pub(crate) fn read_member(reader: &mut Reader<'_>, directory: &Directory) -> Read<Member<Peer>> {
    let member = WireMember::read(reader)?;
    let peer =
        directory.read(member.incarnation, member.addr, member.name).ok_or(WireError::Malformed)?;
    Ok(Member::new(peer, member.refutations, member.state))
}

/// A SWIM packet as foca reads it: with the receiver's identity, and without the members that are not
/// new.
pub(crate) struct Trimmed {
    /// The sender.
    pub(crate) from: (NodeId, SocketAddr),
    /// The number of the probe that this packet answers, if it is an answer.
    pub(crate) answers: Option<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// The kinds of a probe and of its answer; see [`write_foca_header`].
const PING: u8 = 0;
const ACK: u8 = 1;

/// Returns the number of a probe that this node sends; `None` if the packet is none.
pub(crate) fn probe_number(bytes: &[u8]) -> Option<u8> {
    let mut reader = Reader(bytes);
    read_identity(&mut reader).ok()?;
    reader.u16().ok()?;
    let probes = reader.u8() == Ok(TO_THE_RECEIVER) && reader.u8() == Ok(PING);
    probes.then(|| reader.u8().ok()).flatten()
}

/// On the wire the receiver's identity is omitted if the envelope identifies it.
const TO_THE_RECEIVER: u8 = 0;
const TO_THIS_IDENTITY: u8 = 1;

pub(crate) fn trim_swim(
    bytes: &[u8],
    to: NodeId,
    me: &Peer,
    mut is_news: impl FnMut(&WireMember<'_>) -> bool,
) -> Read<Trimmed> {
    let mut reader = Reader(bytes);
    let read_so_far = |reader: &Reader<'_>| bytes.len() - reader.0.len();
    let (addr, incarnation, _) = read_identity(&mut reader)?;
    reader.u16()?;
    let mut trimmed = bytes[..read_so_far(&reader)].to_vec();
    trimmed.put(&[TO_THIS_IDENTITY]);
    let rest = read_so_far(&reader) + 1;
    match reader.u8()? {
        TO_THE_RECEIVER if to == me.id() => trimmed.put_identity(me),
        TO_THE_RECEIVER => return Err(WireError::Stranger),
        TO_THIS_IDENTITY => read_identity(&mut reader).map(|_| ())?,
        _ => return Err(WireError::Malformed),
    }
    let mut answers = None;
    match reader.u8()? {
        PING => reader.u8().map(|_| ()),
        ACK => reader.u8().map(|number| answers = Some(number)),
        2..=5 => read_identity(&mut reader).and_then(|_| reader.u8()).map(|_| ()),
        6..=10 => Ok(()),
        _ => Err(WireError::Malformed),
    }?;
    trimmed.put(&bytes[rest..read_so_far(&reader)]);
    let from = (NodeId::of(addr, incarnation), addr);
    if reader.0.is_empty() {
        return Ok(Trimmed { from, answers, bytes: trimmed });
    }
    let count = reader.u16()?;
    let (at, mut kept) = (trimmed.len(), 0u16);
    trimmed.put(&count.to_be_bytes());
    for _ in 0..count {
        let before = read_so_far(&reader);
        if is_news(&WireMember::read(&mut reader)?) {
            kept += 1;
            trimmed.put(&bytes[before..read_so_far(&reader)]);
        }
    }
    reader.finish()?;
    trimmed[at..at + 2].copy_from_slice(&kept.to_be_bytes());
    Ok(Trimmed { from, answers, bytes: trimmed })
}

pub(crate) fn write_foca_header(header: &Header<Peer>, out: &mut Vec<u8>) {
    out.put_identity(&header.src);
    out.put(&header.src_incarnation.to_be_bytes());
    // A node that announces itself may only know an earlier incarnation of the receiver.
    if header.message == Swim::Announce {
        out.put(&[TO_THIS_IDENTITY]);
        out.put_identity(&header.dst);
    } else {
        out.put(&[TO_THE_RECEIVER]);
    }
    let mut numbered = |kind: u8, who: Option<&Peer>, number: u8| {
        out.put(&[kind]);
        if let Some(who) = who {
            out.put_identity(who);
        }
        out.put(&[number]);
    };
    match &header.message {
        Swim::Ping(n) => numbered(PING, None, *n),
        Swim::Ack(n) => numbered(ACK, None, *n),
        Swim::PingReq { target, probe_number } => numbered(2, Some(target), *probe_number),
        Swim::IndirectPing { origin, probe_number } => numbered(3, Some(origin), *probe_number),
        Swim::IndirectAck { target, probe_number } => numbered(4, Some(target), *probe_number),
        Swim::ForwardedAck { origin, probe_number } => numbered(5, Some(origin), *probe_number),
        Swim::Announce => out.put(&[6]),
        Swim::Feed => out.put(&[7]),
        Swim::Gossip => out.put(&[8]),
        Swim::Broadcast => out.put(&[9]),
        Swim::TurnUndead => out.put(&[10]),
    }
}

pub(crate) fn read_foca_header(
    reader: &mut Reader<'_>,
    directory: &Directory,
) -> Read<Header<Peer>> {
    let peer = |reader: &mut Reader<'_>| read_peer(reader, directory);
    let src = peer(reader)?;
    let src_incarnation = reader.u16()?;
    // `trim_swim` has put it in.
    let dst = match reader.u8()? {
        TO_THIS_IDENTITY => peer(reader)?,
        _ => return Err(WireError::Malformed),
    };
    let message = match reader.u8()? {
        PING => Swim::Ping(reader.u8()?),
        ACK => Swim::Ack(reader.u8()?),
        2 => Swim::PingReq { target: peer(reader)?, probe_number: reader.u8()? },
        3 => Swim::IndirectPing { origin: peer(reader)?, probe_number: reader.u8()? },
        4 => Swim::IndirectAck { target: peer(reader)?, probe_number: reader.u8()? },
        5 => Swim::ForwardedAck { origin: peer(reader)?, probe_number: reader.u8()? },
        6 => Swim::Announce,
        7 => Swim::Feed,
        8 => Swim::Gossip,
        9 => Swim::Broadcast,
        10 => Swim::TurnUndead,
        _ => return Err(WireError::Malformed),
    };
    Ok(Header { src, src_incarnation, dst, message })
}
