//! A membership with which the nodes of one process start, instead of joining one by one.

use foca::Member;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::identity::NodeId;
use crate::membership::members::Members;
use crate::membership::peer::Peer;
use crate::node::Node;
use crate::time::Instant;

/// The members of a cluster at its start; built once, and handed to each node with [`Node::adopt`].
///
/// If n nodes join one by one, about n² changes are sent and applied. This list of members is built
/// once and shared by all nodes.
///
/// ```
/// use rumormill_proto::{InitialMembers, Config, Directory, Identity, Instant, Name, Node};
///
/// let directory = Directory::default();
/// let mut nodes = Vec::new();
/// for port in 7946..7949 {
///     let name = Name::new(&format!("n{port}"))?;
///     let me = Identity { name, addr: ([127, 0, 0, 1], port).into(), incarnation: 1 };
///     nodes.push(Node::new_in(&directory, Instant::ZERO, me, Config::default(), port.into())?);
/// }
/// let all = InitialMembers::of(&nodes);
/// for node in &mut nodes {
///     node.adopt(Instant::ZERO, &all);
/// }
/// assert!(nodes.iter().all(|node| node.roster().len() == 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct InitialMembers {
    members: Arc<Members>,
    /// No two have the same address or the same name.
    distinct: bool,
}

impl InitialMembers {
    /// Builds the list of these nodes, each as it is now.
    pub fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let peers: Vec<Peer> = nodes.into_iter().map(|node| node.membership.me().clone()).collect();
        let places: BTreeSet<_> = peers.iter().map(Peer::place).collect();
        let names: BTreeSet<_> = peers.iter().map(|peer| &peer.name).collect();
        let distinct = places.len() == peers.len() && names.len() == peers.len();
        Self { members: Arc::new(Members::of(peers)), distinct }
    }

    /// Returns the number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the list if a node of this id without peers may adopt it as it is: the node is one of
    /// the members, and no two conflict.
    pub(crate) fn whole(&self, id: NodeId) -> Option<&Arc<Members>> {
        (self.distinct && self.members.contains(id)).then_some(&self.members)
    }

    /// Returns the members.
    pub(crate) fn peers(&self) -> &[Peer] {
        self.members.peers()
    }
}

impl Node {
    /// Adopts a membership, this node included, as if each member had been reported on the reliable
    /// path. The virtual network starts large runs this way.
    ///
    /// A node without peers ends in the state to which adding one member after the other leads: the
    /// same roster, a failure detector that watches the same members, and protocols that have every
    /// peer. It skips the way there: there is no [`Notice::MemberUp`](crate::Notice::MemberUp) for
    /// each. A node with peers adds the members one after the other.
    pub fn adopt(&mut self, now: Instant, others: &InitialMembers) {
        if self.left {
            return;
        }
        let knows_nobody = self.core.roster.is_empty() && self.membership.iter().next().is_none();
        if let Some(members) = others.whole(self.core.roster.id()).filter(|_| knows_nobody) {
            self.begin_with(now, members);
        } else {
            let members = others.peers().iter().cloned().map(Member::alive).collect();
            self.membership.merge(now, members, false, &self.core.roster);
        }
        self.settle(now);
    }

    fn begin_with(&mut self, now: Instant, members: &Arc<Members>) {
        self.core.roster.begin_with(members);
        self.core.roster.share(self.membership.directory());
        self.membership.begin_with(now, &self.core.roster);
        let roster = self.core.roster.clone();
        for host in &mut self.hosts {
            host.call(now, &mut self.core, |protocol, cx| {
                for (_, peer) in roster.peers() {
                    protocol.peer_joined(cx, peer);
                }
            });
        }
        self.sync_soon(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::identity::{Identity, Name};
    use crate::membership::directory::Directory;
    use crate::notice::Notice;

    fn identity(port: u16) -> Identity {
        let name = Name::new(&format!("n{port}")).unwrap();
        Identity { name, addr: ([127, 0, 0, 1], port).into(), incarnation: u64::from(port) }
    }

    fn node(directory: &Directory, me: Identity) -> Node {
        Node::new_in(directory, Instant::ZERO, me, Config::default(), 7).unwrap()
    }

    fn events(node: &mut Node) -> Vec<Notice> {
        core::iter::from_fn(|| node.poll_notice()).collect()
    }

    #[test]
    fn a_node_ends_as_it_does_by_hearing_of_one_after_the_other() {
        let directory = Directory::default();
        let nodes: Vec<Node> = (1..=400).map(|port| node(&directory, identity(port))).collect();
        let all = InitialMembers::of(&nodes);
        let [mut at_once, mut one_by_one] = [9, 9].map(|port| node(&directory, identity(port)));
        at_once.adopt(Instant::ZERO, &all);
        let told = all.peers().iter().cloned().map(Member::alive).collect();
        one_by_one.membership.merge(Instant::ZERO, told, false, &one_by_one.core.roster);
        one_by_one.settle(Instant::ZERO);

        assert_eq!(at_once.core.roster.ids(), one_by_one.core.roster.ids());
        assert_eq!(at_once.core.roster.digest(), one_by_one.core.roster.digest());
        assert!(at_once.core.roster.oldest().eq(one_by_one.core.roster.oldest()));
        let watched = |node: &Node| -> Vec<NodeId> {
            node.membership.iter().map(|(peer, _)| peer.id()).collect()
        };
        assert_eq!(watched(&at_once), watched(&one_by_one));
        assert!((200..320).contains(&watched(&at_once).len()), "some, not all");
        assert_eq!(at_once.poll_timeout(), one_by_one.poll_timeout());
        assert_eq!(at_once.next_sync, one_by_one.next_sync);
        assert_eq!(events(&mut one_by_one).len(), 399);
        assert_eq!(events(&mut at_once), []);
    }

    #[test]
    fn a_node_that_knows_somebody_hears_of_the_others() {
        let directory = Directory::default();
        let mut nodes: Vec<Node> = (1..=5).map(|port| node(&directory, identity(port))).collect();
        let (two, all) = (InitialMembers::of(&nodes[..2]), InitialMembers::of(&nodes));
        nodes[0].adopt(Instant::ZERO, &two);
        nodes[0].adopt(Instant::ZERO, &all);
        assert_eq!(nodes[0].core.roster.len(), 5);
        let up = |port| Notice::MemberUp { member: identity(port) };
        let said = events(&mut nodes[0]);
        assert!(said.len() == 3 && (3..=5).all(|port| said.contains(&up(port))), "{said:?}");
    }

    #[test]
    fn two_of_one_name_are_told_of_as_ever() {
        let directory = Directory::default();
        let namesake = Identity { name: identity(2).name, ..identity(3) };
        let mut nodes = [identity(1), identity(2), namesake].map(|me| node(&directory, me));
        let all = InitialMembers::of(&nodes);
        nodes[0].adopt(Instant::ZERO, &all);
        let conflict = |event: &Notice| matches!(event, Notice::NameConflict { .. });
        assert_eq!(events(&mut nodes[0]).iter().filter(|event| conflict(event)).count(), 1);
    }
}
