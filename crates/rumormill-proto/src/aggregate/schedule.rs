//! When a node exchanges, with whom, and what: event-triggered, or once in every gossip period.
//!
//! After news an exchange with one peer follows soon, in which both end with the mean of the two
//! ([`crate::aggregate::pace`]). A change of this node's own mass is *broadcast*: it is pushed to all
//! peers at once, and each takes one part in 1 + d of the difference, where d is the larger degree of
//! the two ends (Metropolis weights; Xiao, Boyd 2004). Where every pair is linked, all nodes then have
//! the mean after one round trip. Elsewhere most of the change is gone from its origin, and
//! exchanges of pairs do the rest.

use crate::aggregate::Aggregation;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::messages::{Message, Section};
use crate::aggregate::pace::Pace;
use crate::aggregate::settings::Schedule;
use crate::identity::{Name, NodeId};
use crate::protocol::Context;
use crate::time::Instant;

use std::collections::BTreeSet;

/// A group of components that are exchanged together: an aggregate, or (`None`) the anchors.
pub(super) type Group = Option<Name>;

/// The divisor of an exchange of a pair: each side ends with the mean of both.
pub(super) const HALF: u32 = 2;

/// What peers may have taken of a difference at the same time, while their replies are under way: this
/// much in exchanges of pairs. A broadcast adds at most one half more. What every peer takes depends
/// on masses of one round trip ago, and a sum of parts beyond π/2 makes such a feedback unstable.
const MOST_IN_FLIGHT: f64 = 1.0;

impl Aggregation {
    /// Does what is due, and requests the next alarm.
    pub(super) fn run(&mut self, cx: &mut Context<'_>) {
        self.run_epoch(cx);
        self.open_links(cx);
        if cx.roster().is_empty() {
            self.advance_alone(cx);
        }
        match cx.config().aggregates.schedule {
            Schedule::EventTriggered => {
                self.broadcast(cx);
                self.exchange(cx);
            }
            Schedule::Periodic => self.exchange_all(cx),
        }
        self.alarm(cx);
    }

    /// Ends the windows of a node without peers: nobody else has to take part.
    pub(super) fn advance_alone(&mut self, cx: &mut Context<'_>) {
        for aggregate in self.aggregates.values_mut() {
            for _ in 0..12 {
                if aggregate.is_calm() {
                    break;
                }
                aggregate.advance(cx);
            }
        }
        self.forget_spent();
    }

    /// Opens links until there are enough.
    fn open_links(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.tend_links.is_none_or(|at| at > now) {
            return;
        }
        let core = &mut *cx.core;
        let enough = self.links.fill(&core.roster, &core.config, &mut core.rng);
        self.tend_links = (!enough).then(|| now + core.config.interval);
        for peer in self.links.unopened() {
            self.send(cx, peer, &Message::Open);
            self.links.sent(now, peer, cx.config().interval);
        }
    }

    /// Schedules the broadcast of a change of this node's masses.
    pub(super) fn owe(&mut self, cx: &Context<'_>, group: &Group) {
        let peers = self.links.linked().collect();
        match group {
            None => {
                self.anchors.owed = peers;
                self.anchors.pace.news(cx.now(), self.gaps);
            }
            Some(name) => {
                if let Some(aggregate) = self.aggregates.get_mut(name) {
                    aggregate.owed = peers;
                    aggregate.pace.news(cx.now(), self.gaps);
                }
            }
        }
        self.change_to_broadcast = true;
    }

    fn owed(&self) -> BTreeSet<NodeId> {
        let owed = self.aggregates.values().flat_map(|aggregate| &aggregate.owed);
        owed.chain(&self.anchors.owed).copied().collect()
    }

    /// Broadcasts changes: at most once in the shortest gap, and if the budget allows it. Peers that
    /// owe an answer get theirs after it.
    fn broadcast(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.change_to_broadcast && self.next_broadcast > now {
            return;
        }
        let owed = self.owed();
        if owed.is_empty() {
            self.change_to_broadcast = false;
            return;
        }
        // Peers that owed an answer get what they are still owed in any case.
        if self.change_to_broadcast
            && !self.budget.allows_broadcast(now, owed.len(), &cx.config().aggregates)
        {
            self.clear_owed();
            return;
        }
        if core::mem::take(&mut self.change_to_broadcast) {
            self.next_broadcast = now + self.gaps.shortest;
        }
        for peer in owed {
            if self.links.get(peer).is_none_or(|link| link.is_outstanding() || !link.linked) {
                continue;
            }
            let mut groups: Vec<Group> = Vec::new();
            if self.anchors.owed.remove(&peer) {
                groups.push(None);
            }
            for (name, aggregate) in &mut self.aggregates {
                if aggregate.owed.remove(&peer) {
                    groups.push(Some(name.clone()));
                }
            }
            let parts = groups.into_iter().map(|group| (self.part_of_broadcast(&group), group));
            let parts: Vec<_> = parts.collect();
            self.start(cx, peer, &parts);
        }
    }

