//! The flags of `rumormill simulate cluster`, and a run that was observed.

use std::path::PathBuf;

use rumormill_sim::scenario::{Outcome, Scenario, Slice};

use crate::cluster::flags::Flags;
use crate::term::machine::Machine;

const EXAMPLES: &str = "\
Examples:
  rumormill simulate cluster                                16 nodes, nothing goes wrong
  rumormill simulate cluster --nodes 64 --loss 0.05 --churn 12 --plot churn.png
  rumormill simulate cluster --crash n3@10s..20s --partition 30s..45s --seed 7
  rumormill simulate cluster examples/scenarios/partition.toml --record run.trace
  rumormill simulate cluster --partition 10s..30s --print > mine.toml
  rumormill simulate cluster --nodes 10000 --duration 20s   as many as a datacenter holds
  rumormill simulate cluster mine.toml --runs 100           a hundred seeds; the worst is shown

Exits with 1 when something that must hold does not, and says the seed and the shortest scenario
that still fails.";

/// The real protocol on a virtual network: what users see while things go wrong.
///
/// Every node runs the code that agents run, on a virtual clock. What must hold is checked
/// throughout: no enclosure excludes the truth, no mass is lost. At the end faults stop, and
/// everything must come right: all agree on who is there and on every aggregate.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A scenario, as TOML; flags change it or add to it (docs/cluster-scenarios.md).
    pub(crate) scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Run so many seeds, from the given one on, and show the worst.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) runs: u64,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// Print the scenario that file and flags amount to, and run nothing.
    #[arg(long)]
    pub(crate) print: bool,
    /// Print everything as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw the run over time to FILE.svg or FILE.png.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Record the run, for `rumormill replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// If it fails: write the shortest scenario that still does.
    #[arg(long, value_name = "FILE")]
    pub(crate) shrunk: Option<PathBuf>,
    /// If it fails: how many shorter scenarios to try; 0: none.
    #[arg(long, default_value_t = 500, value_name = "RUNS")]
    pub(crate) shrink: usize,
}

/// A run that was looked at from beginning to end.
pub(crate) struct Seen {
    pub(crate) scenario: Scenario,
    pub(crate) slices: Vec<Slice>,
    pub(crate) outcome: Outcome,
    /// Whether it came to its end.
    pub(crate) complete: bool,
}

impl Args {
    /// How many runs are made at once.
    pub(crate) fn threads(&self) -> usize {
        self.machine.threads().min(usize::try_from(self.runs).unwrap_or(usize::MAX))
    }
}
