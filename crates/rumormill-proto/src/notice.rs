//! The notices of a node to its driver and its user.

use core::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::codec::WireError;
use crate::identity::{Identity, Name};
#[cfg(feature = "schema")]
use crate::json::bytes::Payload;
use crate::json::bytes::payload;
use crate::json::{millis, seconds, seconds_of_millis};
use crate::kv::entry::KeyChange;
use crate::rumor::event::{Event, EventId};
use crate::time::Duration;

/// A report of a node to its driver, and of an agent to its subscribers. In JSON, `kind` names the
/// variant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// A member is up.
    MemberUp {
        /// The member.
        member: Identity,
    },
    /// A member has left or was declared dead.
    MemberDown {
        /// The member.
        member: Identity,
    },
    /// The cluster of `via` has accepted this node.
    Joined {
        /// The address that was asked.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        via: SocketAddr,
        /// The number of members that are up now, this node included.
        members: usize,
    },
    /// An address has not answered. The node tries again, less and less often.
    JoinFailed {
        /// The address that was asked.
        #[serde(rename = "address")]
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        addr: SocketAddr,
        /// The number of attempts.
        attempts: u32,
        /// What went wrong.
        reason: String,
    },
    /// An address that was asked belongs to this node itself. It is not asked again. Only for the
    /// driver.
    #[serde(skip)]
    OwnAddress {
        /// The address that was asked.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        addr: SocketAddr,
    },
    /// The cluster refused this node: a live member at `by` has its name. The node doesn't try again.
    NameTaken {
        /// The name.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        name: Name,
        /// The address of the member that has it.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        by: SocketAddr,
    },
    /// Two live members have the same name. Aggregates count both.
    NameConflict {
        /// The name.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        name: Name,
        /// The addresses of the two.
        #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
        addrs: [SocketAddr; 2],
    },
    /// Large datagrams to a peer are lost; larger messages go over the reliable path.
    NarrowPath {
        /// The peer.
        member: Identity,
        /// The size in bytes up to which datagrams get through.
        limit_bytes: usize,
    },
    /// This node was declared dead; it continues as this new incarnation.
    Renewed {
        /// The member.
        member: Identity,
    },
    /// A foreign packet was dropped. Reported at most once in ten seconds for each reason.
    Dropped {
        /// The sender's address.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: SocketAddr,
        /// The reason.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        reason: WireError,
    },
    /// An event has arrived, or was published here. Each is reported once.
    Event(Event),
    /// A query has arrived, or was asked here; [`Queries::answer`](crate::Queries::answer) answers it.
    Query {
        /// The query's topic and payload, and its id.
        #[serde(flatten)]
        question: Event,
        /// The time within which an answer counts. Milliseconds in JSON.
        #[serde(rename = "timeout_ms", with = "millis")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        timeout: Duration,
    },
    /// A node has answered a query of this node.
    #[serde(skip)]
    Answer {
        /// The query.
        query: EventId,
        /// The node that answers.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: Name,
        /// The answer.
        payload: Vec<u8>,
    },
    /// All nodes have answered, or the time is up.
    #[serde(skip)]
    QueryFinished {
        /// The query.
        query: EventId,
        /// The number of nodes that have answered.
        answered: usize,
        /// The number of members when it was asked, this node included.
        expected: usize,
    },
    /// A key has changed here.
    Key(KeyChange),
    /// This node is receiving the entries that it lacks from `from`.
    CatchUp {
        /// The name of the sender.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: Name,
        /// The number of entries that this node holds now, tombstones included.
        have: u64,
        /// The number that it will hold, as far as is known.
        total: u64,
    },
    /// The entries of a member have differed from this node's for long, whatever was exchanged.
    KvDiffers {
        /// The member.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        member: Name,
        /// The time for which they have differed, without having been seen to be equal.
        #[serde(rename = "seconds", with = "seconds")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        elapsed: Duration,
    },
    /// A member's clock differs from this node's time by more than `max_clock_skew`. If it is ahead,
    /// its writes are refused.
    ClockSkew {
        /// The member.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        member: Name,
        /// The milliseconds by which it is ahead; negative if it is behind.
        #[serde(rename = "ahead_seconds", with = "seconds_of_millis")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        ahead_millis: i64,
    },
    /// This node's clock is corrected from now on, since it differs from most members' clocks; or, if
    /// the correction is 0, no longer.
    ClockCorrected {
        /// The milliseconds that are added to this node's clock.
        #[serde(rename = "correction_seconds", with = "seconds_of_millis")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        correction_millis: i64,
    },
    /// An epoch of the aggregates in mode epoch is over; [`Node::aggregates`](crate::Node::aggregates)
    /// has the results.
    EpochFinished {
        /// The epoch's number.
        epoch: u64,
        /// The number of members, all of which took part.
        participants: usize,
    },
    /// A user's protocol called [`Context::emit`](crate::Context::emit).
    Protocol {
        /// The protocol's name.
        name: String,
        /// What it emitted.
        #[serde(flatten, with = "payload")]
        #[cfg_attr(feature = "schema", schema(value_type = Payload))]
        payload: Vec<u8>,
    },
    /// A name to join could not be looked up. Reported by drivers that look names up; they retry.
    LookupFailed {
        /// The name, as `host:port`.
        address: String,
        /// The number of lookups in a row that have failed.
        attempts: u32,
        /// What went wrong.
        reason: String,
    },
}

macro_rules! kinds {
    ($($name:literal: $variant:ident,)*) => {
        impl Notice {
            /// The kinds of the notices that subscribers get, as in the JSON's `kind`.
            pub const KINDS: &[&str] = &[$($name),*];

            /// Returns the notice's kind, as in the JSON's `kind`; `None` if it is only for the driver.
            pub fn kind(&self) -> Option<&'static str> {
                match self {
                    $(Self::$variant { .. } => Some($name),)*
                    Self::OwnAddress { .. } | Self::Answer { .. } | Self::QueryFinished { .. } => None,
                }
            }
        }
    };
}

kinds! {
    "member_up": MemberUp,
    "member_down": MemberDown,
    "joined": Joined,
    "join_failed": JoinFailed,
    "lookup_failed": LookupFailed,
    "name_taken": NameTaken,
    "name_conflict": NameConflict,
    "renewed": Renewed,
    "narrow_path": NarrowPath,
    "dropped": Dropped,
    "kv_differs": KvDiffers,
    "clock_skew": ClockSkew,
    "clock_corrected": ClockCorrected,
    "epoch_finished": EpochFinished,
    "event": Event,
    "query": Query,
    "key": Key,
    "catch_up": CatchUp,
    "protocol": Protocol,
}
