//! Questions to all nodes, and their answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Payload;

/// The body of `POST /v1/queries`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueryRequest {
    /// What is asked: 1 to 64 bytes of letters, digits and `. _ - / :`.
    #[schema(example = "disk")]
    pub name: String,
    /// What the handlers are given. Nothing if left out.
    #[serde(flatten)]
    pub payload: Payload,
    /// How long to wait for answers, like `500ms`, `5s` or `1m`. `5s` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "5s")]
    pub timeout: Option<String>,
}

/// One line of what `POST /v1/queries` gives back. In JSON, `event` says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum QueryLine {
    /// The question is on its way.
    Asked {
        /// The query's id, 16 hexadecimal digits.
        id: String,
        /// How many nodes are up, this agent included.
        expected: usize,
    },
    /// A node has answered.
    Answer {
        /// The node.
        from: String,
        /// What it says, if its handler did well.
        #[serde(flatten)]
        payload: Payload,
        /// Why it has no answer, if so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// All have answered, or the time is over. The last line.
    Finished {
        /// How many nodes answered, those with errors included.
        answered: usize,
        /// How many nodes were up when the question was asked, this agent included.
        expected: usize,
        /// How many answers were errors.
        errors: usize,
        /// The names of those that are up and did not answer.
        silent: Vec<String>,
    },
}
