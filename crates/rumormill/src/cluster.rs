//! A simulated cluster that runs the real protocol: flags, runs, recordings, pictures.

pub(crate) mod args;
pub(crate) mod file;
pub(crate) mod flags;
pub(crate) mod many;
pub(crate) mod plot;
pub(crate) mod replay;
pub(crate) mod shorten;
pub(crate) mod simulate;
pub(crate) mod sweep;
pub(crate) mod timeline;
pub(crate) mod verdict;
