//! The user's verbs for the membership: join, leave, and who is there.

use core::net::SocketAddr;

use foca::Member;

use crate::identity::{Identity, NodeId};
use crate::membership::messages::StateMessage;
use crate::membership::peer::Peer;
use crate::membership::state::MemberState;
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

    /// The members ever heard of, this node first, with what the failure detector says of them.
    pub fn members(&self) -> Vec<(Identity, MemberState)> {
        let members = self.membership.snapshot(&self.core.roster);
        let seen = |member: &Member<Peer>| (member.id().to_identity(), member.state().into());
        let mut members: Vec<_> = members.iter().map(seen).collect();
        let me = self.core.roster.me();
        members
            .sort_by(|(a, _), (b, _)| (a != me, &a.name, a.addr).cmp(&(b != me, &b.name, b.addr)));
        members
    }
}
