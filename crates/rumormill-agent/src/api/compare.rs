//! What the members hold, side by side.

use rumormill_proto::Summary;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What all members hold, as they have answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// How many members were asked, this agent included.
    pub expected: usize,
    /// How many of them answered in time.
    pub answered: usize,
    /// What each holds, by name.
    pub nodes: Vec<Compared>,
    /// The names of the members that did not answer.
    pub silent: Vec<String>,
}

/// What one member holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// The member's name.
    pub node: String,
    /// What it holds.
    #[serde(flatten)]
    pub summary: Summary,
}
