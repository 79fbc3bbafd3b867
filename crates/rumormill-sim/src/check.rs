//! What must hold, and a checker for each: whether all agree on who is there, whether mass is
//! conserved to the last bit, whether aggregates are right, and whether enclosures enclose.
//!
//! The checkers look at plain data (what nodes say, and the [`Truth`](truth::Truth) from the inputs that were
//! set), so that each can be shown something wrong and seen to find it.

pub mod chronicle;
pub(crate) mod clocks;
pub mod conservation;
pub mod estimates;
pub(crate) mod monitor;
pub mod rosters;
#[cfg(test)]
mod tests;
pub mod truth;
pub mod violation;

pub use self::violation::Violation;
