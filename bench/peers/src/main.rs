//! Our events beside the maintained peers: the same cluster on the same machine, over real UDP on
//! loopback, each implementation in a process of its own.

mod cluster;
mod deliveries;
mod measure;
mod peers;
mod report;
mod usage;

use std::process::{ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::{Parser, ValueEnum};
use tokio::process::Command;

use measure::{Plan, Run};
use peers::Peer;

/// Events of foca, chitchat and rumormill side by side: milliseconds, misses, packets, bytes, CPU.
///
/// Every implementation gossips every 200 ms with three members. All nodes of one run in one
/// process, which runs nothing else.
#[derive(Parser)]
struct Args {
    /// Cluster sizes.
    #[arg(long, default_value = "64,100", value_delimiter = ',')]
    nodes: Vec<usize>,
    /// Only these implementations; all of them by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Peer>,
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Runs each in a network namespace of its own, where the kernel counts on loopback what it
    /// sends, as a check. Needs root, unshare and iproute2.
    #[arg(long)]
    own_network: bool,
    #[command(flatten)]
    plan: Plan,
    /// One run of this implementation and size in this process; prints the result as JSON.
    #[arg(long, hide = true, requires = "size")]
    one: Option<Peer>,
    #[arg(long, hide = true)]
    size: Option<usize>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if let (Some(peer), Some(nodes)) = (args.one, args.size) {
        let run = peer.measure(nodes, &args.plan).await?;
        println!("{}", serde_json::to_string(&run)?);
        return Ok(ExitCode::SUCCESS);
    }
    let peers = if args.only.is_empty() { Peer::value_variants() } else { &args.only };
    let mut runs = Vec::new();
    let (mut failed, mut interrupted) = (0, false);
    let seconds = args.plan.seconds() * (peers.len() * args.nodes.len()) as u64;
    eprintln!("about {} minutes", seconds.div_ceil(60));
    'all: for &nodes in &args.nodes {
        for &peer in peers {
            tokio::select! {
                run = one(peer, nodes, &args) => match run {
                    Ok(run) => runs.push(run),
                    Err(error) => {
                        eprintln!("{}, {nodes} nodes: {error:#}", peer.name());
                        failed += 1;
                    }
                },
                _ = tokio::signal::ctrl_c() => {
                    interrupted = true;
                    break 'all;
                }
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&runs)?);
    } else {
        report::print(&runs, &args.plan);
    }
    if interrupted {
        eprintln!("interrupted; these are the runs that were over");
        return Ok(ExitCode::from(130));
    }
    if failed > 0 {
        eprintln!("{failed} runs failed; their reasons are above");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures in a process of its own, so that its CPU time is that of one implementation.
async fn one(peer: Peer, nodes: usize, args: &Args) -> anyhow::Result<Run> {
    let program = std::env::current_exe()?;
    let mut command = if args.own_network {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.args(std::env::args_os().skip(1));
    command.args(["--one", &peer.name(), "--size", &nodes.to_string()]);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    let output = command.spawn().context("can't start")?.wait_with_output().await?;
    ensure!(output.status.success(), "failed: {}", output.status);
    let mut run: Run = serde_json::from_slice(&output.stdout)?;
    if !args.own_network {
        // Loopback is everybody's.
        for rates in [&mut run.idle, &mut run.busy] {
            (rates.kernel_packets, rates.kernel_bytes) = (None, None);
        }
    }
    Ok(run)
}
