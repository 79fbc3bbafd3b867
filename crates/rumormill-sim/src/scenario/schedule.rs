//! From a scenario to its steps: everything random is drawn, and everything impossible refused.
//!
//! What an action draws depends on the seed, its place in the list and the nodes that are up, and
//! on nothing else, so that a change of one action leaves the others as they are.

mod choose;
mod plan;

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rumormill_proto::{Instant, Rng};

use self::choose::{Place, choose, sides};
use super::action::Action;
use super::entry::{ScenarioAction, Step, entries};
use super::error::ScenarioError;
use super::link::LinkSettings;
use super::nodes::Nodes;
use super::payload::{Join, OneWay, SetInput, Sides};
use super::span::{Span, When};
use super::tracker::Tracker;
use super::values::Values;
use super::{MOST_NODES, Scenario};
use crate::network::digest::seed;

/// The purpose of the seeds of actions.
const ACTIONS: u64 = 5;

/// A scenario of more steps than this is refused.
const MOST_STEPS: usize = 1_000_000;

impl Scenario {
    /// Checks every key against its range, and whether each action can happen when it should.
    ///
    /// # Errors
    /// Names the first key that makes no sense, its value and what is allowed.
    pub fn check(&self) -> Result<(), ScenarioError> {
        self.check_settings()?;
        self.steps().map(drop)
    }

    /// Returns what happens, action by action and node by node, with everything random drawn.
    ///
    /// # Errors
    /// When an action makes no sense.
    pub fn steps(&self) -> Result<Vec<Step>, ScenarioError> {
        draw(self)
    }

    /// Returns the same scenario with exactly these steps for actions.
    #[must_use]
    pub fn with_steps(&self, steps: &[Step]) -> Self {
        Self { action: entries(steps), ..self.clone() }
    }
}

/// Draws the steps of a scenario.
fn draw(scenario: &Scenario) -> Result<Vec<Step>, ScenarioError> {
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
    for (number, entry) in scenario.action.iter().enumerate() {
        drawing.plan(number, entry)?;
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
        let can = |&node: &u32| tracker.can(step.at, &step.action, node).is_ok();
        if step.action.named().iter().all(can) && !tracker.idle(&step.action) {
            tracker.apply(step);
            kept.push(step.clone());
        }
    }
    kept
}

