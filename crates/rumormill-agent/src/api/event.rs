//! What happens, as it happens.

use std::net::SocketAddr;

use rumormill_proto::{self as proto, Reading};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KeyChange, Member, MemberState, Rumor};

/// Something that has happened. In JSON, `event` says what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A member is up.
    MemberUp {
        /// Who.
        member: Member,
    },
    /// A member has left or was declared dead.
    MemberDown {
        /// Who.
        member: Member,
    },
    /// The cluster that `via` belongs to has let this agent in.
    Joined {
        /// The address that was asked.
        #[schema(value_type = String)]
        via: SocketAddr,
        /// How many members are up now, this agent included.
        members: usize,
    },
    /// A name to join could not be looked up, or an address has not answered or belongs to another
    /// cluster. The agent tries again by itself, less and less often. An agent that has company
    /// tells of an address only when the reason is new.
    JoinFailed {
        /// `host:port` as it was given if it could not be resolved, otherwise the address asked.
        address: String,
        /// How often it has been tried.
        attempts: u32,
        /// What went wrong.
        reason: String,
    },
    /// The cluster refused this agent: a live member at `by` has its name. The agent stops.
    NameTaken {
        /// The name.
        name: String,
        /// Where the member is that has it.
        #[schema(value_type = String)]
        by: SocketAddr,
    },
    /// Two live members have the same name. Figures count both.
    NameConflict {
        /// The name.
        name: String,
        /// The addresses of the two.
        #[schema(value_type = Vec<String>)]
        addrs: [SocketAddr; 2],
    },
    /// The others held this agent for dead; it goes on as this new incarnation.
    Renewed {
        /// The agent as it is now.
        member: Member,
    },
    /// Large datagrams to a member vanish on the way; what is larger goes over the reliable path.
    NarrowPath {
        /// To whom.
        member: Member,
        /// The size in bytes up to which datagrams get through.
        limit_bytes: usize,
    },
    /// A foreign packet was dropped. Told at most once in ten seconds for each reason.
    Dropped {
        /// Where it came from.
        #[schema(value_type = String)]
        from: SocketAddr,
        /// What was wrong with it.
        reason: String,
    },
    /// The keys of a member have differed from this agent's for long, whatever was exchanged.
    KvDiffers {
        /// The member's name.
        member: String,
        /// For how long, in seconds, without a moment at which both were seen to be equal.
        seconds: f64,
    },
    /// A member's clock differs from this agent's time by more than `max_clock_skew`. What it writes
    /// is refused if its clock is ahead.
    ClockSkew {
        /// The member's name.
        member: String,
        /// By how much it is ahead, in seconds; negative if it is behind.
        ahead_seconds: f64,
    },
    /// Most members' clocks differ from this agent's own, so that it goes by theirs from now on; or,
    /// if the correction is 0, by its own again.
    ClockCorrected {
        /// What is added to this agent's clock, in seconds.
        correction_seconds: f64,
    },
    /// A round of the figures in round mode is over.
    RoundFinished {
        /// The round's number.
        round: u64,
        /// How many nodes were members from its beginning to its end.
        participants: usize,
    },
    /// News has arrived.
    Rumor(Rumor),
    /// A query has arrived; this agent's handler answers it.
    Query(Rumor),
    /// A key of the replica has changed.
    Key(KeyChange),
    /// This agent takes the replica, or what it has missed of it, from another one.
    CatchUp {
        /// The name of the other.
        from: String,
        /// How many entries have been compared or fetched so far.
        have: u64,
        /// How many there are.
        total: u64,
    },
    /// A user's protocol said something.
    Protocol {
        /// The protocol's name.
        name: String,
        /// What it said, if that is text.
        #[schema(required = true)]
        text: Option<String>,
        /// What it said.
        payload: Vec<u8>,
    },
    /// A figure has changed. Only on `/v1/watch`, at most once a gossip period for each figure.
    Aggregate {
        /// What the agent can say of it now.
        reading: Box<Reading>,
    },
    /// The reader was too slow. Only on `/v1/watch`.
    Missed {
        /// How many events it has missed.
        events: u64,
    },
}

impl Event {
    /// All kinds, as in the JSON's `event` field.
    pub const KINDS: [&str; 20] = [
        "member_up",
        "member_down",
        "joined",
        "join_failed",
        "name_taken",
        "name_conflict",
        "renewed",
        "narrow_path",
        "dropped",
        "kv_differs",
        "clock_skew",
        "clock_corrected",
        "round_finished",
        "rumor",
        "query",
        "key",
        "catch_up",
        "protocol",
        "aggregate",
        "missed",
    ];

    /// The event's kind, as in the JSON's `event` field.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::MemberUp { .. } => "member_up",
            Self::MemberDown { .. } => "member_down",
            Self::Joined { .. } => "joined",
            Self::JoinFailed { .. } => "join_failed",
            Self::NameTaken { .. } => "name_taken",
            Self::NameConflict { .. } => "name_conflict",
            Self::Renewed { .. } => "renewed",
            Self::NarrowPath { .. } => "narrow_path",
            Self::Dropped { .. } => "dropped",
            Self::KvDiffers { .. } => "kv_differs",
            Self::ClockSkew { .. } => "clock_skew",
            Self::ClockCorrected { .. } => "clock_corrected",
            Self::RoundFinished { .. } => "round_finished",
            Self::Rumor(_) => "rumor",
            Self::Query(_) => "query",
            Self::Key(_) => "key",
            Self::CatchUp { .. } => "catch_up",
            Self::Protocol { .. } => "protocol",
            Self::Aggregate { .. } => "aggregate",
            Self::Missed { .. } => "missed",
        }
    }
}

