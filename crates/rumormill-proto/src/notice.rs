//! What a node asks its driver for: to send a message, to tell the user something.

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

/// What a node reports to its driver, and an agent to its subscribers. In JSON, `kind` names the variant.
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
    /// The cluster that `via` belongs to has let this node in.
    Joined {
        /// The address that was asked.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        via: SocketAddr,
        /// How many members are up now, this node included.
        members: usize,
    },
    /// An address has not answered. The node tries again by itself, less and less often.
    JoinFailed {
        /// The address that was asked.
        #[serde(rename = "address")]
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        addr: SocketAddr,
        /// How often it has been asked.
        attempts: u32,
        /// What went wrong.
        reason: String,
    },
    /// An address that was asked leads to this node itself. It is not asked again. For the driver alone.
    #[serde(skip)]
    OwnAddress {
        /// The address that was asked.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        addr: SocketAddr,
    },
    /// The cluster refused this node: a live member at `by` has its name. It doesn't try again.
    NameTaken {
        /// The name.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        name: Name,
        /// Where the member is that has it.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        by: SocketAddr,
    },
    /// Two live members have the same name. Figures count both.
    NameConflict {
        /// The name.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        name: Name,
        /// The addresses of the two.
        #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
        addrs: [SocketAddr; 2],
    },
    /// Large datagrams to a peer vanish on the way; what is larger goes over the reliable path.
    NarrowPath {
        /// The peer.
        member: Identity,
        /// The size in bytes up to which datagrams get through.
        limit_bytes: usize,
    },
    /// The others declared this node dead; it goes on as this new incarnation.
    Renewed {
        /// The member.
        member: Identity,
    },
    /// A foreign packet was dropped. Told at most once in ten seconds for each reason.
    Dropped {
        /// Where it came from.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: SocketAddr,
        /// What was wrong with it.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        reason: WireError,
    },
    /// A rumor has arrived, or was published here. Each is heard once.
    Event(Event),
    /// A question has arrived, or was asked here; [`Queries::answer`](crate::Queries::answer) answers it.
    Query {
        /// The question: its topic and payload. Its id names it.
        #[serde(flatten)]
        question: Event,
        /// How long to wait for answers. Milliseconds in JSON.
        #[serde(rename = "timeout_ms", with = "millis")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        timeout: Duration,
    },
    /// A node has answered a question that this node asked.
    #[serde(skip)]
    Answer {
        /// The question.
        query: EventId,
        /// Who answers.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: Name,
        /// What it says.
        payload: Vec<u8>,
    },
    /// All have answered, or the time is up.
    #[serde(skip)]
    QueryFinished {
        /// The question.
        query: EventId,
        /// How many nodes have answered.
        answered: usize,
        /// How many were members when it was asked, this one included.
        expected: usize,
    },
    /// A key has changed here.
    Key(KeyChange),
    /// This node is taking over what it lacks of the replica from `from`.
    CatchUp {
        /// From whom.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        from: Name,
        /// How many entries this node holds now, tombstones included.
        have: u64,
        /// How many it will hold, as far as that is known.
        total: u64,
    },
    /// The replica of a member has differed from this node's for this long, whatever was exchanged.
    KvDiffers {
        /// The member.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        member: Name,
        /// For how long, without a moment at which both were seen to be equal.
        #[serde(rename = "seconds", with = "seconds")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        elapsed: Duration,
    },
    /// A member's clock differs from this node's time by more than `max_clock_skew`. What it writes
    /// is refused if its clock is ahead.
    ClockSkew {
        /// The member.
        #[cfg_attr(feature = "schema", schema(value_type = String))]
        member: Name,
        /// By how much it is ahead, in milliseconds; negative if it is behind.
        #[serde(rename = "ahead_seconds", with = "seconds_of_millis")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        ahead_millis: i64,
    },
    /// Most members' clocks differ from this node's own, so that it goes by theirs from now on; or,
    /// if the correction is 0, by its own again.
    ClockCorrected {
        /// What is added to this node's clock, in milliseconds.
        #[serde(rename = "correction_seconds", with = "seconds_of_millis")]
        #[cfg_attr(feature = "schema", schema(value_type = f64))]
        correction_millis: i64,
    },
    /// A round of the figures in round mode is over; [`Node::aggregates`](crate::Node::aggregates) has
    /// the results.
    RoundFinished {
        /// The round's number.
        round: u64,
        /// How many nodes were members from its beginning to its end.
        participants: usize,
    },
    /// A user's protocol said something with [`Context::emit`](crate::Context::emit).
    Protocol {
        /// The protocol's name.
        name: String,
        /// What it said.
        #[serde(flatten, with = "payload")]
        #[cfg_attr(feature = "schema", schema(value_type = Payload))]
        payload: Vec<u8>,
    },
    /// A name to join could not be looked up. Reported by drivers that look names up; they retry.
    LookupFailed {
        /// The name, as `host:port`.
        address: String,
        /// How many lookups in a row have failed.
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

            /// Returns the notice's kind, as in the JSON's `kind`; `None` if it is for the driver alone.
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
    "round_finished": RoundFinished,
    "event": Event,
    "query": Query,
    "key": Key,
    "catch_up": CatchUp,
    "protocol": Protocol,
}
