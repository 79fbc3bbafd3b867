//! Which style, fan-out, interval and round cap meet a target most cheaply.

use crate::error::{Error, count, need};
use crate::exact::spread::{Distribution, Options};
use rumormill_proto::Style;

use crate::graph::topology::MAX_NODES;
use crate::spread::{STEADY, Spread};

/// The target of a plan, and the limits of the choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Number of nodes, 1..=10¹⁵.
    pub nodes: u64,
    /// Probability that a contact is lost, in [0, 1).
    pub loss: f64,
    /// Time within which all nodes must be informed, in seconds, above 0.
    pub deadline: f64,
    /// Allowed probability that some node is not, at least 1e-15 and below 1.
    pub failure: f64,
    /// Shortest interval between rounds, in seconds, above 0: at least a round trip.
    pub min_interval: f64,
    /// Largest fan-out to consider, 1..=64. Of those above 8 only 16, 32 and this one are tried,
    /// because each takes a tenth of a second.
    pub max_fanout: u64,
    /// Bytes of the rumor itself.
    pub payload: u64,
    /// Bytes of any message without a rumor in it: headers of all layers and the digest.
    pub overhead: u64,
}

impl Target {
    /// Returns a target with rounds of at least 10 ms, fan-out to 8, 256 bytes of rumor, 60 bytes around it (IPv4, UDP,
    /// and 32 of our own).
    #[must_use]
    pub fn new(nodes: u64, loss: f64, deadline: f64, failure: f64) -> Self {
        Self {
            nodes,
            loss,
            deadline,
            failure,
            min_interval: 0.01,
            max_fanout: 8,
            payload: 256,
            overhead: 60,
        }
    }

    fn check(&self) -> Result<(), Error> {
        count("nodes", self.nodes, 1, MAX_NODES)?;
        need((0.0..=1.0).contains(&self.loss), "loss", self.loss, "from 0 to 1")?;
        if self.loss >= 1.0 {
            return Err(Error::NeverArrives { name: "loss", value: self.loss });
        }
        let positive = |x: f64| x > 0.0 && x.is_finite();
        need(positive(self.deadline), "deadline", self.deadline, "above 0 s")?;
        need(
            self.failure >= 1e-15 && self.failure < 1.0,
            "failure",
            self.failure,
            "at least 1e-15 and below 1",
        )?;
        need(positive(self.min_interval), "min-interval", self.min_interval, "above 0 s")?;
        count("max-fanout", self.max_fanout, 1, 64)
    }
}

/// One way to meet a target.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Plan {
    /// Which nodes call.
    pub style: Style,
    /// Partners of a caller per round.
    pub fanout: u64,
    /// Rounds after which all nodes stop.
    #[serde(rename = "round_cap")]
    pub rounds: u64,
    /// Seconds between rounds: the deadline divided by the rounds, in whole milliseconds (or as
    /// it is, if less than one).
    #[serde(rename = "interval_seconds")]
    pub interval: f64,
    /// Probability that some node is not informed when the cap is reached. Computed once, on one set
    /// of panels, so no bound on its error is stated.
    pub failure: f64,
    /// Mean time until all nodes are informed, in seconds.
    #[serde(rename = "mean_seconds")]
    pub mean_time: f64,
    /// Messages sent per node until the cap. Push: one per call of an informed node. Pull: every
    /// node asks every round, because it cannot know whether there is a rumor; answers count if
    /// they carry it. Push-pull: every node calls every round, and such answers count too.
    #[serde(rename = "messages_per_node")]
    pub messages: f64,
    /// Bytes sent per node until the cap.
    #[serde(rename = "bytes_per_node")]
    pub bytes: f64,
}

/// Returns all plans that meet the target, the cheapest in bytes first. `observe(done, of)` is called after
/// every candidate.
///
/// # Errors
/// If a field is out of range, or no candidate meets the target.
///
/// ```
/// use rumormill_model::exact::plan::{Target, plans};
/// let best = &plans(&Target::new(100, 0.05, 3.0, 1e-6), &mut |_, _| {})?[0];
/// assert!(best.failure <= 1e-6 && best.interval * best.rounds as f64 <= 3.0);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn plans(target: &Target, observe: &mut dyn FnMut(u64, u64)) -> Result<Vec<Plan>, Error> {
    target.check()?;
    let most = target.max_fanout.min(target.nodes.saturating_sub(1).max(1));
    let fanouts: Vec<u64> =
        (1..=8).chain([16, 32]).filter(|&fanout| fanout < most).chain([most]).collect();
    let candidates = (fanouts.len() * STEADY.len()) as u64;
    let mut done = 0;
    let mut found = Vec::new();
    let mut best = u64::MAX;
    for style in STEADY {
        for &fanout in &fanouts {
            let spread = Spread { fanout, loss: target.loss, ..Spread::new(target.nodes, style) };
            let floor = Some(0.5 * target.failure);
            let mut rounds = u64::MAX;
            let pool = spread.pool().max(1) as f64;
            // Costs only where the target can be met.
            let within = |exact: &Distribution| {
                let cap = exact.survival.iter().position(|&p| p <= target.failure);
                rounds = cap.map_or(u64::MAX, |r| r.max(1) as u64);
                if target.deadline / rounds as f64 >= target.min_interval { rounds } else { 0 }
            };
            let (exact, totals) = spread.solve_with_totals(
                Options { floor, ..Options::default() },
                within,
                |u, m| [m, u * m / pool],
            )?;
            best = best.min(rounds);
            let interval = target.deadline / rounds as f64;
            if interval >= target.min_interval {
                let whole = (interval * 1000.0).floor() / 1000.0;
                let interval = if whole >= target.min_interval { whole } else { interval };
                let (messages, bytes) = cost(target, &spread, rounds, totals);
                found.push(Plan {
                    style,
                    fanout,
                    rounds,
                    interval,
                    failure: exact.survival(rounds),
                    mean_time: exact.mean * interval,
                    messages,
                    bytes,
                });
            }
            done += 1;
            observe(done, candidates);
        }
    }
    if found.is_empty() {
        return Err(Error::Unplannable {
            failure: target.failure,
            deadline: target.deadline,
            best,
            interval: target.min_interval,
            needed: best as f64 * target.min_interval,
        });
    }
    found.sort_by(|a, b| a.bytes.total_cmp(&b.bytes).then(a.rounds.cmp(&b.rounds)));
    Ok(found)
}

