//! What the mathematics says of a spread, and how well the runs agree.

use rumormill_proto::{Counted, Decided, Style};
use rumormill_sim::rounds::histogram::Moments;
use rumormill_sim::rounds::{Semantics, SpreadModel, StopRule, Summary, Targets, Topology};
use rumormill_theory::special::gamma_q;
use rumormill_theory::spread::MAX_SWITCHED_NODES;
use rumormill_theory::stop::{MAX_SEQUENTIAL_NODES, Rule, sequential};
use rumormill_theory::{Distribution, Options, Spread};

/// The least expected number of runs in a cell of the goodness-of-fit test (Cochran 1954).
const LEAST: f64 = 5.0;

/// The most rounds that the exact means are worked out for.
const MEANS: u64 = 20_000;

/// What is known exactly; what is not is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exact {
    /// The law of the finishing round.
    pub(crate) law: Option<Distribution>,
    /// The mean number informed after rounds 0, 1, ….
    pub(crate) informed: Vec<f64>,
    /// Mean contacts until the end of a run.
    pub(crate) messages: Option<f64>,
    /// Mean share of the living that are never told.
    pub(crate) residue: Option<f64>,
    /// Chance that someone is never told.
    pub(crate) incomplete: Option<f64>,
    /// Why there is nothing exact, or what is missing.
    pub(crate) missing: Option<String>,
}

impl Exact {
    fn unknown(why: impl Into<String>) -> Self {
        Self { missing: Some(why.into()), ..Self::default() }
    }

    /// What the mathematics says; `rounds` is how far the means are wanted.
    pub(crate) fn of(model: &SpreadModel, topology: &Topology, rounds: u64) -> Self {
        let Topology::Complete(nodes) = *topology else {
            return Self::unknown("no exact law is known on this graph");
        };
        match (model.semantics, model.stop) {
            (Semantics::Synchronous, StopRule::Interest { .. }) => {
                Self::unknown("no exact law is known for losing interest in synchronous rounds")
            }
            (Semantics::Synchronous, _) => Self::synchronous(model, nodes, rounds),
            (_, StopRule::Interest { counted, decided, k, reset }) => {
                Self::interest(model, nodes, (counted, decided, k, reset))
            }
            (semantics, _) => Self::unknown(format!(
                "the exact law is that of synchronous rounds, not {semantics}"
            )),
        }
    }

    fn synchronous(model: &SpreadModel, nodes: u64, rounds: u64) -> Self {
        let spread = Spread {
            nodes,
            style: match model.style {
                Style::Push | Style::PushThenPull => rumormill_theory::Style::Push,
                Style::Pull => rumormill_theory::Style::Pull,
                Style::PushPull => rumormill_theory::Style::PushPull,
            },
            fanout: model.fanout.into(),
            loss: model.loss,
            targets: match model.targets {
                Targets::Distinct => rumormill_theory::Targets::Distinct,
                Targets::Independent => rumormill_theory::Targets::Independent,
            },
            include_self: model.include_self,
            origins: model.origins,
            dead: model.dead,
            coverage: model.coverage,
        };
        let switched = model.style == Style::PushThenPull;
        let cap = model.last_round();
        let law = if switched {
            if spread.alive() > MAX_SWITCHED_NODES {
                let why = format!("a change of style is exact up to {MAX_SWITCHED_NODES} nodes");
                return Self::unknown(why);
            }
            spread.solve_switched(rumormill_theory::Style::Pull, model.switch_after.into())
        } else {
            spread.solve_with(Options::default())
        };
        let law = match law {
            Ok(law) => law,
            Err(error) => return Self::unknown(error.to_string()),
        };
        let informed = if switched {
            Vec::new()
        } else {
            spread.expected_informed(rounds.min(MEANS)).unwrap_or_default()
        };
        let capped = cap < u32::MAX;
        let alive = spread.alive() as f64;
        let at_cap = informed.get(cap as usize).map(|known| 1.0 - known / alive);
        // A run that goes on until all know leaves nobody; one that is cut off, who is left then.
        // One with a goal short of everyone overshoots it by who knows how much.
        let whole = model.coverage >= 1.0 && !spread.never_finishes();
        Self {
            messages: (!capped && law.messages.is_finite()).then_some(law.messages),
            residue: if capped { at_cap } else { whole.then_some(0.0) },
            incomplete: match capped {
                true if model.coverage >= 1.0 => Some(law.survival(cap.into())),
                true => None,
                false => whole.then_some(0.0),
            },
            law: Some(law),
            informed,
            missing: switched
                .then(|| "the means by round are not known exactly with a change of style".into()),
        }
    }

