//! What happens in a random scenario: which faults, and to which nodes.

use std::collections::BTreeMap;

use rand::RngExt;
use rumormill_proto::{Duration, Instant, MAX_INPUT, Rng};

use super::Random;
use crate::check::clocks::RIGHT;
use crate::network::link::{Latency, uniform};
use crate::scenario::Scenario;
use crate::scenario::action::Action;
use crate::scenario::entry::{Step, entries};
use crate::scenario::link::{LatencyText, LinkSettings};
use crate::scenario::nodes::Nodes;
use crate::scenario::payload::{
    ClockChange, DeleteKey, Join, OneWay, Publish, Put, SetInput, Sides, UnsetInput,
};
use crate::scenario::span::{Shift, Span};
use crate::scenario::tracker::Tracker;
use crate::scenario::values::Values;

type Fault = fn(&mut Drawing);

/// What may happen next, and how often out of a hundred.
const FAULTS: [(u32, Fault); 13] = [
    (25, Drawing::set_an_input),
    (5, Drawing::unset_an_input),
    (9, Drawing::crash_one),
    (14, Drawing::restart_one),
    (3, Drawing::one_leaves),
    (6, Drawing::one_joins),
    (6, Drawing::split),
    (8, Drawing::heal),
    (5, Drawing::cut_one_way),
    (6, Drawing::pause_one),
    (7, Drawing::isolate_one),
    (3, Drawing::change_a_clock_or_the_links),
    (3, Drawing::step_a_clock),
];

/// The keys that are written and deleted; few, so that writes collide.
const KEYS: u64 = 24;

const MS: Duration = Duration::from_millis(1);

/// A scenario that is being drawn.
struct Drawing {
    plan: Random,
    rng: Rng,
    now: Instant,
    end: Instant,
    tracker: Tracker,
    /// How far each node's wall clock is ahead, in milliseconds.
    clocks: Vec<i64>,
    /// Number of writes so far: each has a value of its own.
    writes: u32,
    steps: Vec<Step>,
}

/// Draws what happens in an empty scenario.
pub(super) fn draw(plan: &Random, empty: Scenario, mut rng: Rng) -> Scenario {
    let mut aggregates = BTreeMap::new();
    for name in plan.aggregates.iter().filter(|_| !plan.bare) {
        let values = (0..plan.nodes).map(|_| value(&mut rng)).collect();
        aggregates.insert(name.clone(), Values::Each(values));
    }
    let scenario = Scenario { aggregates: (!plan.bare).then_some(aggregates), ..empty };
    let mut drawing = Drawing {
        plan: plan.clone(),
        rng,
        now: Instant::ZERO,
        end: Instant::ZERO + plan.duration,
        tracker: Tracker::new(&scenario),
        clocks: vec![0; plan.nodes as usize],
        writes: 0,
        steps: Vec::new(),
    };
    drawing.start();
    loop {
        let gap = drawing.time(20 * MS, plan.gap);
        drawing.now += gap;
        if drawing.now >= drawing.end {
            break;
        }
        drawing.publish_and_write();
        let mut draw = drawing.rng.random_range(0..100u32);
        for (share, fault) in FAULTS {
            if draw < share {
                fault(&mut drawing);
                break;
            }
            draw -= share;
        }
    }
    drawing.now = drawing.end;
    drawing.set_most_clocks_right();
    Scenario { action: entries(&drawing.steps), ..scenario }
}

/// Draws links for a time of faults: loss up to 40 %, latencies up to several gossip periods.
pub(super) fn link(rng: &mut Rng, interval: Duration) -> LinkSettings {
    let latency = match rng.random_range(0..4u64) {
        0 => Latency::Fixed(MS * rng.random_range(1..=50)),
        1 => Latency::Uniform(MS, MS * rng.random_range(2..=100)),
        2 => Latency::Uniform(MS, interval * 3 / 2),
        _ => Latency::Pareto { min: MS * rng.random_range(1..=20), cap: interval * 5 },
    };
    let mut up_to = |most: f64| Some(if rng.random() { share(rng, most) } else { 0.0 });
    LinkSettings {
        latency: Some(LatencyText(latency)),
        loss: up_to(0.4),
        duplication: up_to(0.2),
        reordering: up_to(0.3),
        held_back: Some(Span(interval * 2)),
        largest: None,
    }
}

/// Draws a share up to the largest, with few digits.
pub(super) fn share(rng: &mut Rng, most: f64) -> f64 {
    (rng.random_range(0.0..most) * 1e4).round() / 1e4
}

fn one(node: u32) -> Nodes {
    Nodes::These(vec![node])
}

