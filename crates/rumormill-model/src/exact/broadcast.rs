//! One sender tells everyone: single shot, repeated, acknowledged, and eager reliable broadcast.

use crate::error::{Error, count, need};

fn check(nodes: u64, loss: f64) -> Result<(), Error> {
    count("nodes", nodes, 1, crate::graph::topology::MAX_NODES)?;
    need((0.0..=1.0).contains(&loss), "loss", loss, "from 0 to 1")
}

/// 1 − (1 − e)^m without cancellation.
fn any(e: f64, m: f64) -> f64 {
    // A plain 0 where nothing can be missed.
    if m == 0.0 || e == 0.0 { 0.0 } else { -(m * (-e).ln_1p()).exp_m1() }
}

/// Chance that blind broadcast, each message sent `repeats` times, leaves someone out:
/// 1 − (1 − p^r)^{n−1}. With one repeat this is the single-shot broadcast. Messages: r(n−1). It is
/// also the probability that more than r rounds of retransmission until acknowledged are needed.
///
/// # Errors
/// If `nodes` is 0 or above 10¹⁵, or `loss` is outside [0, 1].
///
/// ```
/// let failure = rumormill_model::exact::broadcast::blind(64, 0.1, 1)?;
/// assert!((1.0 - failure - 0.00131).abs() < 1e-5);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn blind(nodes: u64, loss: f64, repeats: u32) -> Result<f64, Error> {
    check(nodes, loss)?;
    Ok(any(loss.powf(f64::from(repeats)), nodes as f64 - 1.0))
}

/// Chance that blind broadcast reaches everyone, (1 − p^r)^{n−1}: one minus [`blind`], with digits
/// where that is near one.
///
/// # Errors
/// As [`blind`].
pub fn blind_success(nodes: u64, loss: f64, repeats: u32) -> Result<f64, Error> {
    check(nodes, loss)?;
    let missed = loss.powf(f64::from(repeats));
    Ok(if nodes == 1 { 1.0 } else { ((nodes as f64 - 1.0) * (-missed).ln_1p()).exp() })
}

/// Returns the least number of blind repeats that leaves someone out with probability at most
/// `failure`.
///
/// # Errors
/// As [`blind`]; if `failure` is outside (0, 1); or if `loss` is 1, when no number will do.
pub fn repeats_needed(nodes: u64, loss: f64, failure: f64) -> Result<u32, Error> {
    check(nodes, loss)?;
    need(failure > 0.0 && failure < 1.0, "failure", failure, "above 0 and below 1")?;
    if nodes == 1 {
        return Ok(0);
    }
    need(loss < 1.0, "loss", loss, "from 0 to below 1")?;
    // p^r ≤ 1 − (1−δ)^{1/(n−1)}
    let each = -((-failure).ln_1p() / (nodes as f64 - 1.0)).exp_m1();
    let mut repeats = if loss == 0.0 { 1.0 } else { (each.ln() / loss.ln()).floor().max(1.0) };
    while any(loss.powf(repeats), nodes as f64 - 1.0) > failure {
        repeats += 1.0;
    }
    Ok(repeats as u32)
}

/// Retransmit until acknowledged (acknowledgements are not lost): expected messages
/// (n−1)/(1−p). Infinite if everything is lost.
///
/// # Errors
/// As [`blind`].
pub fn acknowledged_messages(nodes: u64, loss: f64) -> Result<f64, Error> {
    check(nodes, loss)?;
    Ok(if nodes == 1 { 0.0 } else { (nodes as f64 - 1.0) / (1.0 - loss) })
}

/// Returns the mean number of rounds of retransmission until all have it, `Σ_r` 1 − (1 −
/// p^r)^{n−1}. Infinite if everything is lost.
///
/// # Errors
/// As [`blind`].
pub fn acknowledged_rounds(nodes: u64, loss: f64) -> Result<f64, Error> {
    check(nodes, loss)?;
    if nodes == 1 {
        return Ok(0.0);
    }
    if loss >= 1.0 {
        return Ok(f64::INFINITY);
    }
    let mut sum = 0.0;
    let mut power = 1.0;
    loop {
        let term = any(power, nodes as f64 - 1.0);
        if term <= 1e-17 * sum || term == 0.0 {
            // The rest is geometric with ratio p.
            return Ok(sum + term / (1.0 - loss));
        }
        sum += term;
        power *= loss;
    }
}

/// Messages of eager reliable broadcast when all get it: everyone sends to everyone, n(n−1).
#[must_use]
pub fn eager_messages(nodes: u64) -> f64 {
    nodes as f64 * (nodes as f64 - 1.0)
}

