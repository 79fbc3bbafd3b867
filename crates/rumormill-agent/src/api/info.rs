//! What an agent says of itself.

use std::net::SocketAddr;

use rumormill_proto::{self as proto, Config, Input};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Counters;

/// An agent, its settings and its counters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Info {
    /// The agent's name.
    pub name: String,
    /// Where its datagrams and streams arrive, as it tells the others.
    #[schema(value_type = String, example = "127.0.0.1:7946")]
    pub address: SocketAddr,
    /// Where it answers HTTP.
    #[schema(value_type = Option<String>, required = true)]
    pub http_address: Option<SocketAddr>,
    /// Which life of it: rises with each restart.
    pub boot: u64,
    /// The 64-bit name of this life, 16 hexadecimal digits.
    pub id: String,
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
    /// Whether it has names to join and no other member is up, unless the names mean only this
    /// agent itself.
    pub joining: bool,
    /// The names that it was given to join.
    pub join: Vec<JoinTarget>,
    /// The probability of dropping each outgoing datagram on purpose.
    pub loss: f64,
    /// The settings in force.
    pub settings: Config,
    /// How much rumors and the replica hold.
    pub load: Load,
    /// How its clock compares with the members'.
    pub clock: ClockInfo,
    /// Members to whom large datagrams do not get through, so that the reliable path is used.
    pub narrow_paths: Vec<NarrowPath>,
    /// What it keeps on disk; `None` if nothing.
    #[schema(required = true)]
    pub store: Option<StoreInfo>,
    /// The queries that it has handlers for.
    pub handlers: Vec<String>,
    /// The agent's inputs.
    pub inputs: Vec<Input>,
    /// Lines of its log that could not be written; `None` if nobody counts them.
    #[schema(required = true)]
    pub log_lines_dropped: Option<u64>,
    /// What it has counted.
    pub counters: Counters,
}

/// A name that an agent was given to join. It is looked up again for as long as the agent runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinTarget {
    /// `host:port`.
    pub address: String,
    /// The addresses that it meant when it was last looked up successfully.
    #[schema(value_type = Vec<String>)]
    pub means: Vec<SocketAddr>,
    /// Why the last lookup failed, and which addresses were of no use, and why. Empty if all is
    /// well.
    pub trouble: Vec<String>,
}

/// A member to whom large datagrams do not get through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NarrowPath {
    /// Its name.
    pub member: String,
    /// Datagrams of up to this many bytes get through.
    pub limit_bytes: usize,
}

impl NarrowPath {
    pub(crate) fn all(node: &proto::Node) -> Vec<Self> {
        let narrow = node.narrow_paths().into_iter();
        narrow
            .map(|(peer, limit_bytes)| Self { member: peer.name.to_string(), limit_bytes })
            .collect()
    }
}

/// What an agent keeps on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreInfo {
    /// The directory.
    pub directory: String,
    /// Why the last transaction failed; `None` if it did not.
    #[schema(required = true)]
    pub trouble: Option<String>,
    /// Transactions that are on the disk.
    pub commits: u64,
    /// Inputs and entries of the replica written in them.
    pub records: u64,
    /// Transactions that failed.
    pub errors: u64,
    /// Inputs and entries that wait to be written.
    pub waiting: usize,
    /// Entries that were left out, because they can't be read: on disk at the start, or about to be
    /// written.
    pub refused: u64,
}

/// How much rumors and the replica hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Rumors that are kept.
    pub rumors: usize,
    /// Rumors that are being told.
    pub rumors_hot: usize,
    /// Bytes of the payloads of those that are kept.
    pub rumor_bytes: usize,
    /// Keys that exist.
    pub keys: usize,
    /// Deleted keys that are remembered.
    pub tombstones: usize,
    /// Bytes of keys and values.
    pub replica_bytes: usize,
    /// Members whose keys have differed from this agent's for longer than a minute.
    pub members_differing: usize,
    /// A number that agents share exactly when their replicas hold the same; 16 hexadecimal digits.
    pub replica_digest: String,
}

impl Load {
    pub(crate) fn of(node: &proto::Node) -> Self {
        let (events, kv) = (node.events().load(), node.kv().load());
        Self {
            rumors: events.kept,
            rumors_hot: events.hot,
            rumor_bytes: events.bytes,
            keys: kv.keys,
            tombstones: kv.tombstones,
            replica_bytes: kv.bytes,
            members_differing: kv.members_differing,
            replica_digest: format!("{:016x}", node.kv().digest()),
        }
    }
}

/// How an agent's clock compares with those of the members that it has heard from lately.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockInfo {
    /// What it adds to its own clock, in seconds, because most members' clocks differ from it.
    pub correction_seconds: f64,
    /// Members whose clocks are known.
    pub members_known: usize,
    /// Members of those whose clocks differ from its time by more than `max_clock_skew`.
    pub members_skewed: usize,
}

impl ClockInfo {
    pub(crate) fn of(node: &proto::Node) -> Self {
        let status = node.clock_status();
        Self {
            correction_seconds: status.correction_millis as f64 / 1e3,
            members_known: status.members_known,
            members_skewed: status.members_skewed,
        }
    }
}
