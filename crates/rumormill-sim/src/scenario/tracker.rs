//! What is known of the nodes before a run: who is up when, by the scenario alone. Nobody goes up
//! or down by any other cause, so it is what the run will find.

use std::collections::BTreeSet;

use rumormill_proto::Instant;

use super::Scenario;
use super::action::Action;
use super::entry::Step;
use super::link::LinkSettings;
use super::span::Span;
use super::values::Values;

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
        let reach = |values: &Values| match values {
            Values::Each(list) => list.len(),
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

    /// Returns how many nodes there have been.
    pub(crate) fn len(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// Returns the nodes to which the action can happen now.
    pub(crate) fn candidates(&self, at: Instant, action: &Action) -> Vec<u32> {
        (0..self.len()).filter(|&node| self.can(at, action, node).is_ok()).collect()
    }

    /// Returns the nodes that run, stopped for a while or not.
    pub(crate) fn running(&self) -> Vec<u32> {
        (0..self.len()).filter(|&node| self.nodes[node as usize].running).collect()
    }

    /// Checks whether the action can happen to the node now.
    ///
    /// # Errors
    /// Why not, in words that begin with the node's name.
    pub(crate) fn can(&self, at: Instant, action: &Action, node: u32) -> Result<(), String> {
        let when = Span::from(at);
        let Some(known) = self.nodes.get(node as usize) else {
            return Err(self.missing(node, when));
        };
        match action {
            Action::Partition(_) | Action::Cut(_) | Action::Clock(_) => Ok(()),
            Action::Restart(_) if known.running => Err(format!("n{node} is running at {when}")),
            Action::Restart(_) => Ok(()),
            _ if !known.running => Err(format!("n{node} is not running at {when}")),
            _ if known.paused > at => {
                Err(format!("n{node} is paused from before {when} to {}", Span::from(known.paused)))
            }
            Action::Unset(unset) if !known.reports.contains(&unset.aggregate) => {
                Err(format!("n{node} does not report {} at {when}", unset.aggregate))
            }
            _ => Ok(()),
        }
    }

    fn missing(&self, node: u32, when: Span) -> String {
        format!("n{node} does not exist at {when}: there are n0 to n{}", self.len() - 1)
    }

    /// Returns whether the node reports the aggregate, or will when it runs again.
    pub(crate) fn reports(&self, node: u32, aggregate: &str) -> bool {
        self.nodes.get(node as usize).is_some_and(|known| known.reports.contains(aggregate))
    }

    /// Returns whether the action would change nothing.
    pub(crate) fn idle(&self, action: &Action) -> bool {
        match action {
            Action::Heal(_) => !self.split,
            Action::Link(settings) => *settings == self.link,
            _ => false,
        }
    }

    /// The step happens.
    pub(crate) fn apply(&mut self, step: &Step) {
        match &step.action {
            Action::Join(_) => self.add(),
            Action::Partition(_) | Action::Cut(_) => self.split = true,
            Action::Heal(_) => self.split = false,
            Action::Link(settings) => self.link = settings.clone(),
            action => {
                for node in action.named() {
                    if let Some(known) = self.nodes.get_mut(node as usize) {
                        known.apply(step);
                    }
                }
            }
        }
    }
}

impl Known {
    fn apply(&mut self, step: &Step) {
        match &step.action {
            Action::Crash(_) | Action::Leave(_) => self.running = false,
            Action::Restart(_) => (self.running, self.paused) = (true, Instant::ZERO),
            Action::Pause(_) => self.paused = step.at + step.lasting.unwrap_or_default().0,
            Action::Set(set) => {
                self.reports.insert(set.aggregate.clone());
            }
            Action::Unset(unset) => {
                self.reports.remove(&unset.aggregate);
            }
            _ => {}
        }
    }
}
