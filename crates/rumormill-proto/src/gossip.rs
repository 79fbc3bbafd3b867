//! The spreading of entries, which events and keys share: entries are pushed while they are new, and
//! pulled by nodes that missed them.
//!
//! Push is rumor mongering, pull is anti-entropy (Demers et al. 1987). A protocol keeps the entries
//! in its [`Storage`]; a new one becomes *hot* here and is pushed to a few random peers in each round,
//! until the stop rule ends that. Pull compares whole sets ([`crate::gossip::reconcile`]), so it finds
//! every entry that was missed, however old.
//!
//! A node without hot entries has no rounds: its first push sets their phase. Nodes that push only in
//! their rounds are therefore in step, as in the synchronous rounds of the mathematics. A node that
//! has nothing to push or to pull asks for no time at all ([`Gossip::schedule`]).

pub(crate) mod compare;
pub(crate) mod item;
pub(crate) mod messages;
pub(crate) mod policy;
pub(crate) mod push;
pub(crate) mod reconcile;
pub(crate) mod set;
pub(crate) mod storage;

use rand::RngExt;
use std::collections::BTreeMap;

use crate::codec::WireError;
use crate::gossip::item::{Fingerprint, Item, Part};
use crate::gossip::messages::{Message, Push, WireEntry};
use crate::gossip::policy::Policy;
use crate::gossip::set::ItemSet;
use crate::gossip::storage::{Outcome, Storage};
use crate::identity::NodeId;
use crate::protocol::Context;
use crate::stats::{GossipStats, Stats};
use crate::time::{Duration, Instant};

/// The time within which an answer on the reliable path, or to a request, is expected.
const PATIENCE: Duration = Duration::from_secs(3);

/// For how many rounds an entry found by pull is pushed. If few nodes lack it, that ends at once; if
/// many do (a partition has healed), it spreads.
const SECOND_WIND: u32 = 2;

/// Entries found by pull are pushed on if at most this many came at once.
const FEW: usize = 4;

/// The state of an entry that is being pushed.
#[derive(Clone, Debug)]
struct Hot {
    /// The round in which it was last pushed or received.
    round: u32,
    /// The last round in which it is pushed.
    last: u32,
    /// Contacts that counted towards losing interest.
    contacts: u32,
    /// The peers that hold it, since this node received it from them. Empty unless [`Policy::eager`].
    informed: Vec<NodeId>,
    /// The peers to which this node has pushed it. Empty unless [`Policy::eager`].
    pushed: Vec<NodeId>,
}

pub(crate) struct Gossip {
    pub(crate) policy: Policy,
    /// The items of all entries held.
    pub(crate) set: ItemSet,
    hot: BTreeMap<Item, Hot>,
    /// New entries to push at once when the gap ends.
    fresh: Vec<Item>,
    next_round: Option<Instant>,
    /// Pulls are due at this instant and whole pull intervals after it.
    phase: Instant,
    /// When the next pull is due, while there is a reason to pull.
    next_pull: Option<Instant>,
    /// When a membership packet last showed that a peer holds the same.
    agreed: Option<Instant>,
    gap_over: Instant,
    /// Until then there are recent entries, and push-then-pull pulls in every pull interval.
    active_until: Instant,
    /// Requested announced entries: the deadline, and the round of the announcement.
    requested: BTreeMap<u64, (Instant, u32)>,
    /// The peer that an answer is awaited from, and the deadline.
    awaiting: Option<(NodeId, Instant)>,
    next_compare: Instant,
    /// The peer with which a comparison was last opened, and until when it may open one as well.
    opened: Option<(NodeId, Instant)>,
    /// The members whose digests differ from this node's.
    differing: BTreeMap<NodeId, Difference>,
    /// Selects the protocol's counters.
    stats: fn(&mut Stats) -> &mut GossipStats,
}

/// The state of a difference between this node and a member.
#[derive(Clone, Copy, Debug)]
struct Difference {
    /// When the digests were first seen to differ since they were last equal.
    since: Instant,
    /// Since when older entries than those just written differ, as far as is known.
    old_since: Instant,
    /// Whether the difference was reported as long-lasting.
    reported: bool,
    /// No comparison is opened until then, since every entry of the member was refused.
    rest_until: Instant,
    /// The next such pause.
    rest: Duration,
}

