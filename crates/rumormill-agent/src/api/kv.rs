//! Keys and their values.

use rumormill_proto::json::bytes::{KvValue, value};
use rumormill_proto::{Name, Node, Version};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    #[serde(flatten, with = "value")]
    #[schema(value_type = KvValue)]
    pub value: Vec<u8>,
    /// The version of the write: when it was made, in cluster time, and by which incarnation.
    #[schema(value_type = String)]
    pub version: Version,
    /// The name of the node that wrote it, or its id if no member has it.
    #[schema(value_type = String)]
    pub origin: Name,
}

impl Entry {
    pub(crate) fn new(entry: &rumormill_proto::Entry, node: &Node) -> Self {
        Self {
            key: entry.key.clone(),
            value: entry.value.clone().unwrap_or_default(),
            version: entry.version,
            origin: node.roster().name_of(entry.version.node),
        }
    }
}

/// A page of keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPage {
    /// The entries, in the order of their keys.
    pub entries: Vec<Entry>,
    /// What to give as `after` for the next page; `None` if this is the last one.
    #[schema(required = true)]
    pub next: Option<String>,
}

/// A write that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The key.
    pub key: String,
    /// The version of the write.
    #[schema(value_type = String)]
    pub version: Version,
}
