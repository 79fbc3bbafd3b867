//! The beginning of every simulation in rounds: its graph is made before the first run.

use std::ops::ControlFlow;
use std::path::Path;

use crate::term::exit;
use crate::term::exit::{Exit, Usage};
use crate::term::progress::Progress;
use crate::term::signal::Interrupt;

/// How a simulation begins.
pub(crate) enum Start<T> {
    /// With what was made.
    Ready(T, Interrupt),
    /// Not at all: the user had enough of waiting for its graph.
    Stopped(Exit),
}

/// Checks where the picture is to go, and makes what is to be simulated: `make` tells the share of
/// the graph that is done, and learns whether to go on.
pub(crate) fn start<T>(
    plot: Option<&Path>,
    make: impl FnOnce(&dyn Fn(f64) -> ControlFlow<()>) -> anyhow::Result<T>,
) -> anyhow::Result<Start<T>> {
    if let Some(path) = plot {
        check_plot(path)?;
    }
    let interrupt = Interrupt::listen()?;
    let making = Progress::new(1, "graph");
    let made = make(&|share| {
        making.set(share);
        interrupt.flow()
    });
    drop(making);
    match (made, interrupt.exit()) {
        (Err(_), Some(exit)) => {
            exit::note("rumormill: stopped before the graph was made\n");
            Ok(Start::Stopped(exit))
        }
        (made, _) => Ok(Start::Ready(made?, interrupt)),
    }
}

/// Refuses a `--plot` that could not be written, before any work is done for it.
pub(crate) fn check_plot(path: &Path) -> Result<(), Usage> {
    rumormill_plot::sheet::check(path).map_err(|error| Usage(format!("--plot {error}")))
}
