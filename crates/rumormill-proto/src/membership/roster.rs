//! The members that are up, as every protocol sees them.

use rand::RngExt;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Rng;
use crate::identity::{Identity, Name, NodeId};
use crate::membership::directory::Directory;
use crate::membership::members::Members;
use crate::membership::peer::{Peer, Place};

/// This node and the peers that are up, in the order of their ids.
#[derive(Clone, Debug)]
pub struct Roster {
    me: Peer,
    /// Shared among the nodes of a process that have the same: see [`Roster::share`].
    all: Arc<Members>,
}

impl Roster {
    pub(crate) fn new(me: impl Into<Peer>) -> Self {
        let me = me.into();
        Self { all: Arc::new(Members::of(vec![me.clone()])), me }
    }

    /// Returns this node's identity.
    pub fn me(&self) -> &Identity {
        &self.me
    }

    /// Returns this node's id.
    pub fn id(&self) -> NodeId {
        self.me.id()
    }

    /// Returns the number of members that are up, this node included; at least 1.
    pub fn len(&self) -> usize {
        self.all.ids.len()
    }

    /// Returns whether there are no peers.
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// Returns the peers that are up, in the order of their ids; this node is not among them.
    pub fn peers(&self) -> impl Iterator<Item = (NodeId, &Identity)> {
        let me = self.id();
        let all = self.all.ids.iter().copied().zip(&self.all.peers);
        all.filter(move |(id, _)| *id != me).map(|(id, peer)| (id, &**peer))
    }

    /// Returns the peer with this id, if it is up.
    pub fn peer(&self, id: NodeId) -> Option<&Identity> {
        self.known(id).map(|peer| &**peer)
    }

    /// Returns the name of the member with this id, or the id itself if it is no member's.
    pub fn name_of(&self, id: NodeId) -> Name {
        match self.peer(id) {
            Some(peer) => peer.name.clone(),
            None if id == self.id() => self.me.name.clone(),
            None => Name::of_id(id),
        }
    }

    pub(crate) fn known(&self, id: NodeId) -> Option<&Peer> {
        if id == self.id() {
            return None;
        }
        self.all.ids.binary_search(&id).ok().map(|at| &self.all.peers[at])
    }

    /// Returns the member, this node included, at an address. Searches through all of them.
    pub(crate) fn at(&self, place: Place) -> Option<&Peer> {
        self.members().iter().find(|member| member.place() == place)
    }

    /// Returns all members, this node included.
    pub(crate) fn members(&self) -> &[Peer] {
        &self.all.peers
    }

    /// Returns whether the id is this node's or that of a peer that is up.
    pub fn contains(&self, id: NodeId) -> bool {
        self.all.contains(id)
    }

    /// Returns the ids of all members, this node included, sorted.
    pub fn ids(&self) -> &[NodeId] {
        &self.all.ids
    }

    /// Returns a number that two nodes share exactly when they have the same members, except with a
    /// probability of 2⁻⁶⁴.
    pub fn digest(&self) -> u64 {
        self.all.digest
    }

    /// Returns the three oldest members (lowest incarnation), oldest first; all, if they are fewer.
    pub(crate) fn oldest(&self) -> impl Iterator<Item = NodeId> {
        self.all.oldest.iter().map(|&(_, id)| id)
    }

    /// Returns a peer chosen uniformly; `None` if there is none.
    pub fn random_peer(&self, rng: &mut Rng) -> Option<NodeId> {
        if self.is_empty() {
            return None;
        }
        let mine = self.ids().binary_search(&self.id()).unwrap_or(0);
        let other = rng.random_range(0..self.len() - 1);
        Some(self.ids()[if other < mine { other } else { other + 1 }])
    }

    /// Returns a member, this node included, that has the name of `other` but is not another
    /// incarnation of it.
    pub(crate) fn holder_of_name(&self, other: &Peer) -> Option<&Peer> {
        let (names, tag) = (&self.all.names, other.name_tag());
        let first = names.partition_point(|&name| name < tag);
        let same = names[first..].iter().take_while(|&&name| name == tag).count();
        if same == usize::from(self.contains(other.id())) {
            return None;
        }
        self.members().iter().find(|peer| peer.name == other.name && peer.addr != other.addr)
    }

    /// Adds peers; returns those that were not there already, in the order given.
    pub(crate) fn extend(&mut self, peers: Vec<Peer>) -> Vec<Peer> {
        let mut fresh = peers;
        fresh.retain(|peer| !self.contains(peer.id()));
        // Many are merged at once: each insertion moves the rest of long lists.
        if fresh.len() > FEW {
            let count = self.len() + fresh.len();
            self.all = Arc::new(self.all.with(&fresh));
            if self.len() < count {
                let mut seen = BTreeSet::new();
                fresh.retain(|peer| seen.insert(peer.id()));
            }
        } else {
            fresh.retain(|peer| self.insert(peer.clone()));
        }
        fresh
    }

