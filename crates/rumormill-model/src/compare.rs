//! Exact and simulated answers to the same question, side by side.
//!
//! [`spread::exact`] and [`broadcast::exact`] give the [exact answer](answer::Exact) to a question,
//! as far as it is known; [`agreement::Agreement`] tests runs against it.

pub mod agreement;
pub mod answer;
pub mod average;
pub mod broadcast;
pub mod ending;
pub mod spread;
pub mod updates;