    /// Deactivation with contacts one after another: the residue does not depend on the order.
    fn interest(
        model: &SpreadModel,
        nodes: u64,
        (counted, decided, k, reset): (Counted, Decided, u32, bool),
    ) -> Self {
        let plain = model.style == Style::Push
            && model.fanout == 1
            && model.loss == 0.0
            && model.dead == 0.0
            && model.origins == 1
            && !model.include_self
            && !reset
            && model.max_rounds == u32::MAX;
        if !plain || nodes > MAX_SEQUENTIAL_NODES {
            return Self::unknown(format!(
                "losing interest is exact for push with fan-out 1, nothing lost, nobody dead, no \
                 reset, up to {MAX_SEQUENTIAL_NODES} nodes"
            ));
        }
        let rule = match decided {
            Decided::Coin => Rule::Coin(1.0 / f64::from(k)),
            Decided::Counter => Rule::Counter { limit: k, reset },
        };
        let counted = match counted {
            Counted::Feedback => rumormill_theory::stop::Counted::Unnecessary,
            Counted::Blind => rumormill_theory::stop::Counted::All,
        };
        match sequential(nodes, rule, counted) {
            Ok(end) => Self {
                residue: Some(end.residue),
                incomplete: Some(end.incomplete),
                messages: Some(end.traffic * nodes as f64),
                missing: Some("of rumors that die, only what is left is known exactly".into()),
                ..Self::default()
            },
            Err(error) => Self::unknown(error.to_string()),
        }
    }

    /// P(T = x) for x = 0, 1, …, as far as the law is listed.
    pub(crate) fn finishing(&self) -> Vec<f64> {
        let Some(law) = &self.law else { return Vec::new() };
        let before = std::iter::once(1.0).chain(law.survival.iter().copied());
        before.zip(&law.survival).map(|(before, after)| before - after).collect()
    }
}

/// How well runs agree with the exact values: each the chance of a deviation at least this large if
/// the values are right.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub(crate) struct Agreement {
    /// χ² test of the finishing rounds.
    pub(crate) finishing: Option<ChiSquare>,
    /// Two-sided tests of single figures.
    pub(crate) mean: Option<f64>,
    pub(crate) variance: Option<f64>,
    pub(crate) messages: Option<f64>,
    pub(crate) residue: Option<f64>,
    pub(crate) incomplete: Option<f64>,
}

/// Pearson's test of counts against a law.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct ChiSquare {
    pub(crate) chi_square: f64,
    pub(crate) degrees: u64,
    pub(crate) p_value: f64,
}

impl Agreement {
    /// Compares what was seen with what is known.
    pub(crate) fn of(summary: &Summary, exact: &Exact, last_round: u32) -> Self {
        let runs = summary.runs as f64;
        let mean_of = |moments: Moments, exact: Option<f64>| {
            let error = (moments.variance() / runs).sqrt();
            two_sided(moments.mean() - exact?, error)
        };
        let residue = summary.residue.moments();
        let law = exact.law.as_ref().filter(|law| law.mean.is_finite());
        // Runs that were cut off say nothing plain about the moments.
        let whole = law.filter(|_| summary.unfinished() == 0 && last_round == u32::MAX);
        Self {
            finishing: law.and_then(|_| chi_square(summary, exact, last_round)),
            mean: whole
                .and_then(|law| two_sided(summary.mean() - law.mean, (law.variance / runs).sqrt())),
            variance: whole.and_then(|law| {
                // Var(s²) = (μ₄ − σ⁴)/N for many runs.
                let fourth: f64 = (0..)
                    .zip(exact.finishing())
                    .map(|(x, p)| p * (f64::from(x) - law.mean).powi(4))
                    .sum();
                let error = ((fourth - law.variance.powi(2)) / runs).sqrt();
                two_sided(summary.variance() - law.variance, error)
            }),
            messages: mean_of(summary.messages, exact.messages),
            residue: mean_of(residue, exact.residue.map(|share| share * summary.alive as f64)),
            incomplete: exact
                .incomplete
                .and_then(|p| two_sided(summary.incomplete() - p, (p * (1.0 - p) / runs).sqrt())),
        }
    }
}

