//! The data of the HTTP API and of the handles, beside the types of [`rumormill_proto`].

mod compare;
pub(crate) mod counters;
mod events;
mod info;
mod kv;
mod queries;
mod watch;

use std::net::SocketAddr;

use rumormill_proto::{Mode, Reading};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use compare::{Compared, Comparison};
pub use counters::{Counters, SocketStats};
pub use events::{Informed, PublishRequest, Published, Trace};
pub use info::{Info, JoinTarget, NarrowPath, StoreInfo};
pub use kv::{Entry, KeyPage, Written};
pub use queries::{QueryLine, QueryRequest};
pub use watch::{StreamUpdate, Update};

/// The body of `PUT /v1/inputs/{name}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetInput {
    /// A finite number within ±2⁵³.
    #[schema(example = 5.0)]
    pub value: f64,
    /// The aggregate's mode. Default `live`.
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

/// The reply to `POST /v1/join`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinReply {
    /// The addresses that `address` resolves to now. The agent looks it up and contacts it again for as
    /// long as it runs.
    #[schema(value_type = Vec<String>)]
    pub resolved: Vec<SocketAddr>,
}

/// A reply without data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The status, in words.
    pub status: String,
}

/// The body of every error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// What was wrong and what to do, in words.
    pub error: String,
}

/// A reading that has not converged in the time given as `wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotConverged {
    /// What was wrong and what to do, in words.
    pub error: String,
    /// The last reading.
    pub reading: Reading,
}
