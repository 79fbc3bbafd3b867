//! Tests of the paths to peers, and proofs that datagrams get through.

use core::net::SocketAddr;

use rand::RngExt;

use crate::codec::{CHANNEL_PATH, Envelope, Reader, WireError};
use crate::identity::{Identity, NodeId};
use crate::membership::messages::StateMessage;
use crate::node::Node;
use crate::node::path::{ANSWER, PROOF, PROVE, REQUEST};
use crate::notice::Notice;
use crate::time::{Duration, Instant};
use crate::transmit::Plane;

/// The time for which a proof is awaited, and the most that are awaited at a time.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: usize = 1024;

impl Node {
    /// Returns the peers to which only small datagrams get through, each with the limit in bytes:
    /// larger messages go over the reliable path.
    pub fn narrow_paths(&self) -> Vec<(&Identity, usize)> {
        let narrow = self.paths.narrow();
        narrow.filter_map(|(peer, limit)| Some((self.core.roster.peer(peer)?, limit))).collect()
    }

    pub(super) fn test_paths(&mut self, now: Instant) {
        let before: Vec<_> = self.paths.narrow().collect();
        for (peer, size) in self.paths.due(now, self.core.config.interval) {
            self.send_path(now, peer, REQUEST, size);
        }
        for (peer, limit) in self.paths.narrow().collect::<Vec<_>>() {
            if !before.contains(&(peer, limit))
                && let Some(identity) = self.core.roster.peer(peer)
            {
                self.core.stats.paths_narrowed += 1;
                self.core
                    .notices
                    .push(Notice::NarrowPath { member: identity.clone(), limit_bytes: limit });
            }
        }
    }

    /// Requests a proof from the sender of an exchange: an answer by datagram. Until then the exchange
    /// waits.
    pub(super) fn ask_for_proof(&mut self, now: Instant, message: StateMessage) {
        let StateMessage::Exchange { from, .. } = &message else { return };
        self.doubtful.retain(|_, (until, _)| *until > now);
        if self.doubtful.len() >= MOST {
            return;
        }
        let token: u64 = self.core.rng.random();
        let mut body = vec![PROVE];
        body.extend(token.to_be_bytes());
        // Twice, since one may be lost.
        for _ in 0..2 {
            self.send(now, from.addr, Plane::Datagram, CHANNEL_PATH, from.id(), &body);
        }
        self.doubtful.insert(token, (now + PATIENCE, message));
    }

    /// Handles a datagram that requests a proof, or is one, of any sender.
    pub(super) fn proof_message(
        &mut self,
        now: Instant,
        envelope: &Envelope,
        source: SocketAddr,
        body: &[u8],
    ) -> Result<(), WireError> {
        let mut reader = Reader(body);
        let (kind, token) = (reader.u8()?, reader.u64()?);
        if kind == PROVE && envelope.to == self.core.roster.id() {
            let body = [&[PROOF][..], &token.to_be_bytes()].concat();
            self.send(now, source, Plane::Datagram, CHANNEL_PATH, envelope.from, &body);
        } else if kind == PROOF
            && let Some((_, message)) = self.doubtful.remove(&token)
        {
            self.receive_state(now, message, true)?;
        }
        Ok(())
    }

    /// Handles a peer's test of the path, or its answer.
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

    /// Sends a test of the path, padded to its size, or an answer.
    fn send_path(&mut self, now: Instant, to: NodeId, kind: u8, size: usize) {
        let Some(addr) = self.core.roster.peer(to).map(|peer| peer.addr) else { return };
        let mut body = vec![kind];
        body.extend((size as u16).to_be_bytes());
        if kind == REQUEST {
            body.resize(size.saturating_sub(Envelope::SIZE).max(body.len()), 0);
        }
        self.send(now, addr, Plane::Datagram, CHANNEL_PATH, to, &body);
    }
}
