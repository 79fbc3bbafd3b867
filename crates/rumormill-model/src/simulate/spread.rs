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
mod csr;
pub mod job;
pub mod kind;
mod occupancy;
mod player;
mod reference;
pub mod run;
pub(crate) mod start;
pub mod summary;
