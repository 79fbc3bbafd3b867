//! Simulated spreads: a job, the engines that can work it out, and what the runs add up to.

pub(crate) mod asked;
mod binomial;
mod bit_parallel;
mod bitset;
#[cfg(test)]
mod checks;
mod complete;
pub(crate) mod contacts;
mod count;
pub mod engines;
pub mod follow;
pub mod job;
mod occupancy;
mod player;
mod reference;
mod rows;
pub mod run;
pub(crate) mod start;
pub mod summary;
mod turns;
