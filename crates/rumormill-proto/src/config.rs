//! The settings of a node, with defaults that work on an ordinary local network. Each protocol
//! declares its own in its room; here they come together.

pub(crate) mod beside;
pub(crate) mod range;

use serde::{Deserialize, Serialize};

use crate::aggregate::settings::AggregateSettings;
use crate::config::range::{ConfigError, lasts, refuse, within};
use crate::kv::settings::KvSettings;
use crate::membership::settings::MembershipSettings;
use crate::rumor::settings::EventSettings;
use crate::time::Duration;

/// The settings of a node. All nodes of a cluster should use the same ones; only `cluster` must.
///
/// This struct is the settings everywhere: in the file of an agent, in the table `[node]` of a
/// scenario, and in what `GET /v1/info` returns. What a text leaves out has its default; a key that
/// is unknown is an error. (Settings are built with `..Config::default()`, so the structs are not
/// `#[non_exhaustive]`.)
///
/// ```
/// use rumormill_proto::{Config, Duration, EventSettings};
/// let config = Config {
///     interval: Duration::from_millis(100),
///     events: EventSettings { fanout: 2, ..EventSettings::default() },
///     ..Config::default()
/// };
/// config.check()?;
/// # Ok::<(), rumormill_proto::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The cluster's name. Nodes of different clusters ignore each other. Default `default`.
    pub cluster: String,
    /// The gossip period: every node starts one exchange a period. Default 200 ms; 10 ms to 60 s.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "200ms"))]
    pub interval: Duration,
    /// The largest datagram that a node sends, in bytes. Default 1200; 508 to 65000.
    #[serde(deserialize_with = "crate::size::deserialize")]
    pub max_datagram: usize,
    /// How far a member's clock may be from this node's. What is stamped further ahead is refused
    /// and counted. Default 5 min; 1 s to 1 day.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "5m"))]
    pub max_clock_skew: Duration,
    /// The settings of aggregates.
    pub aggregates: AggregateSettings,
    /// The settings of the membership.
    pub membership: MembershipSettings,
    /// The settings of events.
    pub events: EventSettings,
    /// The settings of the key-value store.
    pub kv: KvSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cluster: "default".into(),
            interval: Duration::from_millis(200),
            max_datagram: 1200,
            max_clock_skew: Duration::from_secs(300),
            aggregates: AggregateSettings::default(),
            membership: MembershipSettings::default(),
            events: EventSettings::default(),
            kv: KvSettings::default(),
        }
    }
}

impl Config {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        if self.cluster.is_empty() || self.cluster.len() > 255 {
            return refuse("cluster", format_args!("{:?}", self.cluster), "1 to 255 bytes long");
        }
        lasts("interval", self.interval, ms(10)..=s(60), "from 10ms to 60s")?;
        within("max_datagram", self.max_datagram, 508..=65_000, "from 508 to 65000 bytes")?;
        let skew = self.max_clock_skew;
        lasts("max_clock_skew", skew, s(1)..=s(86_400), "from 1s to 1 day")?;
        self.aggregates.check()?;
        self.membership.check()?;
        self.events.check()?;
        self.kv.check()
    }
}
