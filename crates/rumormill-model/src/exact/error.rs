//! What can be wrong with a question.

use thiserror::Error;

/// A question that has no answer, with the offending value and its limit.
///
/// Nothing is changed when an error is returned: every function here is pure.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A count lies outside its range.
    #[error("{name} is {value}, but must lie in {low}..={high}")]
    Count {
        /// Which parameter.
        name: &'static str,
        /// The value given.
        value: u64,
        /// The least value allowed.
        low: u64,
        /// The greatest value allowed.
        high: u64,
    },
    /// A real number lies outside its range.
    #[error("{name} is {value}, but must lie in {range}")]
    Real {
        /// Which parameter.
        name: &'static str,
        /// The value given.
        value: f64,
        /// The range, as an interval.
        range: &'static str,
    },
    /// The spread takes so many rounds that listing its distribution is out of reach.
    #[error(
        "{name} is {value}: the spread takes about {rounds:.1e} rounds, above the limit {limit}"
    )]
    TooManyRounds {
        /// Which parameter makes it slow.
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
         follow within a second; ask of fewer nodes or of less loss"
    )]
    TooLong {
        /// Which parameter makes it slow.
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
    #[error("{name} is {value}: nothing ever arrives, so it must be below 1")]
    NeverArrives {
        /// Which parameter.
        name: &'static str,
        /// The value given.
        value: f64,
    },
}

pub(crate) fn count(name: &'static str, value: u64, low: u64, high: u64) -> Result<(), Error> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(Error::Count { name, value, low, high })
    }
}

pub(crate) fn real(
    name: &'static str,
    value: f64,
    range: &'static str,
    inside: bool,
) -> Result<(), Error> {
    // NaN is inside no interval: every caller's comparison is false for it.
    if inside { Ok(()) } else { Err(Error::Real { name, value, range }) }
}
