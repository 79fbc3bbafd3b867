//! Rumor mongering: hot entries are pushed to a few random peers in each round, until they cool.

use rand::RngExt;

use crate::gossip::item::Item;
use crate::gossip::messages::{Message, Push, WireEntry};
use crate::gossip::storage::Storage;
use crate::gossip::{Gossip, Hot, random_peers};
use crate::identity::NodeId;
use crate::protocol::Context;
use crate::rumor::stop::{Counted, Decided, Stop};

/// The most datagrams that one push sends to one peer; the entries beyond wait for the next.
const BURST: usize = 16;

/// The most entries that are pushed at a time if pull finds the others.
const MOST_HOT: usize = 1024;

/// For each receiver, how often a peer is drawn until one is found that may lack something.
const DRAWS: usize = 16;

/// An entry as it is pushed: whole, or announced if it is longer than a datagram.
enum Pushed {
    Entry(WireEntry),
    /// In this round.
    Announced(u32),
}

impl Pushed {
    fn size(&self) -> usize {
        match self {
            Self::Entry(wire) => WireEntry::size(wire.bytes.len()),
            Self::Announced(_) => ANNOUNCED,
        }
    }
}

/// A peer to push to: with `again` also what this node has pushed to it before.
#[derive(Clone, Copy)]
struct Receiver {
    peer: NodeId,
    again: bool,
}

impl Hot {
    /// Returns whether a peer may lack the entry, as far as this node knows.
    fn may_lack(&self, peer: NodeId) -> bool {
        !self.informed.contains(&peer) && !self.pushed.contains(&peer)
    }

    /// Returns whether no peer is left to push to.
    fn is_spent(&self, cx: &Context<'_>) -> bool {
        let known = self.informed.len() + self.pushed.len();
        !self.informed.is_empty()
            && known + 1 >= cx.roster().len()
            && !cx.roster().peers().any(|(id, _)| self.may_lack(id))
    }
}

impl Gossip {
    /// Makes an entry hot that arrived in this round, until the stop rule ends that, or for a number of
    /// rounds.
    pub(super) fn make_hot(
        &mut self,
        cx: &Context<'_>,
        item: Item,
        round: u32,
        rounds: Option<u32>,
    ) {
        self.active_until = cx.now() + self.policy.pull_interval * 4;
        // Beyond that, pull is cheaper.
        let crowded = self.policy.style.pulls() && self.hot.len() >= MOST_HOT;
        if !self.policy.style.pushes() || crowded {
            return;
        }
        let last = rounds.map_or_else(|| self.last_round(cx), |n| round.saturating_add(n));
        if round < last {
            let (informed, pushed) = (Vec::new(), Vec::new());
            self.hot.insert(item, Hot { round, last, contacts: 0, informed, pushed });
        }
    }

    /// Returns the last round in which an entry is pushed, by the stop rule.
    fn last_round(&self, cx: &Context<'_>) -> u32 {
        match self.policy.stop {
            Stop::Rounds(rounds) => rounds,
            Stop::Log(c) => (c * (cx.roster().len().max(2) as f64).log2()).ceil() as u32,
            Stop::Interest { .. } => u32::MAX,
        }
    }

    /// Pushes the entries that have just arrived, unless the gap is not over.
    pub(super) fn push_fresh(&mut self, cx: &mut Context<'_>, storage: &dyn Storage) {
        if self.fresh.is_empty() || self.gap_over > cx.now() {
            return;
        }
        self.gap_over = cx.now() + self.policy.gap;
        let fresh = core::mem::take(&mut self.fresh);
        self.push(cx, storage, fresh);
    }

    /// Pushes all hot entries: one round.
    pub(super) fn push_round(&mut self, cx: &mut Context<'_>, storage: &dyn Storage) {
        // The entries pushed in the fewest rounds go first, if not all fit.
        let mut hot: Vec<(u32, Item)> =
            self.hot.iter().map(|(item, hot)| (hot.round, *item)).collect();
        hot.sort_unstable();
        self.push(cx, storage, hot.into_iter().map(|(_, item)| item).collect());
    }

