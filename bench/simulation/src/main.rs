//! The round models' figures: nanoseconds a contact, runs a second, bytes a node, and what a second
//! thread brings; with `--peers` beside numba and networkx, measured by turns on the same machine.
//!
//! Every case runs in a process of its own, so that its memory is its own. A contact is one that the
//! model makes, whether or not an engine had to work it. On one thread the time is the processor's
//! (as for the peers), so that others at work on the machine disturb it less; on two it is the wall
//! clock's.

mod case;
mod clock;
mod peers;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};
use clap::Parser;

use case::{CASES, Case, Figures};

/// Nanoseconds a contact, runs a second and bytes a node of the round models.
#[derive(Parser)]
struct Args {
    /// Times that each case is measured; medians are given.
    #[arg(long, default_value_t = 5)]
    times: usize,
    /// Only the cases whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Leave out the cases of 10⁷ nodes and more.
    #[arg(long)]
    small: bool,
    /// Measure numba and networkx too: python is run by peers.sh, which installs them.
    #[arg(long)]
    peers: bool,
    /// With the peers, numba at 10⁹ nodes: some ten minutes, and 5 GB.
    #[arg(long)]
    huge: bool,
    /// Where peers.sh keeps its virtual environment.
    #[arg(long, default_value = "target/peers-venv")]
    venv: PathBuf,
    /// Measure one case in this process and print its figures as JSON.
    #[arg(long, hide = true)]
    case: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(name) = &args.case {
        let case = CASES.iter().find(|case| case.name == name).context("no such case")?;
        println!("{}", serde_json::to_string(&case.measure(args.times)?)?);
        return Ok(());
    }
    let python = args.peers.then(|| peers::install(&args.venv)).transpose()?;
    let named = |name: &str| args.only.as_deref().is_none_or(|only| name.contains(only));
    let cases = CASES.iter().filter(|case| named(case.name) && !(args.small && case.large()));
    println!(
        "{:<22}{:<14}{:>8}{:>12}{:>12}{:>9}{:>12}{:>12}",
        "case", "engine", "threads", "ns/contact", "ms/run", "runs/s", "bytes/node", "speed-up"
    );
    let mut measured: Vec<(&Case, Figures)> = Vec::new();
    for case in cases {
        let figures = child(case, args.times)?;
        // Two threads are compared with the case before: the same on one, by the wall clock too.
        let alone = measured.iter().find(|(other, _)| case.is_threaded(other));
        let speed_up =
            alone.map_or(String::new(), |(_, one)| format!("{:.2}", one.wall_ns / figures.wall_ns));
        println!(
            "{:<22}{:<14}{:>8}{:>12.3}{:>12.4}{:>9}{:>12}{:>12}",
            case.name,
            case.engine.name(),
            case.threads,
            figures.ns_per_contact,
            figures.ms_per_run,
            short(1000.0 / figures.ms_per_run),
            // Among few nodes it is the process that is measured.
            if case.nodes < 1_000_000 { "-".to_owned() } else { short(figures.bytes_per_node) },
            speed_up
        );
        measured.push((case, figures));
    }
    if let Some(python) = python {
        peers::compare(&python, &measured, args.times, (args.small, args.huge))?;
    }
    Ok(())
}

/// Measures a case in a process of its own.
fn child(case: &Case, times: usize) -> anyhow::Result<Figures> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--case", case.name, "--times", &times.to_string()])
        .output()?;
    if !output.status.success() {
        bail!("{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn short(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
