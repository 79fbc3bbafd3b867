//! Exchanges of mass with a peer: pushes, and replies to them.

use crate::aggregate::Aggregation;
use crate::aggregate::component::{PARTICIPATION, VALUE};
use crate::aggregate::input::MAX_AGGREGATES;
use crate::aggregate::ledger::Answer;
use crate::aggregate::links::Order;
use crate::aggregate::local::{Aggregate, is_dust};
use crate::aggregate::mass::{self, Mass, Steps};
use crate::aggregate::masses::{Masses, mass_of, of_one_aggregate};
use crate::aggregate::messages::{Message, Section, write_sections};
use crate::aggregate::settings::Overlap;
use crate::aggregate::view::OVERHEAD;
use crate::aggregate::window::Window;
use crate::identity::{Name, NodeId};
use crate::protocol::Context;

impl Aggregation {
    pub(super) fn send(&self, cx: &mut Context<'_>, to: NodeId, message: &Message) {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        cx.send(to, &bytes);
    }

    fn send_sections(
        &self,
        cx: &mut Context<'_>,
        to: NodeId,
        reply: bool,
        seq: u64,
        sections: &[Section],
    ) {
        let limit = cx.config().max_datagram - OVERHEAD;
        for message in write_sections(reply, seq, self.view.digest, sections, limit) {
            cx.send(to, &message);
        }
    }

    pub(super) fn alarm(&self, cx: &mut Context<'_>) {
        if let Some(due) = self.links.next_due() {
            cx.wake_at(due);
        }
    }

    /// Opens the link to a peer, or pushes to it.
    pub(super) fn turn_to(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        match self.links.begin(peer) {
            None => self.send(cx, peer, &Message::Open),
            Some(seq) => {
                self.anchors.pushed(peer, seq);
                for aggregate in self.aggregates.values_mut() {
                    aggregate.ledger.pushed(peer, seq);
                }
                self.push(cx, peer, seq);
            }
        }
        self.links.sent(cx.now(), peer, self.period);
    }

    /// Sends the sections of the push `seq` that the peer has not answered yet, with the present
    /// masses: a reply books what the peer took, whichever snapshot that was based on.
    pub(super) fn push(&self, cx: &mut Context<'_>, peer: NodeId, seq: u64) {
        let mut sections = Vec::with_capacity(1 + self.aggregates.len());
        if self.anchors.awaits(peer, seq) {
            sections.push(self.section(None, self.anchors.masses()));
        }
        for (name, aggregate) in &self.aggregates {
            if aggregate.ledger.awaits(peer, seq) {
                sections.push(self.section(Some(name), aggregate.ledger.masses()));
            }
        }
        self.send_sections(cx, peer, false, seq, &sections);
    }

    fn section(&self, name: Option<&Name>, masses: Masses) -> Section {
        let aggregate = name.and_then(|name| self.aggregates.get(name));
        let window = aggregate.and_then(|aggregate| aggregate.window.as_ref()).map(Window::part);
        Section { aggregate: name.cloned(), masses, window }
    }

    pub(super) fn receive_push(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        seq: u64,
        view: u64,
        sections: &[Section],
    ) {
        // A peer that pushes has the link. This node may have none, if it had given up opening it
        // when the peer accepted after all; nothing has moved between them then.
        self.links.establish(from);
        let order = self.links.receive(from, seq);
        match order {
            Order::New | Order::Again => {}
            Order::Older(seq) => return self.send(cx, from, &Message::Stale { seq }),
            Order::TooFar => {
                cx.stats().refused_jumps += 1;
                return;
            }
        }
        let decline =
            cx.config().aggregates.overlap == Overlap::Decline && self.links.has_outstanding();
        let tolerance = cx.config().aggregates.tolerance;
        let mut replies = Vec::with_capacity(sections.len());
        let (mut fresh, mut repeated) = (false, false);
        for section in sections {
            let answer = match &section.aggregate {
                None => {
                    let masses = self.without_departed(&section.masses);
                    Some(self.answer_anchors(from, seq, &masses, decline, tolerance))
                }
                Some(name) => self.answer_aggregate(cx, from, (order, seq), name, section, decline),
            };
            match answer {
                Some(Answer::Stale) => continue,
                Some(Answer::Fresh) => fresh = true,
                Some(Answer::Repeated) => repeated = true,
                None => {}
            }
            let masses = match &section.aggregate {
                None => self.anchors.taken(from),
                Some(name) => {
                    self.meet_window(cx, name, view, section);
                    match self.aggregates.get(name) {
                        Some(aggregate) => aggregate.ledger.taken(from),
                        None => self.resting.taken(name, from, seq),
                    }
                }
            };
            replies.push(self.section(section.aggregate.as_ref(), masses));
        }
        if replies.is_empty() {
            return;
        }
        let stats = cx.stats();
        stats.answered += u64::from(fresh);
        stats.answered_again += u64::from(repeated);
        stats.busy += u64::from(fresh && decline);
        self.send_sections(cx, from, true, seq, &replies);
        self.forget_spent();
    }

    fn answer_anchors(
        &mut self,
        from: NodeId,
        seq: u64,
        masses: &Masses,
        decline: bool,
        tolerance: f64,
    ) -> Answer {
        let theirs = |id: &NodeId| mass_of(masses, id.0);
        let differences: Vec<_> = (self.view.anchors.iter())
            .map(|id| (*id, theirs(id) - self.anchors.mass(id.0)))
            .collect();
        let steps = (!decline).then_some(Steps::COARSE);
        let answer = self.anchors.answer(from, seq, masses, steps);
        if answer == Answer::Fresh {
            self.met_anchors(&differences, tolerance);
        }
        answer
    }

