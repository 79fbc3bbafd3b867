//! How a spread with a stop rule ends: what is missed, and what it costs. Exactly where a law is
//! known, by simulation otherwise.

use rumormill_proto::{Counted, Decided, Stop, Style};
use serde::Serialize;

use crate::error::{Error, need};
use crate::exact::Options;
use crate::exact::stop::{Rule, mean_field_residue, sequential};
use crate::simulate::snapshot::{Estimate, snapshot};
use crate::spread::{Semantics, Spread};

/// How a spread ends. What is exact has the standard error 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ending {
    /// Number of nodes.
    pub nodes: u64,
    /// Which semantics hold, and whether the answer is exact.
    pub semantics: &'static str,
    /// Mean share of the living that is never informed.
    pub residue: Estimate,
    /// Probability that some living node is never informed.
    pub incomplete: Estimate,
    /// Mean contacts per living node.
    pub traffic: Estimate,
    /// Mean round in which a node was informed, over the informed nodes.
    pub mean_delay: Option<Estimate>,
    /// Mean round of the last delivery.
    pub last_delivery: Option<Estimate>,
    /// Why the last two are missing, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_given: Option<&'static str>,
    /// The residue of the mean field, where nodes lose interest.
    pub mean_field_residue: Option<f64>,
}

/// Why sequential contacts give no times.
const NO_TIMES: &str = "mean delay and last delivery: none, because sequential contacts have no \
                        rounds;\n--semantics synchronous gives them";

fn exactly(value: f64) -> Estimate {
    Estimate { value, standard_error: 0.0 }
}

impl Ending {
    /// Returns whether losing interest is answered with the other settings of a spread.
    #[must_use]
    pub fn answers(spread: &Spread) -> bool {
        let plain = Spread {
            stop: spread.stop,
            reset: spread.reset,
            semantics: spread.semantics,
            ..Spread::new(spread.nodes, Style::Push)
        };
        *spread == plain
    }

    /// Returns how a spread ends. Losing interest is answered for push with fan-out 1 on the
    /// complete graph, without loss and dead nodes; in synchronous rounds by `runs` simulated runs
    /// of a seed, which count for nothing else.
    ///
    /// # Errors
    /// If the spread has no stop rule, or one that is not answered with the other settings; a
    /// setting out of range.
    ///
    /// ```
    /// use rumormill_model::compare::ending::Ending;
    /// use rumormill_model::spread::{Semantics, Spread};
    /// use rumormill_proto::Style;
    /// let spread = Spread {
    ///     stop: Some("feedback-coin:4".parse().expect("a rule")),
    ///     semantics: Semantics::Sequential,
    ///     ..Spread::new(30, Style::Push)
    /// };
    /// let ending = Ending::new(&spread, 0, 0)?;
    /// assert!((ending.incomplete.value - 0.19999).abs() < 5e-6);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn new(spread: &Spread, runs: u64, seed: u64) -> Result<Self, Error> {
        let Some(Stop::Interest { counted, decided, k }) = spread.stop else {
            need(spread.stop.is_some(), "stop", "never", "a rule, such as rounds:12")?;
            return capped(spread);
        };
        let range = "for push with fan-out 1 on the complete graph, without loss and dead nodes";
        need(Self::answers(spread), "stop", spread.stop_name(), range)?;
        spread.check()?;
        let rule = match decided {
            Decided::Coin => Rule::Coin(1.0 / f64::from(k)),
            Decided::Counter => Rule::Counter { limit: k, reset: spread.reset },
        };
        interest(spread, (rule, counted, k), runs, seed)
    }
}

/// Returns the end of nodes that stop one by one, when they lose interest.
fn interest(
    spread: &Spread,
    (rule, counted, k): (Rule, Counted, u32),
    runs: u64,
    seed: u64,
) -> Result<Ending, Error> {
    let nodes = spread.nodes;
    let mean_field_residue = Some(mean_field_residue(counted, k.into())?);
    if spread.semantics != Semantics::Synchronous {
        let end = sequential(nodes, rule, counted)?;
        return Ok(Ending {
            nodes,
            semantics: "sequential contacts, exact",
            residue: exactly(end.residue),
            incomplete: exactly(end.incomplete),
            traffic: exactly(end.traffic),
            mean_delay: None,
            last_delivery: None,
            not_given: Some(NO_TIMES),
            mean_field_residue,
        });
    }
    let runs = u32::try_from(runs).unwrap_or(u32::MAX);
    let end = snapshot(nodes, rule, counted, runs, seed)?;
    Ok(Ending {
        nodes,
        semantics: "synchronous rounds, simulated",
        residue: end.residue,
        incomplete: end.incomplete,
        traffic: end.traffic,
        mean_delay: Some(end.mean_delay),
        last_delivery: Some(end.last_delivery),
        not_given: None,
        mean_field_residue,
    })
}

/// Returns the end where all stop after the same number of rounds: the failure is P(T > rounds).
fn capped(question: &Spread) -> Result<Ending, Error> {
    let cap = u64::from(question.last_round());
    let spread = Spread { stop: None, max_rounds: None, ..question.clone() };
    spread.has_exact_law()?;
    // Rounds after which all nodes are almost surely informed change only the traffic.
    let exact = spread.solve_with(Options { floor: Some(1e-40), ..Options::default() })?;
    let last = if exact.mean.is_finite() { exact.survival.len() as u64 - 1 } else { 0 };
    let (asked, cap) = (cap, cap.min(last));
    let means = spread.means(cap, |_, m| m)?;
    let missed = means[cap as usize];
    let alive = spread.alive() as f64;
    // Pull and push-pull nodes cannot know of new events: they all call every round.
    let calls = match spread.style {
        Style::Push => {
            // Up to a cap that is never reached all informed nodes go on calling.
            let on = (asked - cap) as f64 * (alive - missed);
            means[..cap as usize].iter().map(|m| alive - m).sum::<f64>() + on
        }
        _ => alive * asked as f64,
    };
    // Delivered in round t: the fall of the mean number missed.
    let delays: f64 =
        means.windows(2).enumerate().map(|(t, w)| (t + 1) as f64 * (w[0] - w[1])).sum();
    Ok(Ending {
        nodes: spread.nodes,
        semantics: "synchronous rounds up to a cap, exact",
        residue: exactly(missed / alive),
        incomplete: exactly(exact.survival(asked)),
        traffic: exactly(spread.picks() as f64 * calls / alive),
        mean_delay: (means[0] > missed).then(|| exactly(delays / (means[0] - missed))),
        last_delivery: Some(exactly(spread.last_delivery(cap)?)),
        not_given: None,
        mean_field_residue: None,
    })
}
