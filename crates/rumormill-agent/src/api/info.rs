//! What an agent says of itself.

use std::net::SocketAddr;

use rumormill_proto as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Counters, Input};

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
    /// Whether an address that it was told to join has yet to answer.
    pub joining: bool,
    /// The probability of dropping each outgoing datagram on purpose.
    pub loss: f64,
    /// The settings in force.
    pub config: ConfigInForce,
    /// The agent's inputs.
    pub inputs: Vec<Input>,
    /// What it has counted.
    pub counters: Counters,
}

/// What a node does with a push that arrives while a push of its own awaits its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OverlapRule {
    /// Answer at once, and publish bounds that allow for what is outstanding.
    Answer,
    /// Answer that nothing was taken.
    Decline,
}

/// The settings in force. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigInForce {
    /// The cluster's name.
    pub cluster: String,
    /// The gossip period.
    pub interval_ms: f64,
    /// About how many peers a node exchanges with.
    pub view_size: usize,
    /// How often a node probes one member.
    pub probe_interval_ms: f64,
    /// How long a direct probe may take before others are asked to probe.
    pub probe_timeout_ms: f64,
    /// How long a suspected member has to refute before it is declared dead.
    pub suspicion_timeout_ms: f64,
    /// How often a node tries to reach members that it holds for dead.
    pub reconnect_interval_ms: f64,
    /// How often the whole membership is exchanged with one random member.
    pub sync_interval_ms: f64,
    /// The length of a round of figures in round mode, in gossip periods.
    pub round_length_periods: u32,
    /// The relative width of an enclosure at which a figure counts as converged.
    pub tolerance: f64,
    /// The largest datagram that a node sends.
    pub max_datagram_bytes: usize,
    /// What a node does with a push that arrives while a push of its own awaits its reply.
    pub overlap: OverlapRule,
}

impl From<&proto::Config> for ConfigInForce {
    fn from(config: &proto::Config) -> Self {
        let ms = |duration: proto::Duration| duration.as_nanos() as f64 / 1e6;
        Self {
            cluster: config.cluster.clone(),
            interval_ms: ms(config.interval),
            view_size: config.view_size,
            probe_interval_ms: ms(config.probe_interval),
            probe_timeout_ms: ms(config.probe_timeout),
            suspicion_timeout_ms: ms(config.suspicion_timeout),
            reconnect_interval_ms: ms(config.reconnect_interval),
            sync_interval_ms: ms(config.sync_interval),
            round_length_periods: config.round_length,
            tolerance: config.tolerance,
            max_datagram_bytes: config.max_datagram,
            overlap: match config.overlap {
                proto::Overlap::Answer => OverlapRule::Answer,
                proto::Overlap::Decline => OverlapRule::Decline,
            },
        }
    }
}