    /// Returns the divisor of a broadcast to all peers, whose parts add up to less than 1 by themselves.
    fn part_of_broadcast(&self, group: &Group) -> u32 {
        let all = 1 + self.links.linked().count() as u32;
        let halves = self.ledger(group).map_or(0, Ledger::halves_in_flight);
        if halves > 1 { 2 * all } else { all }
    }

    /// Returns the divisor of an exchange of a pair: if too much is in flight, that of a broadcast.
    fn part_of_pair(&self, group: &Group) -> u32 {
        let in_flight = self.ledger(group).map_or(0.0, Ledger::share_in_flight);
        let half = in_flight + 1.0 / f64::from(HALF) <= MOST_IN_FLIGHT;
        if half { HALF } else { self.part_of_broadcast(group) }
    }

    fn clear_owed(&mut self) {
        self.anchors.owed.clear();
        self.aggregates.values_mut().for_each(|aggregate| aggregate.owed.clear());
        self.change_to_broadcast = false;
    }

    /// Exchanges the groups that are due with one peer, unless the last exchange is still under way.
    fn exchange(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.next_exchange(cx).is_none_or(|at| at > now) || self.links.awaits_first_answer(now) {
            return;
        }
        let Some(peer) = self.links.next(cx.rng()) else { return };
        let groups = self.due(cx);
        for group in &groups {
            let gaps = self.gaps;
            if let Some(pace) = self.pace_mut(group) {
                pace.started(now, gaps, cx.rng());
            }
        }
        self.last_exchange = Some(now);
        self.start_pair(cx, peer, groups);
    }

    /// Exchanges all groups with one peer, once in every gossip period.
    fn exchange_all(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        if self.next_period > now {
            return;
        }
        let interval = cx.config().interval;
        self.next_period = (self.next_period + interval).max(now + interval / 2);
        if self.is_idle() {
            return;
        }
        let Some(peer) = self.links.next(cx.rng()) else { return };
        let all = self.groups().map(|(group, _)| group.cloned()).collect();
        self.start_pair(cx, peer, all);
    }

    fn start_pair(&mut self, cx: &mut Context<'_>, peer: NodeId, groups: Vec<Group>) {
        let parts = groups.into_iter().map(|group| (self.part_of_pair(&group), group));
        let parts: Vec<_> = parts.collect();
        self.start(cx, peer, &parts);
    }

    /// Returns whether there is nothing to exchange.
    fn is_idle(&self) -> bool {
        self.aggregates.is_empty() || self.epoch_is_over()
    }

    fn groups(&self) -> impl Iterator<Item = (Option<&Name>, &Pace)> {
        let anchors = self.has_anchors().then_some((None, &self.anchors.pace));
        let aggregates = self.aggregates.iter();
        anchors.into_iter().chain(aggregates.map(|(name, a)| (Some(name), &a.pace)))
    }

    fn pace_mut(&mut self, group: &Group) -> Option<&mut Pace> {
        match group {
            None => Some(&mut self.anchors.pace),
            Some(name) => self.aggregates.get_mut(name).map(|aggregate| &mut aggregate.pace),
        }
    }

    /// Returns when the next exchange with one peer may start, if something is to be exchanged.
    fn next_exchange(&self, cx: &Context<'_>) -> Option<Instant> {
        if self.is_idle() {
            return None;
        }
        let due = self.groups().map(|(_, pace)| pace.due()).min()?;
        let after_last = self.last_exchange.map(|last| last + self.gaps.shortest);
        let peers = self.links.linked().count();
        let paid = self.budget.single(peers, &cx.config().aggregates);
        Some(due.max(paid).max(after_last.unwrap_or(due)))
    }

