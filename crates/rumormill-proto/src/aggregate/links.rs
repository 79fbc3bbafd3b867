//! The peers that a node exchanges with: a symmetric, bounded view, and the outstanding messages.
//!
//! Below `aggregates.view_size` members every pair is linked. Above, each node opens links to half
//! as many random members as the view holds and accepts up to one and a half times as many, which
//! makes a random graph of about that degree that is never full: every newcomer finds room. Links
//! are not exchanged for others while both ends live, because undoing one disturbs what has
//! converged; churn refreshes them.

use rand::seq::SliceRandom;
use std::collections::BTreeMap;

use crate::Rng;
use crate::config::Config;
use crate::identity::NodeId;
use crate::membership::roster::Roster;
use crate::time::{Duration, Instant};

/// A message that awaits its answer.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    sent: Instant,
    resend: Instant,
    tries: u32,
}

/// The largest step by which a received number advances this node's own. A push is sent only when the
/// one before is answered, so the numbers of the two ends differ by 1, unless one of them has gone
/// back to an earlier state.
const MAX_STEP: u64 = 1 << 20;

/// The order of a received push among those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It is the latest, and comes for the first time.
    New,
    /// It is the latest, and has come before: all of it, or another of its messages.
    Again,
    /// It is older than this one.
    Older(u64),
    /// It is impossibly far ahead.
    TooFar,
}

/// One link, seen from this end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    /// Whether the peer has accepted the link. Until then no mass is pushed.
    pub(crate) linked: bool,
    /// The latest push of this node.
    pub(crate) seq: u64,
    /// The latest push of the peer.
    pub(crate) received: u64,
    outstanding: Option<Outstanding>,
}

impl Link {
    pub(crate) fn is_outstanding(&self) -> bool {
        self.outstanding.is_some()
    }

    /// Returns since when an answer is awaited.
    pub(crate) fn awaiting_since(&self) -> Option<Instant> {
        self.outstanding.map(|outstanding| outstanding.sent)
    }
}

/// The links of one aggregation.
#[derive(Default)]
pub(crate) struct Links {
    links: BTreeMap<NodeId, Link>,
    /// The peers in the order of this node's exchanges.
    rotation: Vec<NodeId>,
    round_trip: RoundTrip,
}

impl Links {
    pub(crate) fn get(&self, peer: NodeId) -> Option<&Link> {
        self.links.get(&peer)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeId, &Link)> {
        self.links.iter().map(|(peer, link)| (*peer, link))
    }

    pub(crate) fn has_outstanding(&self) -> bool {
        self.links.values().any(Link::is_outstanding)
    }

    /// Returns whether a message awaits its answer that may still come in time: it was sent once.
    pub(crate) fn awaits_first_answer(&self, now: Instant) -> bool {
        let young = |outstanding: Outstanding| outstanding.tries == 0 && outstanding.resend > now;
        self.links.values().any(|link| link.linked && link.outstanding.is_some_and(young))
    }

    /// Returns the peers that have accepted their links.
    pub(crate) fn linked(&self) -> impl Iterator<Item = NodeId> {
        self.links.iter().filter(|(_, link)| link.linked).map(|(peer, _)| *peer)
    }

    /// Returns the peers to which a link should be opened.
    pub(crate) fn unopened(&self) -> Vec<NodeId> {
        let unopened = |link: &Link| !link.linked && !link.is_outstanding();
        self.links.iter().filter(|(_, link)| unopened(link)).map(|(peer, _)| *peer).collect()
    }

    /// Returns whether another link may be accepted.
    pub(crate) fn has_room(&self, roster: &Roster, config: &Config) -> bool {
        roster.len() <= config.aggregates.view_size + 1
            || self.links.len() < config.aggregates.view_size * 3 / 2
    }

    /// Chooses members to link with, until there are enough; returns whether there are.
    pub(crate) fn fill(&mut self, roster: &Roster, config: &Config, rng: &mut Rng) -> bool {
        let peers = roster.len() - 1;
        if peers <= config.aggregates.view_size {
            if self.links.len() < peers {
                for (peer, _) in roster.peers() {
                    self.links.entry(peer).or_default();
                }
            }
            return true;
        }
        let wanted = config.aggregates.view_size.div_ceil(2);
        // A few draws at a time suffice; the next call goes on.
        for _ in 0..2 * wanted {
            if self.links.len() >= wanted {
                break;
            }
            if let Some(peer) = roster.random_peer(rng) {
                self.links.entry(peer).or_default();
            }
        }
        self.links.len() >= wanted
    }

