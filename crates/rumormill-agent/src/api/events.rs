//! Requests and replies about events.

use rumormill_proto::EventRecord;
use rumormill_proto::json::bytes::Payload;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishRequest {
    /// The topic: 1 to 64 bytes of letters, digits and `. _ - / :`.
    #[schema(example = "deploy")]
    pub topic: String,
    /// The payload. Default: none.
    #[serde(flatten)]
    pub payload: Payload,
}

/// An event that is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The event's id, 16 hexadecimal digits, for `/v1/trace/{id}`.
    #[schema(example = "00f3a9c17b24d85e")]
    pub id: String,
}

/// How an event has spread: the records of all nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The event's id, 16 hexadecimal digits.
    pub id: String,
    /// How many nodes were asked, this agent included.
    pub expected: usize,
    /// How many of them answered in time.
    pub answered: usize,
    /// The nodes that are informed of the event, in the order in which they were.
    pub informed: Vec<Informed>,
    /// The names of the nodes that answered that they are not informed.
    pub missing: Vec<String>,
    /// The names of the nodes that did not answer.
    pub silent: Vec<String>,
}

/// One node's record of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Informed {
    /// The node's name.
    pub node: String,
    /// Its record.
    pub record: EventRecord,
}