    /// Returns the groups that are due, those that have waited longest first, up to one datagram.
    fn due(&self, cx: &Context<'_>) -> Vec<Group> {
        let now = cx.now();
        let mut due: Vec<_> = (self.groups())
            .filter(|(_, pace)| pace.joins(now))
            .map(|(group, pace)| (pace.due(), group.cloned()))
            .collect();
        due.sort();
        let limit = self.datagram(cx);
        let mut length = Message::HEAD;
        let mut groups = Vec::new();
        let mut bytes = Vec::new();
        for (_, group) in due {
            bytes.clear();
            self.section(group.as_ref(), self.masses(&group), None).write(&mut bytes);
            length += bytes.len();
            if length > limit && !groups.is_empty() {
                break;
            }
            groups.push(group);
        }
        groups
    }

    fn ledger(&self, group: &Group) -> Option<&Ledger> {
        match group {
            None => Some(&self.anchors.ledger),
            Some(name) => self.aggregates.get(name).map(|aggregate| &aggregate.ledger),
        }
    }

    fn ledger_mut(&mut self, group: &Group) -> Option<&mut Ledger> {
        match group {
            None => Some(&mut self.anchors.ledger),
            Some(name) => self.aggregates.get_mut(name).map(|aggregate| &mut aggregate.ledger),
        }
    }

    /// Starts an exchange: pushes the masses of groups to a peer, which takes one part of the
    /// difference in the number beside each.
    pub(super) fn start(&mut self, cx: &mut Context<'_>, peer: NodeId, groups: &[(u32, Group)]) {
        let Some(seq) = self.links.begin(peer) else { return };
        // A push that the peer has not answered goes into this one.
        let unanswered = |ledger: &Ledger| ledger.in_flight_to(peer);
        if unanswered(&self.anchors.ledger) {
            let before = self.anchors.ledger.divisor(peer);
            self.anchors.ledger.pushed(peer, seq, before);
        }
        for aggregate in self.aggregates.values_mut() {
            if unanswered(&aggregate.ledger) {
                let before = aggregate.ledger.divisor(peer);
                aggregate.ledger.pushed(peer, seq, before);
            }
        }
        for (divisor, group) in groups {
            if let Some(ledger) = self.ledger_mut(group) {
                ledger.pushed(peer, seq, *divisor);
            }
        }
        let now = cx.now();
        let core = &mut *cx.core;
        self.budget.spend(now, &core.config.aggregates, &mut core.rng);
        self.push(cx, peer, seq);
        self.links.sent(cx.now(), peer, cx.config().interval);
    }

    /// Sends the sections of the push `seq` that the peer has not answered yet, with the present
    /// masses: a reply books what the peer took, whichever snapshot that was based on.
    pub(super) fn push(&self, cx: &mut Context<'_>, peer: NodeId, seq: u64) {
        let mut sections: Vec<Section> = Vec::new();
        let mut add = |group: Option<&Name>, ledger: &Ledger| {
            if ledger.awaits(peer, seq) {
                let divisor = Some(ledger.divisor(peer)).filter(|&divisor| divisor > HALF);
                sections.push(self.section(group, ledger.masses(), divisor));
            }
        };
        add(None, &self.anchors.ledger);
        for (name, aggregate) in &self.aggregates {
            add(Some(name), &aggregate.ledger);
        }
        self.send_sections(cx, peer, false, seq, &sections);
    }

    /// Repeats the messages that were not answered in time.
    pub(super) fn repeat(&mut self, cx: &mut Context<'_>) {
        for peer in self.links.due(cx.now()) {
            cx.stats().retransmissions += 1;
            match self.links.get(peer) {
                Some(link) if link.linked => {
                    let seq = link.seq;
                    self.push(cx, peer, seq);
                }
                _ => self.send(cx, peer, &Message::Open),
            }
            self.links.sent(cx.now(), peer, cx.config().interval);
        }
    }

    /// Requests the alarm for what is due next.
    fn alarm(&self, cx: &mut Context<'_>) {
        let now = cx.now();
        let exchange = match cx.config().aggregates.schedule {
            Schedule::Periodic => (!self.is_idle()).then_some(self.next_period),
            // An answer, or the end of the wait for it, is an occasion of its own.
            _ if self.links.awaits_first_answer(now) || !self.links.has_free() => None,
            _ => self.next_exchange(cx),
        };
        let broadcast = self.change_to_broadcast.then_some(self.next_broadcast);
        let due = [
            exchange,
            broadcast,
            self.tend_links,
            self.links.next_due(),
            self.epoch_due(cx.config()),
        ];
        if let Some(at) = due.into_iter().flatten().min() {
            cx.wake_at(at);
        }
    }
}
