//! Inputs that move, and a reader that compares what agents say with the truth.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::history::{History, Span, UNIT};
use crate::reading::Seen;

/// The aggregate that is measured.
pub(crate) const AGGREGATE: &str = "requests";

/// What every input is redrawn around, in units.
const BASE: i64 = 100 * 1024;

/// The longest age of bounds that is judged.
const LONGEST_AGE: Duration = Duration::from_secs(120);

/// How inputs move and how often somebody reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The time between two changes of one input.
    pub(crate) period: Duration,
    /// An input is redrawn within this share of its base; 0 sets the same value again.
    pub(crate) amplitude: f64,
    /// The mean time between two readings.
    pub(crate) reading: Duration,
}

/// One reading beside the truth.
pub(crate) struct Sample {
    pub(crate) seen: Seen,
    /// The distance of the value from the true sum, relative to it; `None` without a value.
    pub(crate) error: Option<f64>,
    /// Whether the bounds held at some instant that is no longer ago than they say.
    pub(crate) certified_holds: Option<bool>,
    pub(crate) truth: f64,
}

/// The inputs of all agents, and where their sum was.
pub(crate) struct Inputs {
    values: Vec<Mutex<i64>>,
    history: Mutex<History>,
}

impl Inputs {
    /// Sets every agent's input to the base.
    pub(crate) async fn start(cluster: &Cluster) -> anyhow::Result<Arc<Self>> {
        for node in 0..cluster.len() {
            cluster.set(node, AGGREGATE, BASE as f64 * UNIT).await?;
        }
        let values: Vec<_> = (0..cluster.len()).map(|_| Mutex::new(BASE)).collect();
        let history = History::new(Instant::now(), BASE * values.len() as i64, LONGEST_AGE);
        Ok(Arc::new(Self { values, history: Mutex::new(history) }))
    }

    /// Returns where the sum lies now.
    pub(crate) fn sum(&self) -> Span {
        locked(&self.history).now()
    }

    /// Redraws the input of a node.
    pub(crate) async fn redraw(
        &self,
        cluster: &Cluster,
        node: usize,
        amplitude: f64,
        rng: &mut StdRng,
    ) -> anyhow::Result<()> {
        let most = (amplitude * BASE as f64).round() as i64;
        let to = if most > 0 { BASE + rng.random_range(-most..=most) } else { self.value(node) };
        let change = to - self.value(node);
        locked(&self.history).begin(Instant::now(), change);
        cluster.set(node, AGGREGATE, to as f64 * UNIT).await?;
        locked(&self.history).end(Instant::now(), change);
        *locked(&self.values[node]) = to;
        Ok(())
    }

    fn value(&self, node: usize) -> i64 {
        *locked(&self.values[node])
    }

    /// Reads a node and judges what it says.
    async fn sample(&self, cluster: &Cluster, node: usize) -> anyhow::Result<Sample> {
        let asked = Instant::now();
        let seen = cluster.read(node, AGGREGATE).await?;
        let history = locked(&self.history);
        let truth = history.hull(asked);
        let certified_holds = seen.certified.map(|certified| {
            let ago = Duration::try_from_secs_f64(certified.seconds_ago).unwrap_or(Duration::ZERO);
            let from = asked.checked_sub(ago).unwrap_or(asked);
            let holds = history.was_within(from, certified.lower, certified.upper);
            if !holds {
                let last = history.last_within(certified.lower, certified.upper);
                let last = last.map_or("never".to_owned(), |at| format!("{:?} ago", at.elapsed()));
                eprintln!(
                    "false bounds at n{node}: {certified:?}, but the sum was last there {last}"
                );
            }
            holds
        });
        let middle = truth.middle();
        Ok(Sample {
            error: seen.value.map(|value| truth.distance(value) / middle),
            certified_holds,
            truth: middle,
            seen,
        })
    }
}

/// Moves all inputs, each at its own phase, and reads random agents at random times.
pub(crate) async fn drive(
    cluster: &Arc<Cluster>,
    inputs: &Arc<Inputs>,
    pace: Pace,
    seconds: f64,
) -> anyhow::Result<Vec<Sample>> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let mut movers = JoinSet::new();
    for node in 0..cluster.len() {
        let (cluster, inputs) = (cluster.clone(), inputs.clone());
        let mut rng = StdRng::seed_from_u64(node as u64);
        movers.spawn(async move {
            let mut due = start + pace.period.mul_f64(rng.random());
            while due < end {
                tokio::time::sleep_until(due.into()).await;
                inputs.redraw(&cluster, node, pace.amplitude, &mut rng).await?;
                due += pace.period;
            }
            anyhow::Ok(())
        });
    }
    let mut rng = StdRng::seed_from_u64(u64::MAX);
    let mut samples = Vec::new();
    let mut due = start;
    loop {
        // Exponential gaps: readings know nothing of the changes.
        due += pace.reading.mul_f64(-(1.0 - rng.random::<f64>()).ln());
        if due >= end {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        samples.push(inputs.sample(cluster, rng.random_range(0..cluster.len())).await?);
    }
    while let Some(moved) = movers.join_next().await {
        moved??;
    }
    Ok(samples)
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
