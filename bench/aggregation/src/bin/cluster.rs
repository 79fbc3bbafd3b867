//! How large a virtual cluster this machine carries: the time that n full protocol nodes take to
//! come together, the time that 100 gossip periods take after that, and their memory.

use std::process::Command;

use anyhow::ensure;
use clap::Parser;
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
    let before = memory("VmRSS:");
    let started = processor_time();
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
    let formed = processor_time() - started;
    for (i, &node) in nodes.iter().enumerate() {
        net.set(node, "x", i as f64)?;
    }
    let (started, steps) = (processor_time(), net.steps());
    net.run_for(config.interval * args.periods);
    let ran = processor_time() - started;
    let truth = (n * (n - 1) / 2) as f64;
    let name = Name::new("x")?;
    let right = net.running().filter(|(index, node)| {
        let reading = node.reading(net.local_now(*index), &name);
        let sum = reading.and_then(|reading| reading.sum.value);
        sum.is_some_and(|sum| (sum / truth - 1.0).abs() < 1e-6)
    });
    let right = right.count();
    let steps = net.steps() - steps;
    println!(
        "{n:>6} {formed:>10.1} {ran:>10.1} {steps:>10} {:>10.0} {:>10.1} {:>10} {right:>10}",
        steps as f64 / ran,
        (memory("VmRSS:") - before) as f64 * 1.024 / n as f64,
        memory("VmHWM:") / 1024,
    );
    Ok(())
}

/// The seconds of processor time that this process has taken, as Linux tells it; 0 elsewhere. Other
/// work on the machine does not count in it.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos.unwrap_or(0.0) * 1e-9
}

/// A figure of this process in KiB, as Linux tells it; 0 elsewhere.
fn memory(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
