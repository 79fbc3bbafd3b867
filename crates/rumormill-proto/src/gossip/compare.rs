//! Anti-entropy: two nodes whose digests differ compare their entries until they hold the same.
//!
//! No message depends on an earlier one, so each may be lost or repeated. Three rules make every
//! comparison approach its end: every difference found in a message is answered, even if none of its
//! entries was new; an outdated entry is answered with the newer version; and where an answer had no
//! room for everything, the two nodes compare again.

use crate::clock::Stamp;
use crate::gossip::item::{Item, Part};
use crate::gossip::messages::{Message, Reconcile, WireEntry};
use crate::gossip::reconcile::{MANY, Reply};
use crate::gossip::storage::{Outcome, Storage};
use crate::gossip::{Difference, FEW, Gossip, PATIENCE, random_peers};
use crate::identity::NodeId;
use crate::protocol::Context;
use crate::rumor::settings::Style;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The most bytes of entries in one message on the reliable path: a newcomer catches up in chunks of
/// this size, and neither side needs more memory than that.
const CHUNK: usize = 256 << 10;

/// More entries than this in one message count as a part of a larger transfer.
const LOT: usize = 32;

/// The time within which the openings of two peers may cross.
const CROSSING: Duration = Duration::from_millis(500);

/// The first and the longest pause after every entry of a member was refused.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Members that have differed for this long, in more than recent writes, are reported.
const LONG: Duration = Duration::from_secs(60);

/// Entries written within this time, in milliseconds, may still be on their way.
const RECENT_MILLIS: u64 = 30_000;

impl Difference {
    fn seen(now: Instant) -> Self {
        Self { since: now, old_since: now, reported: false, rest_until: now, rest: REST }
    }
}

impl Gossip {
    /// Returns the first instant after `now` at which a pull may be due.
    pub(super) fn pull_after(&self, now: Instant) -> Instant {
        let interval = (self.policy.pull_interval.as_nanos() as u64).max(1);
        let elapsed = now.since(self.phase).as_nanos() as u64;
        let passed = if now < self.phase { 0 } else { elapsed / interval + 1 };
        Instant::from_nanos(self.phase.as_nanos() + passed * interval)
    }

    /// Returns whether this node pulls at this time, as far as is known.
    pub(super) fn pulls_at(&self, at: Instant) -> bool {
        match self.policy.style {
            Style::Push => false,
            Style::Pull | Style::PushPull => true,
            Style::PushThenPull => at < self.active_until,
        }
    }

    /// Pulls, after a pull interval. With push-then-pull that is not needed if a membership packet of
    /// that interval has shown that a random peer holds the same.
    pub(super) fn pull(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        self.requested.retain(|_, (until, _)| *until > now);
        let fresh = |agreed| now.since(agreed) < self.policy.pull_interval;
        let peers = match self.policy.style {
            _ if !self.pulls_at(now) => 0,
            Style::PushThenPull => usize::from(!self.agreed.is_some_and(fresh)),
            Style::Push | Style::Pull | Style::PushPull => self.policy.fanout,
        };
        for peer in random_peers(cx, peers) {
            self.compare(cx, peer);
        }
    }

