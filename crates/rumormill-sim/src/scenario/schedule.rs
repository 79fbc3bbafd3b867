//! From a scenario to its steps: everything random is drawn, and everything impossible refused.
//!
//! What an event draws depends on the seed, its place in the list and on who is up, and on nothing
//! else, so that a change of one event leaves the others as they are.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1};
use rumormill_proto::{Duration, Instant, Rng};

use super::action::{Action, Step};
use super::error::ScenarioError;
use super::event::{Churn, Deed, DeleteKey, Put, ScenarioEvent};
use super::link::LinkSettings;
use super::nodes::Nodes;
use super::span::{Span, When};
use super::tracker::Tracker;
use super::{MOST_NODES, Scenario, check_name, check_values};
use crate::digest::seed;
use crate::link::uniform;
use crate::spec::check_rate;

/// The purpose of the seeds of events.
const EVENTS: u64 = 5;

/// A scenario of more steps than this is refused.
const MOST_STEPS: usize = 1_000_000;

/// Draws the steps of a scenario.
pub(crate) fn draw(scenario: &Scenario) -> Result<Vec<Step>, ScenarioError> {
    let mut drawing = Drawing {
        scenario,
        end: scenario.duration.instant(),
        tracker: Tracker::new(scenario),
        pending: BTreeMap::new(),
        serial: 0,
        steps: Vec::new(),
        splits: Lasting::default(),
        links: Lasting::default(),
    };
    for (number, event) in scenario.event.iter().enumerate() {
        drawing.plan(number, event)?;
    }
    while let Some(((at, _), pending)) = drawing.pending.pop_first() {
        drawing.happen(at, pending)?;
    }
    Ok(drawing.steps)
}

/// Leaves out of the steps what can't happen, or changes nothing, because others are missing.
pub(crate) fn possible(scenario: &Scenario, steps: &[Step]) -> Vec<Step> {
    let mut tracker = Tracker::new(scenario);
    let mut kept = Vec::with_capacity(steps.len());
    for step in steps {
        if tracker.can(step.at, &step.action).is_ok() && !tracker.idle(&step.action) {
            tracker.apply(step.at, &step.action);
            kept.push(step.clone());
        }
    }
    kept
}

/// Something that has a time already, but no nodes yet.
enum Pending<'a> {
    /// An event, or one of its repetitions.
    Event { number: usize, repetition: u32, event: &'a ScenarioEvent },
    /// One crash of a churn.
    Churn { rng: Rng, down: Span },
    /// A node that has crashed for a while starts again.
    Restart(u32),
    /// A partition that lasts for a while ends, if it is still this one.
    Heal(u32),
    /// Links are as at first, if this change of them is still the last one.
    Links(u32),
}

/// A change of the whole network that may end by itself: which it is, and until when it lasts if
/// its times are fixed.
#[derive(Default)]
struct Lasting {
    generation: u32,
    until: Instant,
}

impl Lasting {
    /// Another begins. Refused if both have fixed times and overlap.
    fn begin(
        &mut self,
        key: &str,
        at: Instant,
        strict: bool,
        lasting: Option<Span>,
    ) -> Result<u32, ScenarioError> {
        if strict && at < self.until {
            let range =
                format!("not before {}: an earlier one lasts until then", Span::from(self.until));
            return Err(ScenarioError::new(
                format!("{key}: at"),
                Span::from(at).to_string(),
                range,
            ));
        }
        self.generation += 1;
        self.until = lasting.filter(|_| strict).map_or(Instant::ZERO, |span| at + span.0);
        Ok(self.generation)
    }
}

struct Drawing<'a> {
    scenario: &'a Scenario,
    end: Instant,
    tracker: Tracker,
    pending: BTreeMap<(Instant, u64), Pending<'a>>,
    serial: u64,
    steps: Vec<Step>,
    splits: Lasting,
    links: Lasting,
}

impl<'a> Drawing<'a> {
    fn push(&mut self, at: Instant, pending: Pending<'a>) {
        self.serial += 1;
        self.pending.insert((at, self.serial), pending);
    }

