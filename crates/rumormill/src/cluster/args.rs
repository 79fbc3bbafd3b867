//! The flags of `rumormill simulate cluster`, and a run that was observed.

use std::path::PathBuf;

use rumormill_sim::scenario::{Outcome, Scenario, Slice};

use crate::cluster::flags::Flags;
use crate::term::machine::Machine;

const EXAMPLES: &str = "\
Examples:
  rumormill simulate cluster                                16 nodes, no faults
  rumormill simulate cluster --nodes 64 --loss 0.05 --churn 12 --plot churn.png
  rumormill simulate cluster --crash n3@10s..20s --partition 30s..45s --seed 7
  rumormill simulate cluster examples/scenarios/partition.toml --record run.trace
  rumormill simulate cluster --partition 10s..30s --print > mine.toml
  rumormill simulate cluster --nodes 10000 --duration 20s   a large cluster
  rumormill simulate cluster mine.toml --runs 100           100 seeds; prints the worst
  rumormill simulate cluster --random --seed 7 --print      a random scenario, full of faults
  rumormill simulate cluster --random --runs 100            100 of them

Exit codes: 0 all checks held, 1 a check failed (prints the seed and the shortest scenario that
still fails), 2 usage, 130 interrupted.";

/// The real protocol on a virtual network, with faults
///
/// Every node runs the code of an agent, on a virtual clock. Throughout the run, all bounds must
/// contain the true value and no mass may be lost. At the end the faults stop; then all nodes must
/// agree on the members and on every aggregate.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Scenario file, TOML; flags change it or add to it (docs/cluster-scenarios.md).
    pub(crate) scenario: Option<PathBuf>,
    /// Draw a scenario full of faults from the seed; flags change it or add to it.
    #[arg(long, conflicts_with = "scenario")]
    pub(crate) random: bool,
    #[command(flatten)]
    pub(crate) flags: Flags,
    /// Number of seeds to run, from --seed on; prints the worst.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) runs: u64,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// Print the scenario that file and flags make, and exit.
    #[arg(long)]
    pub(crate) print: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Draw the run over time to FILE.svg or FILE.png.
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// Record the run, for `rumormill replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// File for the shortest scenario that still fails, if the run fails.
    #[arg(long, value_name = "FILE")]
    pub(crate) shrunk: Option<PathBuf>,
    /// Shorter scenarios to try if the run fails; 0 tries none.
    #[arg(long, default_value_t = 500, value_name = "RUNS")]
    pub(crate) shrink: usize,
}

/// An observed run.
pub(crate) struct Seen {
    pub(crate) scenario: Scenario,
    pub(crate) slices: Vec<Slice>,
    pub(crate) outcome: Outcome,
    /// Whether it ran to its end.
    pub(crate) complete: bool,
}

impl Args {
    /// Returns the number of parallel runs.
    pub(crate) fn threads(&self) -> usize {
        self.machine.threads().min(usize::try_from(self.runs).unwrap_or(usize::MAX))
    }
}
