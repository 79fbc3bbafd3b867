//! Perfect doubling: the schedule that always doubles, and how unlikely gossip is to do as well.

use rumormill_proto::Style;
use serde::Serialize;

use crate::error::{Error, count};
use crate::exact::special::stirling_error;
use crate::spread::Spread;

/// Natural logarithm of the chance that the last doubling is perfect: n informed of 2n each push to
/// a different one of the other n, n!/(2n−1)^n.
///
/// ```
/// assert!((rumormill_model::exact::usual::ln_last_doubling(8).exp() - 1.573e-5).abs() < 1e-8);
/// ```
#[must_use]
pub fn ln_last_doubling(n: u64) -> f64 {
    // Of u calls among n others, all to different ones.
    ln_all_differ(n as f64, n as f64, (2 * n - 1) as f64)
}

/// ln of a!/(a−u)!/pool^u, with the digits of its size: by Stirling's series, whose large terms are
/// taken together.
fn ln_all_differ(u: f64, a: f64, pool: f64) -> f64 {
    let left = a - u;
    if u <= 1000.0 {
        return (0..u as u32).map(|i| ((a - f64::from(i)) / pool).ln()).sum();
    }
    let last = if left > 0.0 {
        // left ln(a/left) − u
        left * (u / left).ln_1p() - u + 0.5 * (u / left).ln_1p() - stirling_error(left)
    } else {
        0.5 * (2.0 * std::f64::consts::PI * a).ln() - u
    };
    u * (a / pool).ln() + last + stirling_error(a)
}

/// Natural logarithm of the chance that push spreads to 2^`doublings` nodes in that many rounds:
/// every doubling is perfect.
///
/// ```
/// let p = rumormill_model::exact::usual::ln_perfect_doubling(6).exp();
/// assert!((p / 8.7e-27 - 1.0).abs() < 0.01);
/// ```
#[must_use]
pub fn ln_perfect_doubling(doublings: u32) -> f64 {
    let n = (1u64 << doublings) as f64;
    let round = |j: u32| {
        let u = (1u64 << j) as f64;
        ln_all_differ(u, n - u, n - 1.0)
    };
    (0..doublings).map(round).sum()
}

/// The schedule that wastes nothing: in round t each informed node i sends to node i + 2^{t−1}, so
/// all are informed after ⌈log₂ n⌉ rounds and n − 1 messages. It takes everybody to know their
/// number and the round, and each message is the only one for all who hang on it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Schedule {
    /// ⌈log₂ n⌉.
    pub rounds: u32,
    /// n − 1.
    pub messages: u64,
    /// Chance that all are informed, (1 − loss)^{n−1}.
    pub complete: f64,
    /// Mean share informed: node i hangs on as many messages as its number has binary ones.
    pub informed: f64,
}

/// Returns the deterministic schedule among n nodes.
///
/// # Errors
/// If `nodes` or `loss` is out of range.
///
/// ```
/// use rumormill_model::exact::usual::schedule;
/// let ideal = schedule(64, 0.1)?;
/// assert_eq!((ideal.rounds, ideal.messages), (6, 63));
/// assert!((ideal.complete - 0.9f64.powi(63)).abs() < 1e-15);
/// assert!((ideal.informed - 0.95f64.powi(6)).abs() < 1e-15);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn schedule(nodes: u64, loss: f64) -> Result<Schedule, Error> {
    Spread { loss, ..Spread::new(nodes, Style::Push) }.check()?;
    // Numbers below n: by its highest binary digit that a number falls short of.
    let (mut informed, mut ones) = (0.0, 0);
    for bit in (0..64).rev().filter(|bit| nodes >> bit & 1 == 1) {
        informed += (1.0 - loss).powi(ones) * (2.0 - loss).powi(bit);
        ones += 1;
    }
    let messages = nodes - 1;
    Ok(Schedule {
        rounds: nodes.next_power_of_two().ilog2(),
        messages,
        complete: if messages == 0 { 1.0 } else { (messages as f64 * (-loss).ln_1p()).exp() },
        informed: informed / nodes as f64,
    })
}

/// A message of the schedule, as it goes if some are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Scheduled {
    /// Its round, from 1.
    pub round: u32,
    /// The sender.
    pub from: u64,
    /// The node that hears of the rumor by this message alone.
    pub to: u64,
    /// Whether the sender has the rumor to send: otherwise nothing is sent.
    pub sent: bool,
    /// Whether the network loses it.
    pub lost: bool,
}

/// The most nodes whose messages are listed.
const MAX_LISTED: u64 = 4096;

/// Returns the messages of the [schedule](schedule) among n nodes, in the order of their receivers,
/// if those to the nodes in `lost` are lost.
///
/// # Errors
/// If `nodes` is 0 or above 4096.
///
/// ```
/// use rumormill_model::exact::usual::scheduled;
/// // Nodes 3, 5 and 7 hear of it through node 1.
/// let messages = scheduled(8, &[1])?;
/// let silent: Vec<u64> = messages.iter().filter(|m| !m.sent).map(|m| m.to).collect();
/// assert_eq!(silent, [3, 5, 7]);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn scheduled(nodes: u64, lost: &[u64]) -> Result<Vec<Scheduled>, Error> {
    count("nodes", nodes, 1, MAX_LISTED)?;
    let mut informed = vec![true; nodes as usize];
    let messages = (1..nodes).map(|to| {
        // The sender's number lacks the highest binary one of the receiver's.
        let from = to ^ (1 << to.ilog2());
        let (sent, lost) = (informed[from as usize], lost.contains(&to));
        informed[to as usize] = sent && !lost;
        Scheduled { round: to.ilog2() + 1, from, to, sent, lost }
    });
    Ok(messages.collect())
}

/// The perfect schedule, beside the chance that push with fan-out 1 does as well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Doubling {
    /// Number of nodes.
    pub nodes: u64,
    /// Probability that a message is lost.
    pub loss: f64,
    /// The schedule.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// Log₁₀ of the chance that the last round is perfect; `None` if the number of nodes is odd, or
    /// the chance is 0.
    pub log10_last_round: Option<f64>,
    /// Log₁₀ of the chance that every round is perfect; `None` if the number of nodes is not a
    /// power of two, or the chance is 0.
    pub log10_all_rounds: Option<f64>,
}

impl Doubling {
    /// Returns both among n nodes.
    ///
    /// # Errors
    /// If `nodes` or `loss` is out of range.
    ///
    /// ```
    /// use rumormill_model::exact::usual::Doubling;
    /// let eight = Doubling::new(8, 0.0)?;
    /// assert!((10f64.powf(eight.log10_all_rounds.expect("a power of two")) / 6.1199e-3 - 1.0).abs() < 1e-5);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn new(nodes: u64, loss: f64) -> Result<Self, Error> {
        let schedule = schedule(nodes, loss)?;
        // Each of the calls must arrive, too.
        let arrive = |calls: u64| if calls == 0 { 0.0 } else { calls as f64 * (-loss).ln_1p() };
        let log10 = |ln: f64| ln / std::f64::consts::LN_10;
        let half = nodes / 2;
        let last = nodes.is_multiple_of(2).then(|| log10(ln_last_doubling(half) + arrive(half)));
        let all = nodes
            .is_power_of_two()
            .then(|| log10(ln_perfect_doubling(nodes.ilog2()) + arrive(nodes - 1)));
        Ok(Self {
            nodes,
            loss,
            schedule,
            log10_last_round: last.filter(|x| x.is_finite()),
            log10_all_rounds: all.filter(|x| x.is_finite()),
        })
    }
}
