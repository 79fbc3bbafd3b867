//! What the mathematics says beside a simulation.

use rumormill_model::exact::average as theory;
use rumormill_model::simulate::Topology;
use rumormill_model::simulate::average::{Aggregate, Averaging, Protocol, Schedule};
use serde::Serialize;

/// The factor by which a round shrinks the variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Reference {
    /// On the complete graph, with nothing going wrong.
    pub(crate) factor: f64,
    /// Whether that is what was simulated, so that the two must agree.
    pub(crate) applies: bool,
}

impl Reference {
    /// `None` where no factor of the estimates' variance is known: push-sum.
    pub(crate) fn of(averaging: &Averaging) -> Option<Self> {
        let nodes = averaging.nodes();
        let pushes = averaging.protocol == Protocol::PushSum;
        let factor = match averaging.schedule {
            // What is known of push-sum is about the masses that nodes hold, not their estimates.
            Schedule::Synchronous => return None,
            _ if pushes => return None,
            Schedule::Shuffled => theory::Schedule::Shuffled.factor(nodes),
            Schedule::Fixed => theory::Schedule::Fixed.factor(nodes),
            Schedule::RandomPair => theory::Schedule::RandomPair.factor(nodes),
            Schedule::Matching => theory::Schedule::Matching.factor(nodes),
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
