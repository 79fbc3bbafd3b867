//! The chaos phase: what is done to the nodes and to the network.

use rand::RngExt;
use rumormill_proto::{Duration, Instant, MAX_INPUT, Name};

use super::calm::is_wrong;
use super::plan::draw_link;
use super::{Failure, Run};
use crate::network::error::SimError;
use crate::network::index::NodeIndex;
use crate::network::link::uniform;
use crate::network::slot::NodeState;
use crate::network::spec::NodeSpec;

type Action = fn(&mut Run) -> Result<(), SimError>;

/// What may happen next, and how often out of a hundred.
const ACTIONS: [(u32, Action); 13] = [
    (25, Run::set_an_input),
    (5, Run::unset_an_input),
    (9, Run::crash_one),
    (14, Run::restart_one),
    (3, Run::one_leaves),
    (6, Run::one_joins),
    (6, Run::split),
    (8, Run::heal),
    (5, Run::cut_one_way),
    (6, Run::pause_one),
    (7, Run::isolate_one),
    (3, Run::change_a_clock_or_the_links),
    (3, Run::step_a_clock),
];

impl Run {
    /// Lets the chaos phase pass.
    pub(super) fn chaos_phase(&mut self) -> Result<(), Failure> {
        let end = Instant::ZERO + self.plan.chaos;
        while self.net.now() < end {
            let gap = uniform(&mut self.rng, Duration::from_millis(20), self.plan.gap);
            self.net.run_to(end.min(self.net.now() + gap));
            self.net.sample_suspicions();
            let now = self.net.now();
            self.watch.check(&self.net).map_err(|violation| Failure::Broken(now, violation))?;
            self.take_notes()?;
            self.make_news()?;
            let mut draw = self.rng.random_range(0..100u32);
            for (share, act) in ACTIONS {
                if draw < share {
                    act(self)?;
                    self.watch.observe(&self.net);
                    break;
                }
                draw -= share;
            }
        }
        Ok(())
    }

    /// A running node that is not stopped; none if fewer than `least` run.
    pub(super) fn any(&mut self, least: usize) -> Option<NodeIndex> {
        let running: Vec<NodeIndex> = self.net.running().map(|(index, _)| index).collect();
        if running.len() < least {
            return None;
        }
        let awake: Vec<NodeIndex> =
            running.into_iter().filter(|&index| !self.net.is_paused(index)).collect();
        self.one_of(&awake)
    }

