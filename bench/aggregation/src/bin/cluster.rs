//! How large a virtual cluster this machine carries: the time that n full protocol nodes take to
//! come together, the time that 100 gossip periods take after that, and their memory.

use std::process::Command;

use anyhow::ensure;
use clap::Parser;
use rumormill_bench::process::{peak, processor_seconds, resident};
use rumormill_proto::{Config, Duration, Name};
use rumormill_sim::{NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

/// Seconds for 100 gossip periods of n protocol nodes in the virtual network.
#[derive(Parser)]
struct Args {
    /// Numbers of nodes.
    #[arg(long, default_value = "100,1000,5000,10000", value_delimiter = ',')]
    nodes: Vec<usize>,
    /// Gossip periods.
    #[arg(long, default_value_t = 100)]
    periods: u32,
    /// Let all join through one, rather than start out knowing each other.
    #[arg(long)]
    join: bool,
    /// Print no heading.
    #[arg(long)]
    bare: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if !args.bare {
        println!("{}", heading());
    }
    match args.nodes[..] {
        [n] => measure(n, &args),
        // Each in a process of its own: memory that an earlier one gave back would hide what the
        // next one takes.
        _ => args.nodes.iter().try_for_each(|&n| {
            let mut alone = Command::new(std::env::current_exe()?);
            alone.args(["--bare", "--nodes", &n.to_string()]);
            alone
                .args(["--periods", &args.periods.to_string()])
                .args(args.join.then_some("--join"));
            ensure!(alone.status()?.success(), "{n} nodes could not be measured");
            Ok(())
        }),
    }
}

fn heading() -> String {
    format!(
        "{:>6} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "nodes", "forming s", "running s", "events", "events/s", "kB/node", "peak MiB", "right"
    )
}

fn measure(n: usize, args: &Args) -> anyhow::Result<()> {
    let config = Config::default();
    let network = NetworkConfig {
        seed: 1,
        digest: false,
        keep_events: false,
        count_reordering: false,
        ..NetworkConfig::default()
    };
    let before = resident().unwrap_or(0);
    let started = processor_seconds();
    let mut net = VirtualNetwork::new(network)?;
    let nodes: Vec<NodeIndex> = (0..n)
        .map(|i| net.add_node(NodeSpec::named(&format!("n{i}"))?))
        .collect::<Result<_, _>>()?;
    if args.join {
        let deadline = net.now() + Duration::from_secs(600);
        ensure!(net.form(&nodes, deadline), "{n} nodes did not meet");
    } else {
        net.acquaint(&nodes)?;
    }
    let formed = processor_seconds() - started;
    for (i, &node) in nodes.iter().enumerate() {
        net.set(node, "x", i as f64)?;
    }
    let (started, steps) = (processor_seconds(), net.steps());
    net.run_for(config.interval * args.periods);
    let ran = processor_seconds() - started;
    let truth = (n * (n - 1) / 2) as f64;
    let name = Name::new("x")?;
    let right = net.running().filter(|(index, node)| {
        let reading = node.aggregates().get(net.local_now(*index), &name);
        let sum = reading.and_then(|reading| reading.sum.value);
        sum.is_some_and(|sum| (sum / truth - 1.0).abs() < 1e-6)
    });
    let right = right.count();
    let steps = net.steps() - steps;
    println!(
        "{n:>6} {formed:>10.1} {ran:>10.1} {steps:>10} {:>10.0} {:>10.1} {:>10} {right:>10}",
        steps as f64 / ran,
        resident().unwrap_or(0).saturating_sub(before) as f64 / 1000.0 / n as f64,
        peak().unwrap_or(0) >> 20,
    );
    Ok(())
}