    /// Pushes these entries to a few random peers: one round of each.
    fn push(&mut self, cx: &mut Context<'_>, storage: &dyn Storage, items: Vec<Item>) {
        if cx.roster().len() < 2 {
            // Rounds without a peer do not count; nodes that join later pull.
            if self.policy.style.pulls() {
                self.hot.clear();
            }
            return;
        }
        let entries = self.of_one_round(cx, storage, items);
        let receivers = self.receivers(cx, &entries);
        for &receiver in &receivers {
            self.push_to(cx, receiver, &entries);
        }
        for (item, _) in entries {
            let Some(hot) = self.hot.get_mut(&item) else { continue };
            hot.round += 1;
            if hot.round >= hot.last || hot.is_spent(cx) {
                self.hot.remove(&item);
            }
        }
    }

    /// Returns the entries to push in a round, as many as a burst takes.
    fn of_one_round(
        &mut self,
        cx: &Context<'_>,
        storage: &dyn Storage,
        items: Vec<Item>,
    ) -> Vec<(Item, Pushed)> {
        let mut entries = Vec::new();
        let (mut packets, mut used) = (1, HEAD);
        for item in items {
            let Some(hot) = self.hot.get(&item) else { continue };
            let round = hot.round + 1;
            let Some(wire) = storage.wire_entry(cx.now(), item.id) else {
                self.hot.remove(&item);
                continue;
            };
            let long = HEAD + WireEntry::size(wire.bytes.len()) > self.policy.datagram;
            let entry = if long {
                Pushed::Announced(round)
            } else {
                Pushed::Entry(WireEntry { round, ..wire })
            };
            if used + entry.size() > self.policy.datagram {
                (packets, used) = (packets + 1, HEAD);
            }
            if packets > BURST {
                break;
            }
            used += entry.size();
            entries.push((item, entry));
        }
        entries
    }

    /// Pushes to one peer what it is not known to hold, in as few datagrams as possible.
    fn push_to(&mut self, cx: &mut Context<'_>, to: Receiver, entries: &[(Item, Pushed)]) {
        let feedback =
            matches!(self.policy.stop, Stop::Interest { counted: Counted::Feedback, .. });
        let empty = || Push { feedback, ..Push::default() };
        let (mut push, mut used) = (empty(), HEAD);
        let mut sent = Vec::new();
        for (item, entry) in entries {
            let Some(hot) = self.hot.get_mut(item) else { continue };
            let again = to.again && hot.informed.is_empty();
            if !(again || hot.may_lack(to.peer)) {
                continue;
            }
            if self.policy.eager {
                hot.pushed.push(to.peer);
            }
            if used + entry.size() > self.policy.datagram {
                let full = core::mem::replace(&mut push, empty());
                self.send_push(cx, to.peer, full);
                used = HEAD;
            }
            used += entry.size();
            match entry {
                Pushed::Entry(wire) => push.entries.push(wire.clone()),
                Pushed::Announced(round) => push.announced.push((*round, *item)),
            }
            sent.push(*item);
        }
        if used > HEAD {
            self.send_push(cx, to.peer, push);
        }
        self.stats(cx).entries_pushed += sent.len() as u64;
        if matches!(self.policy.stop, Stop::Interest { counted: Counted::Blind, .. }) {
            for item in sent {
                self.count_contact(cx, item);
            }
        }
    }

    fn send_push(&mut self, cx: &mut Context<'_>, to: NodeId, push: Push) {
        self.stats(cx).pushes += 1;
        self.send(cx, to, &Message::Push(push));
    }

