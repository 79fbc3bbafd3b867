//! One event at a time in the virtual network: its messages by kind, and how long it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use rumormill_proto::{Config, EventSettings, GossipStats, Name, Notice, Stop, Style};
use rumormill_sim::{Latency, Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

/// One event at a time in the virtual network: its messages by kind for each delivery, and the
/// milliseconds until all nodes have it. Deterministic: the seed decides.
#[derive(Parser)]
struct Args {
    /// Sizes of the cluster.
    #[arg(long, default_value = "5,30,64,100,200", value_delimiter = ',')]
    nodes: Vec<usize>,
    /// Probabilities that a packet is lost.
    #[arg(long, default_value = "0,0.1,0.25", value_delimiter = ',')]
    loss: Vec<f64>,
    /// Events of each run.
    #[arg(long, default_value_t = 200)]
    events: u32,
    /// Milliseconds from one event to the next.
    #[arg(long, default_value_t = 6000)]
    spacing: u64,
    #[arg(long, default_value_t = EventSettings::default().style)]
    style: Style,
    #[arg(long, default_value_t = EventSettings::default().stop)]
    stop: Stop,
    #[arg(long, default_value_t = EventSettings::default().fanout)]
    fanout: u32,
    /// Nodes wait for their next round before they pass on what they receive.
    #[arg(long)]
    in_rounds: bool,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    println!("{:>5} {:>5} {:>27} {:>31}", "", "", "messages/delivery", "milliseconds to all");
    println!(
        "{:>5} {:>5} {:>7} {:>9} {:>9} {:>7} {:>7} {:>7} {:>7} {:>7}",
        "nodes", "loss", "pushes", "reconcile", "all", "median", "95 %", "99 %", "worst", "missed"
    );
    for &nodes in &args.nodes {
        for &loss in &args.loss {
            run(&args, nodes, loss)?;
        }
    }
    Ok(())
}

fn run(args: &Args, nodes: usize, loss: f64) -> anyhow::Result<()> {
    let mut net = VirtualNetwork::new(NetworkConfig {
        seed: args.seed,
        digest: false,
        count_reordering: false,
        ..NetworkConfig::default()
    })?;
    let events = EventSettings {
        style: args.style,
        stop: args.stop,
        fanout: args.fanout,
        eager: !args.in_rounds,
        ..EventSettings::default()
    };
    let config = Config { events, ..Config::default() };
    let mut all: Vec<NodeIndex> = Vec::new();
    for n in 0..nodes {
        all.push(net.add_node(NodeSpec::named(&format!("n{n}"))?.config(config.clone()))?);
    }
    net.acquaint(&all)?;
    let micros = Duration::from_micros;
    let latency = Latency::Uniform(micros(200), micros(1000));
    net.set_link(Link { latency, loss, ..Link::default() })?;
    net.run_for(Duration::from_secs(5));
    net.take_events();
    let topic = Name::new("bench")?;
    let before = spent(&net);
    let (mut times, mut deliveries, mut missed) = (Vec::new(), 0, 0);
    for event in 0..args.events {
        let origin = all[event as usize * 7 % nodes];
        let at = net.now();
        net.with_node(origin, |node, now| node.events_mut().publish(now, &topic, &[7; 72]))??;
        net.run_for(Duration::from_millis(args.spacing));
        let mut informed = BTreeMap::new();
        for (at, node, notice) in net.take_events() {
            if let Notice::Event(_) = notice {
                ensure!(informed.insert(node, at).is_none(), "an event was delivered twice");
            }
        }
        deliveries += informed.len() - 1;
        missed += nodes - informed.len();
        let last = informed.values().max().map_or(0.0, |last| last.since(at).as_secs_f64());
        times.push(last * 1000.0);
    }
    let after = spent(&net);
    let each = |of: fn(&GossipStats) -> u64| (of(&after) - of(&before)) as f64 / deliveries as f64;
    times.sort_by(f64::total_cmp);
    let quantile = |q: f64| times[((times.len() - 1) as f64 * q).round() as usize];
    println!(
        "{nodes:>5} {:>4} % {:>7.2} {:>9.2} {:>9.2} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {missed:>7}",
        loss * 100.0,
        each(|stats| stats.pushes),
        each(|stats| stats.messages - stats.pushes),
        each(|stats| stats.messages),
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
        quantile(1.0),
    );
    Ok(())
}

/// Returns what all nodes have sent for events so far.
fn spent(net: &VirtualNetwork) -> GossipStats {
    let mut sum = GossipStats::default();
    for (_, node) in net.running() {
        sum.messages += node.stats().events.messages;
        sum.pushes += node.stats().events.pushes;
    }
    sum
}
