//! The exact answer to the question of averaging: by how much a round contracts.

pub mod report;

use serde::Serialize;

use crate::average::{Aggregate, Averaging, Protocol, Schedule};
use crate::graph::topology::Topology;

/// The factor by which a round shrinks the variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reference {
    /// On the complete graph, with nothing going wrong.
    pub factor: f64,
    /// Whether that is what was simulated, so that the two must agree.
    pub applies: bool,
}

impl Reference {
    /// Returns the factor; `None` under push-sum, where that of the estimates is not known.
    #[must_use]
    pub fn of(averaging: &Averaging) -> Option<Self> {
        let nodes = averaging.nodes();
        // What is known of push-sum is about the masses that nodes hold, not their estimates.
        if averaging.protocol == Protocol::PushSum {
            return None;
        }
        let factor = averaging.schedule.factor(nodes);
        let complete = matches!(averaging.topology, Topology::Complete(_));
        let plain = averaging.faults.none() && averaging.aggregate == Aggregate::Average;
        // The fixed order's is the limit of many nodes.
        let exact = averaging.schedule != Schedule::Fixed || nodes >= 1000;
        factor.ok().map(|factor| Self { factor, applies: complete && plain && exact })
    }
}
