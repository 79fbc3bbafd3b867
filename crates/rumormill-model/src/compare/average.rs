//! The exact answer to the question of averaging: by how much a round contracts.

use serde::Serialize;

use crate::average::{Aggregate, Averaging, Protocol, Schedule};
use crate::exact::average::Schedule as Exact;
use crate::graph::topology::Topology;

/// The factor by which a round shrinks the variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Reference {
    /// On the complete graph, with nothing going wrong.
    pub factor: f64,
    /// Whether that is what was simulated, so that the two must agree.
    pub applies: bool,
}

impl Reference {
    /// Returns the factor; `None` where none of the estimates' variance is known: push-sum.
    #[must_use]
    pub fn of(averaging: &Averaging) -> Option<Self> {
        let nodes = averaging.nodes();
        let pushes = averaging.protocol == Protocol::PushSum;
        let factor = match averaging.schedule {
            // What is known of push-sum is about the masses that nodes hold, not their estimates.
            Schedule::Synchronous => return None,
            _ if pushes => return None,
            Schedule::Shuffled => Exact::Shuffled.factor(nodes),
            Schedule::Fixed => Exact::Fixed.factor(nodes),
            Schedule::RandomPair => Exact::RandomPair.factor(nodes),
            Schedule::Matching => Exact::Matching.factor(nodes),
            // Poisson(n) exchanges of random pairs, each leaving 1 − 1/(n−1) of the variance.
            Schedule::Asynchronous => Ok((-(nodes as f64) / (nodes as f64 - 1.0)).exp()),
        };
        let complete = matches!(averaging.topology, Topology::Complete(_));
        let plain = averaging.faults.none() && averaging.aggregate == Aggregate::Average;
        // The fixed order's is the limit of many nodes.
        let exact = averaging.schedule != Schedule::Fixed || nodes >= 1000;
        factor.ok().map(|factor| Self { factor, applies: complete && plain && exact })
    }
}
