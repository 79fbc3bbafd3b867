//! The differential equations, recurrences and chains of the usual story, and their solutions.

use super::growth;
use crate::exact::kernel::Kernel;
use crate::exact::special::{harmonic, harmonic2};
use crate::spread::Spread;
use rumormill_proto::Style;

/// Returns where the equations stop: one node short of everyone, or the goal if that is less.
fn end(spread: &Spread) -> f64 {
    let (goal, alive) = (spread.goal(), spread.alive());
    if goal == alive { alive as f64 - 1.0 } else { goal as f64 }
}

/// Rounds the logistic equation u′ = r u(n−u)/n takes; down to one node it is 2 ln n / r from one
/// origin. An approximation: it ignores that two pushes may hit the same node.
///
/// ```
/// use rumormill_model::{exact::usual::time_logistic, spread::Spread};
/// use rumormill_proto::Style;
/// assert!((time_logistic(&Spread::new(64, Style::Push)) - 2.0 * 64f64.ln()).abs() < 1e-12);
/// ```
#[must_use]
pub fn time_logistic(spread: &Spread) -> f64 {
    let n = spread.alive() as f64;
    let m = spread.origins as f64;
    let rate = growth(spread);
    if spread.goal() == spread.alive() {
        return ((n / m).ln() + n.ln()) / rate;
    }
    let logit = |u: f64| (u / (n - u)).ln();
    (logit(end(spread)) - logit(m)) / rate
}

/// Rounds u′ = (n−u)·P(an uninformed node is reached | u) takes: for push with one call,
/// u′ = (n−u)(1 − (1−1/n)^u). The mean of one round exactly, but followed without its chance.
///
/// ```
/// use rumormill_model::{exact::usual::time_collisions, spread::Spread};
/// use rumormill_proto::Style;
/// // The story divides by n: as if a node might call itself.
/// let story = Spread { include_self: true, ..Spread::new(64, Style::Push) };
/// assert!((time_collisions(&story) - 10.556).abs() < 5e-4, "{}", time_collisions(&story));
/// ```
#[must_use]
pub fn time_collisions(spread: &Spread) -> f64 {
    let kernel = Kernel::new(spread);
    integrate(spread, |u, m| mean_told(&kernel, u, m))
}

/// Returns the mean number told in a round from u informed and m not.
pub(crate) fn mean_told(kernel: &Kernel, u: f64, m: f64) -> f64 {
    let own = kernel.own_miss(u, m);
    if kernel.has_pushes() {
        // 1 − c λ^u without cancellation.
        let ln_missed = u * (kernel.ln_miss_excess() - kernel.fanout * kernel.q);
        m * (own.hit - own.miss * ln_missed.exp_m1())
    } else {
        m * own.hit
    }
}

/// Rounds u′ = (n−u)(x − x²/2), x = r u/n, takes: the equation with collisions cut after its
/// second order, as the story solves it. Meant for a rate r of at most 1.
///
/// ```
/// use rumormill_model::{exact::usual::time_taylor, spread::Spread};
/// use rumormill_proto::Style;
/// let closed = 3.0 * 63f64.ln() + (65.0f64 / 127.0).ln();
/// assert!((time_taylor(&Spread::new(64, Style::Push)) - closed).abs() < 1e-9);
/// ```
#[must_use]
pub fn time_taylor(spread: &Spread) -> f64 {
    let (n, rate) = (spread.alive() as f64, growth(spread));
    integrate(spread, |u, m| {
        let x = rate * u / n;
        if x < 1.0 { m * (x - 0.5 * x * x) } else { 0.5 * m }
    })
}

/// ∫ du / rate(u, n−u) from the origins to the end, by Simpson's rule in ln(u/(n−u)).
fn integrate(spread: &Spread, rate: impl Fn(f64, f64) -> f64) -> f64 {
    const STEPS: u32 = 4000;
    let n = spread.alive() as f64;
    let (from, to) = (spread.origins as f64, end(spread));
    if to <= from {
        return 0.0;
    }
    let logit = |u: f64| (u / (n - u)).ln();
    let (low, high) = (logit(from), logit(to));
    let h = (high - low) / f64::from(STEPS);
    let mut sum = 0.0;
    for i in 0..=STEPS {
        let (u, m) = crate::exact::grid::split(n, low + h * f64::from(i));
        let weight = if i == 0 || i == STEPS {
            1.0
        } else if i % 2 == 1 {
            4.0
        } else {
            2.0
        };
        sum += weight * (u * m / n) / rate(u, m);
    }
    sum * h / 3.0
}

