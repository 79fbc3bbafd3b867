//! What the tests of simulations share: graphs, runs, and χ² tests of their laws.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::ops::ControlFlow;

use rumormill_model::graph::{GraphKind, Topology};
use rumormill_model::simulate::histogram::Counts;
use rumormill_model::simulate::{EngineKind, Job, Summary, simulate};
use rumormill_model::spread::Spread;

/// Makes the runs of a job.
pub(crate) fn go(job: &Job<'_>) -> Summary {
    simulate(job, &|_| ControlFlow::Continue(())).expect("a good job")
}

/// Makes runs with an engine.
pub(crate) fn run(
    spread: &Spread,
    topology: &Topology,
    engine: EngineKind,
    (runs, seed): (u64, u64),
) -> Summary {
    go(&Job { engine: Some(engine), ..Job::new(spread, topology, 0..runs, seed) })
}

/// Makes a graph.
pub(crate) fn graph(kind: GraphKind, nodes: u64, seed: u64) -> Topology {
    kind.build(nodes, seed, u64::MAX, &|_| ControlFlow::Continue(())).expect("a graph")
}

/// Returns P(T = 0), P(T = 1), … from P(T > 0), P(T > 1), …
pub(crate) fn law(survival: &[f64]) -> Vec<f64> {
    let before = std::iter::once(1.0).chain(survival.iter().copied());
    before.zip(survival).map(|(before, after)| before - after).collect()
}

/// Returns how often each value was seen.
pub(crate) fn seen(counts: &Counts) -> Vec<u64> {
    let mut seen = vec![0; counts.largest().unwrap_or(0) as usize + 1];
    counts.iter().for_each(|(value, times)| seen[value as usize] = times);
    seen
}

/// Returns χ² and its degrees of freedom, of counts against the probabilities of the same values.
/// Values beyond the probabilities are those that are left. Cells of fewer than 12 expected are
/// joined.
pub(crate) fn against_law(seen: &[u64], law: &[f64]) -> (f64, f64) {
    let total = seen.iter().sum::<u64>() as f64;
    let (mut chi, mut cells, mut expected, mut count) = (0.0, 0.0, 0.0, 0.0);
    let (mut left, mut unseen) = (1.0, total);
    for (i, &p) in law.iter().enumerate() {
        let times = seen.get(i).copied().unwrap_or(0) as f64;
        expected += p * total;
        count += times;
        left -= p;
        unseen -= times;
        if expected >= 12.0 && left * total >= 12.0 {
            chi += (count - expected).powi(2) / expected;
            cells += 1.0;
            (expected, count) = (0.0, 0.0);
        }
    }
    let (expected, count) = (expected + left.max(0.0) * total, count + unseen);
    if expected > 0.0 {
        chi += (count - expected).powi(2) / expected;
    }
    (chi, cells)
}

/// Returns the same for two samples of one unknown law.
pub(crate) fn against_sample(a: &[u64], b: &[u64]) -> (f64, f64) {
    let (na, nb) = (a.iter().sum::<u64>() as f64, b.iter().sum::<u64>() as f64);
    let (mut chi, mut cells, mut ca, mut cb) = (0.0, -1.0, 0.0, 0.0);
    let mut join = |ca: &mut f64, cb: &mut f64| {
        let both = *ca + *cb;
        let (ea, eb) = (both * na / (na + nb), both * nb / (na + nb));
        chi += (*ca - ea).powi(2) / ea + (*cb - eb).powi(2) / eb;
        cells += 1.0;
        (*ca, *cb) = (0.0, 0.0);
    };
    let at = |list: &[u64], i: usize| list.get(i).copied().unwrap_or(0) as f64;
    let (mut left_a, mut left_b) = (na, nb);
    for i in 0..a.len().max(b.len()) {
        ca += at(a, i);
        cb += at(b, i);
        left_a -= at(a, i);
        left_b -= at(b, i);
        if ca + cb >= 24.0 && left_a + left_b >= 24.0 {
            join(&mut ca, &mut cb);
        }
    }
    if ca + cb > 0.0 {
        join(&mut ca, &mut cb);
    }
    (chi, cells)
}

/// Fails if χ² is beyond what one law in some ten thousand gives.
pub(crate) fn assert_fits((chi, degrees): (f64, f64), what: &str) {
    // Wilson and Hilferty 1931: the cube root is nearly normal.
    let spread = 2.0 / (9.0 * degrees.max(1.0));
    let z = ((chi / degrees.max(1.0)).cbrt() - (1.0 - spread)) / spread.sqrt();
    assert!(z < 3.9, "{what}: chi² {chi:.1} on {degrees} degrees of freedom, {z:.1} sigma");
}
