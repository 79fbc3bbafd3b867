//! The settings of aggregates.

use serde::{Deserialize, Serialize};

use crate::config::range::{ConfigError, within};

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
    /// The length of an epoch of aggregates in mode epoch, in gossip periods. Default 64; 16 to
    /// 65536.
    pub round_length: u32,
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

impl Default for AggregateSettings {
    fn default() -> Self {
        Self { view_size: 16, tolerance: 1e-6, round_length: 64, overlap: Overlap::default() }
    }
}

impl AggregateSettings {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("aggregates.view_size", self.view_size, 4.., "at least 4")?;
        let length = self.round_length;
        within("aggregates.round_length", length, 16..=65_536, "from 16 to 65536 periods")?;
        within("aggregates.tolerance", self.tolerance, 1e-12..=0.5, "from 1e-12 to 0.5")
    }
}
