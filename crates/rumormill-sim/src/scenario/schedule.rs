//! From a scenario to its steps: everything random is drawn, and everything impossible refused.
//!
//! What an event draws depends on the seed, its place in the list and on who is up, and on nothing
//! else, so that a change of one event leaves the others as they are.

mod choose;
mod plan;

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rumormill_proto::{Instant, Rng};

use choose::Place;

use super::action::{Action, Step};
use super::entry::{Deed, ScenarioAction};
use super::error::ScenarioError;
use super::link::LinkSettings;
use super::nodes::Nodes;
use super::span::{Span, When};
use super::tracker::Tracker;
use super::{MOST_NODES, Scenario};
use crate::network::digest::seed;

/// The purpose of the seeds of actions.
const ACTIONS: u64 = 5;

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
    for (number, event) in scenario.action.iter().enumerate() {
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
    Event { number: usize, repetition: u32, event: &'a ScenarioAction },
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

    fn step(&mut self, at: Instant, action: Action) -> Result<(), ScenarioError> {
        if self.steps.len() >= MOST_STEPS {
            let range = format!("at most {MOST_STEPS}, one for each node that is befallen");
            return Err(ScenarioError::new("action", "more steps than that", range));
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
        event: &ScenarioAction,
    ) -> Result<(), ScenarioError> {
        let key = format!("action {}", number + 1);
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
                // Both befall the same nodes.
                for node in
                    self.choose(&place, &mut rng, &change.nodes, &|n| Action::Clock(n, 1.0))?
                {
                    if let Some(rate) = change.rate {
                        self.step(at, Action::Clock(node, rate))?;
                    }
                    if let Some(step) = change.step {
                        self.step(at, Action::StepClock(node, step))?;
                    }
                }
                Ok(())
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
                each(self, &unset.nodes, &|node| Action::Unset(node, unset.aggregate.clone()))
            }
            Deed::Set(set) => {
                let (aggregate, all) = (set.aggregate.clone(), self.scenario.nodes as usize);
                let draws = seed(self.scenario.seed, ACTIONS, rng.random());
                let value = |node: u32| set.value.of(draws, 0, node as usize, all);
                let make = |node| Action::Set(node, aggregate.clone(), value(node).unwrap_or(0.0));
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
}

/// A generator for one purpose of one repetition of one event.
fn event_rng(run: u64, number: usize, repetition: u32, purpose: u64) -> Rng {
    let which = ((number as u64) << 33) | (u64::from(repetition) << 1) | purpose;
    Rng::seed_from_u64(seed(run, ACTIONS, which))
}
