//! One node: its mass, the pace of its exchanges, its budget and its links.

use rumormill_proto::{HURRIED_BROADCASTS, KEPT_EXCHANGES};

use crate::average::following::Following;
use crate::simulate::stream::Draws;

/// What follows from the settings, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) gap: f64,
    pub(super) rest_gap: f64,
    /// The share of a second that one exchange takes of the budget.
    pub(super) cost: f64,
    pub(super) burst: f64,
    /// The time for which one link more makes a node do without broadcasts, once the budget is short.
    pub(super) hurry: f64,
}

impl Times {
    pub(super) fn new(question: &Following) -> Self {
        Self {
            gap: question.gap(),
            rest_gap: question.rest_gap(),
            cost: 1.0 / question.budget,
            burst: question.burst(),
            hurry: HURRIED_BROADCASTS / question.budget,
        }
    }
}

/// A link, as one of its ends has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) peer: u32,
    /// The number of this link among the peer's.
    pub(super) back: u32,
    /// A push of this node awaits its reply.
    pub(super) outstanding: bool,
    /// The link is owed the broadcast of a change.
    pub(super) owed: bool,
}

/// A node.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) input: f64,
    pub(super) mass: f64,
    pub(super) links: Vec<Link>,
    pub(super) outstanding: u32,
    /// A change waits for its broadcast.
    pub(super) changed: bool,
    owed: u32,
    next_broadcast: f64,
    due: f64,
    gap: f64,
    last_exchange: f64,
    /// When the exchanges so far would have ended, had they been spread evenly.
    paid_until: f64,
    /// Until when changes are not broadcast.
    hurried_until: f64,
    /// Links whose turn is to come.
    rotation: Vec<u32>,
    /// When the node acts next of itself.
    pub(super) alarm: f64,
}

impl Node {
    pub(super) fn new(input: f64, links: Vec<Link>, times: &Times) -> Self {
        Self {
            input,
            mass: input,
            links,
            outstanding: 0,
            changed: false,
            owed: 0,
            next_broadcast: 0.0,
            due: 0.0,
            gap: times.gap,
            last_exchange: f64::NEG_INFINITY,
            paid_until: 0.0,
            hurried_until: 0.0,
            rotation: Vec::new(),
            alarm: f64::INFINITY,
        }
    }

    /// Notes news: the next exchange follows after the shortest gap.
    pub(super) fn news(&mut self, now: f64, times: &Times) {
        self.gap = times.gap;
        self.due = self.due.min(now + times.gap);
    }

    /// Changes the input, which is news and is to be broadcast.
    pub(super) fn change(&mut self, now: f64, input: f64, times: &Times) {
        self.mass += input - self.input;
        self.input = input;
        self.changed = true;
        self.links.iter_mut().for_each(|link| link.owed = true);
        self.owed = self.links.len() as u32;
        self.news(now, times);
    }

    /// Returns when this number of exchanges may start.
    fn ready(&self, exchanges: usize, times: &Times) -> f64 {
        self.paid_until + times.cost * exchanges as f64 - times.burst
    }

    /// Spends one exchange. Costs vary by a quarter, so that nodes whose budget is short do not act in
    /// step.
    pub(super) fn spend(&mut self, now: f64, times: &Times, draws: &mut Draws) {
        self.paid_until = self.paid_until.max(now) + times.cost * (0.75 + 0.5 * draws.unit());
    }

    /// Returns the links that get a broadcast now, and whether a change is broadcast first with it.
    pub(super) fn broadcast(&mut self, now: f64, times: &Times) -> (Vec<u32>, bool) {
        if self.owed == 0 || (self.changed && self.next_broadcast > now) {
            return (Vec::new(), false);
        }
        let short = now < self.hurried_until || self.ready(self.owed as usize, times) > now;
        if self.changed && short {
            // Exchanges of pairs do it, with the whole budget until changes are rarer.
            self.hurried_until = now + times.hurry * self.links.len() as f64;
            self.links.iter_mut().for_each(|link| link.owed = false);
            (self.owed, self.changed) = (0, false);
            return (Vec::new(), false);
        }
        let first = std::mem::take(&mut self.changed);
        if first {
            self.next_broadcast = now + times.gap;
        }
        let mut to = Vec::new();
        for (at, link) in self.links.iter_mut().enumerate() {
            if link.owed && !link.outstanding {
                link.owed = false;
                self.owed -= 1;
                to.push(at as u32);
            }
        }
        (to, first)
    }

    /// Returns when the next exchange of a pair may start.
    fn next_exchange(&self, times: &Times) -> f64 {
        // The budget of a broadcast is left, so that the next change finds it, unless changes follow
        // each other too fast for broadcasts.
        let at_once = self.ready(1, times);
        let ready = if at_once < self.hurried_until {
            at_once
        } else {
            self.ready(self.links.len() + KEPT_EXCHANGES, times)
        };
        self.due.max(ready).max(self.last_exchange + times.gap)
    }

    /// Returns the link of the exchange of a pair that starts now, if one does: each link once in a
    /// rotation, in a new random order each time.
    pub(super) fn exchange(&mut self, now: f64, times: &Times, draws: &mut Draws) -> Option<u32> {
        if self.next_exchange(times) > now || self.outstanding > 0 {
            return None;
        }
        self.due = now + self.gap * (0.75 + 0.5 * draws.unit());
        self.gap = (2.0 * self.gap).min(times.rest_gap);
        self.last_exchange = now;
        if self.rotation.is_empty() {
            self.rotation = (0..self.links.len() as u32).collect();
            draws.shuffle(&mut self.rotation);
        }
        self.rotation.pop()
    }

    /// Returns when the node acts next, unless a message comes before.
    pub(super) fn next(&self, times: &Times) -> f64 {
        let exchange = if self.outstanding > 0 { f64::INFINITY } else { self.next_exchange(times) };
        if self.changed { exchange.min(self.next_broadcast) } else { exchange }
    }
}
