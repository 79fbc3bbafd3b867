//! A cell of a sweep: its settings, and the trait that every simulation implements for it.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::sweep::table::{Column, Value};

/// A key and what it is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// How a cell reports and is stopped.
pub(crate) struct Watch<'a> {
    /// Told the share that is done, 0 to 1.
    pub(crate) done: &'a (dyn Fn(f64) + Sync),
    /// Asked whether to give up.
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
}

impl Watch<'_> {
    /// What long work is told that asks whether to go on.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if (self.stop)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// A cell, ready to run.
pub(crate) trait Work: Send + Sync {
    /// Bytes of memory it needs on so many threads.
    fn memory(&self, threads: usize) -> u64;
    /// Its results, one for each column; `None` if it was stopped.
    fn run(
        &self,
        columns: &[Column],
        threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>>;
}
