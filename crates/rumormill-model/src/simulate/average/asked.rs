//! The question of averaging as the engines get it.

use crate::average::Averaging;
use crate::simulate::average::summary::Summary;
use crate::simulate::engine::Question;

/// A question, and the number of neighbours of a node.
pub(crate) struct Asked {
    pub(crate) averaging: Averaging,
    /// On average; of the graph that the question has, or of one that is not made yet.
    pub(crate) degree: f64,
}

impl Asked {
    pub(crate) fn new(averaging: &Averaging) -> Self {
        Self { degree: averaging.topology.mean_degree(), averaging: averaging.clone() }
    }
}

impl Question for Asked {
    type Summary = Summary;
    /// The run's number, and the worst node's relative error in it.
    type Seen = (u64, f64);
}
