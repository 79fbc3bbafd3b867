//! The cost of the key-value map in the virtual network: reconciling, catching up, digests, and many
//! updates at once beside as many events.

mod cluster;
mod reconcile;
mod report;
mod updates;

use clap::Parser;
use serde::Serialize;

use cluster::Cluster;

/// Bytes to reconcile nodes over the size of the difference, and the cost of updates beside events.
/// In the virtual network: the same seed gives the same numbers, except for memory.
#[derive(Parser)]
struct Args {
    /// Nodes.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..))]
    nodes: u32,
    /// Keys that all of them hold.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..))]
    keys: u32,
    /// Bytes of a value.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    value: u32,
    /// Different nodes that the keys were once written by; most are long gone.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    writers: u32,
    /// Updates, and events, to publish at once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    updates: u32,
    /// The seed of everything random.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// JSON instead of tables.
    #[arg(long)]
    json: bool,
}

/// The results of a run.
#[derive(Serialize)]
struct Report {
    nodes: u32,
    keys: u32,
    value_bytes: u32,
    writers: u32,
    reconciled: Vec<reconcile::Reconciled>,
    digest: reconcile::Digest,
    updates: Vec<updates::Spread>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    eprintln!("filling {} nodes with {} keys", args.nodes, args.keys);
    let (empty_packet, mut cluster) = Cluster::new(&args)?;
    let digest = reconcile::digest(&mut cluster, empty_packet)?;
    let mut reconciled = Vec::new();
    for lack in reconcile::Lack::ALL {
        eprintln!("a node that lacks {lack}");
        reconciled.push(reconcile::measure(&mut cluster, lack)?);
    }
    drop(cluster);
    eprintln!("{} updates, and as many events", args.updates);
    let updates = updates::measure(&args)?;
    let Args { nodes, keys, value, writers, json, .. } = args;
    let report = Report { nodes, keys, value_bytes: value, writers, reconciled, digest, updates };
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        report::print(&report);
    }
    Ok(())
}
