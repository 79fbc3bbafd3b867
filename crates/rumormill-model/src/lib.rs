//! What gossip will do, computed and simulated: one question, two ways to look at it.
//!
//! The question is asked once: [`spread::Spread`] for a rumor among nodes, [`average::Averaging`] for
//! averaging, [`graph`] for the graphs that both can run on. Two halves answer it:
//!
//! | module | answers with |
//! | --- | --- |
//! | [`exact`] | the mathematics: whole distributions to twelve digits, bounds, rates, plans |
//! | [`simulate`] | the round models: many runs of the question, as fast as the machine allows |
#![deny(unsafe_code)]

pub mod average;
pub mod error;
pub mod exact;
pub mod graph;
pub mod simulate;
pub mod spread;
mod words;
