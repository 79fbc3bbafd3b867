//! The exchange of the whole membership, on the reliable path: on join, after changes, and now and
//! then.

use core::net::SocketAddr;

use foca::Member;
use rand::RngExt;
use rand::seq::IteratorRandom;

use crate::codec::{CHANNEL_STATE, WireError};
use crate::identity::NodeId;
use crate::membership::messages::StateMessage;
use crate::membership::peer::Peer;
use crate::node::Node;
use crate::notice::Notice;
use crate::time::{Duration, Instant};
use crate::transmit::Plane;

/// The delay of the first exchange with a random member after a change of the membership.
const FIRST_SYNC: Duration = Duration::from_secs(1);

impl Node {
    /// Handles a message of the state exchange.
    pub(super) fn state_message(&mut self, now: Instant, body: &[u8]) -> Result<(), WireError> {
        let message = StateMessage::read(body, self.membership.directory())?;
        self.receive_state(now, message, false)
    }

    /// Handles a message of the state exchange. A sender whose address was declared dead is accepted
    /// if it has `proven` that datagrams get through: otherwise probes would declare it dead again, and
    /// so on for ever.
    pub(super) fn receive_state(
        &mut self,
        now: Instant,
        message: StateMessage,
        proven: bool,
    ) -> Result<(), WireError> {
        match message {
            StateMessage::NameTaken { token, name, by } => {
                if self.joins.answered(token).is_some() {
                    self.core.notices.push(Notice::NameTaken { name, by });
                }
            }
            StateMessage::Compare { from, wall, digest } => {
                self.observe_wall(now, from.id(), wall);
                if digest != self.state_digest() {
                    let message = self.exchange(now, 0, true, false);
                    self.send_state(&from, &message);
                }
            }
            StateMessage::Exchange { from, token, reply, join, wall, mut members } => {
                if from.addr == self.core.roster.me().addr {
                    self.joins.answered(token);
                    return Ok(());
                }
                let doubtful = !proven
                    && !self.core.roster.contains(from.id())
                    && self.membership.is_down_at(from.place());
                if doubtful {
                    let message =
                        StateMessage::Exchange { from, token, reply, join, wall, members };
                    self.ask_for_proof(now, message);
                    return Ok(());
                }
                if join && let Some(by) = self.core.roster.holder_of_name(&from) {
                    let (name, by) = (from.name.clone(), by.addr);
                    self.send_state(&from, &StateMessage::NameTaken { token, name, by });
                    return Ok(());
                }
                members.insert(0, Member::alive(from.clone()));
                // A newcomer need not spread the members that it receives.
                let spread = reply || !self.core.roster.is_empty();
                self.membership.merge(now, members, spread, &self.core.roster);
                self.settle(now);
                self.observe_wall(now, from.id(), wall);
                if reply {
                    let answer = self.exchange(now, token, false, false);
                    self.send_state(&from, &answer);
                } else if let Some(via) = self.joins.answered(token) {
                    self.settle(now);
                    let members = self.core.roster.len();
                    self.core.notices.push(Notice::Joined { via, members });
                }
            }
        }
        Ok(())
    }

    /// Compares the membership with one member's; if they differ, the whole is exchanged. A node
    /// without peers tries members that it declared dead: SWIM is idle while no peer is up, and could
    /// not undo a partition.
    pub(super) fn sync(&mut self, now: Instant) {
        let alone = self.core.roster.is_empty();
        let pause =
            if alone { self.core.config.membership.reconnect_interval } else { self.sync_pause };
        self.next_sync = now + pause.mul_f64(self.core.rng.random_range(0.5..1.5));
        self.sync_pause = (self.sync_pause * 2).min(self.core.config.membership.sync_interval);
        let peer = if alone {
            self.membership.iter().map(|(peer, _)| peer.clone()).choose(&mut self.core.rng)
        } else {
            let peer = self.core.roster.random_peer(&mut self.core.rng);
            peer.and_then(|peer| self.core.roster.known(peer)).cloned()
        };
        let Some(peer) = peer else { return };
        let message = if alone {
            self.exchange(now, 0, true, false)
        } else {
            let from = self.membership.me().clone();
            StateMessage::Compare {
                from,
                wall: self.core.clock.wall(now),
                digest: self.state_digest(),
            }
        };
        self.send_state(&peer, &message);
    }

    /// Schedules exchanges after a change of the membership: soon, and then less and less often. SWIM's
    /// gossip spreads a single change well, but of hundreds at once each node misses some.
    pub(super) fn sync_soon(&mut self, now: Instant) {
        let pause = FIRST_SYNC.min(self.core.config.membership.sync_interval);
        if self.sync_pause > pause {
            self.sync_pause = pause;
            self.next_sync =
                self.next_sync.min(now + pause.mul_f64(self.core.rng.random_range(0.5..1.5)));
        }
    }

    pub(super) fn exchange(
        &self,
        now: Instant,
        token: u64,
        reply: bool,
        join: bool,
    ) -> StateMessage {
        let members = self.membership.snapshot(&self.core.roster);
        let from = self.membership.me().clone();
        StateMessage::Exchange {
            from,
            token,
            reply,
            join,
            wall: self.core.clock.wall(now),
            members,
        }
    }

    /// Returns a number that two nodes share when they agree on the membership.
    fn state_digest(&self) -> u64 {
        self.core.roster.digest() ^ self.membership.down_digest().rotate_left(32)
    }

    pub(super) fn send_state(&mut self, to: &Peer, message: &StateMessage) {
        self.send_state_to(to.addr, to.id(), message);
    }

    pub(super) fn send_state_to(&mut self, addr: SocketAddr, to: NodeId, message: &StateMessage) {
        let mut body = Vec::new();
        message.write(&mut body);
        // A stream needs no test of the path, and so no time of it.
        self.send(Instant::ZERO, addr, Plane::Stream, CHANNEL_STATE, to, &body);
    }
}
