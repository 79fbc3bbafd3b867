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
    /// Which write this is: when it was made, by the clocks of the cluster, and by which life of
    /// which node.
    pub version: String,
    /// The node that wrote it: its name, or, if that is forgotten, the id of that life of it.
    pub origin: String,
    /// What it holds.
    #[serde(flatten)]
    pub value: Value,
}

impl Entry {
    pub(crate) fn new(entry: &proto::Entry, node: &proto::Node) -> Self {
        Self {
            key: entry.key.clone(),
            version: entry.version.to_string(),
            origin: writer(node, entry.version.node),
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
    /// The node that wrote it: its name, or, if that is forgotten, the id of that life of it.
    pub origin: String,
    /// Whether it was written at this agent.
    pub local: bool,
    /// What it holds now; neither field if it is gone.
    #[serde(flatten)]
    pub value: Value,
}

impl KeyChange {
    pub(crate) fn new(change: proto::KeyChange, node: &proto::Node) -> Self {
        let proto::KeyChange { entry, local } = change;
        Self {
            key: entry.key,
            deleted: entry.value.is_none(),
            version: entry.version.to_string(),
            origin: writer(node, entry.version.node),
            local,
            value: entry.value.map(Value::from).unwrap_or_default(),
        }
    }
}

/// The name of the node that has, or had, this id.
fn writer(node: &proto::Node, id: proto::NodeId) -> String {
    let me = node.identity();
    if me.id() == id {
        return me.name.to_string();
    }
    let up = node.roster().peer(id).map(|peer| peer.name.to_string());
    up.unwrap_or_else(|| id.to_string())
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
