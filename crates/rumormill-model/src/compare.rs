//! Exact and simulated answers to the same question, side by side.
//!
//! [`Exact::of`](answer::Exact) gives the exact answer to a question, as far as one is known;
//! [`agreement::Agreement`] tests what runs did against it.

pub mod agreement;
pub mod answer;
pub mod average;
pub mod broadcast;
pub mod spread;