    /// Chooses up to fan-out different peers. A node that pushes at once skips those that hold
    /// everything already, and those to which it has pushed everything before; but what has come back
    /// from no peer yet, as its first push may have been lost, it pushes again if no other peer is
    /// left. After its first push it prefers its neighbors on the ring of all nodes, so that a node
    /// which all random pushes have missed is found by those beside it (Voulgaris and van Steen, "Hybrid
    /// Dissemination", 2007). A node that pushes in its rounds only chooses among all peers, as the
    /// mathematics assumes.
    fn receivers(&self, cx: &mut Context<'_>, entries: &[(Item, Pushed)]) -> Vec<Receiver> {
        let fanout = self.policy.fanout;
        if !self.policy.eager {
            let peers = random_peers(cx, fanout);
            return peers.into_iter().map(|peer| Receiver { peer, again: true }).collect();
        }
        let hot: Vec<&Hot> = entries.iter().filter_map(|(item, _)| self.hot.get(item)).collect();
        let unheard = hot.iter().any(|hot| hot.informed.is_empty());
        let fresh = |peer| hot.iter().any(|hot| hot.may_lack(peer));
        let (mut first, mut second) = (Vec::new(), Vec::new());
        if hot.iter().all(|hot| !hot.pushed.is_empty()) {
            let around = ring(cx.roster().ids(), cx.id()).filter(|peer| fresh(*peer));
            let nearest = around.take(fanout.div_ceil(2));
            first.extend(nearest.map(|peer| Receiver { peer, again: false }));
        }
        for _ in 0..DRAWS * fanout {
            let Some(peer) = cx.random_peer() else { break };
            let chosen = |list: &[Receiver]| list.iter().any(|receiver| receiver.peer == peer);
            if chosen(&first) || chosen(&second) {
                continue;
            }
            if fresh(peer) {
                first.push(Receiver { peer, again: false });
            } else if unheard {
                second.push(Receiver { peer, again: true });
            }
            if first.len() >= fanout {
                break;
            }
        }
        first.extend(second);
        first.truncate(fanout);
        first
    }

    /// Notes that a peer holds an entry. A node that pushes at once loses interest when log₂ n peers do:
    /// by then nearly all have it, and pull finds the others.
    pub(super) fn note_informed(&mut self, cx: &Context<'_>, item: Item, peer: NodeId) {
        if !self.policy.eager {
            return;
        }
        let Some(hot) = self.hot.get_mut(&item).filter(|hot| !hot.informed.contains(&peer)) else {
            return;
        };
        hot.informed.push(peer);
        let enough = (cx.roster().len() as f64).log2().ceil().max(1.0) as usize;
        let by_age = !matches!(self.policy.stop, Stop::Interest { .. });
        let may_stop = by_age && self.policy.style.pulls() && !self.fresh.contains(&item);
        if may_stop && hot.informed.len() >= enough {
            self.hot.remove(&item);
        }
    }

    /// Handles feedback: a peer held these already.
    pub(super) fn lose_interest(&mut self, cx: &mut Context<'_>, from: NodeId, ids: &[u64]) {
        if !matches!(self.policy.stop, Stop::Interest { counted: Counted::Feedback, .. }) {
            return;
        }
        let informed: Vec<Item> =
            self.hot.keys().filter(|item| ids.contains(&item.id)).copied().collect();
        for item in informed {
            self.note_informed(cx, item, from);
            self.count_contact(cx, item);
        }
    }

    fn count_contact(&mut self, cx: &mut Context<'_>, item: Item) {
        let Stop::Interest { decided, k, .. } = self.policy.stop else { return };
        let Some(hot) = self.hot.get_mut(&item) else { return };
        hot.contacts += 1;
        let cools = match decided {
            Decided::Counter => hot.contacts >= k,
            Decided::Coin => cx.rng().random_ratio(1, k),
        };
        if cools {
            self.hot.remove(&item);
        }
    }
}

/// Returns the other nodes in the order of their distance on the ring of all nodes, by id.
fn ring(ids: &[NodeId], me: NodeId) -> impl Iterator<Item = NodeId> {
    let (at, n) = (ids.partition_point(|id| *id < me), ids.len());
    (1..n).map(move |step| {
        let distance = step.div_ceil(2);
        let ahead = if step % 2 == 1 { distance } else { n - distance };
        ids[(at + ahead) % n]
    })
}

/// The bytes of a push beside its entries: kind and two counts.
const HEAD: usize = 8;

/// The most bytes that an announcement takes: round, stamp, id.
const ANNOUNCED: usize = 5 + 10 + 8;
