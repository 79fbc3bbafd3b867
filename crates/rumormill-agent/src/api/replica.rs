//! The replica: the map that every node stores.

use rumormill_proto as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Value;

/// A key of the replica, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Which write this is: of two, the one with the higher version is the later. Versions compare
    /// as texts.
    pub version: String,
    /// The node that wrote it.
    pub origin: String,
    /// What it holds.
    #[serde(flatten)]
    pub value: Value,
}

impl Entry {
    pub(crate) fn new(key: &str, entry: &proto::Entry) -> Self {
        Self {
            key: key.to_owned(),
            version: entry.version.to_string(),
            origin: entry.origin.to_string(),
            value: entry.value.clone().unwrap_or_default().into(),
        }
    }
}

/// Some of the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPage {
    /// The keys in order, with what they hold.
    pub entries: Vec<Entry>,
    /// Where the next page begins: to be given as `after`. `None` if this is the last one.
    #[schema(required = true)]
    pub next: Option<String>,
}

/// A change of a key, as it arrived at this agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// Whether it is gone.
    pub deleted: bool,
    /// Which write this is.
    pub version: String,
    /// The node that wrote it.
    pub origin: String,
    /// What it holds now; neither field if it is gone.
    #[serde(flatten)]
    pub value: Value,
}

impl From<proto::KeyChange> for KeyChange {
    fn from(change: proto::KeyChange) -> Self {
        Self {
            key: change.key.to_string(),
            deleted: change.value.is_none(),
            version: change.version.to_string(),
            origin: change.origin.to_string(),
            value: change.value.map(Value::from).unwrap_or_default(),
        }
    }
}

/// A write that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The key.
    pub key: String,
    /// Which write this is.
    pub version: String,
}