/// The chance that a normal variable of this standard deviation is at least so far from 0; `None`
/// where nothing varies.
fn two_sided(distance: f64, deviation: f64) -> Option<f64> {
    (deviation > 0.0 && distance.is_finite())
        .then(|| gamma_q(0.5, (distance / deviation).powi(2) / 2.0))
}

/// Finishing rounds against their law, in cells of at least [`LEAST`] expected runs; what came
/// after the last round is one more cell.
fn chi_square(summary: &Summary, exact: &Exact, last_round: u32) -> Option<ChiSquare> {
    let law = exact.finishing();
    let mut seen = vec![0u64; law.len().max(1)];
    let mut beyond = summary.unfinished();
    for (round, runs) in summary.finished.iter() {
        match seen.get_mut(usize::try_from(round).unwrap_or(usize::MAX)) {
            Some(cell) => *cell += runs,
            None => beyond += runs,
        }
    }
    let kept = law.len().min(usize::try_from(last_round).unwrap_or(usize::MAX).saturating_add(1));
    let runs = summary.runs as f64;
    let rest = 1.0 - law[..kept].iter().sum::<f64>();
    let cells = law[..kept]
        .iter()
        .zip(&seen)
        .map(|(p, &seen)| (p * runs, seen as f64))
        .chain([(rest.max(0.0) * runs, beyond as f64)]);
    pooled(cells).map(|(chi_square, degrees)| ChiSquare {
        chi_square,
        degrees,
        p_value: gamma_q(degrees as f64 / 2.0, chi_square / 2.0),
    })
}

/// χ² and its degrees of freedom over neighbouring cells pooled until each expects enough; `None`
/// if there is but one.
fn pooled(cells: impl Iterator<Item = (f64, f64)>) -> Option<(f64, u64)> {
    let mut pools: Vec<(f64, f64)> = Vec::new();
    let mut open = (0.0, 0.0);
    for (expected, seen) in cells {
        open = (open.0 + expected, open.1 + seen);
        if open.0 >= LEAST {
            pools.push(open);
            open = (0.0, 0.0);
        }
    }
    if let Some(last) = pools.last_mut() {
        *last = (last.0 + open.0, last.1 + open.1);
    }
    (pools.len() > 1).then(|| {
        let sum = pools.iter().map(|(expected, seen)| (seen - expected).powi(2) / expected).sum();
        (sum, pools.len() as u64 - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cells_are_pooled_and_nothing_is_lost() {
        // Expected 1, 2, 7, 20, 3, 1: pools of 10 and 20, and the rest goes to the last.
        let cells = [(1.0, 3.0), (2.0, 2.0), (7.0, 5.0), (20.0, 19.0), (3.0, 5.0), (1.0, 1.0)];
        let (sum, degrees) = pooled(cells.into_iter()).expect("two pools");
        assert_eq!(degrees, 1);
        assert!((sum - 1.0 / 24.0).abs() < 1e-12, "{sum}");
        assert!(pooled([(4.0, 4.0), (5.0, 5.0)].into_iter()).is_none());
    }

    #[test]
    fn tails_of_the_normal_law() {
        let p = two_sided(1.959_963_984_540_054, 1.0).expect("a deviation");
        assert!((p - 0.05).abs() < 1e-9, "{p}");
        assert_eq!(two_sided(1.0, 0.0), None);
    }
}
