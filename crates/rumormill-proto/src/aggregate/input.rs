//! The inputs of users, and why one may be refused.

use serde::{Deserialize, Serialize};

use crate::identity::Name;
use crate::words;

/// Whether an aggregate follows its inputs or is computed epoch by epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
pub enum Mode {
    /// Continuous: the estimates follow the inputs.
    #[default]
    Live,
    /// Computed anew in each epoch, from the inputs at its start.
    Epoch,
}

impl Mode {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Live => Self::Epoch,
            Self::Epoch => Self::Live,
        }
    }
}

words!(Mode { Live => "live", Epoch => "epoch" });

/// One input of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The aggregate's name.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub name: Name,
    /// The node's input.
    pub value: f64,
    /// The aggregate's mode.
    pub mode: Mode,
}

/// The largest input; inputs lie within ±2⁵³ ≈ 9.0·10¹⁵, where floats still hold every whole number.
///
/// A mass can hold two million times the square of that: differences of masses must not wrap
/// around, though a link that is undone may throw a mass far beyond the range of the inputs for a
/// while.
pub const MAX_INPUT: f64 = (1u64 << 53) as f64;

/// The most aggregates that a node takes part in, in each mode.
pub const MAX_AGGREGATES: usize = 256;

/// Why an input was refused. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The value is NaN or infinite.
    #[error("the input {name} is {value}, but must be a finite number")]
    NotFinite {
        /// The aggregate.
        name: Name,
        /// The value.
        value: f64,
    },
    /// The value lies outside ±2⁵³.
    #[error("the input {name} is {value:e}, but must lie within ±{MAX_INPUT:e}")]
    OutOfRange {
        /// The aggregate.
        name: Name,
        /// The value.
        value: f64,
    },
    /// The aggregate exists in the other mode.
    #[error(
        "the aggregate {name} exists in mode {mode}; choose another name, or unset it everywhere"
    )]
    OtherMode {
        /// The aggregate.
        name: Name,
        /// The mode that it exists in.
        mode: Mode,
    },
    /// There are [`MAX_AGGREGATES`] aggregates already.
    #[error(
        "the aggregate {name} would be one too many: the limit is {MAX_AGGREGATES} in each mode"
    )]
    TooMany {
        /// The aggregate.
        name: Name,
    },
    /// This node has no input of that name.
    #[error("this node has no input named {name}")]
    NoInput {
        /// The aggregate.
        name: Name,
    },
    /// The node runs no aggregates ([`crate::Node::bare`]).
    #[error("aggregates are turned off at this node")]
    NotRunning,
}
