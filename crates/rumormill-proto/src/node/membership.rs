//! The verbs for the membership: join, leave and list.

use core::net::SocketAddr;

use foca::Member;

use crate::identity::NodeId;
use crate::membership::expected::Expected;
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

    /// Sets why this node expects other members, which the driver knows: from the node's last
    /// incarnation, or from the addresses to join. Until it has met one, no aggregate converges here,
    /// and readings say why. Has no effect once it has met one: a node that has lost all others since
    /// is the whole of its cluster.
    ///
    /// ```
    /// use rumormill_proto::{Config, Expected, Identity, Instant, Mode, Name, Node, State};
    ///
    /// let me = Identity { name: Name::new("a")?, addr: "127.0.0.1:7946".parse()?, incarnation: 2 };
    /// let mut node = Node::new(Instant::ZERO, me, Config::default(), 42)?;
    /// node.expect_others(Some(Expected::Known(4)));
    /// let requests = Name::new("requests")?;
    /// node.aggregates_mut().set(Instant::ZERO, &requests, 5.0, Mode::Live)?;
    /// let reading = node.aggregates().get(Instant::ZERO, &requests).ok_or("unknown")?;
    /// assert!(reading.state == State::Disturbed && !reading.converged);
    /// assert!(reading.caveats[0].to_string().contains("it knew 4 members before"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn expect_others(&mut self, expected: Option<Expected>) {
        if !self.core.met {
            self.core.expected = expected;
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