    /// Adopts a membership that this node, which has no peers yet, belongs to.
    pub(crate) fn begin_with(&mut self, members: &Arc<Members>) {
        self.all = Arc::clone(members);
    }

    /// Adds a peer; returns false if it was there already.
    pub(crate) fn insert(&mut self, peer: impl Into<Peer>) -> bool {
        let peer = peer.into();
        !self.contains(peer.id()) && Arc::make_mut(&mut self.all).insert(peer)
    }

    /// Removes a peer; returns false if it was not there.
    pub(crate) fn remove(&mut self, id: NodeId) -> bool {
        id != self.id() && self.contains(id) && Arc::make_mut(&mut self.all).remove(id)
    }

    /// Gives this node another identity.
    pub(crate) fn renew(&mut self, me: Peer) {
        let all = Arc::make_mut(&mut self.all);
        all.remove(self.me.id());
        all.insert(me.clone());
        self.me = me;
    }

    /// Shares the list of members with another node of the process that has the same.
    pub(crate) fn share(&mut self, directory: &Directory) {
        if self.len() > FEW {
            directory.share(self.digest(), &mut self.all);
        }
    }
}

/// Up to this many peers are added one by one.
const FEW: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;

    use super::*;
    use crate::identity::Name;

    fn identity(port: u16, incarnation: u64) -> Identity {
        let name = Name::new(&format!("n{port}")).unwrap();
        Identity { name, addr: ([127, 0, 0, 1], port).into(), incarnation }
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
        assert_ne!(a.digest(), b.digest(), "another life is another incarnation");
    }

    #[test]
    fn many_peers_at_once_make_the_roster_that_they_make_one_by_one() {
        let mut one_by_one = Roster::new(identity(1, 1));
        let mut at_once = one_by_one.clone();
        let peers: Vec<Peer> = (2..=100).map(|port| identity(port, 1).into()).collect();
        at_once.insert(peers[7].clone());
        for peer in &peers {
            one_by_one.insert(peer.clone());
        }
        let twice = [peers.clone(), peers[..50].to_vec()].concat();
        let fresh = at_once.extend(twice.clone());
        assert_eq!(fresh.len(), 98, "each once, except the one that was there");
        assert_eq!(at_once.ids(), one_by_one.ids());
        assert_eq!(at_once.digest(), one_by_one.digest());
        assert_eq!(at_once.all, one_by_one.all);
        assert!(at_once.peers().eq(one_by_one.peers()));
        assert!(at_once.extend(twice).is_empty());
        for peer in &peers {
            assert_eq!(at_once.known(peer.id()), Some(peer));
            assert!(at_once.remove(peer.id()));
        }
        assert!(at_once.is_empty() && !at_once.remove(at_once.id()));
        assert_eq!(at_once.all, Roster::new(identity(1, 1)).all);
        assert_eq!((at_once.digest(), at_once.all.names.len()), (at_once.id().0, 1));
    }

    #[test]
    fn nodes_with_the_same_members_hold_them_in_common_until_one_changes() {
        let directory = Directory::default();
        let everybody: Vec<Peer> = (1..=50).map(|port| identity(port, 1).into()).collect();
        let mut rosters = [1, 2].map(|port| Roster::new(identity(port, 1)));
        for roster in &mut rosters {
            roster.extend(everybody.clone());
            roster.share(&directory);
        }
        let [mut a, b] = rosters;
        assert!(Arc::ptr_eq(&a.all, &b.all));
        assert_ne!(a.id(), b.id());
        assert!(a.remove(everybody[30].id()));
        a.share(&directory);
        assert_eq!((a.len(), b.len()), (49, 50), "a change of the one is not the other's");
        assert!(a.insert(everybody[30].clone()));
        a.share(&directory);
        assert!(Arc::ptr_eq(&a.all, &b.all), "the same again");
    }

    #[test]
    fn a_name_is_held_by_another_node_and_not_by_another_life_of_the_same() {
        let mut roster = Roster::new(identity(1, 1));
        roster.insert(identity(2, 1));
        let named = |name: &str, port, incarnation| {
            Peer::from(Identity { name: Name::new(name).unwrap(), ..identity(port, incarnation) })
        };
        let holder = |roster: &Roster, peer: &Peer| roster.holder_of_name(peer).map(|p| p.addr);
        assert_eq!(holder(&roster, &named("n3", 3, 1)), None);
        assert_eq!(holder(&roster, &named("n2", 2, 5)), None, "a later life");
        assert_eq!(holder(&roster, &named("n2", 3, 1)), Some(identity(2, 1).addr));
        assert_eq!(holder(&roster, &named("n1", 3, 1)), Some(identity(1, 1).addr), "this node");
        roster.insert(named("n2", 3, 1));
        assert_eq!(holder(&roster, &named("n2", 3, 1)), Some(identity(2, 1).addr), "when it is in");
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
