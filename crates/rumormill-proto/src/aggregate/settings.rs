//! The settings of aggregates.

use serde::{Deserialize, Serialize};

use crate::config::range::{ConfigError, lasts, within};
use crate::time::Duration;

/// The number of shortest gaps between exchanges in a gossip period: a node with news starts its next
/// exchange a twentieth of the period later.
pub const GAPS_PER_INTERVAL: u32 = 20;

/// The gap between the exchanges of an aggregate at rest, in gossip periods.
pub const REST_INTERVALS: u32 = 16;

/// The time whose budget of exchanges may be spent at once.
pub const BURST: Duration = Duration::from_millis(500);

/// The broadcasts to a full view that may be spent at once, however small the budget.
pub const BURST_BROADCASTS: u32 = 2;

/// The exchanges that one with a single peer leaves in the budget, beyond those of a broadcast, so that
/// the next change of this node's inputs finds a broadcast's: its own, and one because costs vary.
pub const KEPT_EXCHANGES: usize = 2;

/// A node whose budget is too short for a broadcast makes none for the time in which it earns this
/// number of broadcasts: if its inputs change again within that time, exchanges with single peers are
/// cheaper.
pub const HURRIED_BROADCASTS: f64 = 1.25;

/// The settings of aggregates: the table `[aggregates]` of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AggregateSettings {
    /// About how many peers a node exchanges with. Below that many members it is all of them.
    /// Default 16; at least 4.
    pub view_size: usize,
    /// The relative width of the bounds at which an aggregate counts as converged. Default 1e-6;
    /// 1e-12 to 0.5.
    pub tolerance: f64,
    /// When a node exchanges. Default `event-triggered`.
    pub schedule: Schedule,
    /// The most exchanges that a node starts in a second: a bucket that holds half a second's. An
    /// exchange takes one datagram to a peer and one back, of at most `max_datagram` bytes each.
    /// Default 100; 1 to 100000.
    pub max_exchanges: u32,
    /// The time between the end of an epoch and the start of the next. Default 500 ms; up to 1 h.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "500ms"))]
    pub epoch_pause: Duration,
    /// What a node does with a push that arrives while a push of its own is outstanding. Default
    /// `answer`.
    pub overlap: Overlap,
}

/// What a node does with a push that arrives while a push of its own awaits its reply.
///
/// Both are exact; `docs/enclosure.md` has the proof and what each costs in rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Overlap {
    /// Answer at once, and publish bounds that allow for what is outstanding.
    #[default]
    Answer,
    /// Answer that nothing was taken: exchanges are atomic, and every estimate stays a convex
    /// combination of what it met.
    Decline,
}

/// When a node exchanges mass with its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Schedule {
    /// A twentieth of the gossip period after news, and ever more seldom without. Only the aggregates
    /// that have news are exchanged.
    #[default]
    EventTriggered,
    /// Once in every gossip period, with all aggregates: a load that does not depend on the inputs.
    Periodic,
}

impl Default for AggregateSettings {
    fn default() -> Self {
        Self {
            view_size: 16,
            tolerance: 1e-6,
            schedule: Schedule::default(),
            max_exchanges: 100,
            epoch_pause: Duration::from_millis(500),
            overlap: Overlap::default(),
        }
    }
}

impl AggregateSettings {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("aggregates.view_size", self.view_size, 4.., "at least 4")?;
        let most = self.max_exchanges;
        within("aggregates.max_exchanges", most, 1..=100_000, "from 1 to 100000 a second")?;
        let longest = Duration::from_secs(3600);
        lasts("aggregates.epoch_pause", self.epoch_pause, Duration::ZERO..=longest, "up to 1h")?;
        within("aggregates.tolerance", self.tolerance, 1e-12..=0.5, "from 1e-12 to 0.5")
    }
}
