//! The table of a cluster at rest.

use std::time::Duration;

use crate::cluster::{Cluster, Setup};
use crate::drive::{AGGREGATE, Inputs};
use crate::table::Column;

/// Measures a cluster in which nothing happens, with one aggregate or without any.
pub(crate) async fn measure(
    setup: &Setup,
    nodes: usize,
    aggregate: bool,
    seconds: f64,
    title: String,
) -> anyhow::Result<Column> {
    let cluster = Cluster::start(setup, nodes).await?;
    if aggregate {
        let inputs = Inputs::start(&cluster).await?;
        cluster.all_right(AGGREGATE, inputs.sum().middle(), 1e-6).await?;
        cluster.all_converged(AGGREGATE).await?;
    }
    // By then the membership sends no more about the joins, and exchanges have become rare.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let before = cluster.used().await?;
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let after = cluster.used().await?;
    let each = 1.0 / (seconds * nodes as f64);
    let mut column = Column::new(title);
    let rate = |after: u64, before: u64| (after - before) as f64 * each;
    column.row("packets, a node and second", rate(after.counts.packets, before.counts.packets), 2);
    column.row("bytes, a node and second", rate(after.counts.bytes, before.counts.bytes), 0);
    let exchanges = rate(after.counts.exchanges, before.counts.exchanges);
    column.row("exchanges, a node and second", exchanges, 2);
    // Reading the counters wakes a process twice or so in all.
    let switches = if setup.library { f64::NAN } else { rate(after.switches, before.switches) };
    column.row("wake-ups, a process and second", switches, 2);
    column.row("CPU ms, a node and second", 1e3 * (after.cpu - before.cpu) * each, 3);
    if aggregate {
        // A change after the rest is known at once.
        cluster.set(0, AGGREGATE, 1e6).await?;
        let started = std::time::Instant::now();
        let truth = 1e6 + 100.0 * (nodes - 1) as f64;
        cluster.all_right(AGGREGATE, truth, 1e-6).await?;
        column.row("s until a change is right everywhere", started.elapsed().as_secs_f64(), 2);
    }
    cluster.stop().await;
    Ok(column)
}
