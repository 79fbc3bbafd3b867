//! Sums that nobody owns.
mod mass;
mod reading;
pub use mass::MAX_INPUT;
pub use reading::{
    AnchorLine, Caveat, ComponentLine, Explanation, Figure, LinkLine, Reading, WindowLine,
};
use serde::Serialize;
use crate::config::Config;
use crate::identity::{Name, NodeId};
use crate::protocol::{Context, Protocol};
use crate::roster::Roster;
use crate::time::{Duration, Instant};

/// Whether a figure follows its inputs or is settled round by round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For ever, following the inputs.
    #[default]
    Live,
    /// Started afresh at each round, from the inputs of that instant.
    Round,
}

impl Mode {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Live => Self::Round,
            Self::Round => Self::Live,
        }
    }
}

impl core::fmt::Display for Mode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(match self {
            Self::Live => "live",
            Self::Round => "round",
        })
    }
}

/// The most figures that a node takes part in, in each mode.
pub const MAX_FIGURES: usize = 256;

/// Why an input was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The value is NaN or infinite.
    #[error("the input {name} is {value}, but must be a finite number")]
    NotFinite {
        /// The figure.
        name: Name,
        /// The value.
        value: f64,
    },
    /// The value lies outside ±2⁶².
    #[error("the input {name} is {value:e}, but must lie within ±{MAX_INPUT:e}")]
    OutOfRange {
        /// The figure.
        name: Name,
        /// The value.
        value: f64,
    },
    /// The figure exists in the other mode.
    #[error("the figure {name} exists in {mode} mode; choose another name, or unset it everywhere")]
    OtherMode {
        /// The figure.
        name: Name,
        /// The mode that it exists in.
        mode: Mode,
    },
    /// There are [`MAX_FIGURES`] figures already.
    #[error("the figure {name} would be one too many: the limit is {MAX_FIGURES} in each mode")]
    TooMany {
        /// The figure.
        name: Name,
    },
    /// This node has no input of that name.
    #[error("this node has no input named {name}")]
    NoInput {
        /// The figure.
        name: Name,
    },
    /// The node runs no aggregates ([`crate::Node::bare`]).
    #[error("this node runs no aggregates")]
    NotRunning,
}

/// placeholder
pub(crate) struct Aggregation {
    mode: Mode,
}
impl Aggregation {
    pub(crate) fn new(mode: Mode, _config: &Config) -> Self { Self { mode } }
    pub(crate) fn mode(&self) -> Mode { self.mode }
    pub(crate) fn knows(&self, _name: &Name) -> bool { false }
    pub(crate) fn set_input(&mut self, _cx: &mut Context<'_>, _name: &Name, _value: f64) -> Result<(), InputError> { Ok(()) }
    pub(crate) fn unset_input(&mut self, _cx: &mut Context<'_>, _name: &Name) -> Result<(), InputError> { Ok(()) }
    pub(crate) fn input(&self, _name: &Name) -> Option<f64> { None }
    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&Name, f64)> { core::iter::empty() }
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> { core::iter::empty() }
    pub(crate) fn reading(&self, _now: Instant, _name: &Name, _roster: &Roster, _config: &Config) -> Option<Reading> { None }
    pub(crate) fn explain(&self, _now: Instant, _name: &Name, _roster: &Roster, _config: &Config) -> Option<Explanation> { None }
}
impl Protocol for Aggregation {
    fn name(&self) -> &str { match self.mode { Mode::Live => "aggregate.live", Mode::Round => "aggregate.round" } }
    fn period(&self) -> Duration { Duration::from_millis(200) }
    fn tick(&mut self, _cx: &mut Context<'_>) {}
    fn receive(&mut self, _cx: &mut Context<'_>, _from: NodeId, _message: &[u8]) {}
}
