//! Rumors that die out: residue, traffic, delay, and the probability that some node is never
//! informed (Demers et al. 1987).
//!
//! An informed node pushes to a random other node each round, until a [`Rule`] makes it lose
//! interest. Results depend on the semantics, so those are explicit: [`sequential`] contacts (one
//! after another, each seeing the state the last one left; the residue is then the same for any
//! schedule, and exact), or snapshot rounds (all contacts of a round see its start;
//! [`crate::simulate::snapshot`] estimates them).

mod sequential;

pub use sequential::{MAX_SEQUENTIAL_NODES, Residue, sequential};

use rumormill_proto::Counted;

use crate::error::{Error, count, need};

/// When a node loses interest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// With this probability after a contact, in (0, 1].
    Coin(f64),
    /// After this many contacts, at least 1.
    Counter {
        /// How many contacts.
        limit: u32,
        /// Whether a contact that told someone sets the count back to zero.
        reset: bool,
    },
}

impl Rule {
    /// Checks the rule's number against its range.
    ///
    /// # Errors
    /// If the probability or the limit is out of range.
    pub fn check(self) -> Result<(), Error> {
        match self {
            Self::Coin(p) => need(p > 0.0 && p <= 1.0, "coin", p, "above 0 and at most 1"),
            Self::Counter { limit, .. } => count("counter", u64::from(limit), 1, 1000),
        }
    }
}

/// Returns the share never told in the mean field: the root below 1 of s = e^{−(k+1)(1−s)} with
/// feedback, of s = e^{−k(1−s)} without. For the coin, k is one over its probability.
///
/// Blind with k ≤ 1 the rumor dies at once: the share is 1.
///
/// # Errors
/// If `k` is not positive.
///
/// ```
/// use rumormill_model::exact::stop::mean_field_residue;
/// use rumormill_proto::Counted;
/// let s = mean_field_residue(Counted::Feedback, 1.0)?;
/// assert!((s - 0.2032).abs() < 5e-5);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn mean_field_residue(counted: Counted, k: f64) -> Result<f64, Error> {
    need(k > 0.0 && k.is_finite(), "counter", k, "above 0")?;
    let rate = if counted == Counted::Feedback { k + 1.0 } else { k };
    if rate <= 1.0 {
        return Ok(1.0);
    }
    // From below the map climbs to the root; Newton finishes.
    let mut s = (-rate).exp();
    for _ in 0..200 {
        let e = (-rate * (1.0 - s)).exp();
        let next = s - (s - e) / (1.0 - rate * e);
        if (next - s).abs() <= 1e-16 * s {
            break;
        }
        s = next;
    }
    Ok(s)
}

/// Returns the counter below which completeness fails as n grows: telling everyone with probability
/// 1−δ takes k+1 ≥ ln(n/δ), roughly (feedback).
///
/// # Errors
/// If `nodes` is 0 or above 10¹⁵, or `failure` outside (0, 1).
pub fn counter_for_completeness(nodes: u64, failure: f64) -> Result<u32, Error> {
    count("nodes", nodes, 1, crate::graph::topology::MAX_NODES)?;
    need(failure > 0.0 && failure < 1.0, "failure", failure, "above 0 and below 1")?;
    Ok(((nodes as f64 / failure).ln() - 1.0).ceil().max(1.0) as u32)
}

#[cfg(test)]
mod tests;
