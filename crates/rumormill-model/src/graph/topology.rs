//! The nodes and which can call which, as the simulations use them.

use std::sync::Arc;

use crate::graph::csr::Csr;

/// The largest number of nodes: counts up to here are exact in double precision.
pub const MAX_NODES: u64 = 1_000_000_000_000_000;

/// Which nodes can call which.
#[derive(Clone, Debug)]
pub enum Topology {
    /// The complete graph on this many nodes.
    Complete(u64),
    /// Nodes call their neighbours in a graph.
    Graph(Arc<Csr>),
}

impl Topology {
    /// Returns the number of nodes.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        match self {
            Self::Complete(nodes) => *nodes,
            Self::Graph(csr) => csr.nodes(),
        }
    }

    /// Returns the largest number of neighbours of a node.
    #[must_use]
    pub fn largest_degree(&self) -> u64 {
        match self {
            Self::Complete(nodes) => nodes.saturating_sub(1),
            Self::Graph(csr) => csr.largest_degree(),
        }
    }

    /// Returns the mean number of neighbours of a node.
    #[must_use]
    pub fn mean_degree(&self) -> f64 {
        match self {
            Self::Complete(nodes) => nodes.saturating_sub(1) as f64,
            Self::Graph(csr) => csr.entries() as f64 / csr.nodes().max(1) as f64,
        }
    }

    /// Returns the number of neighbours of a node.
    #[must_use]
    pub fn degree(&self, node: u64) -> u64 {
        match self {
            Self::Complete(nodes) => nodes - 1,
            Self::Graph(csr) => csr.neighbours(node as u32).len() as u64,
        }
    }

    /// Returns the `slot`-th neighbour of a node; `slot` is below its degree.
    #[must_use]
    pub fn neighbour(&self, node: u64, slot: u64) -> u64 {
        match self {
            Self::Complete(_) => slot + u64::from(slot >= node),
            Self::Graph(csr) => u64::from(csr.neighbours(node as u32)[slot as usize]),
        }
    }

    /// Returns the memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Complete(_) => 0,
            Self::Graph(csr) => csr.bytes(),
        }
    }
}
