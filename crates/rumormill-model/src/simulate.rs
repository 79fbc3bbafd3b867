//! Round models: a rumor among any number of nodes, without the protocol's detail, as fast as the
//! machine allows.
//!
//! [`Spread`](crate::spread::Spread) is the question, [`Topology`](crate::graph::Topology) the
//! graph, [`simulate`] gives the answer: a [`Summary`] of many runs, which is the same whatever the
//! number of threads. Random numbers have addresses ([`stream`]), so run i of a seed is the same
//! whatever runs before or beside it.
//!
//! ```
//! use std::ops::ControlFlow;
//! use rumormill_proto::Style;
//! use rumormill_model::graph::Topology;
//! use rumormill_model::simulate::{Job, simulate};
//! use rumormill_model::spread::Spread;
//!
//! let spread = Spread::new(64, Style::Push);
//! let topology = Topology::Complete(64);
//! let job = Job::new(&spread, &topology, 0..2000, 7);
//! let summary = simulate(&job, &|_| ControlFlow::Continue(()))?;
//! assert!((summary.mean() - 11.158).abs() < 0.15); // E[T] = 11.158119…
//! # Ok::<(), rumormill_model::error::Error>(())
//! ```

pub mod average;
pub mod broadcast;
mod engine;
mod grown;
pub mod histogram;
pub mod observer;
mod prefetch;
pub mod snapshot;
pub mod spread;
pub mod stream;
pub mod updates;
pub mod work;

pub use broadcast::{Broadcast, BroadcastKind};

pub use observer::{Observer, Progress};
pub use spread::engines::EngineKind;
pub use spread::job::{Job, simulate};
pub use spread::run::Run;
pub use spread::summary::{RoundStatistics, Summary};
pub use updates::{Updates, UpdatesSummary, Way};

#[cfg(test)]
mod tests;
