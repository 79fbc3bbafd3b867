//! Membership on the wire: foca's headers and members, and the full state exchange.

use foca::{Header, Member, Message as Swim, State};

use super::{Read, Reader, WireError, Write};
use crate::clock::Stamp;
use crate::identity::{Identity, Name};

/// A message of the state exchange, on the reliable path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StateMessage {
    /// All that the sender knows of the membership. `reply` asks for the same in return; `join`
    /// says that the sender wants to become a member. An answer repeats the `token`. `now` is the
    /// sender's cluster time.
    Exchange {
        from: Identity,
        token: u64,
        reply: bool,
        join: bool,
        now: Stamp,
        members: Vec<Member<Identity>>,
    },
    /// The join is refused: a live member at `by` already has this name.
    NameTaken { token: u64, name: Name, by: core::net::SocketAddr },
}

/// The most members that one exchange may carry.
const MAX_MEMBERS: usize = 1 << 20;

impl StateMessage {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Exchange { from, token, reply, join, now, members } => {
                out.put(&[0, u8::from(*reply) | u8::from(*join) << 1]);
                out.put(&token.to_be_bytes());
                out.put_varint(u128::from(now.0));
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
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader(bytes);
        let message = match reader.u8()? {
            0 => {
                let flags = reader.u8()?;
                let token = reader.u64()?;
                let now = Stamp(reader.varint64()?);
                let from = reader.identity()?;
                let count = reader.count(MAX_MEMBERS)?;
                let mut members = Vec::new();
                for _ in 0..count {
                    members.push(read_member(&mut reader)?);
                }
                let (reply, join) = (flags & 1 != 0, flags & 2 != 0);
                Self::Exchange { from, token, reply, join, now, members }
            }
            1 => Self::NameTaken { token: reader.u64()?, name: reader.name()?, by: reader.addr()? },
            _ => return Err(WireError::Malformed),
        };
        reader.finish()?;
        Ok(message)
    }
}

pub(crate) fn write_member(member: &Member<Identity>, out: &mut Vec<u8>) {
    out.put_identity(member.id());
    out.put(&member.incarnation().to_be_bytes());
    out.put(&[match member.state() {
        State::Alive => 0,
        State::Suspect => 1,
        State::Down => 2,
    }]);
}

pub(crate) fn read_member(reader: &mut Reader<'_>) -> Read<Member<Identity>> {
    let identity = reader.identity()?;
    let incarnation = reader.u16()?;
    let state = match reader.u8()? {
        0 => State::Alive,
        1 => State::Suspect,
        2 => State::Down,
        _ => return Err(WireError::Malformed),
    };
    Ok(Member::new(identity, incarnation, state))
}

pub(crate) fn write_foca_header(header: &Header<Identity>, out: &mut Vec<u8>) {
    out.put_identity(&header.src);
    out.put(&header.src_incarnation.to_be_bytes());
    out.put_identity(&header.dst);
    let mut numbered = |kind: u8, who: Option<&Identity>, number: u8| {
        out.put(&[kind]);
        if let Some(who) = who {
            out.put_identity(who);
        }
        out.put(&[number]);
    };
    match &header.message {
        Swim::Ping(n) => numbered(0, None, *n),
        Swim::Ack(n) => numbered(1, None, *n),
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

pub(crate) fn read_foca_header(reader: &mut Reader<'_>) -> Read<Header<Identity>> {
    let src = reader.identity()?;
    let src_incarnation = reader.u16()?;
    let dst = reader.identity()?;
    let message = match reader.u8()? {
        0 => Swim::Ping(reader.u8()?),
        1 => Swim::Ack(reader.u8()?),
        2 => Swim::PingReq { target: reader.identity()?, probe_number: reader.u8()? },
        3 => Swim::IndirectPing { origin: reader.identity()?, probe_number: reader.u8()? },
        4 => Swim::IndirectAck { target: reader.identity()?, probe_number: reader.u8()? },
        5 => Swim::ForwardedAck { origin: reader.identity()?, probe_number: reader.u8()? },
        6 => Swim::Announce,
        7 => Swim::Feed,
        8 => Swim::Gossip,
        9 => Swim::Broadcast,
        10 => Swim::TurnUndead,
        _ => return Err(WireError::Malformed),
    };
    Ok(Header { src, src_incarnation, dst, message })
}