impl Gossip {
    pub(crate) fn new(policy: Policy, stats: fn(&mut Stats) -> &mut GossipStats) -> Self {
        Self {
            policy,
            set: ItemSet::default(),
            hot: BTreeMap::new(),
            fresh: Vec::new(),
            next_round: None,
            phase: Instant::ZERO,
            next_pull: None,
            agreed: None,
            gap_over: Instant::ZERO,
            active_until: Instant::ZERO,
            requested: BTreeMap::new(),
            awaiting: None,
            next_compare: Instant::ZERO,
            opened: None,
            differing: BTreeMap::new(),
            stats,
        }
    }

    pub(crate) fn stats<'a>(&self, cx: &'a mut Context<'_>) -> &'a mut GossipStats {
        (self.stats)(cx.stats())
    }

    /// Draws the phase of the pulls, so that those of all nodes are spread.
    pub(crate) fn start(&mut self, cx: &mut Context<'_>) {
        let share = cx.rng().random_range(0.0..1.0);
        self.phase = cx.now() + self.policy.pull_interval.mul_f64(share);
    }

    /// Schedules the next round of hot entries and the next pull. Returns when [`Gossip::wake`] is
    /// due: `None` while there is nothing to do.
    pub(crate) fn schedule(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let now = cx.now();
        let alone = cx.roster().len() < 2;
        if self.hot.is_empty() || alone {
            self.next_round = None;
        } else if self.next_round.is_none() {
            // A node that pushes at once has no round to keep step with; rounds spread over the
            // interval inform the nodes that were missed sooner.
            let share = if self.policy.eager { cx.rng().random_range(0.1..1.0) } else { 1.0 };
            self.next_round = Some(now + self.policy.interval.mul_f64(share));
        }
        let next_pull = self.next_pull.unwrap_or_else(|| self.pull_after(now));
        let pulls = self.pulls_at(next_pull) && !alone;
        self.next_pull = (pulls || !self.requested.is_empty()).then_some(next_pull);
        let gap_over = (!self.fresh.is_empty()).then_some(self.gap_over);
        self.next_round.into_iter().chain(self.next_pull).chain(gap_over).min()
    }

    /// Handles the instant of [`Gossip::schedule`]: a round, the end of a gap, or a pull.
    pub(crate) fn wake(&mut self, cx: &mut Context<'_>, storage: &dyn Storage) {
        let now = cx.now();
        self.push_fresh(cx, storage);
        if self.next_round.is_some_and(|at| at <= now) {
            self.next_round = None;
            self.push_round(cx, storage);
        }
        if self.next_pull.is_some_and(|at| at <= now) {
            self.next_pull = Some(self.pull_after(now));
            self.pull(cx);
        }
    }

    /// Returns the number of entries that are being pushed.
    pub(crate) fn hot(&self) -> usize {
        self.hot.len()
    }

    /// Returns the digest of the set without some of its items; `None` if nothing is left, or this
    /// node doesn't pull.
    pub(crate) fn digest_without(&self, items: impl Iterator<Item = Item>) -> Option<u64> {
        let rest = self.fingerprint_without(items);
        (rest.count > 0 && self.policy.style.pulls()).then(|| rest.digest())
    }

    /// Returns the fingerprint of the set without some of its items.
    pub(crate) fn fingerprint_without(&self, items: impl Iterator<Item = Item>) -> Fingerprint {
        let mut rest = self.set.fingerprint();
        items.for_each(|item| rest.remove(item.id));
        rest
    }

    /// Adds an entry without pushing it.
    pub(crate) fn keep(&mut self, item: Item, replaces: Option<Item>) {
        if let Some(replaced) = replaces {
            self.forget(replaced);
        }
        self.set.insert(item);
    }

    /// Adds an entry of this node's own, and pushes it.
    pub(crate) fn publish(
        &mut self,
        cx: &mut Context<'_>,
        storage: &dyn Storage,
        item: Item,
        replaces: Option<Item>,
    ) {
        self.keep(item, replaces);
        self.make_hot(cx, item, 0, None);
        let waits = !self.policy.eager && self.next_round.is_some();
        if !waits && self.hot.contains_key(&item) {
            self.fresh.push(item);
        }
        self.push_fresh(cx, storage);
    }

    /// Removes an entry.
    pub(crate) fn forget(&mut self, item: Item) {
        self.set.remove(item);
        self.hot.remove(&item);
    }

