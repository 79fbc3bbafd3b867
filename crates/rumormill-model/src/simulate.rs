//! Round models: a rumor among any number of nodes, without the protocol's detail, as fast as the
//! machine allows.
//!
//! [`SpreadModel`] is the question, [`Topology`] who knows whom, [`simulate`] the answer: a
//! [`Summary`] of many runs, which is the same whatever the number of threads. Random numbers have
//! addresses ([`stream`]), so run i of a seed is the same whatever runs before or beside it.
//!
//! ```
//! use std::ops::ControlFlow;
//! use rumormill_proto::Style;
//! use rumormill_model::simulate::{Job, SpreadModel, Topology, simulate};
//!
//! let model = SpreadModel::new(Style::Push);
//! let topology = Topology::Complete(64);
//! let job = Job::new(&model, &topology, 0..2000, 7);
//! let summary = simulate(&job, &|_| ControlFlow::Continue(()))?;
//! assert!((summary.mean() - 11.158).abs() < 0.15); // E[T] = 11.158119…
//! # Ok::<(), rumormill_model::simulate::RoundsError>(())
//! ```

pub mod average;
pub mod broadcast;
mod contacts;
pub mod engine;
pub mod error;
pub mod histogram;
pub mod model;
pub mod observer;
mod prefetch;
pub mod run;
mod start;
pub mod stream;
pub mod summary;
pub mod updates;
mod work;

pub use crate::graph::{
    Connectivity, Csr, Density, GraphKind, MAX_GRAPH_NODES, Repeats, Topology, read_edges,
};
pub use broadcast::{Broadcast, BroadcastKind};
pub use engine::EngineKind;
pub use error::RoundsError;
pub use model::{MAX_FANOUT, MAX_NODES, Origin, Semantics, SpreadModel, StopRule, Targets};
pub use observer::{Observer, Progress};
pub use run::Run;
pub use summary::{RoundFigures, Summary};
pub use updates::{Updates, UpdatesSummary, Way};
pub use work::{Job, simulate};

#[cfg(test)]
mod tests;
