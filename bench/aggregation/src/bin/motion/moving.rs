//! The table of moving inputs.

use std::sync::Arc;
use std::time::Duration;

use rumormill_bench::process::processor_seconds;

use crate::cluster::{Cluster, Setup};
use crate::drive::{AGGREGATE, Inputs, Pace, Sample, drive};
use crate::table::{Column, mean, quantile};

/// Seconds before the measurement, in which the inputs move already.
const WARM: f64 = 4.0;

/// Measures a cluster whose inputs move.
pub(crate) async fn measure(
    setup: &Setup,
    nodes: usize,
    pace: Pace,
    seconds: f64,
    title: String,
) -> anyhow::Result<Column> {
    let cluster = Arc::new(Cluster::start(setup, nodes).await?);
    let inputs = Inputs::start(&cluster).await?;
    cluster.all_right(AGGREGATE, inputs.sum().middle(), 1e-6).await?;
    cluster.all_converged(AGGREGATE).await?;
    // The calls alone, without changes: what the API costs.
    let still = Pace { amplitude: 0.0, ..pace };
    drive(&cluster, &inputs, still, WARM).await?;
    let before = cluster.used().await?;
    drive(&cluster, &inputs, still, WARM).await?;
    let calls = (cluster.used().await?.cpu - before.cpu) / WARM;

    drive(&cluster, &inputs, pace, WARM).await?;
    let (before, own) = (cluster.used().await?, processor_seconds());
    let samples = drive(&cluster, &inputs, pace, seconds).await?;
    let (after, own) = (cluster.used().await?, processor_seconds() - own);

    let mut column = Column::new(title);
    judge(&mut column, &samples);
    let each = 1.0 / (seconds * nodes as f64);
    let counts = |of: fn(&crate::cluster::Counts) -> u64| {
        (of(&after.counts) - of(&before.counts)) as f64 * each
    };
    column.row("exchanges, a node and second", counts(|counts| counts.exchanges), 1);
    column.row("packets, a node and second", counts(|counts| counts.packets), 1);
    column.row("bytes, a node and second", counts(|counts| counts.bytes), 0);
    column.row("CPU ms, a node and second", 1e3 * (after.cpu - before.cpu) * each, 2);
    column.row("  with the same calls, inputs at rest", 1e3 * calls / nodes as f64, 2);
    let own = if setup.library { f64::NAN } else { 1e3 * own / seconds };
    column.row("CPU ms of the driver, a second", own, 1);
    // Afterwards the sums are exact.
    let truth = inputs.sum().middle();
    let still = std::time::Instant::now();
    cluster.all_right(AGGREGATE, truth, 1e-6).await?;
    column.row("seconds until all right, once still", still.elapsed().as_secs_f64(), 2);
    if let Ok(cluster) = Arc::try_unwrap(cluster) {
        cluster.stop().await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(column)
}

/// Adds what the readings say.
fn judge(column: &mut Column, samples: &[Sample]) {
    let share = |holds: &dyn Fn(&Sample) -> bool| {
        100.0 * samples.iter().filter(|sample| holds(sample)).count() as f64 / samples.len() as f64
    };
    let mut errors: Vec<f64> = samples.iter().filter_map(|sample| sample.error).collect();
    let rms = (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt();
    column.row("readings", samples.len() as f64, 0);
    column.row("error of the sum, mean %", 100.0 * mean(&errors), 3);
    column.row("  root mean square %", 100.0 * rms, 3);
    column.row("  99th percentile %", 100.0 * quantile(&mut errors, 0.99), 3);
    column.row("  largest %", 100.0 * quantile(&mut errors, 1.0), 3);
    column.row("readings without a value %", share(&|sample| sample.seen.value.is_none()), 2);
    let states: [(&str, &str); 5] = [
        ("settled", "settled %"),
        ("following", "following %"),
        ("disturbed", "disturbed %"),
        ("converged", "converged (no states) %"),
        ("not converged", "not converged (no states) %"),
    ];
    for (state, row) in states {
        let with = share(&|sample| sample.seen.state == state);
        if with > 0.0 || !state.ends_with("converged") {
            column.row(row, with, 2);
        }
    }
    column.row("without bounds %", share(&|sample| sample.seen.certified.is_none()), 2);
    let beside = share(&|Sample { seen, .. }| match (seen.value, seen.certified) {
        (Some(value), Some(certified)) => value < certified.lower || value > certified.upper,
        _ => false,
    });
    column.row("value outside the bounds %", beside, 2);
    column.row("false bounds %", share(&|sample| sample.certified_holds == Some(false)), 2);
    let certified = || samples.iter().filter_map(|s| Some((s.seen.certified?, s.truth)));
    let mut ages: Vec<f64> = certified().map(|(certified, _)| certified.seconds_ago).collect();
    column.row("age of the bounds, median s", quantile(&mut ages, 0.5), 2);
    column.row("  largest s", quantile(&mut ages, 1.0), 2);
    let width = certified().map(|(certified, truth)| (certified.upper - certified.lower) / truth);
    let mut widths: Vec<f64> = width.collect();
    column.row("width of the bounds, median %", 100.0 * quantile(&mut widths, 0.5), 5);
    column.row("  largest %", 100.0 * quantile(&mut widths, 1.0), 5);
}