/// Returns the mean and variance of T in the chain with exponential waits at the logistic rates:
/// (2H_{n−1}, 2H⁽²⁾_{n−1} + 4H_{n−1}/n) for one origin and rate one. Its variance tends to π²/3.
///
/// ```
/// use rumormill_model::{exact::usual::waits, spread::Spread};
/// use rumormill_proto::Style;
/// let (mean, variance) = waits(&Spread::new(64, Style::Push));
/// assert!((mean - 9.457).abs() < 1e-3 && (variance - 3.554).abs() < 1e-3);
/// ```
#[must_use]
pub fn waits(spread: &Spread) -> (f64, f64) {
    let n = spread.alive() as f64;
    let rate = growth(spread);
    let (from, to) = (spread.origins as f64, spread.goal() as f64);
    let first = harmonic(to - 1.0) - harmonic(from - 1.0);
    let last = harmonic(n - from) - harmonic(n - to);
    let squares =
        harmonic2(to - 1.0) - harmonic2(from - 1.0) + harmonic2(n - from) - harmonic2(n - to);
    let mean = (first + last) / rate;
    (mean, (squares + 2.0 / n * (first + last)) / (rate * rate))
}

/// Messages the logistic equation counts for push, ∫u dt = n ln(n + 1 − 1/n). Too few: it lets no
/// two pushes meet.
///
/// ```
/// assert!((rumormill_model::exact::usual::logistic_messages(128.0) - 622.05).abs() < 0.01);
/// ```
#[must_use]
pub fn logistic_messages(nodes: f64) -> f64 {
    nodes * (nodes + 1.0 - 1.0 / nodes).ln()
}

/// Returns [`logistic_messages`] of a spread of plain push; `None` for others.
#[must_use]
pub fn messages_logistic(spread: &Spread) -> Option<f64> {
    let plain = spread.style == Style::Push
        && spread.picks() == 1
        && spread.loss == 0.0
        && spread.dead == 0.0
        && spread.origins == 1
        && spread.goal() == spread.nodes
        && spread.switches_after().is_none();
    plain.then(|| logistic_messages(spread.nodes as f64))
}

/// Returns the messages that the logistic equation counts up to a round, ∫u dt = n ln(1 + (eᵗ−1)/n):
/// the area under its curve, which ends at 2 ln n.
///
/// ```
/// use rumormill_model::exact::usual::{logistic_messages, logistic_messages_by};
/// assert!((logistic_messages_by(128.0, 1.0) - 1.707).abs() < 1e-3);
/// assert!((logistic_messages_by(128.0, 30.0) - logistic_messages(128.0)).abs() < 1e-9);
/// ```
#[must_use]
pub fn logistic_messages_by(nodes: f64, round: f64) -> f64 {
    nodes * (round.min(2.0 * nodes.ln()).exp_m1() / nodes).ln_1p()
}

/// What the equations and the process take, as parts of what the logistic equation takes.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Ratios {
    /// The equation with collisions cut after its second order; tends to 1.5.
    #[serde(rename = "collisions_taylor")]
    pub taylor: f64,
    /// The equation with collisions; tends to (1 + e/(e−1))/2 = 1.291.
    pub collisions: f64,
    /// The process, by its exact mean; tends to (1 + 1/ln 2)/2 = 1.2213.
    pub process: f64,
}

impl Ratios {
    /// For a spread of plain push with this exact mean; `None` for others, and for fewer than three
    /// nodes.
    #[must_use]
    pub fn new(spread: &Spread, mean: f64) -> Option<Self> {
        let plain = Spread::new(spread.nodes, Style::Push);
        let logistic = time_logistic(&plain);
        (*spread == plain && spread.nodes > 2).then(|| Self {
            taylor: time_taylor(&plain) / logistic,
            collisions: time_collisions(&plain) / logistic,
            process: mean / logistic,
        })
    }

    /// What they tend to as nodes are added.
    #[must_use]
    pub fn limits() -> Self {
        let e = std::f64::consts::E;
        Self {
            taylor: 1.5,
            collisions: 0.5 * (1.0 + e / (e - 1.0)),
            process: 0.5 * (1.0 + std::f64::consts::LOG2_E),
        }
    }
}

/// Returns the push recurrence for the share uninformed, x → x (1−1/n)^{n(1−x)}. It holds for one
/// round given the state, not for means over many.
#[must_use]
pub fn expected_push(x: f64, nodes: f64) -> f64 {
    x * (nodes * (1.0 - x) * (-1.0 / nodes).ln_1p()).exp()
}

/// Returns the pull recurrence for the share uninformed, x → x². It holds for one round given the
/// state, not for means over many.
#[must_use]
pub fn expected_pull(x: f64) -> f64 {
    x * x
}
