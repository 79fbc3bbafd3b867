//! The user's verbs for the membership: join, leave, and who is there.

use core::net::SocketAddr;

use foca::Member;

use crate::identity::NodeId;
use crate::membership::member;
use crate::membership::messages::StateMessage;
use crate::membership::peer::Peer;
use crate::node::Node;
use crate::time::Instant;

impl Node {
    /// Asks the node at `addr` to let this one into its cluster; again and again, until it answers.
    pub fn join(&mut self, now: Instant, addr: SocketAddr) {
        if addr != self.core.roster.me().addr && !self.left {
            self.joins.add(now, addr);
        }
    }

    /// Stops asking the node at `addr`, which [`Node::join`] has asked and which has not answered.
    pub fn stop_joining(&mut self, addr: SocketAddr) {
        self.joins.stop(addr);
    }

    /// The addresses given to [`Node::join`] that have yet to answer.
    pub fn joining(&self) -> impl Iterator<Item = SocketAddr> {
        self.joins.pending()
    }

    /// Whether some address that was given to [`Node::join`] has yet to answer.
    pub fn is_joining(&self) -> bool {
        !self.joins.is_empty()
    }

    /// Takes leave of the cluster. What [`Node::poll_transmit`] still has should be sent; after
    /// that the node is done, and does nothing more.
    pub fn leave(&mut self, now: Instant) {
        if self.left {
            return;
        }
        self.membership.leave(now);
        // SWIM's gossip may be lost. Two peers hear it on the reliable path, too.
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
        // Who is being asked to let this node in may have done so already.
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

    /// Returns all members that this node knows, itself first.
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