    /// Handles a message. Returns the number of entries that the peer holds, while this node catches
    /// up with it.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        storage: &mut dyn Storage,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<Option<u64>, WireError> {
        let mut catching_up = None;
        match Message::read(bytes)? {
            Message::Push(push) => self.receive_push(cx, storage, from, &push),
            Message::Feedback(ids) => self.lose_interest(cx, from, &ids),
            Message::Reconcile(step) => {
                catching_up = self.receive_reconcile(cx, storage, from, &step);
            }
        }
        self.push_fresh(cx, storage);
        Ok(catching_up)
    }

    /// Sends a message, as a datagram if it fits in one; returns its length.
    fn send(&mut self, cx: &mut Context<'_>, to: NodeId, message: &Message) -> usize {
        let bytes = message.write();
        let length = bytes.len();
        self.stats(cx).messages += 1;
        self.stats(cx).bytes += length as u64;
        if length <= self.policy.datagram {
            cx.send(to, &bytes);
        } else {
            cx.send_stream(to, bytes);
        }
        length
    }

    /// Stores an entry that was pushed (`few` is `None`) or pulled: as one of a few, or of many.
    fn accept(
        &mut self,
        cx: &mut Context<'_>,
        storage: &mut dyn Storage,
        from: NodeId,
        wire: &WireEntry,
        few: Option<bool>,
    ) -> Outcome {
        // A malformed entry doesn't affect the others of its message.
        let outcome = storage.insert(cx, wire, few.is_some()).unwrap_or(Outcome::Refused);
        match outcome {
            Outcome::New { item, replaces, push } => {
                self.keep(item, replaces);
                let requested = self.requested.remove(&item.id);
                if push {
                    match (few, requested) {
                        (None, _) => self.make_hot(cx, item, wire.round, None),
                        (Some(_), Some((_, round))) => self.make_hot(cx, item, round, None),
                        (Some(true), None) => {
                            self.make_hot(cx, item, wire.round, Some(SECOND_WIND));
                        }
                        (Some(false), None) => {}
                    }
                    self.note_informed(cx, item, from);
                    if self.policy.eager && self.hot.contains_key(&item) {
                        self.fresh.push(item);
                    }
                }
                let stats = self.stats(cx);
                stats.received_by_pull += u64::from(few.is_some());
                stats.received_by_push += u64::from(few.is_none());
            }
            Outcome::Duplicate(item) => {
                self.stats(cx).copies += 1;
                self.note_informed(cx, item, from);
            }
            Outcome::Outdated(_) | Outcome::Stale => self.stats(cx).outdated += 1,
            Outcome::Refused => self.stats(cx).refused += 1,
        }
        outcome
    }

    fn receive_push(
        &mut self,
        cx: &mut Context<'_>,
        storage: &mut dyn Storage,
        from: NodeId,
        push: &Push,
    ) {
        let now = cx.now();
        let mut informed = Vec::new();
        let mut answer = self.reconcile();
        let mut wanted = Vec::new();
        for wire in &push.entries {
            match self.accept(cx, storage, from, wire, None) {
                Outcome::Duplicate(item) => informed.push(item.id),
                Outcome::Outdated(newer) => {
                    answer.entries.extend(storage.wire_entry(now, newer.id));
                }
                Outcome::New { .. } | Outcome::Stale | Outcome::Refused => {}
            }
        }
        for &(round, item) in &push.announced {
            if self.set.contains(item) {
                self.stats(cx).copies += 1;
                self.note_informed(cx, item, from);
                informed.push(item.id);
            } else if storage.lacks(item) && self.requested.get(&item.id).is_none_or(|a| a.0 <= now)
            {
                self.requested.insert(item.id, (now + PATIENCE, round));
                wanted.push(item.id);
            }
        }
        if !wanted.is_empty() {
            answer.parts.push(Part::Want(wanted));
        }
        if !answer.parts.is_empty() || !answer.entries.is_empty() {
            self.send(cx, from, &Message::Reconcile(answer));
        }
        if push.feedback && !informed.is_empty() {
            self.send(cx, from, &Message::Feedback(informed));
        }
    }
}

/// Returns up to `count` different peers, chosen uniformly.
fn random_peers(cx: &mut Context<'_>, count: usize) -> Vec<NodeId> {
    let mut chosen: Vec<NodeId> = Vec::new();
    let peers = cx.roster().len() - 1;
    if count >= peers {
        return cx.roster().peers().map(|(id, _)| id).collect();
    }
    // The fan-out is small, so repeats are rare.
    while chosen.len() < count {
        match cx.random_peer() {
            Some(peer) if !chosen.contains(&peer) => chosen.push(peer),
            Some(_) => {}
            None => break,
        }
    }
    chosen
}