impl Event {
    /// What everyone may hear of it; `None` for what concerns only who has asked a query.
    pub(crate) fn of(event: proto::Notice, node: &proto::Node) -> Option<Self> {
        let member = |identity: &proto::Identity, state, me| Member::new(identity, state, me);
        Some(match event {
            proto::Notice::MemberUp(peer) => {
                Self::MemberUp { member: member(&peer, MemberState::Alive, false) }
            }
            proto::Notice::MemberDown(peer) => {
                Self::MemberDown { member: member(&peer, MemberState::Down, false) }
            }
            proto::Notice::Joined { via, members } => Self::Joined { via, members },
            proto::Notice::JoinFailed { addr, attempts, reason } => {
                Self::JoinFailed { address: addr.to_string(), attempts, reason }
            }
            proto::Notice::NameTaken { name, by } => Self::NameTaken { name: name.to_string(), by },
            proto::Notice::NameConflict { name, addrs } => {
                Self::NameConflict { name: name.to_string(), addrs }
            }
            proto::Notice::Renewed(me) => {
                Self::Renewed { member: member(&me, MemberState::Alive, true) }
            }
            proto::Notice::NarrowPath { peer, limit } => {
                let member = member(&peer, MemberState::Alive, false);
                Self::NarrowPath { member, limit_bytes: limit }
            }
            proto::Notice::Dropped { from, reason } => {
                Self::Dropped { from, reason: reason.to_string() }
            }
            proto::Notice::Differs { member, elapsed } => {
                Self::KvDiffers { member: member.to_string(), seconds: elapsed.as_secs_f64() }
            }
            proto::Notice::ClockSkew { member, ahead_millis } => Self::ClockSkew {
                member: member.to_string(),
                ahead_seconds: ahead_millis as f64 / 1e3,
            },
            proto::Notice::ClockCorrected { correction_millis } => {
                Self::ClockCorrected { correction_seconds: correction_millis as f64 / 1e3 }
            }
            proto::Notice::RoundFinished { round, participants } => {
                Self::RoundFinished { round, participants }
            }
            proto::Notice::Protocol { name, payload } => {
                let text = std::str::from_utf8(&payload).ok().map(str::to_owned);
                Self::Protocol { name, text, payload }
            }
            proto::Notice::Event(rumor) => Self::Rumor(rumor.into()),
            proto::Notice::Query { question, .. } => Self::Query(question.into()),
            proto::Notice::Key(change) => Self::Key(KeyChange::new(change, node)),
            proto::Notice::CatchUp { from, have, total } => {
                Self::CatchUp { from: from.to_string(), have, total }
            }
            proto::Notice::Answer { .. }
            | proto::Notice::QueryFinished { .. }
            | proto::Notice::OwnAddress { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_what_the_json_says_and_the_json_can_be_read_again() {
        let addr: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let name = proto::Name::new("a").unwrap();
        let identity = proto::Identity { name: name.clone(), addr, incarnation: 1 };
        let node = proto::Node::new(proto::Instant::ZERO, identity.clone(), Default::default(), 1);
        let node = node.unwrap();
        let (stamp, timeout) = (proto::Stamp(1 << 20), proto::Duration::from_secs(1));
        let rumor = proto::Event {
            id: proto::EventId(7),
            stamp,
            node: identity.id(),
            origin: name.clone(),
            topic: name.clone(),
            payload: b"\xff".to_vec(),
            round: 2,
            age: timeout,
        };
        let version = proto::Version { stamp, node: identity.id() };
        let entry = proto::Entry { key: "k".into(), value: Some(b"v".to_vec()), version };
        let gone = proto::Entry { value: None, ..entry.clone() };
        let events = [
            proto::Notice::MemberUp(identity.clone()),
            proto::Notice::MemberDown(identity.clone()),
            proto::Notice::Joined { via: addr, members: 2 },
            proto::Notice::JoinFailed { addr, attempts: 1, reason: "no answer".into() },
            proto::Notice::NameTaken { name: name.clone(), by: addr },
            proto::Notice::NameConflict { name: name.clone(), addrs: [addr, addr] },
            proto::Notice::Renewed(identity.clone()),
            proto::Notice::NarrowPath { peer: identity, limit: 600 },
            proto::Notice::Dropped { from: addr, reason: proto::WireError::Version(9) },
            proto::Notice::Differs { member: name.clone(), elapsed: timeout },
            proto::Notice::ClockSkew { member: name.clone(), ahead_millis: -5 },
            proto::Notice::ClockCorrected { correction_millis: 0 },
            proto::Notice::RoundFinished { round: 3, participants: 4 },
            proto::Notice::Event(rumor.clone()),
            proto::Notice::Query { question: rumor, timeout },
            proto::Notice::Key(proto::KeyChange { entry, local: true }),
            proto::Notice::Key(proto::KeyChange { entry: gone, local: false }),
            proto::Notice::CatchUp { from: name.clone(), have: 1, total: 2 },
            proto::Notice::Protocol { name: "mine".into(), payload: vec![0xff] },
        ];
        for event in events
            .into_iter()
            .filter_map(|event| Event::of(event, &node))
            .chain([Event::Missed { events: 7 }])
        {
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(json["event"], event.kind());
            assert!(Event::KINDS.contains(&event.kind()));
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
    }
}
