//! The exact mathematics of gossip.
//!
//! *Given n nodes, what is the probability that gossip has not finished within x rounds?* The usual
//! explanation reaches for a differential equation, two moments and Chebyshev. Those are here too,
//! in [`usual`], each judged by the exact answer; and the exact answer is
//! [`Spread::solve`](crate::spread::Spread::solve), good to twelve digits for 1 to 10¹⁵ nodes, in a
//! fraction of a second.
//!
//! Round semantics change results by far more than noise, so every function says which hold:
//! *synchronous* (all act on the state at the round's start; [`Spread`](crate::spread::Spread)),
//! *sequential* (one after another; `stop::sequential`, `average::Schedule::Shuffled`).
//!
//! | module | answers |
//! | --- | --- |
//! | [`spread`] | rounds until a rumor has spread: the whole law, messages, other goals |
//! | [`usual`] | the bounds and approximations of the usual story, with a verdict each |
//! | [`graph`] | star, ring, grid and others: distances, and closed forms where they hold |
//! | [`stop`] | rumors that die out: residue, traffic, the chance that someone never hears |
//! | [`broadcast`] | one sender tells all under loss |
//! | [`average`] | how fast averaging contracts |
//! | [`plan`] | the cheapest settings that meet a deadline and a failure probability |
//!
//! Everything is a pure function: no clock, no input or output, no threads, no global state, and
//! nothing that keeps it from compiling to WebAssembly.
//!
//! ```
//! use rumormill_model::spread::Spread;
//! use rumormill_proto::Style;
//! let spread = Spread { fanout: 2, loss: 0.05, ..Spread::new(10_000, Style::PushPull) };
//! let exact = spread.solve()?;
//! println!("99 % finish within {:?} rounds", exact.percentile(99.0)?);
//! assert!(exact.survival(20) < 1e-12);
//! # Ok::<(), rumormill_model::error::Error>(())
//! ```

pub mod average;
pub mod broadcast;
mod chebyshev;
mod complex;
mod dense;
mod double;
mod elementary;
pub mod graph;
mod grid;
mod kernel;
pub mod plan;
mod row;
pub mod special;
pub mod spread;
pub mod stop;
pub mod usual;

pub use spread::{Bound, Distribution, Engine, Options, Progress};
