//! The error of a setting that is out of its range, and the checks that return it.

use core::fmt::Display;
use core::ops::RangeBounds;

use crate::time::{Duration, show_duration};

/// A setting that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}, but must be {limit}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The setting's key, with its table: `events.fanout`.
    pub key: &'static str,
    /// The value that was refused.
    pub value: String,
    /// The values that are allowed, in words.
    pub limit: &'static str,
}

/// Refuses a value.
pub(crate) fn refuse(
    key: &'static str,
    value: impl Display,
    limit: &'static str,
) -> Result<(), ConfigError> {
    Err(ConfigError { key, value: value.to_string(), limit })
}

/// Checks that a number lies within its range.
pub(crate) fn within<T: PartialOrd + Display>(
    key: &'static str,
    value: T,
    range: impl RangeBounds<T>,
    limit: &'static str,
) -> Result<(), ConfigError> {
    if range.contains(&value) { Ok(()) } else { refuse(key, value, limit) }
}

/// Checks that a duration lies within its range.
pub(crate) fn lasts(
    key: &'static str,
    value: Duration,
    range: impl RangeBounds<Duration>,
    limit: &'static str,
) -> Result<(), ConfigError> {
    if range.contains(&value) { Ok(()) } else { refuse(key, show_duration(value), limit) }
}