    /// Notes the differences to the anchor masses of a peer.
    fn met_anchors(&mut self, differences: &[(NodeId, Mass)], tolerance: f64) {
        self.anchors_quiet = true;
        for (id, difference) in differences {
            let mass = mass::to_f64(self.anchors.mass(id.0));
            let relative = if mass > 0.0 { mass::to_f64(*difference) / mass } else { 1.0 };
            self.anchor_disagreement.meet(relative);
            self.anchors_quiet &= relative.abs() <= tolerance;
        }
    }

    fn without_departed(&self, masses: &Masses) -> Masses {
        masses.iter().filter(|(c, _)| !self.departed.contains(&NodeId(*c))).copied().collect()
    }

    /// Answers the push of an aggregate; returns `None` if this node does not take part in it.
    fn answer_aggregate(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        (order, seq): (Order, u64),
        name: &Name,
        section: &Section,
        decline: bool,
    ) -> Option<Answer> {
        let full = self.aggregates.len() >= MAX_AGGREGATES;
        if !self.aggregates.contains_key(name) && (full || is_dust(&section.masses)) {
            return None;
        }
        let (tolerance, members) = (cx.config().aggregates.tolerance, cx.roster().len());
        let anchors_quiet = self.anchors_quiet;
        let pusher = (order == Order::New).then_some(from);
        let aggregate = self.aggregate(cx, name, pusher);
        let masses = of_one_aggregate(&section.masses);
        let difference = |component| mass_of(&masses, component) - aggregate.ledger.mass(component);
        let (value, participation) = (difference(VALUE), difference(PARTICIPATION));
        let steps = (!decline).then(|| aggregate.steps(members));
        let answer = aggregate.ledger.answer(from, seq, &masses, steps);
        if answer == Answer::Fresh {
            aggregate.met(value, participation, anchors_quiet, tolerance);
        }
        Some(answer)
    }

    pub(super) fn receive_reply(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        seq: u64,
        view: u64,
        sections: &[Section],
    ) {
        let tolerance = cx.config().aggregates.tolerance;
        for section in sections {
            match &section.aggregate {
                None => {
                    let taken = self.without_departed(&section.masses);
                    let before = self.anchor_masses();
                    if self.anchors.settle(from, seq, &taken) {
                        // The peer took half of the difference.
                        let moved = |(id, mass): &(NodeId, Mass)| {
                            (*id, (self.anchors.mass(id.0) - *mass) << 1u32)
                        };
                        let differences: Vec<_> = before.iter().map(moved).collect();
                        self.met_anchors(&differences, tolerance);
                    }
                }
                Some(name) => {
                    let anchors_quiet = self.anchors_quiet;
                    let Some(aggregate) = self.aggregates.get_mut(name) else {
                        self.resting.settle(name, from, seq, &of_one_aggregate(&section.masses));
                        continue;
                    };
                    if section.masses.is_empty() && aggregate.input.is_none() && aggregate.is_dust()
                    {
                        // The peer has forgotten the aggregate, and this node has no reason to keep it.
                        aggregate.ledger.settle(from, seq, &section.masses);
                        self.forget(name);
                        continue;
                    }
                    let held = |aggregate: &Aggregate| {
                        [VALUE, PARTICIPATION].map(|component| aggregate.ledger.mass(component))
                    };
                    let before = held(aggregate);
                    if aggregate.ledger.settle(from, seq, &of_one_aggregate(&section.masses)) {
                        let after = held(aggregate);
                        let twice = |n: usize| (after[n] - before[n]) << 1u32;
                        if !section.masses.is_empty() {
                            aggregate.met(twice(0), twice(1), anchors_quiet, tolerance);
                        }
                        if let Some(window) = &mut aggregate.window {
                            window.settled(from, &aggregate.ledger);
                        }
                    }
                    self.meet_window(cx, name, view, section);
                }
            }
        }
        let awaited = self.anchors.awaits(from, seq)
            || self.aggregates.values().any(|aggregate| aggregate.ledger.awaits(from, seq));
        let current = self.links.get(from).is_some_and(|link| link.seq == seq);
        if current && !awaited && self.links.answered(cx.now(), from).is_some() {
            cx.stats().exchanges += 1;
        }
        self.forget_spent();
    }

    fn anchor_masses(&self) -> Vec<(NodeId, Mass)> {
        self.view.anchors.iter().map(|id| (*id, self.anchors.mass(id.0))).collect()
    }

    /// Merges the state of a peer's window, if it has the same members.
    fn meet_window(&mut self, cx: &mut Context<'_>, name: &Name, view: u64, section: &Section) {
        let (Some(part), Some(aggregate)) = (&section.window, self.aggregates.get_mut(name)) else {
            return;
        };
        let Some(window) = aggregate.window.as_mut().filter(|_| view == self.view.digest) else {
            return;
        };
        let progress = window.receive(cx.now(), part, &mut aggregate.ledger, aggregate.input);
        aggregate.note(cx, progress);
        aggregate.advance(cx);
    }

    pub(super) fn forget_spent(&mut self) {
        let spent = self.aggregates.iter().filter(|(_, aggregate)| aggregate.is_spent());
        let spent: Vec<Name> = spent.map(|(name, _)| name.clone()).collect();
        spent.iter().for_each(|name| self.forget(name));
    }
}
