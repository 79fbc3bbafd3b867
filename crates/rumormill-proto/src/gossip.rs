//! How entries spread, of events and of keys alike: pushed while they are new, pulled where they
//! were missed.
//!
//! Push is rumor mongering, pull is anti-entropy (Demers et al. 1987). A room keeps the entries
//! on its [`Shelf`]; what is new to it becomes *hot* here and is told to a few random peers in each
//! round, until the stop rule cools it. Pull compares whole sets ([`crate::gossip::reconcile`]), so it
//! finds whatever was missed, however long ago.
//!
//! A node that holds nothing hot has no rounds: its first telling sets their phase. Nodes that
//! wait for their next round before they tell on what they hear are therefore in step, as in the
//! theory's synchronous rounds.

pub(crate) mod compare;
pub(crate) mod item;
pub(crate) mod manner;
pub(crate) mod messages;
pub(crate) mod push;
pub(crate) mod reconcile;
pub(crate) mod set;
pub(crate) mod shelf;

use std::collections::BTreeMap;

use crate::codec::WireError;
use crate::gossip::item::{Item, Part};
use crate::gossip::manner::Manner;
use crate::gossip::messages::{Heard, Message, Tell};
use crate::gossip::set::ItemSet;
use crate::gossip::shelf::{Shelf, Taken};
use crate::identity::NodeId;
use crate::protocol::Context;
use crate::stats::{GossipStats, Stats};
use crate::time::{Duration, Instant};

/// How long an answer on the reliable path, or one to a request, may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many rounds what was found by pull is told on: if few have missed it that dies out at once,
/// if many (a partition has healed) it spreads.
const SECOND_WIND: u32 = 2;

/// If no more than so many were found by pull at once, they are told on.
const FEW: usize = 4;

/// An entry that is being told.
#[derive(Clone, Copy, Debug)]
struct Hot {
    /// The round in which it was told or heard last.
    round: u32,
    /// The last round in which it is told.
    last: u32,
    /// Contacts that counted towards losing interest.
    contacts: u32,
}

pub(crate) struct Gossip {
    manner: Manner,
    set: ItemSet,
    hot: BTreeMap<Item, Hot>,
    /// What waits to be told on at once until the gap is over.
    fresh: Vec<Item>,
    next_round: Option<Instant>,
    gap_over: Instant,
    /// News is about: until then, nodes that only pull now and then do it every pull interval.
    awake_until: Instant,
    /// Announced entries that were asked for: until when, and the round of the announcement.
    asked: BTreeMap<u64, (Instant, u32)>,
    /// Whom this node has asked for what it lacks, and until when it waits for the answer.
    talking: Option<(NodeId, Instant)>,
    next_compare: Instant,
    /// The peer that was last asked to compare, and until when it may be asking, too.
    opened: Option<(NodeId, Instant)>,
    /// Members whose digests differ from this node's, and how that stands.
    differing: BTreeMap<NodeId, Difference>,
    /// Where this room's counters are.
    stats: fn(&mut Stats) -> &mut GossipStats,
}

/// How it stands between this node and a member that holds something else.
#[derive(Clone, Copy, Debug)]
struct Difference {
    /// When their digests were seen to differ after they had been equal, or were first seen.
    since: Instant,
    /// When no more than what was just written was seen to differ, or they were first seen to.
    old_since: Instant,
    /// Whether it was reported that this has lasted long.
    reported: bool,
    /// Nothing is compared until then, since all that the member had to give was refused; and how
    /// long the pause after the next such time is.
    rest_until: Instant,
    rest: Duration,
}

/// What a message led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Entries that were given on request.
    pub(crate) given: usize,
    /// How many the peer holds, while this node catches up with it.
    pub(crate) catching_up: Option<u64>,
}

impl Gossip {
    pub(crate) fn new(manner: Manner, stats: fn(&mut Stats) -> &mut GossipStats) -> Self {
        Self {
            manner,
            set: ItemSet::default(),
            hot: BTreeMap::new(),
            fresh: Vec::new(),
            next_round: None,
            gap_over: Instant::ZERO,
            awake_until: Instant::ZERO,
            asked: BTreeMap::new(),
            talking: None,
            next_compare: Instant::ZERO,
            opened: None,
            differing: BTreeMap::new(),
            stats,
        }
    }

    pub(crate) fn set(&self) -> &ItemSet {
        &self.set
    }

    pub(crate) fn stats<'a>(&self, cx: &'a mut Context<'_>) -> &'a mut GossipStats {
        (self.stats)(cx.stats())
    }

    pub(crate) fn manner(&self) -> &Manner {
        &self.manner
    }

    /// How many entries are being told.
    pub(crate) fn hot(&self) -> usize {
        self.hot.len()
    }

    /// The digest of all that is held but these items, which are.
    pub(crate) fn digest_without(&self, items: impl Iterator<Item = Item>) -> Option<u64> {
        let mut rest = self.set.fingerprint();
        items.for_each(|item| rest.remove(item.id));
        (rest.count > 0 && self.manner.style.pulls()).then(|| rest.digest())
    }