/// Draws a value of any kind: small, large, tiny, negative, nothing.
fn value(rng: &mut Rng) -> f64 {
    let sign = if rng.random() { 1.0 } else { -1.0 };
    let unit: f64 = rng.random();
    match rng.random_range(0..8u32) {
        0 => 0.0,
        1 => sign * unit * 1e-15,
        2 => sign * unit * (MAX_INPUT / 4.0),
        3 => sign * MAX_INPUT,
        4 => sign * unit * 1e9,
        _ => sign * (unit * 1000.0).round(),
    }
}

impl Drawing {
    fn step(&mut self, action: Action, lasting: Option<Duration>) {
        let step = Step { at: self.now, lasting: lasting.map(Span), action };
        self.tracker.apply(&step);
        self.steps.push(step);
    }

    fn act(&mut self, action: Action) {
        self.step(action, None);
    }

    /// Draws a time between two, in whole milliseconds.
    fn time(&mut self, least: Duration, most: Duration) -> Duration {
        let time = uniform(&mut self.rng, least, most);
        Duration::from_millis(time.as_millis() as u64)
    }

    fn one_of<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        let n = list.len() as u64;
        (n > 0).then(|| list[self.rng.random_range(0..n) as usize].clone())
    }

    /// Returns a running node that is not stopped; none if fewer than `least` run.
    fn any(&mut self, least: usize) -> Option<u32> {
        if self.tracker.running().len() < least {
            return None;
        }
        let awake = self.tracker.candidates(self.now, &Action::Crash(Nodes::All));
        self.one_of(&awake)
    }

    // ------------------------------------------------------------------ inputs

    /// Nodes start: some do not report everything, and some have wrong clocks.
    fn start(&mut self) {
        for node in 0..self.plan.nodes {
            for aggregate in self.reported() {
                if self.rng.random_ratio(1, 5) {
                    self.unset(node, aggregate);
                }
            }
            if self.starts_wrong() {
                let error = self.clock_error(node);
                self.step_clock(node, error);
            }
        }
    }

    fn reported(&self) -> Vec<String> {
        if self.plan.bare { Vec::new() } else { self.plan.aggregates.clone() }
    }

    fn set(&mut self, node: u32, aggregate: String) {
        let value = Values::Constant(value(&mut self.rng));
        self.act(Action::Set(SetInput { aggregate, value, nodes: one(node) }));
    }

    fn unset(&mut self, node: u32, aggregate: String) {
        if self.tracker.reports(node, &aggregate) {
            self.act(Action::Unset(UnsetInput { aggregate, nodes: one(node) }));
        }
    }

    /// A node that has just started gets inputs.
    fn settle_in(&mut self, node: u32) {
        for aggregate in self.reported() {
            if self.rng.random_ratio(4, 5) {
                self.set(node, aggregate);
            } else {
                self.unset(node, aggregate);
            }
        }
    }

    fn set_an_input(&mut self) {
        let reported = self.reported();
        if let (Some(node), Some(aggregate)) = (self.any(1), self.one_of(&reported)) {
            self.set(node, aggregate);
        }
    }

    fn unset_an_input(&mut self) {
        let reported = self.reported();
        if let (Some(node), Some(aggregate)) = (self.any(1), self.one_of(&reported)) {
            self.unset(node, aggregate);
        }
    }

    // ------------------------------------------------------------------ events and keys

    fn publish_and_write(&mut self) {
        if self.plan.bare {
            return;
        }
        if self.rng.random_ratio(2, 3)
            && let Some(node) = self.any(1)
        {
            let (topic, bytes) = ("news".to_owned(), self.length());
            self.act(Action::Publish(Publish { topic, bytes, nodes: one(node) }));
        }
        let writes = if self.rng.random_ratio(1, 10) { 20 } else { self.rng.random_range(0..3u32) };
        for _ in 0..writes {
            let Some(node) = self.any(1) else { return };
            let (key, nodes) = (format!("key/{}", self.rng.random_range(0..KEYS)), one(node));
            if self.rng.random_ratio(1, 4) {
                self.act(Action::Delete(DeleteKey { key, nodes }));
                continue;
            }
            self.writes += 1;
            let (value, bytes) = match self.length() {
                0 => (String::new(), None),
                bytes => (self.writes.to_string(), Some(bytes)),
            };
            self.act(Action::Put(Put { key, value, bytes, nodes }));
        }
    }

    /// Draws a length of any kind: empty, short, or too long for a datagram.
    fn length(&mut self) -> u32 {
        match self.rng.random_range(0..8u32) {
            0 => 0,
            1 => self.rng.random_range(1000..4000),
            _ => self.rng.random_range(1..100),
        }
    }

    // ------------------------------------------------------------------ nodes

    fn crash_one(&mut self) {
        if let Some(node) = self.any(3) {
            self.act(Action::Crash(one(node)));
        }
    }

    fn restart_one(&mut self) {
        let stopped = self.tracker.candidates(self.now, &Action::Restart(Nodes::All));
        if let Some(node) = self.one_of(&stopped) {
            self.act(Action::Restart(one(node)));
            self.settle_in(node);
        }
    }

    fn one_leaves(&mut self) {
        if let Some(node) = self.any(3) {
            self.act(Action::Leave(one(node)));
        }
    }

    fn one_joins(&mut self) {
        let node = self.tracker.len();
        if node < self.plan.nodes + self.plan.nodes.div_ceil(2) {
            let error = if self.starts_wrong() { self.clock_error(node) } else { 0 };
            let step = (error != 0).then_some(Shift { millis: error });
            self.clocks.push(error);
            self.act(Action::Join(Join { step, ..Join::of(1) }));
            self.settle_in(node);
        }
    }

    fn pause_one(&mut self) {
        self.stop_one(Action::Pause, 50 * MS, 4000 * MS);
    }

    /// Long enough to be suspected; sometimes, to be declared dead.
    fn isolate_one(&mut self) {
        let longest = 3 * self.plan.node.config.membership.suspicion_timeout;
        self.stop_one(Action::Isolate, 200 * MS, longest);
    }

    /// Stops or isolates one for a while, until the calm at most.
    fn stop_one(&mut self, make: fn(Nodes) -> Action, least: Duration, most: Duration) {
        if let Some(node) = self.any(1) {
            let lasting = self.time(least, most).min(self.end.since(self.now));
            self.step(make(one(node)), Some(lasting));
        }
    }

    // ------------------------------------------------------------------ the network

    fn split(&mut self) {
        let all = 0..self.tracker.len();
        let side: Vec<u32> = all.filter(|_| self.rng.random()).collect();
        if !side.is_empty() {
            self.act(Action::Partition(Sides(vec![Nodes::These(side)])));
        }
    }

    fn heal(&mut self) {
        if !self.tracker.idle(&Action::Heal(true)) {
            self.act(Action::Heal(true));
        }
    }

    fn cut_one_way(&mut self) {
        if let (Some(from), Some(to)) = (self.any(1), self.any(1))
            && from != to
        {
            self.act(Action::Cut(OneWay { from: one(from), to: one(to) }));
        }
    }

    fn change_a_clock_or_the_links(&mut self) {
        if self.rng.random() {
            let link = link(&mut self.rng, self.plan.node.config.interval);
            return self.act(Action::Link(link));
        }
        let off = self.plan.node.drift * (2.0 * self.rng.random::<f64>() - 1.0);
        if let Some(node) = self.any(1) {
            let rate = Some(((1.0 + off) * 1e6).round() / 1e6);
            self.act(Action::Clock(ClockChange { nodes: one(node), rate, step: None }));
        }
    }

    // ------------------------------------------------------------------ wall clocks

    /// Returns whether the next newcomer's clock is wrong.
    fn starts_wrong(&mut self) -> bool {
        self.plan.wrong_clocks && self.rng.random_ratio(1, 5)
    }

    fn is_wrong(&self, node: u32) -> bool {
        // Drift may add to it.
        self.clocks[node as usize].unsigned_abs() > RIGHT * 9 / 10
    }

    /// Draws how wrong a node's clock is from now on, in milliseconds: seconds, minutes, days or
    /// decades, but only seconds if another is wrong already.
    fn clock_error(&mut self, node: u32) -> i64 {
        const DAY: i64 = 86_400_000;
        let most = [30_000, 600_000, 10 * DAY, 50 * 365 * DAY];
        let most = most[self.rng.random_range(0..4u64) as usize];
        let error = self.rng.random_range(-most..=most);
        let mut others = (0..self.clocks.len() as u32).filter(|&other| other != node);
        if others.any(|other| self.is_wrong(other)) { error % 30_000 } else { error }
    }

    /// Steps a clock so that it is wrong by this much.
    fn step_clock(&mut self, node: u32, error: i64) {
        let millis = error - self.clocks[node as usize];
        self.clocks[node as usize] = error;
        if millis != 0 {
            let step = Some(Shift { millis });
            self.act(Action::Clock(ClockChange { nodes: one(node), rate: None, step }));
        }
    }

    /// A clock jumps, or is set right again.
    fn step_a_clock(&mut self) {
        if let Some(node) = self.any(1).filter(|_| self.plan.wrong_clocks) {
            let right = self.clocks[node as usize] != 0 && self.rng.random();
            let error = if right { 0 } else { self.clock_error(node) };
            self.step_clock(node, error);
        }
    }

    /// Sets wrong clocks right until the others outvote the rest.
    fn set_most_clocks_right(&mut self) {
        let running = self.tracker.running();
        let wrong = running.iter().copied().filter(|&node| self.is_wrong(node));
        let mut wrong: Vec<u32> = wrong.collect();
        while 2 * wrong.len() >= running.len()
            && let Some(node) = wrong.pop()
        {
            self.step_clock(node, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_a_hundred() {
        assert_eq!(FAULTS.iter().map(|fault| fault.0).sum::<u32>(), 100);
    }
}
