//! What the mathematics says of a spread.

mod broadcast;
mod graph;

use rumormill_model::exact::stop::{MAX_SEQUENTIAL_NODES, Rule, sequential};
use rumormill_model::exact::{Distribution, Options, Spread};
use rumormill_model::simulate::{Semantics, SpreadModel, StopRule, Targets, Topology};
use rumormill_proto::{Counted, Decided, Style};

use crate::spread::question::Question;

/// The most rounds that the exact means are worked out for.
const MEANS: u64 = 20_000;

/// What is known exactly; what is not is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exact {
    /// The law of the finishing round; of runs that are cut off, of those that finish before.
    pub(crate) law: Option<Distribution>,
    /// The mean number informed after rounds 0, 1, ….
    pub(crate) informed: Vec<f64>,
    /// Mean contacts until the end of a run.
    pub(crate) messages: Option<f64>,
    /// Mean share of the living that are never told.
    pub(crate) residue: Option<f64>,
    /// Chance that someone is never told.
    pub(crate) incomplete: Option<f64>,
    /// Chance that a run ends short of its goal.
    pub(crate) unfinished: Option<f64>,
    /// Why there is nothing exact, or what is missing.
    pub(crate) missing: Option<String>,
}

impl Exact {
    fn unknown(why: impl Into<String>) -> Self {
        Self { missing: Some(why.into()), ..Self::default() }
    }

    /// What the mathematics says; `rounds` is how far the means are wanted.
    pub(crate) fn of(question: &Question, rounds: u64) -> Self {
        let model = &question.model;
        let Topology::Complete(nodes) = question.topology else {
            return graph::exact(question);
        };
        if let Some(broadcast) = &question.broadcast {
            return broadcast::exact(broadcast);
        }
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
        let spread = theory(model, nodes);
        let switched = model.style == Style::PushThenPull;
        let cap = model.last_round();
        let law = if switched {
            let after = model.switch_after.into();
            spread.solve_switched(rumormill_model::exact::Style::Pull, after, Options::default())
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
        let cap = (cap < u32::MAX).then_some(cap);
        let alive = spread.alive() as f64;
        let at_cap = |cap: u32| informed.get(cap as usize).map(|known| 1.0 - known / alive);
        // A run that goes on until all know leaves nobody; one that is cut off, who is left then.
        // One with a goal short of everyone overshoots it by who knows how much.
        let whole = model.coverage >= 1.0 && !spread.never_finishes();
        let beyond = cap.map(|cap| law.survival(cap.into()));
        let messages = match cap {
            None => Some(law.messages).filter(|messages| messages.is_finite()),
            Some(_) => contacts(model, nodes, &informed),
        };
        Self {
            messages,
            residue: cap.map_or_else(|| whole.then_some(0.0), at_cap),
            incomplete: beyond
                .or(Some(0.0))
                .filter(|_| whole || cap.is_some() && model.coverage >= 1.0),
            unfinished: beyond.or_else(|| law.mean.is_finite().then_some(0.0)),
            law: Some(cap.map_or_else(|| law.clone(), |cap| cut(&law, cap.into()))),
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
            Counted::Feedback => rumormill_model::exact::stop::Counted::Unnecessary,
            Counted::Blind => rumormill_model::exact::stop::Counted::All,
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
        self.law.as_ref().map_or_else(Vec::new, |law| chances(&law.survival))
    }
}

/// The law of the runs that finish by round `cap`. Its tail ends there.
fn cut(law: &Distribution, cap: u64) -> Distribution {
    let kept = law.survival.len().min(usize::try_from(cap).unwrap_or(usize::MAX).saturating_add(1));
    let mut cut = Distribution { survival: law.survival[..kept].to_vec(), ..law.clone() };
    let chances = chances(&cut.survival);
    let all: f64 = chances.iter().sum();
    let mean_of = |f: &dyn Fn(f64) -> f64| -> f64 {
        (0..).zip(&chances).map(|(x, p)| f(f64::from(x)) * p).sum::<f64>() / all
    };
    let mean = mean_of(&|x| x);
    (cut.mean, cut.variance) = (mean, mean_of(&|x| (x - mean).powi(2)));
    cut
}

/// P(T = x) for x = 0, 1, … from P(T > x).
fn chances(survival: &[f64]) -> Vec<f64> {
    let before = std::iter::once(1.0).chain(survival.iter().copied());
    before.zip(survival).map(|(before, after)| before - after).collect()
}

/// Mean contacts of runs that all have the same number of rounds, by the mean number informed.
fn contacts(model: &SpreadModel, nodes: u64, informed: &[f64]) -> Option<f64> {
    let StopRule::Rounds(rounds) = model.stop else { return None };
    let others = nodes - 1 + u64::from(model.include_self);
    let fanout = match model.targets {
        Targets::Distinct => others.min(model.fanout.into()),
        Targets::Independent => model.fanout.into(),
    };
    let alive = model.alive(nodes) as f64;
    let mut callers = 0.0;
    for round in 1..=rounds.min(model.max_rounds) {
        let known = informed.get(round as usize - 1)?;
        let pushing = if model.pushes_in(round) { *known } else { 0.0 };
        let pulling = if model.pulls_in(round) { alive - known } else { 0.0 };
        callers += pushing + pulling;
    }
    Some(callers * fanout as f64)
}

/// The question as the mathematics has it, with the first style where styles change.
pub(crate) fn theory(model: &SpreadModel, nodes: u64) -> Spread {
    Spread {
        nodes,
        style: match model.style {
            Style::Push | Style::PushThenPull => rumormill_model::exact::Style::Push,
            Style::Pull => rumormill_model::exact::Style::Pull,
            Style::PushPull => rumormill_model::exact::Style::PushPull,
        },
        fanout: model.fanout.into(),
        loss: model.loss,
        targets: match model.targets {
            Targets::Distinct => rumormill_model::exact::Targets::Distinct,
            Targets::Independent => rumormill_model::exact::Targets::Independent,
        },
        include_self: model.include_self,
        origins: model.origins,
        dead: model.dead,
        coverage: model.coverage,
    }
}
