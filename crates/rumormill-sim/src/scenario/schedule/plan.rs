//! What is known of an action before its time: whether it makes sense, and when it happens.

use rand_distr::{Distribution, Exp1};
use rumormill_proto::{Duration, Instant};

use super::{Drawing, MOST_STEPS, Pending, action_rng};
use crate::network::link::uniform;
use crate::scenario::action::{Action, Lasting};
use crate::scenario::entry::ScenarioAction;
use crate::scenario::error::ScenarioError;
use crate::scenario::payload::Churn;
use crate::scenario::span::{Span, When};

impl<'a> Drawing<'a> {
    /// Checks an action as such, and draws its times.
    pub(super) fn plan(
        &mut self,
        number: usize,
        entry: &'a ScenarioAction,
    ) -> Result<(), ScenarioError> {
        let key = format!("action {}", number + 1);
        let wrong = |part: &str, value: String, range: &str| {
            Err(ScenarioError::new(format!("{key}: {part}"), value, range))
        };
        let at = entry.at;
        let (first, last) = match at {
            When::At(at) => (at, at),
            When::Between(from, to) => (from, to),
        };
        let within = format!("within the duration, {}", self.scenario.duration);
        if last.instant() > self.end {
            return wrong("at", at.to_string(), &within);
        }
        if first > last {
            return wrong("at", at.to_string(), "the earlier time first");
        }
        let times = entry.times.unwrap_or(1);
        if !(1..=10_000).contains(&times) {
            return wrong("times", times.to_string(), "from 1 to 10000");
        }
        if times > 1 && matches!(at, When::At(_)) {
            return wrong("times", times.to_string(), "1, or at must be two times to draw between");
        }
        self.check_lasting(&key, entry, last)?;
        entry.action.check(&key)?;
        if let Action::Churn(churn) = &entry.action {
            if times > 1 {
                return wrong("times", times.to_string(), "left out: churn goes on by itself");
            }
            return self.plan_churn(&key, number, churn, at);
        }
        for repetition in 0..times {
            let mut rng = action_rng(self.scenario.seed, number, repetition, 0);
            let time = Instant::ZERO + uniform(&mut rng, first.0, last.0);
            self.push(time, Pending::Action { number, repetition, entry });
        }
        Ok(())
    }

    /// Checks whether the action can last for a while, must, and ends in time.
    fn check_lasting(
        &self,
        key: &str,
        entry: &ScenarioAction,
        last: Span,
    ) -> Result<(), ScenarioError> {
        let wrong = |value: String, range: String| {
            Err(ScenarioError::new(format!("{key}: for"), value, range))
        };
        let name = entry.action.name();
        match (entry.lasting, entry.action.lasting()) {
            (None, Lasting::Always) => {
                wrong("not set".into(), format!("a time such as \"5s\": {name} ends"))
            }
            (None, _) => Ok(()),
            (Some(span), Lasting::Never) => {
                wrong(span.to_string(), format!("left out: {name} does not end by itself"))
            }
            (Some(span), _) if span.0.is_zero() => wrong(span.to_string(), "above 0s".into()),
            (Some(span), _) if (last.instant() + span.0) > self.end => {
                let range = format!("over within the duration, {}", self.scenario.duration);
                wrong(format!("{span} from {last} on"), range)
            }
            _ => Ok(()),
        }
    }

    /// Draws the times of crashes: those of a Poisson process.
    fn plan_churn(
        &mut self,
        key: &str,
        number: usize,
        churn: &Churn,
        at: When,
    ) -> Result<(), ScenarioError> {
        let wrong = |part: &str, value: String, range: String| {
            Err(ScenarioError::new(format!("{key}: {part}"), value, range))
        };
        let When::Between(from, to) = at else {
            let range = "two times, from when to when: [\"10s\", \"50s\"]".to_owned();
            return wrong("at", at.to_string(), range);
        };
        if !(churn.per_minute > 0.0 && churn.per_minute <= 60_000.0) {
            let range = "above 0 and at most 60000".to_owned();
            return wrong("churn.per_minute", churn.per_minute.to_string(), range);
        }
        if to.instant() + churn.down.0 > self.end {
            let range = format!("over within the duration, {}", self.scenario.duration);
            return wrong("churn.down", format!("{} until after {to}", churn.down), range);
        }
        let mut rng = action_rng(self.scenario.seed, number, 0, 0);
        let mean = Duration::from_secs(60).div_f64(churn.per_minute);
        let mut time = from.instant();
        for crash in 0u32.. {
            let gap: f64 = Exp1.sample(&mut rng);
            time += mean.mul_f64(gap);
            if time > to.instant() || crash as usize > MOST_STEPS {
                break;
            }
            let rng = action_rng(self.scenario.seed, number, crash, 1);
            self.push(time, Pending::Churn { rng, down: churn.down });
        }
        Ok(())
    }
}
