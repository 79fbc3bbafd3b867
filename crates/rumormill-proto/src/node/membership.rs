//! The verbs for the membership: join, leave and list.

use core::net::SocketAddr;

use foca::Member;

use crate::identity::NodeId;
use crate::membership::member;
use crate::membership::messages::StateMessage;
use crate::membership::peer::Peer;
use crate::node::Node;
use crate::time::Instant;

impl Node {
    /// Requests to join the cluster of the node at `addr`, again and again until it answers.
    pub fn join(&mut self, now: Instant, addr: SocketAddr) {
        if addr != self.core.roster.me().addr && !self.left {
            self.joins.add(now, addr);
        }
    }

    /// Stops the requests of [`Node::join`] to `addr`.
    pub fn stop_joining(&mut self, addr: SocketAddr) {
        self.joins.stop(addr);
    }

    /// Returns the addresses given to [`Node::join`] that have yet to answer.
    pub fn joining(&self) -> impl Iterator<Item = SocketAddr> {
        self.joins.pending()
    }

    /// Returns whether some address given to [`Node::join`] has yet to answer.
    pub fn is_joining(&self) -> bool {
        !self.joins.is_empty()
    }

    /// Leaves the cluster. Send the remaining messages of [`Node::poll_transmit`]; after that the node
    /// does nothing more.
    pub fn leave(&mut self, now: Instant) {
        if self.left {
            return;
        }
        self.membership.leave(now);
        // SWIM's gossip may be lost. Two peers are also informed on the reliable path.
        let me = self.membership.me().clone();
        let members = vec![Member::down(me.clone())];
        let goodbye = StateMessage::Exchange {
            from: me,
            token: 0,
            reply: false,
            join: false,
            wall: self.core.clock.wall(now),
            members,
        };
        // A node that was asked may have accepted this one already.
        let asked: Vec<_> = self.joining().filter(|_| self.core.roster.is_empty()).collect();
        for addr in asked {
            self.send_state_to(addr, NodeId(0), &goodbye);
        }
        for _ in 0..2 {
            if let Some(peer) = self.core.roster.random_peer(&mut self.core.rng)
                && let Some(peer) = self.core.roster.known(peer).cloned()
            {
                self.send_state(&peer, &goodbye);
            }
        }
        self.settle(now);
        self.left = true;
    }

    /// Returns all members that are known here, this node first.
    pub fn members(&self) -> Vec<member::Member> {
        let me = self.core.roster.me();
        let seen = |member: &Member<Peer>| {
            let identity = member.id().to_identity();
            let is_me = identity == *me;
            member::Member::new(identity, member.state().into(), is_me)
        };
        let mut members: Vec<_> =
            self.membership.snapshot(&self.core.roster).iter().map(seen).collect();
        members.sort_by(|a, b| {
            (!a.me, &a.identity.name, a.identity.addr).cmp(&(
                !b.me,
                &b.identity.name,
                b.identity.addr,
            ))
        });
        members
    }
}
