//! What gossip will do, computed and simulated: one question, three ways to look at it.
//!
//! The question is asked once: [`spread::Spread`] for a rumor among nodes, [`average::Averaging`]
//! for averaging, [`graph`] for the graphs that both can run on. Three halves answer it:
//!
//! | module | answers with |
//! | --- | --- |
//! | [`exact`] | the mathematics: whole distributions to twelve digits, bounds, rates, plans |
//! | [`simulate`] | the round models: many runs of the question, as fast as the machine allows |
//! | [`compare`] | both side by side, and how well they agree |
#![deny(unsafe_code)]

pub mod average;
pub mod compare;
pub mod error;
pub mod exact;
pub mod graph;
pub mod simulate;
pub mod spread;
