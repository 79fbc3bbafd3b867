//! The table of a death: seconds from SIGKILL of a process to right sums everywhere else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rumormill_bench::median;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, PATIENCE, Setup};
use crate::drive::AGGREGATE;
use crate::table::Column;

/// How often each survivor is asked.
const POLL: Duration = Duration::from_millis(20);

/// The seconds from the kill to what followed, at the last survivor.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The member count has fallen.
    detected: f64,
    /// The sum is that of the survivors.
    right: f64,
}

/// Kills one process of a cluster, some times.
pub(crate) async fn measure(
    setup: &Setup,
    nodes: usize,
    runs: usize,
    title: String,
) -> anyhow::Result<Column> {
    let mut all = Vec::new();
    for _ in 0..runs {
        all.push(one(setup, nodes).await?);
    }
    let mut column = Column::new(title);
    column.row("kills", runs as f64, 0);
    column.row("detected everywhere, median s", median(all.iter().map(|run| run.detected)), 2);
    column.row("right everywhere, median s", median(all.iter().map(|run| run.right)), 2);
    let after = || all.iter().map(|run| run.right - run.detected);
    column.row("right after detection, median s", median(after()), 2);
    column.row("  longest s", after().fold(f64::NEG_INFINITY, f64::max), 2);
    Ok(column)
}

async fn one(setup: &Setup, nodes: usize) -> anyhow::Result<Times> {
    let cluster = Arc::new(Cluster::start(setup, nodes).await?);
    let victim = nodes - 1;
    let mut truth = 0.0;
    for node in 0..nodes {
        let input = if node == victim { 1000.0 } else { node as f64 + 1.0 };
        cluster.set(node, AGGREGATE, input).await?;
        truth += input;
    }
    cluster.all_right(AGGREGATE, truth, 1e-6).await?;
    cluster.all_converged(AGGREGATE).await?;
    truth -= 1000.0;
    // SIGKILL: no goodbye.
    cluster.process(victim)?.kill().await?;
    let killed = Instant::now();
    let mut survivors = JoinSet::new();
    for node in 0..victim {
        let cluster = cluster.clone();
        survivors.spawn(async move { watch(&cluster, node, truth, killed).await });
    }
    let mut last = Times { detected: 0.0, right: 0.0 };
    while let Some(times) = survivors.join_next().await {
        let times = times??;
        last.detected = last.detected.max(times.detected);
        last.right = last.right.max(times.right);
    }
    if let Ok(cluster) = Arc::try_unwrap(cluster) {
        cluster.stop().await;
    }
    Ok(last)
}

/// Asks a survivor until it knows of the death and its sum is right.
async fn watch(
    cluster: &Cluster,
    node: usize,
    truth: f64,
    killed: Instant,
) -> anyhow::Result<Times> {
    let (mut detected, mut right) = (None, None);
    loop {
        let seen = cluster.read(node, AGGREGATE).await?;
        let now = killed.elapsed();
        if seen.members < cluster.len() as u64 {
            detected.get_or_insert(now.as_secs_f64());
        }
        // Right for good: an estimate may pass through the truth.
        if seen.is(truth, 1e-6) {
            right.get_or_insert(now.as_secs_f64());
        } else {
            right = None;
        }
        match (detected, right) {
            (Some(detected), Some(right)) if now.as_secs_f64() - right > 1.0 => {
                return Ok(Times { detected, right });
            }
            _ => ensure!(now < PATIENCE, "n{node}: {seen:?}, not {truth}, after {PATIENCE:?}"),
        }
        tokio::time::sleep(POLL).await;
    }
}
