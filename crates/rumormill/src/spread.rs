//! How an event spreads: the exact answer, the simulation, and the choice of settings.

pub(crate) mod args;
pub(crate) mod broadcast;
pub(crate) mod plan;
pub(crate) mod plot;
pub(crate) mod plot_law;
pub(crate) mod predict;
pub(crate) mod question;
pub(crate) mod report;
pub(crate) mod simulate;
pub(crate) mod stop;
pub(crate) mod sweep;
pub(crate) mod text;
pub(crate) mod title;
pub(crate) mod updates;
pub(crate) mod usual;