    pub(super) fn one_of<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        let n = list.len() as u64;
        (n > 0).then(|| list[self.rng.random_range(0..n) as usize])
    }

    fn aggregate(&mut self) -> Name {
        let n = self.plan.aggregates.len() as u64;
        self.plan.aggregates[self.rng.random_range(0..n) as usize].clone()
    }

    /// A value of any kind: small, large, tiny, negative, nothing.
    fn value(&mut self) -> f64 {
        let sign = if self.rng.random() { 1.0 } else { -1.0 };
        let unit: f64 = self.rng.random();
        match self.rng.random_range(0..8u32) {
            0 => 0.0,
            1 => sign * unit * 1e-15,
            2 => sign * unit * (MAX_INPUT / 4.0),
            3 => sign * MAX_INPUT,
            4 => sign * unit * 1e9,
            _ => sign * (unit * 1000.0).round(),
        }
    }

    // ------------------------------------------------------------------ nodes

    /// Adds a node that joins what is there.
    pub(super) fn add_node(&mut self) -> Result<(), SimError> {
        let drift = self.plan.drift;
        let clock_rate = 1.0 + drift * (2.0 * self.rng.random::<f64>() - 1.0);
        let index = NodeIndex(self.net.len() as u32);
        let name = Name::new(&format!("n{}", index.0))?;
        let wrong = self.plan.wrong_clocks && self.rng.random_ratio(1, 5);
        let wall_offset = if wrong { self.clock_error(index) } else { 0 };
        let spec = NodeSpec { name, clock_rate, wall_offset, ..self.plan.node.clone() };
        let index = self.net.add_node(spec)?;
        self.settle_in(index)
    }

    /// A node without state asks two others to let it in, and gets inputs.
    fn settle_in(&mut self, index: NodeIndex) -> Result<(), SimError> {
        let others: Vec<NodeIndex> =
            self.net.running().map(|(other, _)| other).filter(|&other| other != index).collect();
        for _ in 0..2 {
            if let Some(other) = self.one_of(&others) {
                self.net.join(index, other);
            }
        }
        for aggregate in self.plan.aggregates.clone() {
            if !self.plan.node.bare && self.rng.random_ratio(4, 5) {
                let value = self.value();
                self.net.set(index, aggregate.as_str(), value)?;
            }
        }
        Ok(())
    }

    fn set_an_input(&mut self) -> Result<(), SimError> {
        let (node, aggregate, value) = (self.any(1), self.aggregate(), self.value());
        match node.filter(|_| !self.plan.node.bare) {
            Some(node) => self.net.set(node, aggregate.as_str(), value),
            None => Ok(()),
        }
    }

    fn unset_an_input(&mut self) -> Result<(), SimError> {
        let (node, aggregate) = (self.any(1), self.aggregate());
        match node.filter(|&node| self.net.input(node, &aggregate).is_some()) {
            Some(node) => self.net.unset(node, aggregate.as_str()),
            None => Ok(()),
        }
    }

    fn crash_one(&mut self) -> Result<(), SimError> {
        if let Some(node) = self.any(3) {
            self.net.crash(node);
        }
        Ok(())
    }

    fn restart_one(&mut self) -> Result<(), SimError> {
        let stopped = |&index: &NodeIndex| {
            matches!(self.net.state(index), Some(NodeState::Crashed | NodeState::Left))
        };
        let stopped: Vec<NodeIndex> =
            (0..self.net.len() as u32).map(NodeIndex).filter(stopped).collect();
        let Some(node) = self.one_of(&stopped) else { return Ok(()) };
        self.net.restart(node)?;
        if self.plan.node.durable {
            self.chronicle.inherit(&self.net, node);
        }
        self.settle_in(node)
    }

    fn one_leaves(&mut self) -> Result<(), SimError> {
        if let Some(node) = self.any(3) {
            self.net.leave(node);
        }
        Ok(())
    }

    fn one_joins(&mut self) -> Result<(), SimError> {
        if self.net.len() < self.most { self.add_node() } else { Ok(()) }
    }

    fn pause_one(&mut self) -> Result<(), SimError> {
        if let Some(node) = self.any(1) {
            let time = uniform(&mut self.rng, Duration::from_millis(50), Duration::from_secs(4));
            self.net.pause(node, time);
        }
        Ok(())
    }

    /// Long enough to be suspected; sometimes, to be declared dead.
    fn isolate_one(&mut self) -> Result<(), SimError> {
        if let Some(node) = self.any(1) {
            let longest = 3 * self.plan.node.config.membership.suspicion_timeout;
            let time = uniform(&mut self.rng, Duration::from_millis(200), longest);
            self.net.isolate(node, time);
        }
        Ok(())
    }

    // ------------------------------------------------------------------ the network

    fn split(&mut self) -> Result<(), SimError> {
        let mut side = Vec::new();
        for index in (0..self.net.len() as u32).map(NodeIndex) {
            if self.rng.random() {
                side.push(index);
            }
        }
        self.net.partition(&[&side]);
        Ok(())
    }

    fn heal(&mut self) -> Result<(), SimError> {
        self.net.heal();
        Ok(())
    }

    fn cut_one_way(&mut self) -> Result<(), SimError> {
        if let (Some(from), Some(to)) = (self.any(1), self.any(1))
            && from != to
        {
            self.net.cut_one_way(from, to);
        }
        Ok(())
    }

    /// How wrong a node's clock is from now on, in milliseconds: seconds, minutes, days or decades,
    /// but only seconds if another is wrong already.
    fn clock_error(&mut self, node: NodeIndex) -> i64 {
        const DAY: i64 = 86_400_000;
        let most = [30_000, 600_000, 10 * DAY, 50 * 365 * DAY];
        let most = most[self.rng.random_range(0..4u64) as usize];
        let error = self.rng.random_range(-most..=most);
        let others = (0..self.net.len() as u32).map(NodeIndex).filter(|&other| other != node);
        let only = others.into_iter().all(|other| !is_wrong(&self.net, other));
        if only { error } else { error % 30_000 }
    }

    /// A clock jumps, or is set right again.
    fn step_a_clock(&mut self) -> Result<(), SimError> {
        if !self.plan.wrong_clocks {
            return Ok(());
        }
        let Some(node) = self.any(1) else { return Ok(()) };
        let off = self.net.wall_error(node);
        let error = if off != 0 && self.rng.random() { 0 } else { self.clock_error(node) };
        self.net.step_wall_clock(node, error - off)
    }

    fn change_a_clock_or_the_links(&mut self) -> Result<(), SimError> {
        if self.rng.random() {
            let link = draw_link(&mut self.rng, self.plan.node.config.interval);
            return self.net.set_link(link);
        }
        let drift = self.plan.drift * (2.0 * self.rng.random::<f64>() - 1.0);
        match self.any(1) {
            Some(node) => self.net.set_clock_rate(node, 1.0 + drift),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_a_hundred() {
        assert_eq!(ACTIONS.iter().map(|action| action.0).sum::<u32>(), 100);
    }
}
