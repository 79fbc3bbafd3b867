//! What can be set, with defaults that work on an ordinary local network.

use crate::replica::ReplicaConfig;
use crate::rumor::RumorConfig;
use crate::time::Duration;

/// The settings of a node. All nodes of a cluster should use the same ones; only `cluster` must.
///
/// ```
/// use rumormill_proto::{Config, Duration};
/// let config = Config { interval: Duration::from_millis(100), ..Config::default() };
/// config.check()?;
/// # Ok::<(), rumormill_proto::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The cluster's name. Nodes of different clusters ignore each other. Default `default`.
    pub cluster: String,
    /// The gossip period: every node starts one exchange a period. Default 200 ms; 10 ms to 60 s.
    pub interval: Duration,
    /// About how many peers a node exchanges with. Below that many members it is all of them.
    /// Default 16; at least 4.
    pub view_size: usize,
    /// How often a node probes one member (SWIM's protocol period). Default 1 s.
    pub probe_interval: Duration,
    /// How long a direct probe may take before others are asked to probe. Default 150 ms; below
    /// `probe_interval`.
    pub probe_timeout: Duration,
    /// How long a suspected member has to refute before it is declared dead. Default 2 s.
    pub suspicion_timeout: Duration,
    /// How often a node tries to reach members that it holds for dead, so that a partition heals.
    /// Default 5 s.
    pub reconnect_interval: Duration,
    /// How often the whole membership is exchanged with one random member over the reliable path.
    /// After a change more often, from 1 s on. Default 30 s.
    pub sync_interval: Duration,
    /// The length of a round of figures in round mode, in gossip periods. Default 64; 16 to 65536.
    pub round_length: u32,
    /// The relative width of an enclosure at which a figure counts as converged. Default 1e-6;
    /// 1e-12 to 0.5.
    pub tolerance: f64,
    /// The largest datagram that a node sends, in bytes. Default 1200; 508 to 65000.
    pub max_datagram: usize,
    /// How far a member's clock may be from this node's. What is stamped further ahead is refused
    /// and counted. Default 5 min; 1 s to 1 day.
    pub max_clock_skew: Duration,
    /// What a node does with a push that arrives while a push of its own is outstanding.
    pub overlap: Overlap,
    /// How rumors are told.
    pub rumor: RumorConfig,
    /// The bounds of the replica.
    pub replica: ReplicaConfig,
}

/// What a node does with a push that arrives while a push of its own awaits its reply.
///
/// Both are exact; `docs/enclosure.md` has the proof and what each costs in rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Answer at once, and publish bounds that allow for what is outstanding.
    #[default]
    Answer,
    /// Answer that nothing was taken: exchanges are atomic, and every estimate stays a convex
    /// combination of what it met.
    Decline,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster: "default".into(),
            interval: Duration::from_millis(200),
            view_size: 16,
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(150),
            suspicion_timeout: Duration::from_secs(2),
            reconnect_interval: Duration::from_secs(5),
            sync_interval: Duration::from_secs(30),
            round_length: 64,
            tolerance: 1e-6,
            max_datagram: 1200,
            max_clock_skew: Duration::from_secs(300),
            overlap: Overlap::default(),
            rumor: RumorConfig::default(),
            replica: ReplicaConfig::default(),
        }
    }
}

/// A setting that is out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{setting} is {value}, but must be {range}")]
pub struct ConfigError {
    /// The setting's name.
    pub setting: &'static str,
    /// The value that was refused.
    pub value: String,
    /// The values that are allowed, in words.
    pub range: &'static str,
}

impl Config {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |setting, value: String, range| Err(ConfigError { setting, value, range });
        let ms = Duration::from_millis;
        if self.cluster.is_empty() || self.cluster.len() > 255 {
            return fail("cluster", format!("{:?}", self.cluster), "1 to 255 bytes long");
        }
        if self.interval < ms(10) || self.interval > ms(60_000) {
            return fail("interval", format!("{:?}", self.interval), "from 10ms to 60s");
        }
        if self.view_size < 4 {
            return fail("view_size", self.view_size.to_string(), "at least 4");
        }
        if self.probe_timeout.is_zero() || self.probe_timeout >= self.probe_interval {
            let value = format!("{:?}", self.probe_timeout);
            return fail("probe_timeout", value, "above 0 and below probe_interval");
        }
        for (setting, value) in [
            ("suspicion_timeout", self.suspicion_timeout),
            ("reconnect_interval", self.reconnect_interval),
            ("sync_interval", self.sync_interval),
        ] {
            if value < ms(10) {
                return fail(setting, format!("{value:?}"), "at least 10ms");
            }
        }
        if !(16..=65_536).contains(&self.round_length) {
            return fail("round_length", self.round_length.to_string(), "from 16 to 65536 periods");
        }
        if !(1e-12..=0.5).contains(&self.tolerance) {
            return fail("tolerance", self.tolerance.to_string(), "from 1e-12 to 0.5");
        }
        if !(508..=65_000).contains(&self.max_datagram) {
            return fail("max_datagram", self.max_datagram.to_string(), "from 508 to 65000 bytes");
        }
        if self.max_clock_skew < ms(1000) || self.max_clock_skew > ms(86_400_000) {
            return fail(
                "max_clock_skew",
                format!("{:?}", self.max_clock_skew),
                "from 1s to 1 day",
            );
        }
        self.rumor.check()?;
        self.replica.check()
    }
}