    /// Handles a peer's digest that differs. Returns for how long it has, once, if that is long and
    /// not only because of frequent writes.
    pub(crate) fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) -> Option<Duration> {
        let now = cx.now();
        let difference = self.differing.entry(peer).or_insert(Difference::seen(now));
        let lasts = now.since(difference.old_since);
        let news = lasts >= LONG && !difference.reported;
        difference.reported |= news;
        if self.policy.style.pulls() && self.next_compare <= now {
            self.next_compare = now + self.policy.interval / 2;
            if self.compare(cx, peer) {
                // Several peers may have seen the difference at the same time.
                self.awaiting = Some((peer, self.next_compare));
            }
        }
        news.then_some(lasts)
    }

    /// Handles a peer's digest that is equal.
    pub(crate) fn agrees(&mut self, now: Instant, peer: NodeId) {
        self.agreed = Some(now);
        self.differing.remove(&peer);
    }

    /// Handles the end of a peer.
    pub(crate) fn expired(&mut self, peer: NodeId) {
        self.differing.remove(&peer);
    }

    /// Returns since when each member that differs has done so.
    pub(crate) fn differing(&self) -> impl Iterator<Item = Instant> {
        self.differing.values().map(|difference| difference.since)
    }

    /// Returns the number of members that have differed for long.
    pub(crate) fn differing_long(&self) -> usize {
        self.differing.values().filter(|difference| difference.reported).count()
    }

    /// Opens a comparison; returns whether that was possible.
    fn compare(&mut self, cx: &mut Context<'_>, peer: NodeId) -> bool {
        if broken(Rule::Compare) || self.is_awaiting(cx, |_| true) || self.rests(cx, peer) {
            return false;
        }
        self.stats(cx).comparisons += 1;
        self.opened = Some((peer, cx.now() + CROSSING));
        let step =
            Reconcile { opening: true, parts: vec![self.set.overview()], ..self.reconcile() };
        self.send(cx, peer, &Message::Reconcile(step));
        true
    }

    /// Returns whether every entry of this peer was refused not long ago.
    fn rests(&self, cx: &Context<'_>, peer: NodeId) -> bool {
        self.differing.get(&peer).is_some_and(|difference| difference.rest_until > cx.now())
    }

    /// Returns whether an answer is awaited from a peer that satisfies `with`.
    fn is_awaiting(&self, cx: &Context<'_>, with: impl FnOnce(NodeId) -> bool) -> bool {
        self.awaiting.is_some_and(|(peer, until)| until > cx.now() && with(peer))
    }

    pub(super) fn reconcile(&self) -> Reconcile {
        Reconcile { holds: self.set.len() as u64, ..Reconcile::default() }
    }

    /// Returns whether a comparison that this peer opens is ignored.
    fn ignores(&self, cx: &Context<'_>, peer: NodeId) -> bool {
        // One peer at a time, or all would send the same.
        let busy = self.is_awaiting(cx, |other| other != peer);
        // A ping and its answer show both peers that they differ, and both may have opened a
        // comparison. That of the lower id goes on.
        let crossed = |(other, until)| other == peer && until > cx.now() && cx.id() < peer;
        busy || self.opened.is_some_and(crossed) || self.rests(cx, peer)
    }

    pub(super) fn receive_reconcile(
        &mut self,
        cx: &mut Context<'_>,
        storage: &mut dyn Storage,
        from: NodeId,
        step: &Reconcile,
    ) -> Option<u64> {
        self.stats(cx).comparison_steps += 1;
        if step.opening && self.ignores(cx, from) {
            return None;
        }
        let now = cx.now();
        let received = step.entries.len();
        let behind = step.holds > self.set.len() as u64 + MANY;
        let mut reply = Reply::default();
        let (mut new, mut refused) = (0, 0);
        for wire in &step.entries {
            match self.accept(cx, storage, from, wire, Some(received <= FEW)) {
                Outcome::New { .. } => new += 1,
                Outcome::Outdated(newer) => reply.send.push(newer.id),
                Outcome::Refused => refused += 1,
                Outcome::Duplicate(_) | Outcome::Stale => {}
            }
        }
        self.note_outcome(now, from, new, refused);
        self.note_extent(cx, from, &step.parts);
        if broken(Rule::GoOn) && received > LOT && new == 0 {
            return None;
        }
        let elsewhere = self.is_awaiting(cx, |peer| peer != from);
        if self.is_awaiting(cx, |peer| peer == from) {
            self.awaiting = None;
        }
        for part in &step.parts {
            self.set.answer(part, &mut reply);
        }
        let nothing =
            reply.parts.is_empty() && reply.send.is_empty() && reply.send_ranges.is_empty();
        if nothing && !step.parts.is_empty() {
            // What differed has arrived in the meantime.
            self.note_recent(now, from);
        }
        let size: usize = step.entries.iter().map(|wire| wire.bytes.len()).sum();
        let much = received > LOT || size > CHUNK / 2;
        match step.more {
            Some((lower, upper)) if new > 0 => reply.parts.push(Part::WantRange { lower, upper }),
            // These entries are here already. If they come from another peer, that transfer goes on;
            // if not, only the differences are worth requesting.
            Some((lower, upper)) if !elsewhere => reply.parts.push(self.set.outline(lower, upper)),
            // A part of a larger transfer: go on.
            None if much && new > 0 => reply.parts.push(self.set.overview()),
            Some(_) | None => {}
        }
        let mut answer = self.reconcile();
        self.add_entries(cx, storage, reply.send, &reply.send_ranges, &mut answer);
        let expects_answer = !reply.parts.is_empty();
        self.note_extent(cx, from, &reply.parts);
        answer.parts = reply.parts;
        if expects_answer || !answer.entries.is_empty() {
            self.stats(cx).entries_sent += answer.entries.len() as u64;
            let length = self.send(cx, from, &Message::Reconcile(answer));
            if expects_answer {
                let long = behind || length > self.policy.datagram;
                self.awaiting = Some((from, now + if long { PATIENCE } else { PATIENCE / 6 }));
            }
        }
        (behind || (much && new > 0)).then_some(step.holds)
    }

    /// Notes how many entries of a peer were new and how many were refused.
    fn note_outcome(&mut self, now: Instant, from: NodeId, new: usize, refused: usize) {
        let Some(difference) = self.differing.get_mut(&from) else { return };
        if new > 0 {
            difference.rest = REST;
        } else if refused > 0 {
            difference.rest_until = now + difference.rest;
            difference.rest = (difference.rest * 2).min(LONGEST_REST);
        }
    }

    /// Notes whether a comparison has narrowed down to recent writes: these parts are what still
    /// differs.
    fn note_extent(&mut self, cx: &Context<'_>, from: NodeId, parts: &[Part]) {
        let lower = |part: &Part| match part {
            Part::Ranges { lower, .. } | Part::Ids { lower, .. } => Some(lower.stamp),
            Part::WantRange { lower, .. } => Some(lower.stamp),
            Part::Want(_) => None,
        };
        let oldest = parts.iter().filter_map(lower).min().map(Stamp::millis);
        let recent = cx.cluster_millis().saturating_sub(RECENT_MILLIS);
        if oldest.is_some_and(|oldest| oldest >= recent) {
            self.note_recent(cx.now(), from);
        }
    }

    /// Notes that nothing but recent writes differs.
    fn note_recent(&mut self, now: Instant, from: NodeId) {
        if let Some(difference) = self.differing.get_mut(&from) {
            difference.old_since = now;
            difference.reported = false;
        }
    }

    /// Adds the entries that the peer lacks to the answer, up to a chunk of them.
    fn add_entries(
        &mut self,
        cx: &Context<'_>,
        storage: &dyn Storage,
        mut ids: Vec<u64>,
        ranges: &[(Item, Item)],
        answer: &mut Reconcile,
    ) {
        let mut room = CHUNK;
        let mut add = |id: u64| {
            let Some(wire) = storage.wire_entry(cx.now(), id) else { return true };
            let fits = room >= wire.bytes.len();
            if fits || answer.entries.is_empty() {
                room = room.saturating_sub(WireEntry::size(wire.bytes.len()));
                answer.entries.push(wire);
            }
            fits
        };
        ids.sort_unstable();
        ids.dedup();
        if !ids.into_iter().all(&mut add) {
            // The next comparison finds the rest.
            return;
        }
        for &(lower, upper) in ranges {
            for item in self.set.iter(lower, upper) {
                if !add(item.id) {
                    // An entry that fills the chunk alone has been added.
                    answer.more = Some((item, upper));
                    return;
                }
            }
        }
    }
}
