//! How large datagrams get through to a peer, found out by asking: some paths eat large ones, and
//! let pings through.
//!
//! When a node begins to send a peer datagrams above [`SMALL`] bytes, and once a minute while it
//! does, it tests the path as RFC 8899 does: it sends a padded datagram beside a small one. If small
//! ones are answered again and again and large ones are not, the size is halved, and whatever is
//! larger goes over the reliable path from then on. A path on which nothing gets through is for the
//! failure detector to judge.

use super::*;
use crate::wire::{CHANNEL_PATH, StateMessage};

/// Datagrams of up to this many bytes are not in doubt.
const SMALL: usize = 256;

/// In this many pairs the small datagram must get through and the large one not. With a loss of a
/// quarter each way, one path in a thousand is misjudged, for a minute.
const LOST: u32 = 8;

/// After this many pairs without a verdict, the test is put off.
const PAIRS: u32 = 32;

/// How often a path is tested while it is used.
const AGAIN: Duration = Duration::from_secs(60);

const REQUEST: u8 = 0;
const ANSWER: u8 = 1;
const PROVE: u8 = 2;
const PROOF: u8 = 3;

/// How long a proof is waited for, and from how many at a time.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: usize = 1024;

/// What members that are held for down said on the reliable path, until an answer by datagram
/// proves that they can be members.
pub(super) type Doubtful = BTreeMap<u64, (Instant, StateMessage)>;

/// What is known of the paths to peers that large datagrams are sent to.
#[derive(Default)]
pub(super) struct Paths(BTreeMap<NodeId, Path>);

struct Path {
    /// Larger datagrams do not get through.
    limit: usize,
    /// The largest datagram that was to be sent since the last test.
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
    /// A datagram is to be sent; whether it would get through, as far as is known.
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

    /// The peers to whom only datagrams up to a size get through.
    pub(super) fn narrow(&self) -> impl Iterator<Item = (NodeId, usize)> {
        let narrow = self.0.iter().filter(|(_, path)| path.limit < usize::MAX);
        narrow.map(|(peer, path)| (*peer, path.limit))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let busy = self.0.values().filter(|path| path.wanted > 0 || path.test.is_some());
        busy.map(|path| path.next).min()
    }

    /// The requests that are due: to whom, and of what size.
    fn due(&mut self, now: Instant, pause: Duration) -> Vec<(NodeId, usize)> {
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

    fn answered(&mut self, now: Instant, peer: NodeId, size: usize) {
        let Some(path) = self.0.get_mut(&peer) else { return };
        let Some(test) = &mut path.test else { return };
        if size < test.size {
            test.small_answered |= size == 0;
            return;
        }
        // The smallest size that failed, if one did, is above this; without one all is well.
        if test.size > path.limit {
            path.limit = usize::MAX;
        }
        path.test = None;
        path.next = now + AGAIN;
    }
}

impl Node {
    /// The peers to whom only small datagrams get through, and up to how many bytes: larger ones go
    /// over the reliable path.
    pub fn narrow_paths(&self) -> Vec<(&Identity, usize)> {
        let narrow = self.paths.narrow();
        narrow.filter_map(|(peer, limit)| Some((self.roster.peer(peer)?, limit))).collect()
    }

    pub(super) fn test_paths(&mut self, now: Instant) {
        let before: Vec<_> = self.paths.narrow().collect();
        for (peer, size) in self.paths.due(now, self.config.interval) {
            self.send_path(now, peer, REQUEST, size);
        }
        for (peer, limit) in self.paths.narrow().collect::<Vec<_>>() {
            if !before.contains(&(peer, limit))
                && let Some(identity) = self.roster.peer(peer)
            {
                self.stats.paths_narrowed += 1;
                self.notices.push(Notice::NarrowPath { peer: identity.clone(), limit });
            }
        }
    }

    /// Asks the sender of an exchange to answer a datagram; until then the exchange waits.
    pub(super) fn ask_for_proof(&mut self, now: Instant, message: StateMessage) {
        let StateMessage::Exchange { from, .. } = &message else { return };
        self.doubtful.retain(|_, (until, _)| *until > now);
        if self.doubtful.len() >= MOST {
            return;
        }
        let token: u64 = self.rng.random();
        let mut body = vec![PROVE];
        body.extend(token.to_be_bytes());
        // Twice, since one may be lost.
        for _ in 0..2 {
            self.send(now, from.addr, Plane::Datagram, CHANNEL_PATH, from.id(), &body);
        }
        self.doubtful.insert(token, (now + PATIENCE, message));
    }

    /// A datagram that asks for a proof, or is one, from whomever.
    pub(super) fn proof_message(
        &mut self,
        now: Instant,
        envelope: &Envelope,
        source: SocketAddr,
        body: &[u8],
    ) -> Result<(), WireError> {
        let mut reader = Reader(body);
        let (kind, token) = (reader.u8()?, reader.u64()?);
        if kind == PROVE && envelope.to == self.roster.id() {
            let body = [&[PROOF][..], &token.to_be_bytes()].concat();
            self.send(now, source, Plane::Datagram, CHANNEL_PATH, envelope.from, &body);
        } else if kind == PROOF
            && let Some((_, message)) = self.doubtful.remove(&token)
        {
            self.state_told(now, message, true)?;
        }
        Ok(())
    }

    /// A request, or the answer to one, of a peer.
    pub(super) fn path_message(
        &mut self,
        now: Instant,
        from: NodeId,
        body: &[u8],
        length: usize,
    ) -> Result<(), WireError> {
        let mut reader = Reader(body);
        let kind = reader.u8()?;
        let size = usize::from(reader.u16()?);
        match kind {
            REQUEST if size == 0 || size == length => self.send_path(now, from, ANSWER, size),
            ANSWER => self.paths.answered(now, from, size),
            _ => return Err(WireError::Malformed),
        }
        Ok(())
    }

    /// Requests are padded to the size that they ask about.
    fn send_path(&mut self, now: Instant, to: NodeId, kind: u8, size: usize) {
        let Some(addr) = self.roster.peer(to).map(|peer| peer.addr) else { return };
        let mut body = vec![kind];
        body.extend((size as u16).to_be_bytes());
        if kind == REQUEST {
            body.resize(size.saturating_sub(Envelope::SIZE).max(body.len()), 0);
        }
        self.send(now, addr, Plane::Datagram, CHANNEL_PATH, to, &body);
    }
}