    /// Holds an entry without telling it.
    pub(crate) fn keep(&mut self, item: Item, replaces: Option<Item>) {
        if let Some(replaced) = replaces {
            self.forget(replaced);
        }
        self.set.insert(item);
    }

    /// Holds an entry of this node's own, and tells it.
    pub(crate) fn publish(
        &mut self,
        cx: &mut Context<'_>,
        shelf: &dyn Shelf,
        item: Item,
        replaces: Option<Item>,
    ) {
        self.keep(item, replaces);
        self.warm(cx, item, 0, false);
        let waits = !self.manner.eager && self.next_round.is_some();
        if !waits && self.hot.contains_key(&item) {
            self.fresh.push(item);
        }
        self.tell_fresh(cx, shelf);
        self.alarm(cx);
    }

    /// Holds an entry no longer.
    pub(crate) fn forget(&mut self, item: Item) {
        self.set.remove(item);
        self.hot.remove(&item);
    }

    /// A message has arrived.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        shelf: &mut dyn Shelf,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<Progress, WireError> {
        let mut progress = Progress::default();
        match Message::read(bytes)? {
            Message::Tell(tell) => self.told(cx, shelf, from, &tell),
            Message::Knew(ids) => self.lose_interest(cx, &ids),
            Message::Talk(talk) => progress = self.talked(cx, shelf, from, &talk),
        }
        self.tell_fresh(cx, shelf);
        self.alarm(cx);
        Ok(progress)
    }

    /// Sends as a datagram what fits in one; returns the message's length.
    fn send(&mut self, cx: &mut Context<'_>, to: NodeId, message: &Message) -> usize {
        let bytes = message.write();
        let length = bytes.len();
        self.stats(cx).messages += 1;
        self.stats(cx).bytes += length as u64;
        if length <= self.manner.datagram {
            cx.send(to, &bytes);
        } else {
            cx.send_stream(to, bytes);
        }
        length
    }

    // ------------------------------------------------------------------ what arrives

    /// Takes an entry that was told (`few` is `None`), or given on request: one of a few, or of
    /// many.
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        shelf: &mut dyn Shelf,
        heard: &Heard,
        few: Option<bool>,
    ) -> Taken {
        // Whatever is wrong with one entry, the others of its message are taken.
        let taken = shelf.take(cx, heard, few.is_some()).unwrap_or(Taken::Refused);
        match taken {
            Taken::New { item, replaces, tell } => {
                self.keep(item, replaces);
                let asked = self.asked.remove(&item.id);
                if tell {
                    match (few, asked) {
                        (None, _) => self.warm(cx, item, heard.round, false),
                        (Some(_), Some((_, round))) => self.warm(cx, item, round, false),
                        (Some(true), None) => self.warm(cx, item, heard.round, true),
                        (Some(false), None) => {}
                    }
                    if self.manner.eager && self.hot.contains_key(&item) {
                        self.fresh.push(item);
                    }
                }
                let stats = self.stats(cx);
                *(if few.is_some() { &mut stats.pulled } else { &mut stats.pushed }) += 1;
            }
            Taken::Known(_) => self.stats(cx).copies += 1,
            Taken::Outdated(_) | Taken::Stale => self.stats(cx).outdated += 1,
            Taken::Refused => self.stats(cx).refused += 1,
        }
        taken
    }

    fn told(&mut self, cx: &mut Context<'_>, shelf: &mut dyn Shelf, from: NodeId, tell: &Tell) {
        let now = cx.now();
        let mut knew = Vec::new();
        let mut answer = self.talk();
        let mut wanted = Vec::new();
        for heard in &tell.entries {
            match self.take(cx, shelf, heard, None) {
                Taken::Known(item) => knew.push(item.id),
                Taken::Outdated(newer) => answer.given.extend(shelf.heard(now, newer.id)),
                Taken::New { .. } | Taken::Stale | Taken::Refused => {}
            }
        }
        for &(round, item) in &tell.announced {
            if self.set.contains(item) {
                self.stats(cx).copies += 1;
                knew.push(item.id);
            } else if shelf.wants(item) && self.asked.get(&item.id).is_none_or(|a| a.0 <= now) {
                self.asked.insert(item.id, (now + PATIENCE, round));
                wanted.push(item.id);
            }
        }
        if !wanted.is_empty() {
            answer.parts.push(Part::Want(wanted));
        }
        if !answer.parts.is_empty() || !answer.given.is_empty() {
            self.send(cx, from, &Message::Talk(answer));
        }
        if tell.feedback && !knew.is_empty() {
            self.send(cx, from, &Message::Knew(knew));
        }
    }
}

/// Up to `count` different peers, chosen uniformly.
fn random_peers(cx: &mut Context<'_>, count: usize) -> Vec<NodeId> {
    let mut chosen: Vec<NodeId> = Vec::new();
    let peers = cx.roster().len() - 1;
    if count >= peers {
        return cx.roster().peers().map(|(id, _)| id).collect();
    }
    // The fan-out is small, so that repeats are rare.
    while chosen.len() < count {
        match cx.random_peer() {
            Some(peer) if !chosen.contains(&peer) => chosen.push(peer),
            Some(_) => {}
            None => break,
        }
    }
    chosen
}
