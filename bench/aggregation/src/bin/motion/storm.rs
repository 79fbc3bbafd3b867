//! The table of storms: what might make every node talk at once, and the most that any node did.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinSet;

use crate::cluster::{Cluster, Counts, Setup};
use crate::drive::{AGGREGATE, Inputs};
use crate::table::Column;

/// What strikes the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storm {
    /// About this number of inputs, of several aggregates, change at the same instant.
    AllAtOnce(usize),
    /// One of 256 aggregates moves ten times a second.
    OneOfMany,
    /// A node is stopped and continued, again and again, long enough to be declared dead.
    Flapping,
}

impl Storm {
    pub(crate) const ALL: [Self; 3] = [Self::AllAtOnce(1000), Self::OneOfMany, Self::Flapping];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllAtOnce(_) => "1,000 inputs at once",
            Self::OneOfMany => "one of 256 moves",
            Self::Flapping => "one node flaps",
        }
    }
}

/// How often counters are read; the peak is that of a second.
const SAMPLE: Duration = Duration::from_millis(250);
const SAMPLES_A_SECOND: usize = 4;

/// How long the storms that go on do so.
const LASTS: Duration = Duration::from_secs(15);

/// Stopped this long, a node is declared dead; then it goes on for as long.
const FLAP: Duration = Duration::from_millis(5000);

/// Lets a storm strike a cluster of processes.
pub(crate) async fn measure(
    setup: &Setup,
    nodes: usize,
    storm: Storm,
    title: String,
) -> anyhow::Result<Column> {
    let cluster = Arc::new(Cluster::start(setup, nodes).await?);
    let inputs = Inputs::start(&cluster).await?;
    let others: Vec<String> = match storm {
        Storm::AllAtOnce(all) => (1..all.div_ceil(nodes)).map(|i| format!("other-{i}")).collect(),
        Storm::OneOfMany => (1..256).map(|i| format!("other-{i}")).collect(),
        Storm::Flapping => Vec::new(),
    };
    for name in &others {
        for node in 0..nodes {
            cluster.set(node, name, 1.0).await?;
        }
    }
    for name in others.iter().map(String::as_str).chain([AGGREGATE]) {
        cluster.all_converged(name).await?;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;

    let watched = cluster.clone();
    let flapping = (storm == Storm::Flapping).then(|| nodes - 1);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let peaks = tokio::spawn(async move { peaks(&watched, flapping, stopped).await });
    let mut rng = StdRng::seed_from_u64(1);
    match storm {
        Storm::AllAtOnce(_) => {
            let mut calls = JoinSet::new();
            for node in 0..nodes {
                let (agents, others) = (cluster.clone(), others.clone());
                calls.spawn(async move {
                    for name in &others {
                        agents.set(node, name, 2.0 + node as f64).await?;
                    }
                    anyhow::Ok(())
                });
                inputs.redraw(&cluster, node, 0.1, &mut rng).await?;
            }
            while let Some(call) = calls.join_next().await {
                call??;
            }
        }
        Storm::OneOfMany => {
            let started = Instant::now();
            while started.elapsed() < LASTS {
                inputs.redraw(&cluster, 0, 0.1, &mut rng).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Storm::Flapping => {
            let pid = Pid::from_raw(cluster.process(nodes - 1)?.pid as i32);
            let pid = pid.ok_or_else(|| anyhow::anyhow!("no process id"))?;
            for _ in 0..3 {
                kill_process(pid, Signal::STOP)?;
                tokio::time::sleep(FLAP).await;
                kill_process(pid, Signal::CONT)?;
                tokio::time::sleep(FLAP).await;
            }
        }
    }
    let over = Instant::now();
    cluster.all_right(AGGREGATE, inputs.sum().middle(), 1e-6).await?;
    if storm != Storm::OneOfMany {
        for name in &others {
            let truth = (0..nodes).map(|node| 2.0 + node as f64).sum();
            cluster.all_right(name, truth, 1e-6).await?;
        }
    }
    let right = over.elapsed().as_secs_f64();
    // The storm of news is over when all have converged.
    for name in others.iter().map(String::as_str).chain([AGGREGATE]) {
        cluster.all_converged(name).await?;
    }
    let converged = over.elapsed().as_secs_f64();
    tokio::time::sleep(SAMPLE * 2).await;
    let _ = stop.send(());
    let peak = peaks.await??;
    let mut column = Column::new(title);
    column.row("peak exchanges of a node in a second", peak.exchanges as f64, 0);
    column.row("peak packets of a node in a second", peak.packets as f64, 0);
    column.row("peak bytes of a node in a second", peak.bytes as f64, 0);
    column.row("s until all sums are right, afterwards", right, 2);
    column.row("s until all have converged", converged, 2);
    if let Ok(cluster) = Arc::try_unwrap(cluster) {
        cluster.stop().await;
    }
    Ok(column)
}

/// Returns the most that any node counted within a second, until told to stop.
async fn peaks(
    cluster: &Cluster,
    except: Option<usize>,
    mut stop: tokio::sync::oneshot::Receiver<()>,
) -> anyhow::Result<Counts> {
    let mut before: Vec<Vec<Counts>> = vec![Vec::new(); cluster.len()];
    let mut peak = Counts::default();
    let mut due = Instant::now();
    while stop.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
        for (node, before) in before.iter_mut().enumerate() {
            // A stopped node answers nothing.
            if except == Some(node) {
                continue;
            }
            let now = cluster.counts(node).await?;
            before.push(now);
            let Some(then) = before.len().checked_sub(SAMPLES_A_SECOND + 1) else { continue };
            let then = before[then];
            peak.exchanges = peak.exchanges.max(now.exchanges - then.exchanges);
            peak.packets = peak.packets.max(now.packets - then.packets);
            peak.bytes = peak.bytes.max(now.bytes - then.bytes);
        }
        due += SAMPLE;
        tokio::time::sleep_until(due.into()).await;
    }
    Ok(peak)
}
