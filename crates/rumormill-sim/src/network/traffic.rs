//! What became of packets, one by one.

use rumormill_proto::Instant;
use serde::{Deserialize, Serialize};

use super::index::NodeIndex;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// A datagram arrived.
    Delivered,
    /// The link lost it.
    Lost,
    /// A partition, a cut or an isolation stopped it.
    Blocked,
    /// It arrived where no node was running.
    Dead,
    /// A message on the reliable path arrived.
    StreamDelivered,
    /// A message on the reliable path could not be delivered.
    StreamFailed,
}

/// A packet at the end of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When its fate was decided.
    pub at: Instant,
    /// Who sent it.
    pub from: NodeIndex,
    /// To whom.
    pub to: NodeIndex,
    /// Its length in bytes, without headers; 0 for what never got on its way.
    pub bytes: usize,
    /// What became of it.
    pub fate: Fate,
}
