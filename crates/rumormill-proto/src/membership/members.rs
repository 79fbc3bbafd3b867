//! A set of members, shared by the nodes of a process that have the same members.

use crate::identity::NodeId;
use crate::membership::peer::Peer;

/// All members, the node itself included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members {
    /// Their ids, sorted.
    pub(crate) ids: Vec<NodeId>,
    /// The members, in the same order.
    pub(crate) peers: Vec<Peer>,
    /// The hashes of their names, sorted: a name is mostly found to be free at once.
    pub(crate) names: Vec<u32>,
    /// Incarnation and id of the oldest, oldest first.
    pub(crate) oldest: Vec<(u64, NodeId)>,
    pub(crate) digest: u64,
}

/// The number of oldest members.
const OLDEST: usize = 3;

impl Members {
    pub(crate) fn of(mut peers: Vec<Peer>) -> Self {
        peers.sort_by_cached_key(Peer::id);
        peers.dedup_by_key(|peer| peer.id());
        let ids: Vec<_> = peers.iter().map(Peer::id).collect();
        let mut names: Vec<_> = peers.iter().map(Peer::name_tag).collect();
        names.sort_unstable();
        let digest = ids.iter().fold(0, |sum: u64, id| sum.wrapping_add(id.0));
        Self { oldest: oldest(&peers), ids, peers, names, digest }
    }

    pub(crate) fn with(&self, peers: &[Peer]) -> Self {
        Self::of([&self.peers, peers].concat())
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    pub(crate) fn peers(&self) -> &[Peer] {
        &self.peers
    }

    pub(crate) fn insert(&mut self, peer: Peer) -> bool {
        let id = peer.id();
        let Err(at) = self.ids.binary_search(&id) else { return false };
        let name = self.names.partition_point(|&name| name < peer.name_tag());
        self.names.insert(name, peer.name_tag());
        self.oldest.push((peer.incarnation, id));
        self.oldest.sort_unstable();
        self.oldest.truncate(OLDEST);
        self.ids.insert(at, id);
        self.peers.insert(at, peer);
        self.digest = self.digest.wrapping_add(id.0);
        true
    }

    pub(crate) fn remove(&mut self, id: NodeId) -> bool {
        let Ok(at) = self.ids.binary_search(&id) else { return false };
        self.ids.remove(at);
        let peer = self.peers.remove(at);
        if let Ok(name) = self.names.binary_search(&peer.name_tag()) {
            self.names.remove(name);
        }
        if self.oldest.iter().any(|oldest| oldest.1 == id) {
            self.oldest = oldest(&self.peers);
        }
        self.digest = self.digest.wrapping_sub(id.0);
        true
    }
}

fn oldest(peers: &[Peer]) -> Vec<(u64, NodeId)> {
    let mut ages: Vec<_> = peers.iter().map(|peer| (peer.incarnation, peer.id())).collect();
    if ages.len() > OLDEST {
        ages.select_nth_unstable(OLDEST - 1);
        ages.truncate(OLDEST);
    }
    ages.sort_unstable();
    ages
}
