//! The exact mathematics of gossip.

mod complex;
pub mod error;
mod grid;
mod kernel;
mod model;
mod row;
pub mod special;
pub mod spread;

pub use error::Error;
pub use model::{MAX_FANOUT, MAX_NODES, Spread, Style, Targets};
pub use spread::{Distribution, Engine, Options, Progress};
