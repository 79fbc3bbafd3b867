//! A membership that the nodes of one process begin with, instead of joining one by one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::roster::Members;

/// Nodes that are to know each other from the start; made once, handed to each with
/// [`Node::acquaint`].
///
/// Among n nodes that hear of each other one by one, n² pieces of news are told, heard and
/// answered. Here the list of members is made once, and shared by all who hold it.
///
/// ```
/// use rumormill_proto::{Acquaintance, Config, Directory, Identity, Instant, Name, Node};
///
/// let directory = Directory::default();
/// let mut nodes = Vec::new();
/// for port in 7946..7949 {
///     let name = Name::new(&format!("n{port}"))?;
///     let me = Identity { name, addr: ([127, 0, 0, 1], port).into(), boot: 1 };
///     nodes.push(Node::new_in(&directory, Instant::ZERO, me, Config::default(), port.into())?);
/// }
/// let all = Acquaintance::of(&nodes);
/// for node in &mut nodes {
///     node.acquaint(Instant::ZERO, &all);
/// }
/// assert!(nodes.iter().all(|node| node.roster().len() == 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Acquaintance {
    members: Arc<Members>,
    /// No two have the same address or the same name.
    distinct: bool,
}

impl Acquaintance {
    /// These nodes, each as it is now.
    pub fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let peers: Vec<Peer> = nodes.into_iter().map(|node| node.membership.me().clone()).collect();
        let places: BTreeSet<_> = peers.iter().map(Peer::place).collect();
        let names: BTreeSet<_> = peers.iter().map(|peer| &peer.name).collect();
        let distinct = places.len() == peers.len() && names.len() == peers.len();
        Self { members: Arc::new(Members::of(peers)), distinct }
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, if a node of this id that knows nobody may take them over as they are: it is
    /// one of them, and there is nothing to judge between any two.
    pub(crate) fn whole(&self, id: NodeId) -> Option<&Arc<Members>> {
        (self.distinct && self.members.contains(id)).then_some(&self.members)
    }

    /// All of them.
    pub(crate) fn peers(&self) -> &[Peer] {
        self.members.peers()
    }
}

impl Node {
    /// Takes over a membership, this node included, as if it had been told of each member on the
    /// reliable path. A cluster whose nodes know each other from the start needs no joining: so the
    /// virtual network begins large runs.
    ///
    /// A node that knows nobody yet ends as it would by hearing of one after the other: the same
    /// roster, a failure detector that watches the same members, every protocol told of every peer.
    /// What it skips is the way there: there is no [`Event::MemberUp`] for each, and nothing is
    /// compared with what was known before. A node that knows somebody already hears of them one
    /// after the other.
    pub fn acquaint(&mut self, now: Instant, others: &Acquaintance) {
        if self.left {
            return;
        }
        let knows_nobody = self.roster.is_empty() && self.membership.iter().next().is_none();
        if let Some(members) = others.whole(self.roster.id()).filter(|_| knows_nobody) {
            self.begin_with(now, members);
        } else {
            let members = others.peers().iter().cloned().map(Member::alive).collect();
            self.membership.merge(now, members, false, &self.roster);
        }
        self.settle(now);
    }

    fn begin_with(&mut self, now: Instant, members: &Arc<Members>) {
        self.roster.begin_with(members);
        self.roster.share(self.membership.directory());
        self.membership.begin_with(now, &self.roster);
        for host in &mut self.hosts {
            for (id, _) in self.roster.peers() {
                host.peer_joined(id);
            }
            let roster = &self.roster;
            host.call(lend!(self, now), |protocol, cx| {
                for (_, peer) in roster.peers() {
                    protocol.peer_joined(cx, peer);
                }
            });
        }
        self.sync_soon(now);
    }
}