    /// Returns whether there is a peer to exchange with.
    pub(crate) fn has_free(&self) -> bool {
        self.links.values().any(|link| link.linked && !link.is_outstanding())
    }

    /// Returns the next peer to exchange with: each once in a rotation, in a new random order each
    /// time. Peers with an outstanding message are skipped.
    pub(crate) fn next(&mut self, rng: &mut Rng) -> Option<NodeId> {
        let free = |link: &Link| link.linked && !link.is_outstanding();
        if !self.has_free() {
            return None;
        }
        for _ in 0..2 {
            while let Some(peer) = self.rotation.pop() {
                if self.links.get(&peer).is_some_and(free) {
                    return Some(peer);
                }
            }
            self.rotation = self.links.keys().copied().collect();
            self.rotation.shuffle(rng);
        }
        None
    }

    /// Establishes a link that the peer has opened, accepted or used: an `Open` of this node's own
    /// needs no answer any more. Returns whether it was not established before.
    pub(crate) fn establish(&mut self, peer: NodeId) -> bool {
        let link = self.links.entry(peer).or_default();
        if !link.linked {
            *link = Link { linked: true, ..Link::default() };
            return true;
        }
        false
    }

    /// Drops the link; returns whether there was one.
    pub(crate) fn remove(&mut self, peer: NodeId) -> bool {
        self.links.remove(&peer).is_some()
    }

    /// Keeps the links without their numbers and outstanding messages, for a new round.
    pub(crate) fn restart(&mut self) {
        for link in self.links.values_mut() {
            link.seq = 0;
            link.received = 0;
            link.outstanding = None;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.links.clear();
        self.rotation.clear();
    }

    /// Begins a push; returns the next sequence number, if the peer has the link.
    pub(crate) fn begin(&mut self, peer: NodeId) -> Option<u64> {
        let link = self.links.get_mut(&peer).filter(|link| link.linked)?;
        link.seq = link.seq.saturating_add(1);
        Some(link.seq)
    }

    /// Notes a push of the peer.
    pub(crate) fn receive(&mut self, peer: NodeId, seq: u64) -> Order {
        let link = self.links.entry(peer).or_default();
        let furthest = link.received.saturating_add(MAX_STEP);
        if seq < link.received {
            return Order::Older(link.received);
        }
        let before = core::mem::replace(&mut link.received, seq.min(furthest));
        match seq {
            _ if seq > furthest => Order::TooFar,
            _ if seq > before => Order::New,
            _ => Order::Again,
        }
    }

    /// Handles a peer that has received a later push than this node has sent. Returns whether this
    /// node's number has advanced; outstanding messages stay outstanding.
    pub(crate) fn catch_up(&mut self, peer: NodeId, seq: u64) -> bool {
        let Some(link) = self.links.get_mut(&peer).filter(|link| link.linked) else { return false };
        let behind = seq > link.seq;
        link.seq = link.seq.max(seq.min(link.seq.saturating_add(MAX_STEP)));
        behind
    }

    /// Notes a message that awaits an answer, and schedules its repetition.
    pub(crate) fn sent(&mut self, now: Instant, peer: NodeId, interval: Duration) {
        let Some(link) = self.links.get_mut(&peer) else { return };
        let tries = link.outstanding.map_or(0, |outstanding| outstanding.tries + 1);
        let sent = link.outstanding.map_or(now, |outstanding| outstanding.sent);
        let patience = self.round_trip.timeout(interval) * (1 << (tries / 8).min(4));
        let resend = now + patience.min(interval * 2);
        link.outstanding = Some(Outstanding { sent, resend, tries });
    }

    /// Notes an answer; returns how often the message had been repeated.
    pub(crate) fn answered(&mut self, now: Instant, peer: NodeId) -> Option<u32> {
        let outstanding = self.links.get_mut(&peer)?.outstanding.take()?;
        if outstanding.tries == 0 {
            self.round_trip.measure(now.since(outstanding.sent));
        }
        Some(outstanding.tries)
    }

    /// Returns the peers to which messages should be repeated now.
    pub(crate) fn due(&self, now: Instant) -> Vec<NodeId> {
        let due = |link: &Link| link.outstanding.is_some_and(|o| o.resend <= now);
        self.links.iter().filter(|(_, link)| due(link)).map(|(peer, _)| *peer).collect()
    }

    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.links.values().filter_map(|link| link.outstanding).map(|o| o.resend).min()
    }
}