    /// Checks an event as such, and draws its times.
    fn plan(&mut self, number: usize, event: &'a ScenarioEvent) -> Result<(), ScenarioError> {
        let key = format!("event {}", number + 1);
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

    fn step(&mut self, at: Instant, action: Action) -> Result<(), ScenarioError> {
        if self.steps.len() >= MOST_STEPS {
            let range = format!("at most {MOST_STEPS}, one for each node that is befallen");
            return Err(ScenarioError::new("event", "more steps than that", range));
        }
        self.tracker.apply(at, &action);
        self.steps.push(Step { at, action });
        Ok(())
    }

    /// The time of something has come: chooses its nodes.
    fn happen(&mut self, at: Instant, pending: Pending<'a>) -> Result<(), ScenarioError> {
        match pending {
            Pending::Event { number, repetition, event } => {
                let rng = event_rng(self.scenario.seed, number, repetition, 1);
                self.event(at, number, rng, event)
            }
            Pending::Churn { mut rng, down } => {
                let able = self.tracker.candidates(at, &Action::Crash);
                // The last node of all stays: else there is no cluster to come back to.
                match able.choose(&mut rng).filter(|_| self.tracker.running().len() > 1) {
                    Some(&node) => self.crash(at, node, Some(down)),
                    None => Ok(()),
                }
            }
            Pending::Restart(node) => match self.tracker.can(at, &Action::Restart(node)) {
                Ok(()) => self.step(at, Action::Restart(node)),
                // Another event has started it already.
                Err(_) => Ok(()),
            },
            Pending::Heal(generation) => {
                let still =
                    self.splits.generation == generation && !self.tracker.idle(&Action::Heal);
                if still { self.step(at, Action::Heal) } else { Ok(()) }
            }
            Pending::Links(generation) => {
                let still = self.links.generation == generation;
                let first = Action::Link(LinkSettings::default());
                if still { self.step(at, first) } else { Ok(()) }
            }
        }
    }

    fn crash(&mut self, at: Instant, node: u32, down: Option<Span>) -> Result<(), ScenarioError> {
        if let Some(down) = down {
            self.push(at + down.0, Pending::Restart(node));
        }
        self.step(at, Action::Crash(node))
    }

    fn event(
        &mut self,
        at: Instant,
        number: usize,
        mut rng: Rng,
        event: &ScenarioEvent,
    ) -> Result<(), ScenarioError> {
        let key = format!("event {}", number + 1);
        let (verb, deed) = event.deed(&key)?;
        // What has a fixed time must be possible then; what comes at random takes what it finds.
        let strict = matches!(event.at, Some(When::At(_)));
        let lasting = event.lasting.unwrap_or_default();
        let place = Place { key: format!("{key}: {verb}"), at, strict };
        let mut each = |drawing: &mut Self, nodes: &Nodes, make: &dyn Fn(u32) -> Action| {
            for node in drawing.choose(&place, &mut rng, nodes, make)? {
                drawing.step(at, make(node))?;
            }
            Ok(())
        };
        match deed {
            Deed::Restart(nodes) => each(self, nodes, &Action::Restart),
            Deed::Leave(nodes) => each(self, nodes, &Action::Leave),
            Deed::Pause(nodes) => each(self, nodes, &|node| Action::Pause(node, lasting)),
            Deed::Isolate(nodes) => each(self, nodes, &|node| Action::Isolate(node, lasting)),
            Deed::Clock(change) => {
                each(self, &change.nodes, &|node| Action::Clock(node, change.rate))
            }
            Deed::Publish(publish) => {
                let make = |node| Action::Publish(node, publish.topic.clone(), publish.bytes);
                each(self, &publish.nodes, &make)
            }
            Deed::Put(put) => {
                let make = |node| Action::Put(node, put.key.clone(), put.value.clone());
                each(self, &put.nodes, &make)
            }
            Deed::Delete(delete) => {
                each(self, &delete.nodes, &|node| Action::Delete(node, delete.key.clone()))
            }
            Deed::Unset(unset) => {
                each(self, &unset.nodes, &|node| Action::Unset(node, unset.figure.clone()))
            }
            Deed::Set(set) => {
                let (figure, all) = (set.figure.clone(), self.scenario.nodes as usize);
                let draws = seed(self.scenario.seed, EVENTS, rng.random());
                let value = |node: u32| set.value.of(draws, 0, node as usize, all);
                let make = |node| Action::Set(node, figure.clone(), value(node).unwrap_or(0.0));
                for node in self.choose(&place, &mut rng, &set.nodes, &make)? {
                    if value(node).is_some() {
                        self.step(at, make(node))?;
                    }
                }
                Ok(())
            }
            Deed::Crash(nodes) => {
                for node in self.choose(&place, &mut rng, nodes, &Action::Crash)? {
                    self.crash(at, node, event.lasting)?;
                }
                Ok(())
            }
            Deed::Join(&count) => {
                if self.tracker.len() + count > MOST_NODES {
                    let range = format!("so many that there are at most {MOST_NODES} nodes");
                    return Err(ScenarioError::new(place.key, count.to_string(), range));
                }
                (0..count).try_for_each(|_| self.step(at, Action::Join))
            }
            Deed::Partition(sides) => {
                let sides = self.sides(&place, &mut rng, &sides.0)?;
                self.split(&key, &place, event.lasting, [Action::Partition(sides)])
            }
            Deed::Cut(way) => {
                let any: &dyn Fn(u32) -> Action = &|node| Action::Cut(node, node);
                let from = self.choose(&place, &mut rng, &way.from, any)?;
                let to = self.choose(&place, &mut rng, &way.to, any)?;
                let ways = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
                let ways = ways.filter(|(from, to)| from != to);
                self.split(
                    &key,
                    &place,
                    event.lasting,
                    ways.map(|(from, to)| Action::Cut(from, to)),
                )
            }
            Deed::Heal(_) if self.tracker.idle(&Action::Heal) => Ok(()),
            Deed::Heal(_) => {
                self.splits.until = Instant::ZERO;
                self.step(at, Action::Heal)
            }
            Deed::Link(settings) => {
                let generation = self.links.begin(&key, at, strict, event.lasting)?;
                if let Some(span) = event.lasting {
                    self.push(at + span.0, Pending::Links(generation));
                }
                let base = self.scenario.first_link();
                let range = |error| ScenarioError::of_network(&format!("{key}: link."), error);
                settings.over(base).check().map_err(range)?;
                self.step(at, Action::Link(settings.clone()))
            }
            // Its crashes have their own times.
            Deed::Churn(_) => Ok(()),
        }
    }

    fn split(
        &mut self,
        key: &str,
        place: &Place,
        lasting: Option<Span>,
        actions: impl IntoIterator<Item = Action>,
    ) -> Result<(), ScenarioError> {
        let generation = self.splits.begin(key, place.at, place.strict, lasting)?;
        if let Some(span) = lasting {
            self.push(place.at + span.0, Pending::Heal(generation));
        }
        actions.into_iter().try_for_each(|action| self.step(place.at, action))
    }

    /// The nodes that an event befalls.
    fn choose(
        &self,
        place: &Place,
        rng: &mut Rng,
        nodes: &Nodes,
        make: &dyn Fn(u32) -> Action,
    ) -> Result<Vec<u32>, ScenarioError> {
        let some = |rng: &mut Rng, able: &[u32], count: usize| {
            let mut some: Vec<u32> = able.sample(rng, count).copied().collect();
            some.sort_unstable();
            some
        };
        let able = || self.tracker.candidates(place.at, make);
        match nodes {
            Nodes::All => Ok(able()),
            Nodes::Share(share) => {
                let able = able();
                let count = (share * able.len() as f64).round() as usize;
                Ok(some(rng, &able, count))
            }
            Nodes::Some(count) if *count > self.tracker.len() => {
                let range = format!("at most {}, the number of nodes", self.tracker.len());
                Err(ScenarioError::new(&place.key, count.to_string(), range))
            }
            Nodes::Some(count) => Ok(some(rng, &able(), *count as usize)),
            Nodes::These(list) => {
                let mut chosen = Vec::with_capacity(list.len());
                for &node in list {
                    match self.tracker.can(place.at, &make(node)) {
                        Ok(()) => chosen.push(node),
                        Err(why) if place.strict || node >= self.tracker.len() => {
                            let range = format!("nodes that it can befall; {why}");
                            return Err(ScenarioError::new(&place.key, nodes.to_string(), range));
                        }
                        Err(_) => {}
                    }
                }
                Ok(chosen)
            }
        }
    }

    /// The sides of a partition: no node is on two.
    fn sides(
        &self,
        place: &Place,
        rng: &mut Rng,
        asked: &[Nodes],
    ) -> Result<Vec<Vec<u32>>, ScenarioError> {
        let mut sides: Vec<Vec<u32>> = Vec::new();
        for nodes in asked {
            let all =
                self.choose(place, rng, nodes, &|node| Action::Partition(vec![vec![node]]))?;
            if let Some(twice) =
                all.iter().find(|node| sides.iter().any(|side| side.contains(node)))
            {
                let range = format!("sides that share no node; n{twice} is on two");
                return Err(ScenarioError::new(&place.key, nodes.to_string(), range));
            }
            sides.push(all);
        }
        Ok(sides)
    }
}

/// Where in the scenario something stands.
struct Place {
    key: String,
    at: Instant,
    strict: bool,
}

/// A generator for one purpose of one repetition of one event.
fn event_rng(run: u64, number: usize, repetition: u32, purpose: u64) -> Rng {
    let which = ((number as u64) << 33) | (u64::from(repetition) << 1) | purpose;
    Rng::seed_from_u64(seed(run, EVENTS, which))
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
            check_name(&format!("{key}: set.figure"), &set.figure)?;
            check_values(&format!("{key}: set.value"), &set.value)
        }
        Deed::Unset(unset) => check_name(&format!("{key}: unset.figure"), &unset.figure).map(drop),
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
        Deed::Clock(change) => check_rate(change.rate)
            .map_err(|error| ScenarioError::of_network(&format!("{key}: clock "), error)),
        Deed::Heal(false) => Err(ScenarioError::new(format!("{key}: heal"), "false", "true")),
        Deed::Join(0) => Err(ScenarioError::new(format!("{key}: join"), "0", "at least 1")),
        _ => Ok(()),
    }
}
