//! Whether estimates are right, and whether enclosures enclose.

use rumormill_proto::{Bounded, Caveat, Instant, Mode, Name, Reading};

use super::truth::Truth;
use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// What a running node says of an aggregate.
#[derive(Clone, Debug)]
pub struct Said {
    /// The node.
    pub node: NodeIndex,
    /// Its own time.
    pub now: Instant,
    /// What it says; `None` if it does not know the aggregate.
    pub reading: Option<Reading>,
}

/// Returns what all running nodes say of an aggregate.
pub fn said(net: &VirtualNetwork, aggregate: &Name) -> Vec<Said> {
    let said = |(node, running): (NodeIndex, &rumormill_proto::Node)| {
        let now = net.local_now(node);
        Said { node, now, reading: running.aggregates().get(now, aggregate) }
    };
    net.running().map(said).collect()
}

/// How many times the configured tolerance a converged estimate may be off: the enclosure may be
/// one tolerance wide, the estimate may lie one beside it, and an average errs in sum and count.
const SLACK: f64 = 4.0;

/// A unit of mass.
const QUANTUM: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// Checks that every node has converged, and that its estimate is right within the tolerance. Where
/// there are more members than enclosures can cover nobody knows the extremes or that it has
/// converged, which is not asked then.
///
/// Errors of sum and average are measured against the largest input, as the tolerance is: inputs
/// may cancel out. That of the variance is measured against itself.
///
/// # Errors
/// The first node that has not, or that says something wrong.
pub fn aggregates(
    aggregate: &Name,
    truth: &Truth,
    said: &[Said],
    tolerance: f64,
) -> Result<(), Violation> {
    let count = truth.count as f64;
    let relative = SLACK * tolerance;
    let scale = truth.largest();
    let said_by = said.len();
    for Said { node, reading, .. } in said {
        let (node, aggregate) = (*node, aggregate.clone());
        let Some(reading) = reading else { return Err(Violation::Unknown { node, aggregate }) };
        let wrong = |what, said: Option<f64>, truth: f64, error: f64| {
            let right = said.is_some_and(|said| (said - truth).abs() <= error);
            let aggregate = aggregate.clone();
            if right {
                Ok(())
            } else {
                Err(Violation::Wrong { node, aggregate, what, said, truth })
            }
        };
        // Each node's mass is a whole number of units, and so the sum is off by some of them.
        let quanta = 4.0 * QUANTUM * said_by as f64;
        wrong("sum", reading.sum.value, truth.sum(), relative * scale * count + quanta)?;
        let error = relative * scale + quanta / count;
        wrong("average", reading.average.value, truth.average(), error)?;
        wrong("count", reading.count.value, count, relative * count)?;
        let too_many = |caveat: &Caveat| matches!(caveat, Caveat::TooManyMembers(_, limit) if said_by > *limit);
        let enclosable = !reading.caveats.iter().any(too_many);
        if enclosable {
            let certified = reading.certified;
            wrong("minimum", certified.and_then(|c| c.min), truth.min, 0.0)?;
            wrong("maximum", certified.and_then(|c| c.max), truth.max, 0.0)?;
        }
        if !enclosable {
            continue;
        }
        if !reading.converged {
            return Err(Violation::NotConverged { node, aggregate });
        }
        // An epoch ends when the sum is certain, and the variance may not be.
        if reading.mode == Mode::Live || reading.variance.is_some() {
            wrong("variance", reading.variance, truth.variance, 1e-9 * truth.variance)?;
        }
    }
    Ok(())
}

/// Checks that every enclosure that holds for an instant at or after `since` (in the node's own
/// time) contains the truth, which must have been the same since then. Returns how many there were.
///
/// # Errors
/// The first enclosure that does not.
pub fn enclosures(
    aggregate: &Name,
    truth: &Truth,
    said: &[Said],
    since: impl Fn(NodeIndex) -> Option<Instant>,
) -> Result<u64, Violation> {
    let mut seen = 0;
    for Said { node, now, reading } in said {
        let Some(reading) = reading else { continue };
        let (Some(certified), Some(since)) = (reading.certified, since(*node)) else { continue };
        if since + certified.age > *now {
            continue;
        }
        let count = truth.count as f64;
        let mut check = |what, bounded: &Bounded, below: f64, above: f64| {
            seen += 1;
            if bounded.encloses(below) && bounded.encloses(above) {
                return Ok(());
            }
            let (lower, upper) = (bounded.lower, bounded.upper);
            let (node, aggregate) = (*node, aggregate.clone());
            Err(Violation::Escaped { node, aggregate, what, lower, upper, truth: below })
        };
        check("sum", &certified.sum, truth.sum_below, truth.sum_above)?;
        check("count", &certified.count, count, count)?;
        if truth.count == 0 {
            continue;
        }
        // The average as such is not a float; an enclosure must reach to within its rounding.
        let (low, high) = (truth.sum_below / count, truth.sum_above / count);
        if let Some(average) = &certified.average {
            check("average", average, low.next_up(), high.next_down())?;
        }
    }
    Ok(seen)
}