/// Something that has a time already, but no nodes yet.
enum Pending<'a> {
    /// An action, or one of its repetitions.
    Action { number: usize, repetition: u32, entry: &'a ScenarioAction },
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
        self.lasting_step(at, action, None)
    }

    fn lasting_step(
        &mut self,
        at: Instant,
        action: Action,
        lasting: Option<Span>,
    ) -> Result<(), ScenarioError> {
        if self.steps.len() >= MOST_STEPS {
            let range = format!("at most {MOST_STEPS}, one for each node to which it happens");
            return Err(ScenarioError::new("action", "more steps than that", range));
        }
        let step = Step { at, lasting, action };
        self.tracker.apply(&step);
        self.steps.push(step);
        Ok(())
    }

    /// Chooses the nodes of an action whose time has come.
    fn happen(&mut self, at: Instant, pending: Pending<'a>) -> Result<(), ScenarioError> {
        match pending {
            Pending::Action { number, repetition, entry } => {
                let rng = action_rng(self.scenario.seed, number, repetition, 1);
                self.perform(at, number, rng, entry)
            }
            Pending::Churn { mut rng, down } => {
                let able = self.tracker.candidates(at, &Action::Crash(Nodes::All));
                // The last node of all stays: else there is no cluster to come back to.
                match able.choose(&mut rng).filter(|_| self.tracker.running().len() > 1) {
                    Some(&node) => {
                        self.push(at + down.0, Pending::Restart(node));
                        self.step(at, Action::Crash(Nodes::These(vec![node])))
                    }
                    None => Ok(()),
                }
            }
            Pending::Restart(node) => {
                let restart = Action::Restart(Nodes::These(vec![node]));
                match self.tracker.can(at, &restart, node) {
                    Ok(()) => self.step(at, restart),
                    // Another action has started it already.
                    Err(_) => Ok(()),
                }
            }
            Pending::Heal(generation) => {
                let heal = Action::Heal(true);
                let still = self.splits.generation == generation && !self.tracker.idle(&heal);
                if still { self.step(at, heal) } else { Ok(()) }
            }
            Pending::Links(generation) => {
                let still = self.links.generation == generation;
                let first = Action::Link(LinkSettings::default());
                if still { self.step(at, first) } else { Ok(()) }
            }
        }
    }

    fn perform(
        &mut self,
        at: Instant,
        number: usize,
        mut rng: Rng,
        entry: &ScenarioAction,
    ) -> Result<(), ScenarioError> {
        let key = format!("action {}", number + 1);
        // What has a fixed time must be possible then; what comes at random takes what it finds.
        let strict = matches!(entry.at, When::At(_));
        let action = &entry.action;
        let place = Place { key: format!("{key}: {}", action.name()), at, strict };
        match action {
            Action::Join(join) => {
                if self.tracker.len() + join.count > MOST_NODES {
                    let range = format!("few enough that there are at most {MOST_NODES} nodes");
                    return Err(ScenarioError::new(place.key, join.count.to_string(), range));
                }
                let one = Action::Join(Join { count: 1, ..join.clone() });
                (0..join.count).try_for_each(|_| self.step(at, one.clone()))
            }
            Action::Partition(asked) => {
                let sides = sides(&self.tracker, &place, &mut rng, &asked.0, action)?;
                self.split(&key, &place, entry.lasting, [Action::Partition(Sides(sides))])
            }
            Action::Cut(way) => {
                let from = choose(&self.tracker, &place, &mut rng, &way.from, action)?;
                let to = choose(&self.tracker, &place, &mut rng, &way.to, action)?;
                let ways = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
                let ways = ways.filter(|(from, to)| from != to);
                let one = |node| Nodes::These(vec![node]);
                let cut = |(from, to)| Action::Cut(OneWay { from: one(from), to: one(to) });
                self.split(&key, &place, entry.lasting, ways.map(cut))
            }
            Action::Heal(_) if self.tracker.idle(action) => Ok(()),
            Action::Heal(_) => {
                self.splits.until = Instant::ZERO;
                self.step(at, action.clone())
            }
            Action::Link(settings) => {
                let generation = self.links.begin(&key, at, strict, entry.lasting)?;
                if let Some(span) = entry.lasting {
                    self.push(at + span.0, Pending::Links(generation));
                }
                let base = self.scenario.first_link();
                let range = |error| ScenarioError::of_network(&format!("{key}: link."), error);
                settings.over(base).check().map_err(range)?;
                self.step(at, action.clone())
            }
            Action::Set(set) => {
                let all = self.scenario.nodes as usize;
                let draws = seed(self.scenario.seed, ACTIONS, rng.random());
                for node in choose(&self.tracker, &place, &mut rng, &set.nodes, action)? {
                    if let Some(value) = set.value.of(draws, 0, node as usize, all) {
                        let (value, nodes) = (Values::Constant(value), Nodes::These(vec![node]));
                        let aggregate = set.aggregate.clone();
                        self.step(at, Action::Set(SetInput { aggregate, value, nodes }))?;
                    }
                }
                Ok(())
            }
            // Its crashes have their own times.
            Action::Churn(_) => Ok(()),
            _ => {
                let nodes = action.nodes().unwrap_or(&Nodes::All);
                for node in choose(&self.tracker, &place, &mut rng, nodes, action)? {
                    let mut lasting = entry.lasting;
                    if let Action::Crash(_) = action
                        && let Some(down) = lasting.take()
                    {
                        self.push(at + down.0, Pending::Restart(node));
                    }
                    self.lasting_step(at, action.for_nodes(vec![node]), lasting)?;
                }
                Ok(())
            }
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

/// Returns a generator for one purpose of one repetition of one action.
fn action_rng(run: u64, number: usize, repetition: u32, purpose: u64) -> Rng {
    let which = ((number as u64) << 33) | (u64::from(repetition) << 1) | purpose;
    Rng::seed_from_u64(seed(run, ACTIONS, which))
}
