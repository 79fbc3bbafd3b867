//! The graphs that a spread or an average runs on: the flag, and what is known of a graph.

pub(crate) mod args;
pub(crate) mod predict;
