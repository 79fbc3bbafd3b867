//! A spread as a question to the engines.

use crate::graph::topology::Topology;
use crate::simulate::engine::Question;
use crate::simulate::spread::summary::Summary;
use crate::spread::{Semantics, Spread};

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

/// Checks what engines of synchronous rounds support.
///
/// # Errors
/// Other semantics, or nodes that lose interest.
pub(crate) fn supports(spread: &Spread) -> Result<(), String> {
    if spread.semantics != Semantics::Synchronous {
        return Err(format!("it runs synchronous rounds only, not {}", spread.semantics));
    }
    if spread.loses_interest() {
        return Err("it does not follow which nodes have lost interest".to_owned());
    }
    Ok(())
}

impl Question for Asked {
    type Summary = Summary;
    type Seen = u64;
}
