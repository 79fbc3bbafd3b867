//! Nodes start: all at the beginning, some by one, and later those that join or come back.

use rand::{RngExt, SeedableRng};
use rumormill_proto::{Instant, Rng};

use super::ScenarioRun;
use super::phase::{Beginning, Phase};
use crate::check::violation::Failure;
use crate::network::digest::seed;
use crate::network::error::SimError;
use crate::network::index::NodeIndex;
use crate::network::spec::NodeSpec;
use crate::scenario::action::Action;
use crate::scenario::contacts::contacts;
use crate::scenario::payload::Join;
use crate::scenario::span::Shift;

/// The purpose of the seeds of clocks.
const CLOCKS: u64 = 7;

/// Number of nodes that one call starts.
const SOME: u32 = 256;

impl ScenarioRun {
    /// Starts some of the nodes, and says what share of the beginning is done; `None` when all of
    /// it is. [`ScenarioRun::advance`] does what remains: who calls this first can tell how far the
    /// beginning of a large run has come, and can stop there.
    pub fn start(&mut self) -> Option<f64> {
        if self.phase != Phase::Start {
            return None;
        }
        if let Err(error) = self.start_some() {
            self.fail(Failure::Run(error));
            return None;
        }
        let (nodes, formed) = (self.scenario.nodes, self.scenario.starts_formed());
        let done = match self.beginning {
            Beginning::Nodes(started) => started,
            Beginning::Acquainted(ready, _) => nodes + ready,
            Beginning::Done => {
                self.phase = Phase::Play;
                self.watch.observe(&self.net);
                return None;
            }
        };
        Some(f64::from(done) / f64::from(if formed { 2 * nodes } else { nodes }))
    }

    fn start_some(&mut self) -> Result<(), SimError> {
        let (nodes, formed) = (self.scenario.nodes, self.scenario.starts_formed());
        let upto = |before: u32| nodes.min(before + SOME);
        self.beginning = match core::mem::replace(&mut self.beginning, Beginning::Done) {
            Beginning::Nodes(before) => {
                for _ in before..upto(before) {
                    let index = self.add_node(&self.clock_at_start(self.net.len() as u32))?;
                    if !formed {
                        self.settle_in(index)?;
                    }
                }
                match upto(before) {
                    now if now < nodes => Beginning::Nodes(now),
                    _ if formed => {
                        let all: Vec<NodeIndex> = (0..nodes).map(NodeIndex).collect();
                        Beginning::Acquainted(0, self.net.acquaintance(&all)?)
                    }
                    _ => Beginning::Done,
                }
            }
            Beginning::Acquainted(before, all) => {
                for index in (before..upto(before)).map(NodeIndex) {
                    self.net.introduce(index, &all)?;
                    self.report(index)?;
                }
                match upto(before) {
                    now if now < nodes => Beginning::Acquainted(now, all),
                    _ => Beginning::Done,
                }
            }
            Beginning::Done => Beginning::Done,
        };
        Ok(())
    }

    /// Returns the clock with which a node starts: `clock` at 0s holds from the start.
    fn clock_at_start(&self, number: u32) -> Join {
        let mut join = Join::of(1);
        for step in self.steps.iter().take_while(|step| step.at == Instant::ZERO) {
            if let Action::Clock(change) = &step.action
                && change.nodes.listed().contains(&number)
            {
                join.rate = change.rate.or(join.rate);
                let before = join.step.map_or(0, |step| step.millis);
                join.step =
                    change.step.map(|step| Shift { millis: before + step.millis }).or(join.step);
            }
        }
        join
    }

    pub(super) fn add_node(&mut self, join: &Join) -> Result<NodeIndex, SimError> {
        let (number, run) = (self.net.len(), self.scenario.seed);
        let mut rng = Rng::seed_from_u64(seed(run, CLOCKS, number as u64));
        let off: f64 = 2.0 * rng.random::<f64>() - 1.0;
        let spec = NodeSpec::named(&format!("n{number}"))?
            .config(self.config.clone())
            .clock_rate(join.rate.unwrap_or(1.0 + off * self.scenario.node.drift))
            .wall_offset(join.step.map_or(0, |step| step.millis));
        let (durable, bare) = (self.durable.has(number as u32), self.scenario.bare);
        let spec = NodeSpec { durable, bare, ..spec };
        let index = self.net.add_node(spec)?;
        let nodes = self.scenario.nodes as usize;
        let values = self.values.iter().enumerate().filter_map(|(at, (aggregate, values))| {
            Some((aggregate.clone(), values.of(run, at, number, nodes)?))
        });
        self.assigned.push(values.collect());
        Ok(index)
    }

    /// Makes a node that has just started join, and set its inputs.
    pub(super) fn settle_in(&mut self, index: NodeIndex) -> Result<(), SimError> {
        for contact in contacts(&self.net, self.scenario.seed, index) {
            self.net.join(index, contact);
        }
        self.report(index)
    }

    fn report(&mut self, index: NodeIndex) -> Result<(), SimError> {
        for (aggregate, value) in self.assigned[index.index()].clone() {
            let mode = self.mode(&aggregate);
            self.net.set_in(index, &aggregate, value, mode)?;
        }
        Ok(())
    }
}
