//! The number of a round or an epoch that all nodes go through together.

use std::collections::BTreeMap;

use crate::identity::NodeId;
use crate::time::{Duration, Instant};

/// The largest step by which a received number advances a node: one message with a number far ahead
/// does not exhaust the numbers.
const MAX_STEP: u64 = 1 << 40;

/// The number that a node is at, and those of its peers.
#[derive(Clone, Debug)]
pub(crate) struct Numbering {
    /// The current number; 0 before the first.
    pub(crate) current: u64,
    /// When this node entered it.
    pub(crate) entered: Instant,
    /// The number of the last message of each peer, since then.
    peers: BTreeMap<NodeId, u64>,
}

/// A received number beside this node's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// They are the same.
    Same,
    /// It is earlier, or none yet.
    Earlier,
    /// It is later: this node enters the number given here.
    Later(u64),
    /// It is further ahead than a peer can be.
    TooFar,
}

impl Numbering {
    pub(crate) fn new(now: Instant) -> Self {
        Self { current: 0, entered: now, peers: BTreeMap::new() }
    }

    pub(crate) fn enter(&mut self, now: Instant, number: u64) {
        *self = Self { current: number, entered: now, peers: BTreeMap::new() };
    }

    pub(crate) fn forget(&mut self, peer: NodeId) {
        self.peers.remove(&peer);
    }

    /// Notes the number of a peer's message, if each takes at least `shortest`.
    pub(crate) fn meet(
        &mut self,
        now: Instant,
        from: NodeId,
        theirs: u64,
        shortest: Duration,
    ) -> Place {
        let mine = self.current;
        if theirs == 0 {
            return Place::Earlier;
        }
        self.peers.insert(from, theirs);
        if theirs < mine {
            return Place::Earlier;
        }
        if mine > 0 && theirs > self.furthest(now, shortest) {
            return Place::TooFar;
        }
        match theirs > mine {
            true => Place::Later(theirs.min(mine.saturating_add(MAX_STEP))),
            false => Place::Same,
        }
    }

    /// Returns the last number that a peer may have reached since this node entered its own, if both go
    /// through the same ones: clocks may differ by a factor of 2.
    fn furthest(&self, now: Instant, shortest: Duration) -> u64 {
        let elapsed = now.since(self.entered).as_nanos();
        let steps = u64::try_from(2 * elapsed / shortest.as_nanos().max(1)).unwrap_or(u64::MAX);
        self.current.saturating_add(1).saturating_add(steps)
    }

    /// Returns the number after this one, and whether the node enters it from elsewhere. If at least
    /// half of the known nodes, this one included, are ahead by more than one, the node follows them;
    /// if more than half are behind by more, it goes back to them. So one wrong number misleads no node
    /// for longer than a round.
    pub(crate) fn next(&self) -> (u64, bool) {
        let mine = self.current;
        let votes = self.peers.len() + 1;
        let ahead = || self.peers.values().filter(|&&theirs| theirs > mine.saturating_add(1));
        let behind = || self.peers.values().filter(|&&theirs| theirs.saturating_add(1) < mine);
        let first_ahead = ahead().min().filter(|_| 2 * ahead().count() >= votes);
        let last_behind = behind().max().filter(|_| 2 * behind().count() > votes);
        match (first_ahead, last_behind) {
            (Some(&theirs), _) => (theirs.min(mine.saturating_add(MAX_STEP)), true),
            (None, Some(&theirs)) => (theirs, true),
            (None, None) => (mine.saturating_add(1), false),
        }
    }
}
