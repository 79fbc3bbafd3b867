//! What can be wrong with a scenario.

use rumormill_proto::ConfigError;

use crate::network::error::SimError;

/// Something in a scenario that makes no sense: which key, its value, and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}, but must be {range}")]
pub struct ScenarioError {
    /// Where it stands: `link.loss`, or `action 3: crash`.
    pub key: String,
    /// What stands there.
    pub value: String,
    /// What is allowed, in words.
    pub range: String,
}

impl ScenarioError {
    pub(crate) fn new(
        key: impl Into<String>,
        value: impl Into<String>,
        range: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), value: value.into(), range: range.into() }
    }

    /// The same, said of a part of `table`.
    pub(crate) fn under(table: &str, error: &ConfigError) -> Self {
        Self::new(format!("{table}{}", error.key), &error.value, error.limit)
    }

    /// An error of the network about something in `table`.
    pub(crate) fn of_network(table: &str, error: SimError) -> Self {
        match error {
            SimError::Config(error) => Self::under(table, &error),
            SimError::Parameter { parameter, value, range } => {
                Self::new(format!("{table}{parameter}"), value, range)
            }
            other => Self::new(table, "refused", other.to_string()),
        }
    }
}
