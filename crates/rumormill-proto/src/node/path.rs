//! The largest datagram that gets through to a peer, found by tests: some paths lose large datagrams
//! and let pings through.
//!
//! When a node begins to send a peer datagrams above [`SMALL`] bytes, and once a minute while it
//! does, it tests the path as RFC 8899 does: it sends a padded datagram beside a small one. If small
//! ones are answered again and again and large ones are not, the size is halved, and larger messages
//! go over the reliable path from then on. A path on which nothing gets through is left to the failure
//! detector.

use std::collections::BTreeMap;

use crate::identity::NodeId;
use crate::time::{Duration, Instant};

/// Datagrams of up to this many bytes are not in doubt.
const SMALL: usize = 256;

/// The number of pairs in which the small datagram must get through and the large one not. With a loss
/// of a quarter each way, one path in a thousand is misjudged, for a minute.
const LOST: u32 = 8;

/// After this many pairs without a result, the test is postponed.
const PAIRS: u32 = 32;

/// The time between two tests of a path that is used.
const AGAIN: Duration = Duration::from_secs(60);

pub(super) const REQUEST: u8 = 0;
pub(super) const ANSWER: u8 = 1;
pub(super) const PROVE: u8 = 2;
pub(super) const PROOF: u8 = 3;

/// The paths to the peers to which large datagrams are sent.
#[derive(Default)]
pub(super) struct Paths(BTreeMap<NodeId, Path>);

struct Path {
    /// Larger datagrams do not get through.
    limit: usize,
    /// The largest datagram requested since the last test.
    wanted: usize,
    /// When the next pair or test is due.
    next: Instant,
    test: Option<Test>,
}

#[derive(Default)]
struct Test {
    size: usize,
    pairs: u32,
    lost: u32,
    small_answered: bool,
}

impl Paths {
    /// Returns whether a datagram gets through, as far as is known, and notes its size.
    pub(super) fn carries(&mut self, now: Instant, peer: NodeId, length: usize) -> bool {
        if length <= SMALL {
            return true;
        }
        let fresh = || Path { limit: usize::MAX, wanted: 0, next: now, test: None };
        let path = self.0.entry(peer).or_insert_with(fresh);
        path.wanted = path.wanted.max(length);
        length <= path.limit
    }

    pub(super) fn forget(&mut self, peer: NodeId) {
        self.0.remove(&peer);
    }

    /// Returns the peers to which only datagrams up to a size get through.
    pub(super) fn narrow(&self) -> impl Iterator<Item = (NodeId, usize)> {
        let narrow = self.0.iter().filter(|(_, path)| path.limit < usize::MAX);
        narrow.map(|(peer, path)| (*peer, path.limit))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let busy = self.0.values().filter(|path| path.wanted > 0 || path.test.is_some());
        busy.map(|path| path.next).min()
    }

    /// Returns the requests that are due: receiver and size.
    pub(super) fn due(&mut self, now: Instant, pause: Duration) -> Vec<(NodeId, usize)> {
        let mut due = Vec::new();
        for (&peer, path) in &mut self.0 {
            if path.next > now || (path.wanted == 0 && path.test.is_none()) {
                continue;
            }
            let size = core::mem::take(&mut path.wanted);
            let test = path.test.get_or_insert_with(|| Test { size, ..Test::default() });
            test.lost += u32::from(core::mem::take(&mut test.small_answered));
            test.pairs += 1;
            if test.lost >= LOST {
                path.limit = (test.size / 2).max(SMALL);
                *test = Test { size: path.limit, ..Test::default() };
            }
            if test.size <= SMALL || test.pairs > PAIRS {
                path.test = None;
                path.next = now + AGAIN;
                continue;
            }
            path.next = now + pause;
            due.extend([(peer, test.size), (peer, 0)]);
        }
        due
    }

    pub(super) fn answered(&mut self, now: Instant, peer: NodeId, size: usize) {
        let Some(path) = self.0.get_mut(&peer) else { return };
        let Some(test) = &mut path.test else { return };
        if size < test.size {
            test.small_answered |= size == 0;
            return;
        }
        // The smallest size that failed, if any, is above this; without one there is no limit.
        if test.size > path.limit {
            path.limit = usize::MAX;
        }
        path.test = None;
        path.next = now + AGAIN;
    }
}
