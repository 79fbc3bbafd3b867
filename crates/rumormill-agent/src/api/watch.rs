//! What `/v1/watch` streams.

use rumormill_proto::{Notice, Reading};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One message of `/v1/watch`. In JSON, `kind` says what it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Update {
    /// What the stream adds to the agent's notices.
    Stream(StreamUpdate),
    /// A notice of the agent.
    Notice(Notice),
}

/// What `/v1/watch` adds to the agent's notices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StreamUpdate {
    /// The reading of an aggregate has changed; at most one in a gossip period for each.
    Aggregate {
        /// The reading.
        reading: Box<Reading>,
    },
    /// The reader was too slow.
    Missed {
        /// The number of notices that it has missed.
        notices: u64,
    },
}

impl Update {
    /// The kinds of the updates that the stream adds, as in the JSON's `kind`.
    const ADDED: [&str; 2] = ["aggregate", "missed"];

    /// Returns all kinds, as in the JSON's `kind`.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        Notice::KINDS.iter().copied().chain(Self::ADDED)
    }

    /// Returns the update's kind, as in the JSON's `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Notice(notice) => notice.kind().unwrap_or_default(),
            Self::Stream(StreamUpdate::Aggregate { .. }) => Self::ADDED[0],
            Self::Stream(StreamUpdate::Missed { .. }) => Self::ADDED[1],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rumormill_proto::{
        Duration, Event, EventId, Identity, KeyChange, Name, Stamp, Version, WireError,
    };

    use super::*;

    #[test]
    fn the_kind_is_what_the_json_says_and_the_json_can_be_read_again() {
        let addr: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let name = Name::new("a").unwrap();
        let member = Identity { name: name.clone(), addr, incarnation: 1 };
        let (stamp, timeout) = (Stamp(1 << 20), Duration::from_secs(1));
        let event = Event {
            id: EventId(7),
            stamp,
            node: member.id(),
            origin: name.clone(),
            topic: name.clone(),
            payload: b"\xff".to_vec(),
            round: 2,
            age: timeout,
        };
        let change = KeyChange {
            key: "k".into(),
            value: Some(b"v".to_vec()),
            version: Version { stamp: Stamp(stamp.0 + 3), node: member.id() },
            origin: name.clone(),
            local: true,
        };
        let gone = KeyChange { value: None, local: false, ..change.clone() };
        let member = || member.clone();
        let notices = [
            Notice::MemberUp { member: member() },
            Notice::MemberDown { member: member() },
            Notice::Joined { via: addr, members: 2 },
            Notice::JoinFailed { addr, attempts: 1, reason: "no answer".into() },
            Notice::LookupFailed { address: "x:1".into(), attempts: 1, reason: "unknown".into() },
            Notice::NameTaken { name: name.clone(), by: addr },
            Notice::NameConflict { name: name.clone(), addrs: [addr, addr] },
            Notice::Renewed { member: member() },
            Notice::NarrowPath { member: member(), limit_bytes: 600 },
            Notice::Dropped { from: addr, reason: WireError::Version(9) },
            Notice::KvDiffers { member: name.clone(), elapsed: timeout },
            Notice::ClockSkew { member: name.clone(), ahead_millis: -5 },
            Notice::ClockCorrected { correction_millis: 0 },
            Notice::EpochFinished { epoch: 3, participants: 4 },
            Notice::Event(event.clone()),
            Notice::Query { question: event, timeout },
            Notice::Key(change),
            Notice::Key(gone),
            Notice::CatchUp { from: name.clone(), have: 1, total: 2 },
            Notice::Protocol { name: "mine".into(), payload: vec![0xff] },
        ];
        let mut kinds: Vec<_> = notices.iter().filter_map(Notice::kind).collect();
        kinds.dedup();
        assert_eq!(kinds, Notice::KINDS);
        let missed = Update::Stream(StreamUpdate::Missed { notices: 7 });
        for update in notices.into_iter().map(Update::Notice).chain([missed]) {
            let json = serde_json::to_value(&update).unwrap();
            assert_eq!(json["kind"], update.kind());
            assert!(Update::kinds().any(|kind| kind == update.kind()));
            assert_eq!(serde_json::from_value::<Update>(json).unwrap(), update);
        }
    }
}
