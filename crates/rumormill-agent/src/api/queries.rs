//! Queries to all nodes, and their answers.

use rumormill_proto::json::bytes::{Payload, payload};
use rumormill_proto::{EventId, Name};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of `POST /v1/queries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryRequest {
    /// The query's topic, which selects the handlers: 1 to 64 bytes of letters, digits and
    /// `. _ - / :`.
    #[schema(example = "disk")]
    pub topic: String,
    /// The payload for the handlers. Default: none.
    #[serde(flatten)]
    pub payload: Payload,
    /// How long to wait for answers, such as `500ms`, `5s` or `1m`. Default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "5s")]
    pub timeout: Option<String>,
}

/// One line of the reply to `POST /v1/queries`. In JSON, `kind` names the variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum QueryLine {
    /// The query is on its way.
    Asked {
        /// The query's id, 16 hexadecimal digits.
        #[schema(value_type = String)]
        id: EventId,
        /// How many nodes are up, this agent included.
        expected: usize,
    },
    /// A node has answered.
    Answer {
        /// The node's name.
        #[schema(value_type = String)]
        from: Name,
        /// The answer; none if there is an error.
        #[serde(flatten, with = "payload")]
        #[schema(value_type = Payload)]
        payload: Vec<u8>,
        /// Why the node has no answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// All nodes have answered, or the time is over. The last line.
    Finished {
        /// How many nodes have answered, including those with errors.
        answered: usize,
        /// How many nodes were up when the query was asked, this agent included.
        expected: usize,
        /// How many answers were errors.
        errors: usize,
        /// The names of the nodes that did not answer.
        silent: Vec<String>,
    },
}