/// The smoothed round-trip time, and the timeout that follows from it (Jacobson, Karels 1988;
/// RFC 6298). Repeated messages are not measured (Karn).
#[derive(Default)]
struct RoundTrip {
    smoothed: Option<(Duration, Duration)>,
}

impl RoundTrip {
    fn measure(&mut self, sample: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => (sample, sample / 2),
            Some((mean, deviation)) => {
                let error = mean.abs_diff(sample);
                ((mean * 7 + sample) / 8, (deviation * 3 + error) / 4)
            }
        });
    }

    fn timeout(&self, interval: Duration) -> Duration {
        let patience = match self.smoothed {
            None => interval / 4,
            Some((mean, deviation)) => mean + deviation * 4,
        };
        patience.clamp(interval / 40, interval)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_rotation_turns_to_each_peer_once_and_passes_over_the_busy() {
        let mut rng = Rng::seed_from_u64(3);
        let mut links = Links::default();
        for n in 1..=5 {
            links.establish(NodeId(n));
        }
        for _ in 0..3 {
            let mut turn: Vec<_> = (0..5).map(|_| links.next(&mut rng).unwrap().0).collect();
            turn.sort_unstable();
            assert_eq!(turn, [1, 2, 3, 4, 5]);
        }
        for n in 1..=4 {
            assert_eq!(links.begin(NodeId(n)), Some(1));
            links.sent(Instant::ZERO, NodeId(n), Duration::from_millis(200));
        }
        assert_eq!(links.next(&mut rng), Some(NodeId(5)));
        assert_eq!(links.next(&mut rng), Some(NodeId(5)));
    }

    #[test]
    fn a_link_that_the_peer_opens_first_awaits_nothing() {
        let mut links = Links::default();
        let peer = NodeId(1);
        links.links.insert(peer, Link::default());
        links.sent(Instant::ZERO, peer, Duration::from_millis(200));
        assert!(links.has_outstanding());
        assert!(links.establish(peer));
        assert!(!links.has_outstanding() && links.next_due().is_none());
        assert_eq!(links.begin(peer), Some(1));
        links.sent(Instant::ZERO, peer, Duration::from_millis(200));
        assert!(!links.establish(peer));
        assert!(links.has_outstanding(), "a push awaits its own answer");
    }

    #[test]
    fn patience_follows_the_round_trip_and_grows_when_it_keeps_running_out() {
        let interval = Duration::from_millis(200);
        let ms = |n: u64| Instant::from_nanos(n * 1_000_000);
        let mut links = Links::default();
        let peer = NodeId(1);
        links.establish(peer);
        links.sent(ms(0), peer, interval);
        assert_eq!(links.next_due(), Some(ms(50)), "a quarter of the period before any measure");
        assert_eq!(links.answered(ms(20), peer), Some(0));
        links.sent(ms(100), peer, interval);
        assert_eq!(links.next_due(), Some(ms(160)), "20 ms and four deviations of 10");
        assert_eq!(links.due(ms(159)), []);
        assert_eq!(links.due(ms(160)), [peer]);
        links.sent(ms(160), peer, interval);
        assert_eq!(links.next_due(), Some(ms(220)), "a lost packet is no reason to wait longer");
        for _ in 0..7 {
            links.sent(ms(220), peer, interval);
        }
        assert_eq!(links.next_due(), Some(ms(340)), "a peer that stays silent is");
        assert_eq!(links.answered(ms(400), peer), Some(8));
        assert_eq!(links.answered(ms(400), peer), None);
    }
}
