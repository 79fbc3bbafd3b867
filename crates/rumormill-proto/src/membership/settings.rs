//! The settings of the membership.

use serde::{Deserialize, Serialize};

use crate::config::range::{ConfigError, lasts, refuse};
use crate::time::{Duration, show_duration};

/// The settings of the membership: the table `[membership]` of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MembershipSettings {
    /// How often a node probes one member (SWIM's protocol period). Default 1 s.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "1s"))]
    pub probe_interval: Duration,
    /// How long a direct probe may take before others are asked to probe: above 0 and below
    /// `probe_interval`. Default 150 ms, or half of `probe_interval` if that is less.
    #[serde(with = "crate::json::duration", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "150ms"))]
    pub probe_timeout: Option<Duration>,
    /// How long a suspected member has to refute before it is declared dead. Default 2 s; at least
    /// 10 ms.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "2s"))]
    pub suspicion_timeout: Duration,
    /// How often a node tries to reach members that were declared dead, so that a partition heals.
    /// Default 5 s; at least 10 ms.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "5s"))]
    pub reconnect_interval: Duration,
    /// How often the whole membership is exchanged with one random member over the reliable path.
    /// After a change more often, from 1 s on. Default 30 s; at least 10 ms.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "30s"))]
    pub sync_interval: Duration,
}

impl Default for MembershipSettings {
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_secs(1),
            probe_timeout: None,
            suspicion_timeout: Duration::from_secs(2),
            reconnect_interval: Duration::from_secs(5),
            sync_interval: Duration::from_secs(30),
        }
    }
}

impl MembershipSettings {
    /// Returns how long a direct probe may take.
    pub fn probe_timeout(&self) -> Duration {
        let usual = Duration::from_millis(150).min(self.probe_interval / 2);
        self.probe_timeout.unwrap_or(usual)
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let timeout = self.probe_timeout();
        if timeout.is_zero() || timeout >= self.probe_interval {
            let limit = "above 0 and below membership.probe_interval";
            return refuse("membership.probe_timeout", show_duration(timeout), limit);
        }
        for (key, value) in [
            ("membership.suspicion_timeout", self.suspicion_timeout),
            ("membership.reconnect_interval", self.reconnect_interval),
            ("membership.sync_interval", self.sync_interval),
        ] {
            lasts(key, value, Duration::from_millis(10).., "at least 10ms")?;
        }
        Ok(())
    }
}
