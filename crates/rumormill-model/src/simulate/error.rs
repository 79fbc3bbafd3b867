//! What can be wrong with a question to the round models.

use thiserror::Error;

/// A question that was refused. Nothing was computed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum RoundsError {
    /// A setting lies outside its range.
    #[error("{name} is {value}, but must be {range}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// The value given.
        value: String,
        /// The range, in words.
        range: String,
    },
    /// No such graph exists.
    #[error("no {graph} has {nodes} nodes: {advice}")]
    NoGraph {
        /// Which graph.
        graph: String,
        /// The number of nodes asked for.
        nodes: u64,
        /// What to ask for instead.
        advice: String,
    },
    /// A line of a list of edges cannot be used.
    #[error("line {line} of the edges, {text:?}: {problem}")]
    Edge {
        /// The number of the line, from 1.
        line: u64,
        /// The line.
        text: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The edges could not be read, or are no text.
    #[error("the edges can't be read: {0}")]
    Text(String),
    /// The engine asked for cannot do this model.
    #[error("engine {engine} cannot do this: {reason}; {instead}")]
    Unsupported {
        /// The engine's name.
        engine: &'static str,
        /// What it lacks.
        reason: String,
        /// What to do.
        instead: String,
    },
    /// The memory needed is above the limit.
    #[error("{what} needs {need} bytes of memory, but the limit is {limit} bytes")]
    Memory {
        /// What needs it.
        what: String,
        /// How many bytes it needs.
        need: u64,
        /// The limit given.
        limit: u64,
    },
    /// The observer gave up while a graph was being made.
    #[error("given up while the graph was being made")]
    Cancelled,
    /// Two summaries are not of the same question.
    #[error("the summaries cannot be merged: {0}")]
    Merge(String),
}

impl RoundsError {
    #[expect(clippy::needless_pass_by_value, reason = "callers give literals and copies")]
    pub(crate) fn setting(
        name: &'static str,
        value: impl ToString,
        range: impl Into<String>,
    ) -> Self {
        Self::Setting { name, value: value.to_string(), range: range.into() }
    }
}

/// `Ok` if `inside`; otherwise the setting, its value and its range.
pub(crate) fn need(
    inside: bool,
    name: &'static str,
    value: impl ToString,
    range: impl Into<String>,
) -> Result<(), RoundsError> {
    if inside { Ok(()) } else { Err(RoundsError::setting(name, value, range)) }
}
