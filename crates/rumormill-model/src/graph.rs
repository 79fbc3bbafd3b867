//! Graphs: the complete one, which takes no memory, or any as a list of neighbours.

pub mod csr;
pub mod distance;
pub mod edges;
pub mod kind;
mod lattice;
pub mod pace;
mod random;
pub mod reach;
mod regular;
mod search;
pub mod topology;

pub use csr::{Csr, MAX_GRAPH_NODES};
pub use edges::{Repeats, read_edges};
pub use kind::{Density, GraphKind};
pub use reach::Connectivity;
pub use topology::{MAX_NODES, Topology};

#[cfg(test)]
mod tests;