/// Returns mean messages and bytes per node over a fixed number of rounds, from the mean number uninformed
/// and the mean number of uninformed callers per call that reach someone informed, both summed over
/// the rounds.
fn cost(target: &Target, spread: &Spread, rounds: u64, totals: [f64; 2]) -> (f64, f64) {
    let n = spread.nodes as f64;
    let [missed, useful] = totals;
    let fanout = spread.fanout as f64;
    let arrive = 1.0 - spread.loss;
    let pushes = if spread.style.pushes() { fanout * (n * rounds as f64 - missed) } else { 0.0 };
    // An answer with the rumor goes to each uninformed caller that reaches someone informed.
    let (asks, answers) = if spread.style.pulls() {
        let callers = if spread.style == Style::Pull { n } else { 0.0 };
        (fanout * callers * rounds as f64, fanout * arrive * useful)
    } else {
        (0.0, 0.0)
    };
    // Under push-pull the uninformed call too, with nothing to give.
    let empty =
        if spread.style == Style::PushPull { fanout * n * rounds as f64 - pushes } else { asks };
    let with_rumor = pushes + answers;
    let bytes =
        with_rumor * (target.overhead + target.payload) as f64 + empty * target.overhead as f64;
    ((with_rumor + empty) / n, bytes / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_meet_their_target_and_are_sorted() {
        let target = Target::new(10_000, 0.05, 3.0, 1e-6);
        let target = Target { max_fanout: 3, ..target };
        let mut calls = 0;
        let plans = plans(&target, &mut |_, of| {
            calls += 1;
            assert_eq!(of, 9);
        })
        .unwrap();
        assert_eq!(calls, 9);
        assert_eq!(plans.len(), 9);
        for plan in &plans {
            assert!(plan.failure <= 1e-6);
            assert!(plan.interval * plan.rounds as f64 <= 3.0);
            // One round less would not do.
            let spread =
                Spread { fanout: plan.fanout, loss: 0.05, ..Spread::new(10_000, plan.style) };
            assert!(spread.solve().unwrap().survival(plan.rounds - 1) > 1e-6);
        }
        assert!(plans.windows(2).all(|w| w[0].bytes <= w[1].bytes));
    }

    #[test]
    fn push_costs_what_it_sends() {
        // Two nodes, nothing lost, one round: one message of one node.
        let target = Target::new(2, 0.0, 1.0, 1e-6);
        let plans = plans(&target, &mut |_, _| {}).unwrap();
        let push = plans.iter().find(|p| p.style == Style::Push).unwrap();
        assert_eq!((push.rounds, push.messages, push.bytes), (1, 0.5, 158.0));
        let pull = plans.iter().find(|p| p.style == Style::Pull).unwrap();
        // Both ask, one is answered.
        assert_eq!((pull.messages, pull.bytes), (1.5, 60.0 + 158.0));
    }

    #[test]
    fn impossible_targets_are_refused_by_name() {
        let good = Target::new(100, 0.05, 3.0, 1e-6);
        let refused = |target: Target| plans(&target, &mut |_, _| {}).unwrap_err().to_string();
        assert!(refused(Target { nodes: 0, ..good.clone() }).starts_with("nodes"));
        assert!(refused(Target { loss: 1.0, ..good.clone() }).starts_with("loss"));
        assert!(refused(Target { loss: -1.0, ..good.clone() }).starts_with("loss"));
        assert!(refused(Target { failure: 0.0, ..good.clone() }).starts_with("failure"));
        assert!(refused(Target { deadline: 0.0, ..good.clone() }).starts_with("deadline"));
        let message = refused(Target { deadline: 0.02, ..good });
        assert!(
            message.starts_with("deadline is 0.02 s") && message.contains("rounds"),
            "{message}"
        );
    }

    #[test]
    fn one_node_needs_one_idle_round() {
        let plans = plans(&Target::new(1, 0.5, 1.0, 1e-6), &mut |_, _| {}).unwrap();
        assert!(plans.iter().all(|p| p.failure == 0.0));
    }
}
