//! What an agent says, as plain data: the types of the HTTP API's JSON, and of the handle's answers.

mod bytes;
pub(crate) mod counters;
mod event;
mod info;
mod query;
mod replica;
mod rumor;

use std::net::SocketAddr;

use rumormill_proto::{self as proto, Mode, Reading};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use bytes::{BytesError, Payload, Value};
pub use counters::{Counters, GossipCounters};
pub use event::Event;
pub use info::{ClockInfo, Info, JoinTarget, Load, NarrowPath, StoreInfo};
pub use query::{QueryLine, QueryRequest};
pub use replica::{Entry, KeyChange, KeyPage, Written};
pub use rumor::{Heard, PublishRequest, Published, Rumor, RumorRecord, Trace};

/// How the failure detector sees a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It answers.
    Alive,
    /// It has not answered a probe and may soon be declared dead.
    Suspect,
    /// Declared dead, or has left.
    Down,
}

impl MemberState {
    /// All states, from best to worst.
    pub const ALL: [Self; 3] = [Self::Alive, Self::Suspect, Self::Down];

    /// The state in lower case, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Down => "down",
        }
    }
}

impl std::fmt::Display for MemberState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<proto::MemberState> for MemberState {
    fn from(state: proto::MemberState) -> Self {
        match state {
            proto::MemberState::Alive => Self::Alive,
            proto::MemberState::Suspect => Self::Suspect,
            proto::MemberState::Down => Self::Down,
        }
    }
}

/// One life of one member, in this agent's eyes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where its datagrams and streams arrive.
    #[schema(value_type = String, example = "127.0.0.1:7946")]
    pub addr: SocketAddr,
    /// Which life of it: rises with each restart.
    pub boot: u64,
    /// The 64-bit name of this life, 16 hexadecimal digits.
    pub id: String,
    /// How the failure detector sees it.
    pub state: MemberState,
    /// Whether it is the agent that was asked.
    pub me: bool,
}

impl Member {
    pub(crate) fn new(identity: &proto::Identity, state: MemberState, me: bool) -> Self {
        Self {
            name: identity.name.to_string(),
            addr: identity.addr,
            boot: identity.incarnation,
            id: identity.id().to_string(),
            state,
            me,
        }
    }

    /// Every member that the node has heard of, itself first.
    pub(crate) fn all(node: &proto::Node) -> Vec<Self> {
        let me = node.identity().id();
        let member = |(identity, state): (proto::Identity, proto::MemberState)| {
            Self::new(&identity, state.into(), identity.id() == me)
        };
        node.members().into_iter().map(member).collect()
    }
}

/// The body of `PUT /v1/inputs/{name}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetInput {
    /// A finite number within ±2⁵³.
    #[schema(example = 5.0)]
    pub value: f64,
    /// `live` if left out.
    #[serde(default)]
    pub mode: Mode,
}

/// The body of `POST /v1/join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// `host:port` of any member of the cluster.
    #[schema(example = "127.0.0.1:7946")]
    pub address: String,
}

/// What a join asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinReply {
    /// What `address` means now. It is kept, and looked up and asked again as long as the agent
    /// runs.
    #[schema(value_type = Vec<String>)]
    pub asking: Vec<SocketAddr>,
}

/// Says that the agent does what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// In words.
    pub status: String,
}

/// What was wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// In words.
    pub error: String,
}

/// A reading that has not converged in the time given as `wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotConverged {
    /// In words.
    pub error: String,
    /// The last reading.
    pub reading: Reading,
}
