//! The shortest scenario that still fails.
//!
//! First everything after the failure is cut off, then delta debugging (`ddmin`; Zeller and
//! Hildebrandt 2002, "Simplifying and isolating failure-inducing input") leaves out steps for as
//! long as a failure of the same kind remains. In the end no single step can be left out.

use core::mem::{Discriminant, discriminant};

use rumormill_proto::Instant;

use super::entry::Step;
use super::error::ScenarioError;
use super::run::{Outcome, ScenarioRun};
use super::schedule::possible;
use super::span::Span;
use super::{Calm, Scenario};
use crate::check::violation::{Failure, Violation};

/// A search for the shortest failing scenario: [`Shrink::advance`] makes one run after the other.
#[derive(Debug)]
pub struct Shrink {
    best: Scenario,
    steps: Vec<Step>,
    outcome: Outcome,
    /// What must fail for a shorter scenario to count: something of the same kind.
    kind: Kind,
    /// Number of parts into which the steps are split; each is left out in turn.
    parts: usize,
    part: usize,
    runs: usize,
}

/// The shortest failing scenario that was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario, with each step as an event of its own.
    pub scenario: Scenario,
    /// How many steps it takes.
    pub steps: usize,
    /// How its run ends.
    pub outcome: Outcome,
    /// How many runs it took to find it.
    pub runs: usize,
}

/// What went wrong, without the particulars.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Never(Discriminant<Violation>),
    Broken(Discriminant<Violation>),
    Run,
}

impl Kind {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Never(_, violation) => Self::Never(discriminant(violation)),
            Failure::Broken(_, violation) => Self::Broken(discriminant(violation)),
            Failure::Run(_) => Self::Run,
        }
    }
}

impl Shrink {
    /// A search that begins with a scenario that fails. `None` if it does not fail.
    ///
    /// # Errors
    /// When the scenario makes no sense.
    pub fn new(scenario: &Scenario) -> Result<Option<Self>, ScenarioError> {
        let steps = scenario.steps()?;
        let outcome = run(scenario, &steps)?;
        let Some(failure) = &outcome.failure else { return Ok(None) };
        let kind = Kind::of(failure);
        let (best, steps) = cut_off(scenario, &steps, &outcome);
        Ok(Some(Self { best, steps, outcome, kind, parts: 2, part: 0, runs: 1 }))
    }

    /// Tries the next shorter scenario; false when there is none left to try.
    ///
    /// # Errors
    /// When a run could not be made.
    pub fn advance(&mut self) -> Result<bool, ScenarioError> {
        let all = self.steps.len();
        if all == 0 || self.parts > all && self.part > 0 {
            return Ok(false);
        }
        let parts = self.parts.min(all);
        if self.part >= parts {
            if parts == all {
                return Ok(false);
            }
            (self.parts, self.part) = ((2 * parts).min(all), 0);
            return Ok(true);
        }
        let (from, to) = (all * self.part / parts, all * (self.part + 1) / parts);
        let rest: Vec<Step> = self.steps[..from].iter().chain(&self.steps[to..]).cloned().collect();
        let rest = possible(&self.best, &rest);
        let outcome = run(&self.best, &rest)?;
        self.runs += 1;
        if outcome.failure.as_ref().is_some_and(|failure| Kind::of(failure) == self.kind) {
            (self.best, self.steps) = cut_off(&self.best, &rest, &outcome);
            self.outcome = outcome;
            // As coarse as before, but with fewer steps; begin with the first part again.
            (self.parts, self.part) = ((parts - 1).max(2), 0);
        } else {
            self.part += 1;
        }
        Ok(true)
    }

    /// Returns how many runs were made so far.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Returns how many steps the shortest so far takes.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Returns the shortest so far.
    pub fn best(&self) -> Shrunk {
        Shrunk {
            scenario: self.best.with_steps(&self.steps),
            steps: self.steps.len(),
            outcome: self.outcome.clone(),
            runs: self.runs,
        }
    }
}

fn run(scenario: &Scenario, steps: &[Step]) -> Result<Outcome, ScenarioError> {
    Ok(ScenarioRun::with_steps(scenario, steps.to_vec(), false)?.finish())
}

/// Returns the scenario up to its failure. What must come right in the end needs all of its time.
fn cut_off(scenario: &Scenario, steps: &[Step], outcome: &Outcome) -> (Scenario, Vec<Step>) {
    let playing = outcome.at < scenario.duration.instant();
    let broken = matches!(outcome.failure, Some(Failure::Broken(..)));
    if !broken || !playing {
        return (scenario.clone(), steps.to_vec());
    }
    // Samples divide the time at which it is looked; the period must stay what it was.
    let sample = Some(scenario.sample_period());
    let duration = Span::from(outcome.at).max(scenario.sample_period());
    let calm = Calm { patience: Span::default(), ..scenario.calm.clone() };
    let until: Instant = outcome.at;
    let steps = steps.iter().filter(|step| step.at <= until).cloned().collect();
    (Scenario { duration, sample, calm, ..scenario.clone() }, steps)
}
