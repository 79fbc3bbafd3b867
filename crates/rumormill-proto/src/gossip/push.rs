//! Rumor mongering: what is hot is told to a few random peers in each round, until it cools.

use rand::RngExt;

use crate::gossip::item::Item;
use crate::gossip::messages::{Heard, Message, Tell};
use crate::gossip::shelf::Shelf;
use crate::gossip::{Gossip, Hot, SECOND_WIND, random_peers};
use crate::protocol::Context;
use crate::rumor::stop::{Counted, Decided, Stop};

/// The most datagrams that one telling sends to one peer; what doesn't fit waits for the next.
const BURST: usize = 16;

/// The most entries that are told at a time where pull finds the others.
const MOST_HOT: usize = 1024;

impl Gossip {
    /// Makes an entry hot that was heard in this round; with `found` it was found by pull.
    pub(super) fn warm(&mut self, cx: &Context<'_>, item: Item, round: u32, found: bool) {
        self.awake_until = cx.now() + self.manner.pull_interval * 4;
        // Beyond that pull is the cheaper way.
        let crowded = self.manner.style.pulls() && self.hot.len() >= MOST_HOT;
        if !self.manner.style.pushes() || crowded {
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

    /// The last round in which a rumor is told, by the stop rule.
    fn last_round(&self, cx: &Context<'_>) -> u32 {
        match self.manner.stop {
            Stop::Rounds(rounds) => rounds,
            Stop::Log(c) => (c * (cx.roster().len().max(2) as f64).log2()).ceil() as u32,
            Stop::Interest { .. } => u32::MAX,
        }
    }

    /// Tells at once what has just been heard, unless the gap is not over.
    pub(super) fn tell_fresh(&mut self, cx: &mut Context<'_>, shelf: &dyn Shelf) {
        if self.fresh.is_empty() || self.gap_over > cx.now() {
            return;
        }
        self.gap_over = cx.now() + self.manner.gap;
        let fresh = core::mem::take(&mut self.fresh);
        self.tell(cx, shelf, fresh);
    }

    /// The time asked for has come: a round, or the end of a gap.
    pub(crate) fn wake(&mut self, cx: &mut Context<'_>, shelf: &dyn Shelf) {
        self.tell_fresh(cx, shelf);
        if self.next_round.is_some_and(|at| at <= cx.now()) {
            self.next_round = None;
            // Those that have gone the fewest rounds first, if not all fit.
            let mut hot: Vec<(u32, Item)> =
                self.hot.iter().map(|(item, hot)| (hot.round, *item)).collect();
            hot.sort_unstable();
            self.tell(cx, shelf, hot.into_iter().map(|(_, item)| item).collect());
        }
        self.alarm(cx);
    }

    /// Sees to it that hot entries have a next round, and that the node is woken in time.
    pub(super) fn alarm(&mut self, cx: &mut Context<'_>) {
        if self.hot.is_empty() {
            self.next_round = None;
        } else if self.next_round.is_none() {
            // Who tells at once has no round to keep step with; spreading the rounds over the
            // interval lets those who were missed hear sooner.
            let share = if self.manner.eager { cx.rng().random_range(0.1..1.0) } else { 1.0 };
            self.next_round = Some(cx.now() + self.manner.interval.mul_f64(share));
        }
        let gap_over = (!self.fresh.is_empty()).then_some(self.gap_over);
        if let Some(at) = self.next_round.into_iter().chain(gap_over).min() {
            cx.wake_at(at);
        }
    }

    /// Tells these entries to a few random peers; one round of each.
    fn tell(&mut self, cx: &mut Context<'_>, shelf: &dyn Shelf, items: Vec<Item>) {
        let peers = random_peers(cx, self.manner.fanout);
        if peers.is_empty() {
            // Rounds in which nobody is told do not count; whoever comes later asks.
            if self.manner.style.pulls() {
                self.hot.clear();
            }
            return;
        }
        let feedback =
            matches!(self.manner.stop, Stop::Interest { counted: Counted::Feedback, .. });
        let mut packets: Vec<(Tell, usize)> = Vec::new();
        let mut told = Vec::new();
        for item in items {
            let Some(hot) = self.hot.get(&item) else { continue };
            let round = hot.round + 1;
            let Some(heard) = shelf.heard(cx.now(), item.id) else {
                self.hot.remove(&item);
                continue;
            };
            let long = HEAD + Heard::size(heard.entry.len()) > self.manner.datagram;
            let size = if long { ANNOUNCED } else { Heard::size(heard.entry.len()) };
            let full = packets.last().is_none_or(|(_, used)| used + size > self.manner.datagram);
            if full && packets.len() == BURST {
                break;
            }
            if full {
                packets.push((Tell { feedback, ..Tell::default() }, HEAD));
            }
            let Some((tell, used)) = packets.last_mut() else { break };
            *used += size;
            if long {
                tell.announced.push((round, item));
            } else {
                tell.entries.push(Heard { round, ..heard });
            }
            told.push(item);
        }
        for (tell, _) in packets {
            let message = Message::Tell(tell);
            for &peer in &peers {
                self.stats(cx).tells += 1;
                self.send(cx, peer, &message);
            }
        }
        for item in told {
            self.stats(cx).told += peers.len() as u64;
            if let Some(hot) = self.hot.get_mut(&item) {
                hot.round += 1;
                if hot.round >= hot.last {
                    self.hot.remove(&item);
                    continue;
                }
            }
            if matches!(self.manner.stop, Stop::Interest { counted: Counted::Blind, .. }) {
                for _ in 0..peers.len() {
                    self.count_contact(cx, item);
                }
            }
        }
    }

    /// A peer knew these already: with feedback, that is what makes a node lose interest.
    pub(super) fn lose_interest(&mut self, cx: &mut Context<'_>, ids: &[u64]) {
        if !matches!(self.manner.stop, Stop::Interest { counted: Counted::Feedback, .. }) {
            return;
        }
        let known: Vec<Item> =
            self.hot.keys().filter(|item| ids.contains(&item.id)).copied().collect();
        for item in known {
            self.count_contact(cx, item);
        }
    }

    fn count_contact(&mut self, cx: &mut Context<'_>, item: Item) {
        let Stop::Interest { decided, k, .. } = self.manner.stop else { return };
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

/// Bytes of a push beside its entries: kind and two counts.
const HEAD: usize = 8;

/// The most bytes that an announcement takes: round, stamp, id.
const ANNOUNCED: usize = 5 + 10 + 8;
