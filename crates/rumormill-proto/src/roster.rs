//! The members that are up, as every protocol sees them.

use std::collections::BTreeMap;

use rand::RngExt;

use crate::Rng;
use crate::identity::{Identity, NodeId};

/// This node and the peers that are up, in the order of their ids.
#[derive(Clone, Debug)]
pub struct Roster {
    me: Identity,
    id: NodeId,
    peers: BTreeMap<NodeId, Identity>,
    /// The ids of all members, this node included, sorted.
    ids: Vec<NodeId>,
    digest: u64,
}

impl Roster {
    pub(crate) fn new(me: Identity) -> Self {
        let id = me.id();
        Self { me, id, peers: BTreeMap::new(), ids: vec![id], digest: id.0 }
    }

    /// This node's identity.
    pub fn me(&self) -> &Identity {
        &self.me
    }

    /// This node's id.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// How many members are up, this node included; at least 1.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no peers.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// The peers that are up, in the order of their ids; this node is not among them.
    pub fn peers(&self) -> impl Iterator<Item = (NodeId, &Identity)> {
        self.peers.iter().map(|(id, identity)| (*id, identity))
    }

    /// The peer with this id, if it is up.
    pub fn peer(&self, id: NodeId) -> Option<&Identity> {
        self.peers.get(&id)
    }

    /// Whether the id is this node's or that of a peer that is up.
    pub fn contains(&self, id: NodeId) -> bool {
        id == self.id || self.peers.contains_key(&id)
    }

    /// The ids of all members, this node included, sorted.
    pub fn ids(&self) -> &[NodeId] {
        &self.ids
    }

    /// A number that two nodes share exactly when (but for a chance of 2⁻⁶⁴) they hold the same
    /// incarnations for members.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// A peer chosen uniformly, if there is one.
    pub fn random_peer(&self, rng: &mut Rng) -> Option<NodeId> {
        if self.is_empty() {
            return None;
        }
        let mine = self.ids.binary_search(&self.id).unwrap_or(0);
        let other = rng.random_range(0..self.ids.len() - 1);
        Some(self.ids[if other < mine { other } else { other + 1 }])
    }

    /// Adds a peer; false if it was there already.
    pub(crate) fn insert(&mut self, identity: Identity) -> bool {
        let id = identity.id();
        if self.contains(id) {
            return false;
        }
        self.peers.insert(id, identity);
        self.add_id(id);
        true
    }

    /// Removes a peer; false if it was not there.
    pub(crate) fn remove(&mut self, id: NodeId) -> bool {
        let known = self.peers.remove(&id).is_some();
        if known {
            self.remove_id(id);
        }
        known
    }

    /// This node goes on under another identity.
    pub(crate) fn renew(&mut self, me: Identity) {
        self.remove_id(self.id);
        self.id = me.id();
        self.me = me;
        self.add_id(self.id);
    }

    fn add_id(&mut self, id: NodeId) {
        if let Err(at) = self.ids.binary_search(&id) {
            self.ids.insert(at, id);
            self.digest = self.digest.wrapping_add(id.0);
        }
    }

    fn remove_id(&mut self, id: NodeId) {
        if let Ok(at) = self.ids.binary_search(&id) {
            self.ids.remove(at);
            self.digest = self.digest.wrapping_sub(id.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::identity::Name;

    fn identity(port: u16, boot: u64) -> Identity {
        let name = Name::new(&format!("n{port}")).unwrap();
        Identity { name, addr: ([127, 0, 0, 1], port).into(), boot }
    }

    #[test]
    fn two_nodes_with_the_same_members_share_a_digest_whatever_the_order() {
        let mut a = Roster::new(identity(1, 1));
        let mut b = Roster::new(identity(2, 1));
        a.insert(identity(3, 1));
        a.insert(identity(2, 1));
        assert_ne!(a.digest(), b.digest());
        b.insert(identity(1, 1));
        b.insert(identity(3, 1));
        assert_eq!(a.digest(), b.digest());
        assert_eq!(a.ids(), b.ids());
        b.remove(identity(3, 1).id());
        b.insert(identity(3, 2));
        assert_ne!(a.digest(), b.digest(), "another boot is another incarnation");
    }

    #[test]
    fn a_random_peer_is_any_peer_and_never_the_node_itself() {
        let mut rng = Rng::seed_from_u64(1);
        let mut roster = Roster::new(identity(1, 1));
        assert_eq!(roster.random_peer(&mut rng), None);
        for port in 2..=5 {
            roster.insert(identity(port, 1));
        }
        let mut seen = BTreeMap::new();
        for _ in 0..4000 {
            *seen.entry(roster.random_peer(&mut rng).unwrap()).or_insert(0) += 1;
        }
        assert!(!seen.contains_key(&roster.id()));
        assert_eq!(seen.len(), 4);
        assert!(seen.values().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}
