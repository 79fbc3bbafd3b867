//! The exact mathematics of gossip.

pub mod average;
pub mod broadcast;
mod complex;
pub mod error;
pub mod graph;
mod grid;
mod kernel;
mod model;
pub mod plan;
mod row;
pub mod special;
pub mod spread;
pub mod stop;
pub mod usual;

pub use error::Error;
pub use model::{MAX_FANOUT, MAX_NODES, Spread, Style, Targets};
pub use spread::{Distribution, Engine, Options, Progress};
