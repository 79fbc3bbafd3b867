//! What can be said of an event before its time: whether it makes sense, and when it happens.

use rand_distr::{Distribution, Exp1};
use rumormill_proto::{Duration, Instant};

use super::{Drawing, MOST_STEPS, Pending, event_rng};
use crate::network::link::uniform;
use crate::network::spec::check_rate;
use crate::scenario::entry::{Churn, ClockChange, Deed, DeleteKey, Put, ScenarioAction};
use crate::scenario::error::ScenarioError;
use crate::scenario::span::{Span, When};
use crate::scenario::{check_name, check_values};

impl<'a> Drawing<'a> {
    /// Checks an event as such, and draws its times.
    pub(super) fn plan(
        &mut self,
        number: usize,
        event: &'a ScenarioAction,
    ) -> Result<(), ScenarioError> {
        let key = format!("action {}", number + 1);
        let wrong = |part: &str, value: String, range: &str| {
            Err(ScenarioError::new(format!("{key}: {part}"), value, range))
        };
        let (verb, deed) = event.deed(&key)?;
        let Some(at) = event.at else {
            return wrong("at", "not set".into(), "a time such as \"10s\", or two");
        };
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
        let times = event.times.unwrap_or(1);
        if !(1..=10_000).contains(&times) {
            return wrong("times", times.to_string(), "from 1 to 10000");
        }
        if times > 1 && matches!(at, When::At(_)) {
            return wrong("times", times.to_string(), "1, or at must be two times to draw between");
        }
        self.check_lasting(&key, verb, deed, event.lasting, last)?;
        check_deed(&key, deed)?;
        if let Deed::Churn(churn) = deed {
            if times > 1 {
                return wrong("times", times.to_string(), "left out: churn goes on by itself");
            }
            return self.plan_churn(&key, number, churn, at);
        }
        for repetition in 0..times {
            let mut rng = event_rng(self.scenario.seed, number, repetition, 0);
            let time = Instant::ZERO + uniform(&mut rng, first.0, last.0);
            self.push(time, Pending::Event { number, repetition, event });
        }
        Ok(())
    }

    /// Whether the deed can last for a while, must, and ends in time.
    fn check_lasting(
        &self,
        key: &str,
        verb: &str,
        deed: Deed<'_>,
        lasting: Option<Span>,
        last: Span,
    ) -> Result<(), ScenarioError> {
        let wrong = |value: String, range: String| {
            Err(ScenarioError::new(format!("{key}: for"), value, range))
        };
        let ends = match deed {
            Deed::Pause(_) | Deed::Isolate(_) => None,
            Deed::Crash(_) | Deed::Partition(_) | Deed::Cut(_) | Deed::Link(_) => Some(()),
            _ => {
                return lasting.map_or(Ok(()), |span| {
                    wrong(span.to_string(), format!("left out: {verb} does not end by itself"))
                });
            }
        };
        match (lasting, ends) {
            (None, None) => wrong("not set".into(), format!("a time such as \"5s\": {verb} ends")),
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
        let mut rng = event_rng(self.scenario.seed, number, 0, 0);
        let mean = Duration::from_secs(60).div_f64(churn.per_minute);
        let mut time = from.instant();
        for crash in 0u32.. {
            let gap: f64 = Exp1.sample(&mut rng);
            time += mean.mul_f64(gap);
            if time > to.instant() || crash as usize > MOST_STEPS {
                break;
            }
            let rng = event_rng(self.scenario.seed, number, crash, 1);
            self.push(time, Pending::Churn { rng, down: churn.down });
        }
        Ok(())
    }
}

/// What keys may be.
const KEYS: &str = "1 to 512 bytes of text without control characters";

fn is_key(text: &str) -> bool {
    (1..=512).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Checks what does not depend on the time.
fn check_deed(key: &str, deed: Deed<'_>) -> Result<(), ScenarioError> {
    match deed {
        Deed::Set(set) => {
            check_name(&format!("{key}: set.aggregate"), &set.aggregate)?;
            check_values(&format!("{key}: set.value"), &set.value)
        }
        Deed::Unset(unset) => {
            check_name(&format!("{key}: unset.aggregate"), &unset.aggregate).map(drop)
        }
        Deed::Publish(publish) => {
            let key = format!("{key}: publish.topic");
            let topic = check_name(&key, &publish.topic)?;
            if topic.as_str().starts_with('_') {
                let range = "a topic that does not begin with an underscore: those are reserved";
                return Err(ScenarioError::new(key, format!("{topic:?}"), range));
            }
            Ok(())
        }
        Deed::Put(Put { key: name, .. }) if !is_key(name) => {
            Err(ScenarioError::new(format!("{key}: put.key"), format!("{name:?}"), KEYS))
        }
        Deed::Delete(DeleteKey { key: name, .. }) if !is_key(name) => {
            Err(ScenarioError::new(format!("{key}: delete.key"), format!("{name:?}"), KEYS))
        }
        Deed::Clock(ClockChange { rate: None, step: None, .. }) => {
            Err(ScenarioError::new(format!("{key}: clock"), "neither", "a rate or a step"))
        }
        Deed::Clock(change) => change
            .rate
            .map_or(Ok(()), check_rate)
            .map_err(|error| ScenarioError::of_network(&format!("{key}: clock "), error)),
        Deed::Heal(false) => Err(ScenarioError::new(format!("{key}: heal"), "false", "true")),
        Deed::Join(0) => Err(ScenarioError::new(format!("{key}: join"), "0", "at least 1")),
        _ => Ok(()),
    }
}
