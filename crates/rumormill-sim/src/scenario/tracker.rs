//! What is known of the nodes before a run: who is up when, by the scenario alone. Nobody goes up
//! or down by any other cause, so it is what the run will find.

use std::collections::BTreeSet;

use rumormill_proto::Instant;

use super::action::Action;
use super::link::LinkSettings;
use super::{Scenario, Span};

/// A node, as far as the scenario says.
#[derive(Clone, Debug)]
struct Known {
    running: bool,
    /// Until when the process is stopped.
    paused: Instant,
    /// The aggregates that it reports, or will when it runs again.
    reports: BTreeSet<String>,
}

/// All nodes at one instant of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    nodes: Vec<Known>,
    /// The aggregates that a node reports that joins as number n.
    joins_with: Vec<(String, usize)>,
    split: bool,
    link: LinkSettings,
}

impl Tracker {
    /// The nodes at the start.
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let aggregates = scenario.aggregates();
        // The values of a list end; all others go on for ever.
        let reach = |values: &super::Values| match values {
            super::Values::Each(list) => list.len(),
            _ => usize::MAX,
        };
        let joins_with = aggregates
            .iter()
            .map(|(aggregate, values)| (aggregate.clone(), reach(values)))
            .collect();
        let mut tracker =
            Self { nodes: Vec::new(), joins_with, split: false, link: LinkSettings::default() };
        for _ in 0..scenario.nodes {
            tracker.add();
        }
        tracker
    }

    fn add(&mut self) {
        let number = self.nodes.len();
        let reports = self.joins_with.iter().filter(|(_, reach)| number < *reach);
        let reports = reports.map(|(aggregate, _)| aggregate.clone()).collect();
        self.nodes.push(Known { running: true, paused: Instant::ZERO, reports });
    }

    /// How many nodes there have been.
    pub(crate) fn len(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The nodes that the action can befall now; it is made for each by `make`.
    pub(crate) fn candidates(&self, at: Instant, make: &dyn Fn(u32) -> Action) -> Vec<u32> {
        (0..self.len()).filter(|&node| self.can(at, &make(node)).is_ok()).collect()
    }

    /// The nodes that run, stopped for a while or not.
    pub(crate) fn running(&self) -> Vec<u32> {
        (0..self.len()).filter(|&node| self.nodes[node as usize].running).collect()
    }

    /// Whether the action can happen now.
    ///
    /// # Errors
    /// Why not, in words that begin with the node's name.
    pub(crate) fn can(&self, at: Instant, action: &Action) -> Result<(), String> {
        let when = Span::from(at);
        if let Action::Cut(from, to) = action {
            let node = (*from).max(*to);
            return if node < self.len() { Ok(()) } else { Err(self.missing(node, when)) };
        }
        if let Action::Partition(sides) = action {
            let beyond = sides.iter().flatten().find(|&&node| node >= self.len());
            return beyond.map_or(Ok(()), |&node| Err(self.missing(node, when)));
        }
        let Some(node) = action.node() else { return Ok(()) };
        let Some(known) = self.nodes.get(node as usize) else {
            return Err(self.missing(node, when));
        };
        match action {
            Action::Restart(_) if known.running => Err(format!("n{node} is running at {when}")),
            Action::Restart(_) | Action::Clock(..) | Action::StepClock(..) => Ok(()),
            _ if !known.running => Err(format!("n{node} is not running at {when}")),
            _ if known.paused > at => Err(format!(
                "n{node} is stopped from before {when} to {}",
                Span::from(known.paused)
            )),
            Action::Unset(_, aggregate) if !known.reports.contains(aggregate) => {
                Err(format!("n{node} does not report {aggregate} at {when}"))
            }
            _ => Ok(()),
        }
    }

    fn missing(&self, node: u32, when: Span) -> String {
        format!("n{node} does not exist at {when}: there are n0 to n{}", self.len() - 1)
    }

    /// Whether the action would change nothing.
    pub(crate) fn idle(&self, action: &Action) -> bool {
        match action {
            Action::Heal => !self.split,
            Action::Link(settings) => *settings == self.link,
            _ => false,
        }
    }

    /// The action happens.
    pub(crate) fn apply(&mut self, at: Instant, action: &Action) {
        let known = action.node().and_then(|node| self.nodes.get_mut(node as usize));
        match (action, known) {
            (Action::Crash(_) | Action::Leave(_), Some(known)) => known.running = false,
            (Action::Restart(_), Some(known)) => {
                (known.running, known.paused) = (true, Instant::ZERO);
            }
            (Action::Pause(_, span), Some(known)) => known.paused = at + span.0,
            (Action::Set(_, aggregate, _), Some(known)) => {
                known.reports.insert(aggregate.clone());
            }
            (Action::Unset(_, aggregate), Some(known)) => {
                known.reports.remove(aggregate);
            }
            (Action::Join, _) => self.add(),
            (Action::Partition(_) | Action::Cut(..), _) => self.split = true,
            (Action::Heal, _) => self.split = false,
            (Action::Link(settings), _) => self.link = settings.clone(),
            _ => {}
        }
    }
}
