//! The flags, start and output that simulations in rounds share.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rumormill_plot::sheet::Sheet;
use serde::Serialize;

use crate::term::exit;
use crate::term::exit::{Exit, Usage};
use crate::term::machine::Machine;
use crate::term::parse::count;
use crate::term::progress::Progress;
use crate::term::signal::Interrupt;

/// The flags of every simulation in rounds.
#[derive(clap::Args)]
pub(crate) struct Runs {
    /// Seed of all random choices: the same seed gives the same runs.
    #[arg(long, value_parser = count, default_value = "1")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// Draw the result to FILE.svg or FILE.png.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The start of a simulation.
pub(crate) enum Start<T> {
    /// With the graph made.
    Ready(T, Interrupt),
    /// Interrupted before that.
    Stopped(Exit),
}

impl Runs {
    /// Refuses a picture.
    ///
    /// # Errors
    /// If one is asked for.
    pub(crate) fn no_plot(&self, what: &str) -> anyhow::Result<()> {
        match &self.plot {
            None => Ok(()),
            Some(_) => Err(Usage(format!("--plot: there is no picture {what}")).into()),
        }
    }

    /// Checks the picture's file, and makes what is simulated: `make` reports the share of the graph
    /// that is done, and learns whether to continue.
    pub(crate) fn start<T>(
        &self,
        make: impl FnOnce(&dyn Fn(f64) -> ControlFlow<()>) -> anyhow::Result<T>,
    ) -> anyhow::Result<Start<T>> {
        if let Some(path) = &self.plot {
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
                exit::note("rumormill: interrupted before the graph was made\n");
                Ok(Start::Stopped(exit))
            }
            (made, _) => Ok(Start::Ready(made?, interrupt)),
        }
    }

    /// Prints the report, and draws it with `--plot`.
    pub(crate) fn show<T: Serialize>(
        &self,
        report: &T,
        sheet: fn(&T) -> Sheet,
        text: fn(&T) -> String,
    ) -> anyhow::Result<()> {
        if let Some(path) = &self.plot {
            sheet(report).save(path)?;
        }
        if self.json { exit::print_json(report) } else { exit::print(&text(report)) }
    }
}

/// Refuses a `--plot` that could not be written, before any work is done for it.
pub(crate) fn check_plot(path: &Path) -> Result<(), Usage> {
    rumormill_plot::sheet::check(path).map_err(|error| Usage(format!("--plot {error}")))
}
