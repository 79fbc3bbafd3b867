//! Time and peak memory of the exact engine: n = 64, 10³, …, 10¹⁵ for each style.
//!
//! `cargo run --release -p rumormill-bench-exact` prints the table. Every case runs in a process
//! of its own, so that its peak memory is its own; the time is the least of the runs that fit in
//! half a second, and at least three.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rumormill_model::spread::{STEADY, Spread};

const SIZES: [u64; 6] =
    [64, 1_000, 1_000_000, 1_000_000_000, 1_000_000_000_000, 1_000_000_000_000_000];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => table(),
        [nodes, style] => case(nodes.parse()?, style),
        _ => bail!("usage: rumormill-bench-exact [NODES STYLE]"),
    }
}

/// Runs every case in a child process and prints a line for each.
fn table() -> anyhow::Result<()> {
    println!(
        "{:>8}  {:<10}{:>12}{:>16}{:>14}{:>6}{:>10}",
        "nodes", "style", "time", "peak memory", "mean rounds", "p99", "error"
    );
    for style in STEADY {
        for nodes in SIZES {
            let status = Command::new(std::env::current_exe()?)
                .args([nodes.to_string().as_str(), style.name()])
                .status()?;
            if !status.success() {
                bail!("{nodes} nodes, {}: {status}", style.name());
            }
        }
    }
    Ok(())
}

/// Runs one case and prints its line.
fn case(nodes: u64, style: &str) -> anyhow::Result<()> {
    let style = STEADY.into_iter().find(|s| s.name() == style).context("no such style")?;
    let spread = Spread::new(nodes, style);
    let before = peak_memory();
    let mut best = Duration::MAX;
    let began = Instant::now();
    let mut runs = 0;
    let answer = loop {
        let start = Instant::now();
        let answer = spread.solve()?;
        best = best.min(start.elapsed());
        runs += 1;
        if runs >= 3 && began.elapsed() > Duration::from_millis(500) {
            break answer;
        }
    };
    let memory = match (before, peak_memory()) {
        (Some(_), Some(after)) => format!("{:.1} MB", after as f64 / 1024.0),
        _ => "unknown".to_owned(),
    };
    println!(
        "{:>8}  {:<10}{:>9.3} ms{memory:>16}{:>14.6}{:>6}{:>10.1e}",
        format!("{nodes:e}"),
        style.name(),
        best.as_secs_f64() * 1e3,
        answer.mean,
        answer.percentile(99.0)?.context("no percentile")?,
        answer.error
    );
    Ok(())
}

/// The process's peak resident memory in KiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
