//! How far behind an aggregate is whose inputs move, with event-triggered exchange and a budget.
//!
//! A change at one node is an error at all: the node's own estimate is off by its size, less the mean's
//! share. E(a) is the energy of that error at age a, Σ e² over the nodes, relative to the square of the
//! change. At the start it is 1 − 1/n. Changes are independent and have mean zero, so the mean square
//! error of a node's estimate is c·E\[δ²\]·∫E(a) da for c changes a second of size δ. `docs/predict.md`
//! derives the parts of the integral.

use rumormill_proto::HURRIED_BROADCASTS;
use serde::Serialize;

use crate::average::Schedule;
use crate::average::following::Following;
use crate::error::Error;

/// The energy that an exchange adds which meets a broadcast under way: the node gives away its change
/// twice, once to the broadcast and half of it to the other peer.
const COLLISION: f64 = 0.45;

/// The part of the rate up to which a node broadcasts its changes, of that from which it makes none:
/// beyond it one unlucky change is enough to end the broadcasts for good.
const CERTAIN: f64 = 0.95;

/// The mean gap between exchanges of a node that always has news, in shortest gaps.
const MEAN_GAP: f64 = 1.02;

/// How far behind a reading is, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lag {
    /// The lag in seconds: a cluster in which every change stays unknown for this long, outside of its
    /// node, and is then known everywhere, has the same mean square error.
    pub lag: f64,
    /// The root of the mean square of the relative error of the sum, at a random node and time. The
    /// mean of the absolute error is smaller; how much so depends on how changes overlap.
    pub rms: f64,
    /// The share of the changes that are broadcast; the others spread by exchanges of pairs alone.
    pub broadcast: f64,
    /// Exchanges of pairs that a node starts in a second while there is something to exchange.
    pub pairs: f64,
    /// Rate at which exchanges of pairs shrink the energy of an error, in 1/s.
    pub contraction: f64,
    /// Exchanges that a node starts in a second, broadcasts included: two packets each.
    pub exchanges: f64,
    /// Whether the budget limits the exchanges.
    pub saturated: bool,
}

/// Returns the lag, and the error that follows from it.
///
/// # Errors
/// A setting out of range.
///
/// ```
/// use rumormill_model::average::following::Following;
/// use rumormill_model::exact::average::lag::lag;
/// let lag = lag(&Following::new(30))?;
/// assert!(lag.lag < 0.001 && lag.rms < 0.003);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn lag(question: &Following) -> Result<Lag, Error> {
    question.check()?;
    let n = question.nodes as f64;
    let d = question.degree() as f64;
    let Following { changes, budget, latency, .. } = *question;

    // Broadcasts, and what they leave to pairs.
    let demand = changes * d / budget;
    let broadcast = if demand * HURRIED_BROADCASTS < CERTAIN { 1.0 } else { 0.0 };
    let spent = broadcast * changes * d;
    // An exchange of a pair waits for the one before.
    let fastest = 1.0 / (MEAN_GAP * question.gap()).max(2.0 * latency);
    let left = (budget - spent).min(fastest);

    // Pairs at rate r shrink the energy by the factor of a shuffled cycle in a time 1/r; on a view a
    // little less, because the same two meet again more often.
    let again = 1.0 / d - 1.0 / (n - 1.0);
    let cycle = -Schedule::Shuffled.factor(question.nodes)?.ln() * (1.0 - again);
    let contraction = |pairs: f64| cycle * pairs;

    let start = 1.0 - 1.0 / n;
    let shared = 1.0 / (d + 1.0);
    let after = shared - 1.0 / n;
    let busy = busy(question, after, contraction(fastest), fastest);
    let wanted = fastest * busy + spent;
    let saturated = wanted > budget * 0.98 || broadcast < 1.0;
    let pairs = if saturated { left } else { fastest };
    let contraction = contraction(pairs);

    // Until the pushes arrive nobody knows; until the replies do, the node itself is off.
    let middle = start * start + d * after * after + (n - 1.0 - d) / (n * n);
    let met = COLLISION * -(-2.0 * latency * pairs * busy).exp_m1();
    let broadcast_energy = latency * (start + middle) + (after + met) / contraction;
    // By pairs alone. Where changes follow each other before the first has gone, they cancel in part:
    // successive steps of one input are anticorrelated.
    let per_change = contraction / changes;
    let overlap = -(-per_change).exp_m1();
    let pairs_energy = start * (1.0 / contraction + 1.5 * latency) * overlap;
    let energy = broadcast * broadcast_energy + (1.0 - broadcast) * pairs_energy;

    Ok(Lag {
        lag: energy / start,
        rms: (changes * question.step() * energy).sqrt(),
        broadcast,
        pairs,
        contraction,
        exchanges: if saturated { (left + spent).min(budget) } else { wanted },
        saturated,
    })
}

/// Returns the share of the time in which a node exchanges as fast as it may.
fn busy(question: &Following, after: f64, contraction: f64, fastest: f64) -> f64 {
    let n = question.nodes as f64;
    let gap = question.gap() * MEAN_GAP;
    let news = question.changes * n;
    // After the last news the gaps double.
    let tail = |quiet: f64| (1.0 + quiet / gap).log2();
    if question.is_mesh() {
        // Each change is news once.
        let exchanges = news * tail(1.0 / news);
        return (exchanges / fastest).min(1.0);
    }
    // Each change is news until the disagreement is within the tolerance.
    let first = question.step() * after / n;
    let lasts = (first / question.tolerance.powi(2)).ln().max(0.0) / contraction;
    let busy = -(-news * lasts).exp_m1();
    let quiet = (1.0 - busy) / news;
    (busy + news * tail(quiet) * (1.0 - busy) / fastest).min(1.0)
}
