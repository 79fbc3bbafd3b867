//! A cell of a sweep: its settings, and the trait that every simulation implements for it.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::sweep::table::{Column, Value};

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// How a cell reports progress and learns that it must stop.
pub(crate) struct Watch<'a> {
    /// Takes the share that is done, 0 to 1.
    pub(crate) done: &'a (dyn Fn(f64) + Sync),
    /// Returns whether to stop.
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'_> {
    /// Tells long work whether to continue.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if (self.stop)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// A cell, ready to run.
pub(crate) trait Work: Send + Sync {
    /// Returns the bytes of memory that it needs on this number of threads.
    fn memory(&self, threads: usize) -> u64;
    /// Returns its results, one for each column; `None` if it was stopped.
    fn run(
        &self,
        columns: &[Column],
        threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>>;
}
