//! What can be wrong with a question.

use std::fmt::Display;

/// A refused question, with the offending value and its limits. Nothing was computed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A setting lies outside its range.
    #[error("{name} is {value}, but must be {range}")]
    Setting {
        /// The setting's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// The range, in words.
        range: String,
    },
    /// The spread takes too many rounds to list its distribution.
    #[error(
        "{name} is {value}: the spread takes about {rounds:.1e} rounds, above the limit {limit}"
    )]
    TooManyRounds {
        /// The setting that makes it slow.
        name: &'static str,
        /// The value given.
        value: f64,
        /// About how many rounds the distribution spans.
        rounds: f64,
        /// The most rounds the engine lists.
        limit: u64,
    },
    /// The question has an answer, but not within about a second.
    #[error(
        "{name} is {value}: {nodes} living nodes then take about {rounds:.1e} rounds, too many to \
         follow within a second; ask for fewer nodes or for less loss"
    )]
    TooLong {
        /// The setting that makes it slow.
        name: &'static str,
        /// The value given.
        value: f64,
        /// How many nodes are alive.
        nodes: u64,
        /// About how many rounds there are.
        rounds: f64,
    },
    /// No setting meets the target of a plan.
    #[error(
        "deadline is {deadline} s, but must be at least {needed:.3} s: failure {failure:e} takes \
         {best} rounds, of no less than {interval} s each"
    )]
    Unplannable {
        /// The failure probability asked for.
        failure: f64,
        /// The deadline asked for, in seconds.
        deadline: f64,
        /// The fewest rounds any setting needs.
        best: u64,
        /// The shortest interval allowed, in seconds.
        interval: f64,
        /// The time those rounds take, in seconds.
        needed: f64,
    },
    /// Every message is lost, so no plan exists.
    #[error("{name} is {value}: no message ever arrives, so it must be below 1")]
    NeverArrives {
        /// The setting.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// No such graph exists.
    #[error("no {graph} has {nodes} nodes: {advice}")]
    NoGraph {
        /// The graph's name.
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
    /// The edges could not be read, or are not text.
    #[error("cannot read the edges: {0}")]
    Text(String),
    /// The engine does not support the question.
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

impl Error {
    pub(crate) fn setting(name: &'static str, value: impl Display, range: impl Display) -> Self {
        Self::Setting { name, value: value.to_string(), range: range.to_string() }
    }
}

/// Returns `Ok` if `inside`, otherwise the setting with its value and its range.
pub(crate) fn need(
    inside: bool,
    name: &'static str,
    value: impl Display,
    range: impl Display,
) -> Result<(), Error> {
    // NaN is inside no range: every caller's comparison is false for it.
    if inside { Ok(()) } else { Err(Error::setting(name, value, range)) }
}

/// Checks that a whole number lies in `low..=high`.
pub(crate) fn count(name: &'static str, value: u64, low: u64, high: u64) -> Result<(), Error> {
    need((low..=high).contains(&value), name, value, format_args!("{low} to {high}"))
}

/// Checks that `what` fits the memory.
pub(crate) fn fits(need: u64, limit: u64, what: impl FnOnce() -> String) -> Result<(), Error> {
    if need <= limit { Ok(()) } else { Err(Error::Memory { what: what(), need, limit }) }
}
