//! The usual story: bounds and approximations of T, each judged by the exact answer.
//!
//! An explanation in the usual style takes a differential equation, its two moments, and
//! Chebyshev. Here each step stands beside the exact law and is marked *valid bound*,
//! *approximation* or *false here*.

mod curve;
mod doubling;
mod equations;

use std::f64::consts::PI;

pub use curve::{Point, curve, sent};
pub use doubling::{
    Doubling, Schedule, Scheduled, ln_last_doubling, ln_perfect_doubling, schedule, scheduled,
};
pub(crate) use equations::mean_told;
pub use equations::{
    Ratios, expected_pull, expected_push, logistic_messages, logistic_messages_by,
    messages_logistic, time_collisions, time_logistic, time_taylor, waits,
};

use crate::error::Error;
use crate::exact::special::gamma_q;
use crate::exact::spread::Distribution;
use rumormill_proto::Style;
use serde::Serialize;

use crate::spread::Spread;
use rumormill_proto::words;

/// What the exact answer says of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It claims to bound, and does.
    Valid,
    /// It claims only to be near.
    Approximation,
    /// It claims to bound, and the exact answer crosses it.
    False,
}

words!(Verdict {
    Valid => "valid bound",
    Approximation => "approximation",
    False => "false here",
});

/// One step of the usual story, applied to a spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// A key, such as `chebyshev`.
    #[serde(skip)]
    pub name: &'static str,
    /// What it says.
    pub formula: &'static str,
    /// Its mean, or its only value, in rounds.
    pub mean: Option<f64>,
    /// Its 99th percentile, in rounds (not rounded to whole rounds).
    pub p99: Option<f64>,
    /// Its P(T > x) for each x of the exact survival, if it gives a law.
    pub survival: Option<Vec<f64>>,
    /// The largest distance of that law from the exact one, or of its value from the exact mean
    /// in rounds if it gives no law.
    pub largest_error: f64,
    /// The judgement.
    pub verdict: Verdict,
}

/// Returns the growth rate per round while few know: contacts that arrive per informed node.
pub(crate) fn growth(spread: &Spread) -> f64 {
    let both = if spread.style == Style::PushPull { 2.0 } else { 1.0 };
    // The story divides by n where a caller has n−1 others: keep to its word.
    let reach = spread.alive() as f64 / spread.nodes as f64;
    both * spread.picks() as f64 * (1.0 - spread.loss) * reach
}

/// Returns the moments the story gives: 2 ln n and π²/3 for a rate of one a round.
fn story_moments(spread: &Spread) -> (f64, f64) {
    let rate = growth(spread);
    (2.0 * (spread.alive() as f64).ln() / rate, PI * PI / 3.0 / (rate * rate))
}

/// Returns the least T of the story: everyone who knows tells `fanout` others, ⌈log n⌉ to base 1+k.
fn doublings(spread: &Spread) -> f64 {
    let fanout = spread.picks().max(1) as f64;
    (spread.goal() as f64 / spread.origins as f64).max(1.0).ln() / fanout.ln_1p()
}

