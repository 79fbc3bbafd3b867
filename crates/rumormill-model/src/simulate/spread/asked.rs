//! A spread as a question to the engines.

use crate::graph::topology::Topology;
use crate::simulate::engine::Question;
use crate::simulate::spread::summary::Summary;
use crate::spread::Spread;

/// A spread and its graph.
pub(crate) struct Asked {
    pub(crate) spread: Spread,
    pub(crate) topology: Topology,
}

impl Asked {
    pub(crate) fn new(spread: &Spread, topology: &Topology) -> Self {
        Self { spread: spread.clone(), topology: topology.clone() }
    }
}

impl Question for Asked {
    type Summary = Summary;
    type Seen = u64;
}
