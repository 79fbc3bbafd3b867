//! How the making of a graph reports, and is given up.

use std::ops::ControlFlow;

use crate::error::Error;

/// Tells an observer, now and then, how far the making of a graph is.
#[derive(Clone, Copy)]
pub(crate) struct Pace<'a> {
    observe: &'a dyn Fn(f64) -> ControlFlow<()>,
}

impl<'a> Pace<'a> {
    pub(crate) fn new(observe: &'a dyn Fn(f64) -> ControlFlow<()>) -> Self {
        Self { observe }
    }

    /// Reports that `done` steps of `all` are done, of the work from share `from` to share `to`.
    #[inline]
    pub(crate) fn at(self, done: u64, all: u64, (from, to): (f64, f64)) -> Result<(), Error> {
        if done & 0xf_ffff != 0xf_ffff {
            return Ok(());
        }
        let share = from + (to - from) * done as f64 / all as f64;
        match (self.observe)(share) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    }
}
