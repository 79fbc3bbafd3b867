//! Rumors, and what is known of their spread.

use rumormill_proto as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Payload;

/// The body of `POST /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishRequest {
    /// What it is about: 1 to 64 bytes of letters, digits and `. _ - / :`.
    #[schema(example = "deploy")]
    pub name: String,
    /// What it says. Nothing if left out.
    #[serde(flatten)]
    pub payload: Payload,
}

/// A rumor that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The rumor's id, 16 hexadecimal digits: `/v1/trace/{id}` says how it spreads.
    #[schema(example = "00f3a9c17b24d85e")]
    pub id: String,
}

/// News, as it arrived at this agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rumor {
    /// The rumor's id, 16 hexadecimal digits.
    pub id: String,
    /// What it is about.
    pub name: String,
    /// The node that told it first.
    pub origin: String,
    /// In which round since then this agent heard of it; 0 at the origin itself.
    pub round: u32,
    /// How long after the origin told it this agent heard of it, in milliseconds, by the clocks of
    /// the cluster.
    pub age_ms: f64,
    /// What it says.
    #[serde(flatten)]
    pub payload: Payload,
}

impl From<proto::Event> for Rumor {
    fn from(rumor: proto::Event) -> Self {
        Self {
            id: rumor.id.to_string(),
            name: rumor.topic.to_string(),
            origin: rumor.origin.to_string(),
            round: rumor.round,
            age_ms: ms(rumor.age),
            payload: rumor.payload.into(),
        }
    }
}

/// What an agent remembers of a rumor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RumorRecord {
    /// The rumor's id, 16 hexadecimal digits.
    pub id: String,
    /// What it is about.
    pub name: String,
    /// The node that told it first.
    pub origin: String,
    /// When, in milliseconds since 1970 by the clocks of the cluster.
    pub told_at_ms: u64,
    /// How long its payload is; 0 if it was rejected here.
    pub bytes: u64,
    /// In which round this agent heard of it.
    pub heard_round: u32,
    /// How long after the origin told it, in milliseconds.
    pub heard_ms: f64,
    /// Whether it was found by asking, not told.
    pub pulled: bool,
    /// How many times it came again when it was here already.
    pub copies: u32,
    /// Whether this agent's validation stopped it.
    pub rejected: bool,
}

impl From<proto::EventRecord> for RumorRecord {
    fn from(record: proto::EventRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.topic.to_string(),
            origin: record.origin.to_string(),
            told_at_ms: record.stamp.millis(),
            bytes: record.bytes,
            heard_round: record.round,
            heard_ms: ms(record.age),
            pulled: record.pulled,
            copies: record.copies,
            rejected: record.rejected,
        }
    }
}

/// How a rumor has spread: what the nodes remember of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trace {
    /// The rumor's id, 16 hexadecimal digits.
    pub id: String,
    /// How many nodes were asked, this agent included.
    pub expected: usize,
    /// How many of them answered in time.
    pub answered: usize,
    /// Those that know the rumor, by when they heard of it.
    pub heard: Vec<Heard>,
    /// The names of those that answered that they don't know it.
    pub missing: Vec<String>,
    /// The names of those that are up and did not answer.
    pub silent: Vec<String>,
}

/// What one node remembers of a rumor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// The node.
    pub node: String,
    /// What it remembers.
    pub record: RumorRecord,
}

pub(crate) fn ms(duration: proto::Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}