/// What eager reliable broadcast does under loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eager {
    /// Expected messages: each node that gets it, the sender too, sends n−1.
    pub messages: f64,
    /// Mean round of the last delivery.
    pub rounds: f64,
    /// Chance that someone is left out.
    pub failure: f64,
}

/// Chances of a state below this are left out of [`eager`].
const UNREACHED: f64 = 1e-18;

/// Eager reliable broadcast, exactly: whoever gets the message sends it to everyone in the round
/// after. With a nodes that got it last and s without, each of the s is missed by all a with chance
/// p^a: the chain binomial of Reed and Frost (Bailey 1975).
///
/// # Errors
/// As [`blind`]; `nodes` at most [`MAX_EAGER_NODES`].
///
/// ```
/// // Two nodes: one message that arrives or not, and the answer of who got it.
/// let two = rumormill_model::exact::broadcast::eager(2, 0.25)?;
/// assert!((two.messages - 1.75).abs() < 1e-15 && (two.rounds - 0.75).abs() < 1e-15);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn eager(nodes: u64, loss: f64) -> Result<Eager, Error> {
    check(nodes, loss)?;
    count("nodes", nodes, 1, MAX_EAGER_NODES)?;
    let others = nodes - 1;
    // (without, got it last) → chance.
    let mut now = std::collections::BTreeMap::from([((others, 1u64), 1.0)]);
    let (mut left, mut rounds, mut round) = (0.0, 0.0, 0.0);
    while !now.is_empty() {
        round += 1.0;
        let mut next = std::collections::BTreeMap::new();
        for ((without, last), p) in now {
            if without == 0 {
                rounds += p * (round - 1.0);
                continue;
            }
            let s = without as f64;
            let miss = loss.powf(last as f64);
            let hit = if loss == 0.0 { 1.0 } else { -(last as f64 * loss.ln()).exp_m1() };
            for told in window(s, hit) {
                let gap = told as f64 - s * hit;
                let chance = crate::exact::special::ln_binomial(
                    told as f64,
                    (without - told) as f64,
                    s * hit,
                    s * miss,
                    gap,
                )
                .exp();
                if told == 0 {
                    // It is over, in the round before.
                    rounds += p * chance * (round - 1.0);
                    left += p * chance * s;
                } else if p * chance > UNREACHED {
                    *next.entry((without - told, told)).or_insert(0.0) += p * chance;
                }
            }
        }
        now = next;
    }
    let reached = nodes as f64 - left;
    let failure = eager_failure(nodes, loss)?;
    Ok(Eager { messages: reached * others as f64, rounds, failure })
}

/// Returns the counts that a binomial law of `s` trials can give.
fn window(s: f64, hit: f64) -> std::ops::RangeInclusive<u64> {
    let reach = 12.0 * (s * hit * (1.0 - hit)).sqrt() + 24.0;
    let low = (s * hit - reach).floor().max(0.0);
    let high = (s * hit + reach).ceil().min(s);
    low as u64..=high as u64
}

/// Returns the usual estimate of the failure of eager reliable broadcast: (n−1)p^{n−1}, the mean
/// number of nodes (other than the sender) that all others miss.
///
/// # Errors
/// As [`blind`].
pub fn eager_estimate(nodes: u64, loss: f64) -> Result<f64, Error> {
    check(nodes, loss)?;
    let others = nodes as f64 - 1.0;
    Ok(if nodes == 1 { 0.0 } else { others * loss.powf(others) })
}

/// The most nodes [`eager_failure`] is computed for: its time grows with their square.
pub const MAX_EAGER_NODES: u64 = 10_000;

