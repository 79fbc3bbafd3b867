//! Rumor mongering: hot entries are pushed to a few random peers in each round, until they cool.

use rand::RngExt;

use crate::gossip::item::Item;
use crate::gossip::messages::{Message, Push, WireEntry};
use crate::gossip::storage::Storage;
use crate::gossip::{Gossip, Hot, SECOND_WIND, random_peers};
use crate::protocol::Context;
use crate::rumor::stop::{Counted, Decided, Stop};

/// The most datagrams that one push sends to one peer; the entries beyond wait for the next.
const BURST: usize = 16;

/// The most entries that are pushed at a time if pull finds the others.
const MOST_HOT: usize = 1024;

impl Gossip {
    /// Makes an entry hot that arrived in this round; with `found`, by pull.
    pub(super) fn make_hot(&mut self, cx: &Context<'_>, item: Item, round: u32, found: bool) {
        self.active_until = cx.now() + self.policy.pull_interval * 4;
        // Beyond that, pull is cheaper.
        let crowded = self.policy.style.pulls() && self.hot.len() >= MOST_HOT;
        if !self.policy.style.pushes() || crowded {
            return;
        }
        let (round, last) = if found {
            (round, round.saturating_add(SECOND_WIND))
        } else {
            (round, self.last_round(cx))
        };
        if round < last {
            self.hot.insert(item, Hot { round, last, contacts: 0 });
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

    /// Handles the requested alarm: a round, or the end of a gap.
    pub(crate) fn wake(&mut self, cx: &mut Context<'_>, storage: &dyn Storage) {
        self.push_fresh(cx, storage);
        if self.next_round.is_some_and(|at| at <= cx.now()) {
            self.next_round = None;
            // The entries pushed in the fewest rounds go first, if not all fit.
            let mut hot: Vec<(u32, Item)> =
                self.hot.iter().map(|(item, hot)| (hot.round, *item)).collect();
            hot.sort_unstable();
            self.push(cx, storage, hot.into_iter().map(|(_, item)| item).collect());
        }
        self.alarm(cx);
    }

    /// Schedules the next round of hot entries, and requests the alarm.
    pub(super) fn alarm(&mut self, cx: &mut Context<'_>) {
        if self.hot.is_empty() {
            self.next_round = None;
        } else if self.next_round.is_none() {
            // A node that pushes at once has no round to keep step with; rounds spread over the
            // interval inform the nodes that were missed sooner.
            let share = if self.policy.eager { cx.rng().random_range(0.1..1.0) } else { 1.0 };
            self.next_round = Some(cx.now() + self.policy.interval.mul_f64(share));
        }
        let gap_over = (!self.fresh.is_empty()).then_some(self.gap_over);
        if let Some(at) = self.next_round.into_iter().chain(gap_over).min() {
            cx.wake_at(at);
        }
    }

    /// Pushes these entries to a few random peers: one round of each.
    fn push(&mut self, cx: &mut Context<'_>, storage: &dyn Storage, items: Vec<Item>) {
        let peers = random_peers(cx, self.policy.fanout);
        if peers.is_empty() {
            // Rounds without a peer do not count; nodes that join later pull.
            if self.policy.style.pulls() {
                self.hot.clear();
            }
            return;
        }
        let feedback =
            matches!(self.policy.stop, Stop::Interest { counted: Counted::Feedback, .. });
        let mut packets: Vec<(Push, usize)> = Vec::new();
        let mut pushed = Vec::new();
        for item in items {
            let Some(hot) = self.hot.get(&item) else { continue };
            let round = hot.round + 1;
            let Some(wire) = storage.wire_entry(cx.now(), item.id) else {
                self.hot.remove(&item);
                continue;
            };
            let long = HEAD + WireEntry::size(wire.bytes.len()) > self.policy.datagram;
            let size = if long { ANNOUNCED } else { WireEntry::size(wire.bytes.len()) };
            let full = packets.last().is_none_or(|(_, used)| used + size > self.policy.datagram);
            if full && packets.len() == BURST {
                break;
            }
            if full {
                packets.push((Push { feedback, ..Push::default() }, HEAD));
            }
            let Some((push, used)) = packets.last_mut() else { break };
            *used += size;
            if long {
                push.announced.push((round, item));
            } else {
                push.entries.push(WireEntry { round, ..wire });
            }
            pushed.push(item);
        }
        for (push, _) in packets {
            let message = Message::Push(push);
            for &peer in &peers {
                self.stats(cx).pushes += 1;
                self.send(cx, peer, &message);
            }
        }
        for item in pushed {
            self.stats(cx).entries_pushed += peers.len() as u64;
            if let Some(hot) = self.hot.get_mut(&item) {
                hot.round += 1;
                if hot.round >= hot.last {
                    self.hot.remove(&item);
                    continue;
                }
            }
            if matches!(self.policy.stop, Stop::Interest { counted: Counted::Blind, .. }) {
                for _ in 0..peers.len() {
                    self.count_contact(cx, item);
                }
            }
        }
    }

    /// Handles feedback: a peer held these already.
    pub(super) fn lose_interest(&mut self, cx: &mut Context<'_>, ids: &[u64]) {
        if !matches!(self.policy.stop, Stop::Interest { counted: Counted::Feedback, .. }) {
            return;
        }
        let informed: Vec<Item> =
            self.hot.keys().filter(|item| ids.contains(&item.id)).copied().collect();
        for item in informed {
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

/// The bytes of a push beside its entries: kind and two counts.
const HEAD: usize = 8;

/// The most bytes that an announcement takes: round, stamp, id.
const ANNOUNCED: usize = 5 + 10 + 8;
