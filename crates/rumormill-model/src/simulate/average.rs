//! Averaging in rounds: how fast nodes that exchange what they hold come to agree on its mean.
//!
//! [`Averaging`] is the question: [`Protocol`], [`Schedule`], [`Faults`], [`Values`]. [`simulate`]
//! answers it with a [`Summary`] of many runs, which is the same whatever the number of threads.
//!
//! Inside, a protocol is a file of its own (`push_pull`, `push_sum`, `ledger`), written once and
//! run by two engines: `instant`, whose exchanges take no time, and `events`, whose messages do, so
//! that exchanges overlap. `dense` is the plain case as fast as memory allows. [`follow`] shows one
//! run of `instant` message by message.
//!
//! ```
//! use std::ops::ControlFlow;
//! use rumormill_model::simulate::average::{Averaging, Job, Protocol, simulate};
//!
//! let averaging = Averaging::new(10_000, Protocol::PushPull);
//! let summary = simulate(&Job::new(&averaging, 0..5), &|_| ControlFlow::Continue(()))?;
//! let factor = summary.factor.mean().expect("forty rounds");
//! assert!((factor - 0.3033).abs() < 0.003); // 1/(2√e): Jelasity, Montresor, Babaoglu 2005
//! # Ok::<(), rumormill_model::error::Error>(())
//! ```

mod arrays;
mod asked;
mod engines;
mod events;
pub mod follow;
pub mod following;
mod instant;
mod job;
mod ledger;
mod measure;
mod partners;
mod population;
mod protocol;
mod push_pull;
mod push_sum;
pub mod rational;
mod state;
pub mod statistic;
mod summary;
mod values;
mod wheel;
mod witness;

pub use crate::average::{
    Aggregate, Averaging, Engine, Faults, MAX_INPUT, MAX_NODES, Protocol, Schedule, Strike, Values,
};
pub use engines::bytes_with_degree;
pub use job::{Job, Observer, Progress, simulate};
pub use measure::Moment;
pub use protocol::Content;
pub use summary::{Level, Reached, Summary, TARGETS};

#[cfg(test)]
mod tests;