/// Returns the exact chance that eager reliable broadcast (whoever gets the message first sends it
/// to everyone once) leaves someone out.
///
/// The set reached has the law of the sender's component in a random graph with edge probability
/// 1−p, so this is the chance that graph is not connected, by Gilbert's (1959) recurrence,
/// 1 − `C_n` = `Σ_k` binom(n−1, k−1) `C_k` p^{k(n−k)}; all terms are positive.
///
/// # Errors
/// As [`blind`]; `nodes` at most [`MAX_EAGER_NODES`].
///
/// ```
/// let exact = rumormill_model::exact::broadcast::eager_failure(3, 0.5)?;
/// assert!((exact - 0.5).abs() < 1e-15); // 4 of the 8 graphs on 3 nodes are not connected
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn eager_failure(nodes: u64, loss: f64) -> Result<f64, Error> {
    check(nodes, loss)?;
    count("nodes", nodes, 1, MAX_EAGER_NODES)?;
    if loss == 0.0 || nodes == 1 {
        return Ok(0.0);
    }
    let ln_loss = loss.ln();
    let mut ln_factorial = vec![0.0f64];
    for i in 1..=nodes {
        ln_factorial.push(ln_factorial[i as usize - 1] + (i as f64).ln());
    }
    // disconnected[n] for 1, 2, …
    let mut disconnected = vec![0.0, 0.0];
    for n in 2..=nodes as usize {
        let mut sum = 0.0;
        for k in 1..n {
            let ln_choose = ln_factorial[n - 1] - ln_factorial[k - 1] - ln_factorial[n - k];
            let ln_cut = (k * (n - k)) as f64 * ln_loss;
            sum += (1.0f64 - disconnected[k]).max(0.0) * (ln_choose + ln_cut).exp();
        }
        disconnected.push(f64::min(sum, 1.0));
    }
    Ok(disconnected[nodes as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_the_issue() {
        // n = 64, p = 0.1.
        assert!((1.0 - blind(64, 0.1, 1).unwrap() - 0.001_310_0).abs() < 1e-5);
        assert!((acknowledged_messages(64, 0.1).unwrap() - 70.0).abs() < 1e-12);
        assert_eq!(eager_messages(64), 4032.0);
        let exact = eager_failure(64, 0.1).unwrap();
        let usual = eager_estimate(64, 0.1).unwrap();
        // The usual estimate forgets that the sender itself may be cut off: 63 against 64 terms.
        assert!((exact / usual - 64.0 / 63.0).abs() < 1e-9, "{exact:e} {usual:e}");
    }

    #[test]
    fn eager_broadcast_meets_enumeration() {
        // All graphs on 4 nodes, edge probability 1 − p.
        let p: f64 = 0.3;
        let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        let mut failure = 0.0;
        for graph in 0u32..64 {
            let mut seen = 1u32;
            for _ in 0..4 {
                for (e, &(a, b)) in pairs.iter().enumerate() {
                    if graph >> e & 1 == 1 && (seen >> a & 1 == 1 || seen >> b & 1 == 1) {
                        seen |= 1 << a | 1 << b;
                    }
                }
            }
            let present = graph.count_ones() as i32;
            if seen != 15 {
                failure += (1.0 - p).powi(present) * p.powi(6 - present);
            }
        }
        assert!((eager_failure(4, p).unwrap() - failure).abs() < 1e-14);
        // The graph reached breadth first: who is reached, and the depth, by enumeration.
        let (mut reached, mut depth) = (0.0, 0.0);
        for graph in 0u32..64 {
            let (mut seen, mut rounds) = (1u32, 0);
            loop {
                let mut more = seen;
                for (e, &(a, b)) in pairs.iter().enumerate() {
                    if graph >> e & 1 == 1 && (seen >> a & 1 == 1 || seen >> b & 1 == 1) {
                        more |= 1 << a | 1 << b;
                    }
                }
                if more == seen {
                    break;
                }
                (seen, rounds) = (more, rounds + 1);
            }
            let present = graph.count_ones() as i32;
            let chance = (1.0 - p).powi(present) * p.powi(6 - present);
            reached += chance * f64::from(seen.count_ones());
            depth += chance * f64::from(rounds);
        }
        let exact = eager(4, p).unwrap();
        assert!((exact.messages - 3.0 * reached).abs() < 1e-14, "{exact:?}");
        assert!((exact.rounds - depth).abs() < 1e-14, "{exact:?}");
        // Nothing lost: one round delivers all.
        let clear = eager(50, 0.0).unwrap();
        assert_eq!((clear.messages, clear.rounds, clear.failure), (2450.0, 1.0, 0.0));
    }

    #[test]
    fn repeats_are_the_least_that_do() {
        for (n, p, d) in [(64, 0.1, 1e-6), (1000, 0.5, 1e-3), (2, 0.0, 0.5), (50, 0.9, 1e-9)] {
            let r = repeats_needed(n, p, d).unwrap();
            assert!(blind(n, p, r).unwrap() <= d);
            assert!(r == 1 || blind(n, p, r - 1).unwrap() > d);
        }
        assert!(repeats_needed(10, 1.0, 0.1).is_err());
        assert!(repeats_needed(10, 0.1, 0.0).is_err());
    }

    #[test]
    fn acknowledged_rounds_of_two_nodes_are_geometric() {
        assert!((acknowledged_rounds(2, 0.25).unwrap() - 1.0 / 0.75).abs() < 1e-15);
        assert_eq!(acknowledged_rounds(5, 1.0).unwrap(), f64::INFINITY);
        assert_eq!(acknowledged_rounds(1, 1.0).unwrap(), 0.0);
    }
}
