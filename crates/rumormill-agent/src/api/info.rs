//! The description of an agent.

use std::net::SocketAddr;

use rumormill_proto::{ClockStatus, Config, EventLoad, Input, KvLoad, Name, Node, NodeId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Counters;

/// An agent, its settings and its counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// The agent's name.
    #[schema(value_type = String)]
    pub name: Name,
    /// The address that other members use for datagrams and streams.
    #[schema(value_type = String, example = "127.0.0.1:7946")]
    pub address: SocketAddr,
    /// The address of its HTTP API.
    #[schema(value_type = Option<String>, required = true)]
    pub http_address: Option<SocketAddr>,
    /// The incarnation number, which rises with each restart.
    pub incarnation: u64,
    /// The 64-bit name of this incarnation, 16 hexadecimal digits.
    #[schema(value_type = String)]
    pub id: NodeId,
    /// The version of the software.
    pub version: String,
    /// The version of the wire format. Agents of different versions ignore each other.
    pub wire_version: u8,
    /// The cluster's name.
    pub cluster: String,
    /// Seconds since the agent's start.
    pub uptime_seconds: f64,
    /// How many members are up, this agent included.
    pub members: usize,
    /// Whether it has names to join and no other member is up, unless the names lead to this agent itself
    /// alone.
    pub joining: bool,
    /// The names to join.
    pub join: Vec<JoinTarget>,
    /// The probability with which each outgoing datagram is dropped on purpose.
    pub loss: f64,
    /// The settings in force.
    pub settings: Config,
    /// The events that it holds.
    pub events: EventLoad,
    /// The keys and values that it holds.
    pub kv: KvLoad,
    /// Its clock, compared with those of other members.
    pub clock: ClockStatus,
    /// The members to which large datagrams do not get through, so that the reliable path is used.
    pub narrow_paths: Vec<NarrowPath>,
    /// Its store on disk, if it has one.
    #[schema(required = true)]
    pub store: Option<StoreInfo>,
    /// The topics of the queries that it has handlers for.
    pub handlers: Vec<String>,
    /// The agent's inputs.
    pub inputs: Vec<Input>,
    /// The number of log lines that could not be written, if it is counted.
    #[schema(required = true)]
    pub log_lines_dropped: Option<u64>,
    /// Its counters.
    pub counters: Counters,
}

/// A name that an agent was given to join. It is looked up again for as long as the agent runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinTarget {
    /// `host:port`.
    pub address: String,
    /// The addresses from the last successful lookup.
    #[schema(value_type = Vec<String>)]
    pub resolved: Vec<SocketAddr>,
    /// Why the last lookup failed, and why addresses can't be used. Empty if there is no problem.
    pub problems: Vec<String>,
}

/// A member to whom large datagrams do not get through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NarrowPath {
    /// The member's name.
    #[schema(value_type = String)]
    pub member: Name,
    /// Datagrams of up to this many bytes get through.
    pub limit_bytes: usize,
}

impl NarrowPath {
    pub(crate) fn all(node: &Node) -> Vec<Self> {
        let narrow = node.narrow_paths().into_iter();
        narrow.map(|(peer, limit_bytes)| Self { member: peer.name.clone(), limit_bytes }).collect()
    }
}

/// An agent's store on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreInfo {
    /// The directory.
    pub directory: String,
    /// Why the last transaction failed; `None` if it did not.
    #[schema(required = true)]
    pub problem: Option<String>,
    /// Transactions that are on disk.
    pub commits: u64,
    /// Inputs and entries written in them.
    pub records: u64,
    /// Transactions that failed.
    pub errors: u64,
    /// Inputs and entries that wait to be written.
    pub waiting: usize,
    /// Entries that were left out because they can't be read, on disk at the start or about to be
    /// written.
    pub refused: u64,
}