/// Returns every step of the usual story that applies, judged by the exact law.
///
/// Spreads that never finish, or are finished at once, have none.
///
/// # Errors
/// If a field of the spread is out of range.
///
/// ```
/// use rumormill_model::exact::usual::{Verdict, estimates};
/// use rumormill_model::spread::Spread;
/// use rumormill_proto::Style;
/// let spread = Spread::new(1_000_000, Style::Push);
/// let exact = spread.solve()?;
/// let all = estimates(&spread, &exact)?;
/// let story = all.iter().find(|e| e.name == "chebyshev_story").expect("it applies");
/// assert_eq!(story.verdict, Verdict::False);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn estimates(spread: &Spread, exact: &Distribution) -> Result<Vec<Estimate>, Error> {
    spread.check()?;
    let (goal, origins) = (spread.goal() as f64, spread.origins as f64);
    if goal <= origins || exact.mean.is_infinite() {
        return Ok(Vec::new());
    }
    let mut list = vec![lower_bound(spread, exact)];
    let whole = spread.goal() == spread.alive();
    let point = |name, formula, value: f64| Estimate {
        name,
        formula,
        mean: Some(value),
        p99: None,
        survival: None,
        largest_error: (value - exact.mean).abs(),
        verdict: Verdict::Approximation,
    };
    list.push(point("logistic", "u' = r u(n-u)/n, down to one node", time_logistic(spread)));
    list.push(point("collisions", "u' = (n-u) P(reached | u)", time_collisions(spread)));
    if spread.style == Style::Push {
        list.push(point("collisions_taylor", "the same, to second order", time_taylor(spread)));
    }
    let (mean, variance) = waits(spread);
    list.push(Estimate {
        largest_error: (mean - exact.mean).abs(),
        ..point("waits", "exponential waits at the logistic rates", mean)
    });
    let law = |name, formula, mean, p99, claims, curve: &dyn Fn(f64) -> f64| {
        judge(exact, name, formula, mean, p99, claims, curve)
    };
    let chebyshev = |name, formula, mean: f64, variance: f64| {
        let p99 = mean + 10.0 * variance.sqrt();
        law(name, formula, Some(mean), p99, true, &|x| {
            // P(T > x) = P(T ≥ x+1)
            let gap = x + 1.0 - mean;
            if gap > 0.0 { (variance / (gap * gap)).min(1.0) } else { 1.0 }
        })
    };
    list.push(chebyshev("chebyshev", "var/(x-mean)^2, exact moments", exact.mean, exact.variance));
    list.push(chebyshev("chebyshev_waits", "the same, moments of the waits", mean, variance));
    if whole && origins == 1.0 && spread.alive() > 2 {
        let (mean, variance) = story_moments(spread);
        list.push(chebyshev("chebyshev_story", "the same, with 2 ln n and pi^2/3", mean, variance));
        if spread.style == Style::Push {
            let (mean, variance) = (1.5 * mean, 2.5 * variance);
            let formula = "the same, with 3 ln n and 5 pi^2/6";
            list.push(chebyshev("chebyshev_taylor", formula, mean, variance));
        }
        let least = doublings(spread);
        if least > 0.0 && mean > least {
            let alpha = mean / (mean - least);
            let formula = "from least and mean: log n and 2 ln n";
            let p99 = least * 100f64.powf(1.0 / alpha);
            list.push(law("pareto", formula, Some(mean), p99, false, &|x| {
                (least / x).powf(alpha).min(1.0)
            }));
            let beyond = mean - least;
            let p99 = least + beyond * 100f64.ln();
            list.push(law("shifted_exponential", formula, Some(mean), p99, false, &|x| {
                ((least - x) / beyond).exp().min(1.0)
            }));
        }
    }
    if exact.variance > 0.0 {
        let shape = (exact.mean * exact.mean / exact.variance).round().clamp(1.0, 1e200);
        let scale = exact.mean / shape;
        let curve = |x: f64| gamma_q(shape, x / scale);
        let p99 = invert(&curve, 0.01, exact.mean, exact.variance.sqrt());
        let formula = "k = mean^2/var, exact moments";
        list.push(law("erlang", formula, Some(exact.mean), p99, false, &curve));
    }
    Ok(list)
}

fn lower_bound(spread: &Spread, exact: &Distribution) -> Estimate {
    let least = (doublings(spread) - 1e-9).ceil();
    // Under pull a node can be heard by all at once; then the count is no bound.
    let before = exact.survival(least as u64 - u64::from(least > 0.0));
    let holds = spread.style == Style::Push || before >= 1.0 - exact.error.max(1e-13);
    Estimate {
        name: "doubling",
        formula: "T >= ceil(log n), base 1+fanout",
        mean: Some(least),
        p99: None,
        survival: None,
        largest_error: (least - exact.mean).abs(),
        verdict: if holds { Verdict::Valid } else { Verdict::False },
    }
}

fn judge(
    exact: &Distribution,
    name: &'static str,
    formula: &'static str,
    mean: Option<f64>,
    p99: f64,
    claims: bool,
    curve: &dyn Fn(f64) -> f64,
) -> Estimate {
    let survival: Vec<f64> = (0..exact.survival.len()).map(|x| curve(x as f64)).collect();
    let gaps = || survival.iter().zip(&exact.survival).map(|(ours, truth)| ours - truth);
    let holds = gaps().all(|gap| gap >= -exact.error.max(1e-13));
    Estimate {
        name,
        formula,
        mean,
        p99: Some(p99),
        largest_error: gaps().map(f64::abs).fold(0.0, f64::max),
        verdict: match (claims, holds) {
            (false, _) => Verdict::Approximation,
            (true, true) => Verdict::Valid,
            (true, false) => Verdict::False,
        },
        survival: Some(survival),
    }
}

/// Returns the x at which a falling curve reaches `level`, by bisection.
fn invert(curve: &dyn Fn(f64) -> f64, level: f64, mean: f64, deviation: f64) -> f64 {
    let (mut low, mut high) = (0.0, mean + 100.0 * (deviation + 1.0));
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if curve(middle) > level { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests;
