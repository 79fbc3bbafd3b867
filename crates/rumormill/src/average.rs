//! How nodes agree on a mean: the exact answer and the simulation.

pub(crate) mod answer;
pub(crate) mod args;
pub(crate) mod columns;
pub(crate) mod following;
pub(crate) mod plot;
pub(crate) mod predict;
pub(crate) mod simulate;
pub(crate) mod sweep;
pub(crate) mod text;
pub(crate) mod values;
