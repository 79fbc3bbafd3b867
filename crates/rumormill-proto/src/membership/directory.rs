//! The identities that are known in one process, each stored once.
//!
//! Every node has a record of every other, in more than one place: among n nodes of one process (the
//! virtual network, the demo) that is more than n² records. So a record is a [`Peer`], a handle; the
//! name and the address are stored once, in the [`Directory`] that the nodes share. Nodes that have
//! the same members share the list of them, too.

#![expect(clippy::disallowed_types, reason = "maps with a fixed hasher")]

use core::fmt;
use core::hash::BuildHasherDefault;
use core::net::SocketAddr;
use siphasher::sip::SipHasher13;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::identity::{Identity, Name, NodeId};
use crate::membership::members::Members;
use crate::membership::peer::Peer;

/// The identities that are known to the nodes of one process.
///
/// By default each node has its own. Many nodes in one process use far less memory if they share one;
/// see [`crate::Node::new_in`]. Their behaviour stays the same.
#[derive(Clone, Default)]
pub struct Directory(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    /// Iterated only to drop identities that no node holds.
    peers: HashMap<NodeId, Peer, BuildHasherDefault<SipHasher13>>,
    /// The number of identities at which those that no node holds are dropped.
    sweep_at: usize,
    /// Sets of members by their digests.
    members: HashMap<u64, Weak<Members>, BuildHasherDefault<SipHasher13>>,
    sweep_members_at: usize,
}

/// The fewest identities at which those that no node holds are dropped.
const SWEEP: usize = 256;

impl Directory {
    /// Returns the number of identities.
    pub fn len(&self) -> usize {
        self.with(|table| table.peers.len())
    }

    /// Returns whether there are no identities.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the peer with this identity.
    pub(crate) fn peer(&self, identity: Identity) -> Peer {
        self.with(|table| table.find(identity))
    }

    /// Returns the peer with this identity, with the name `text`; `None` if that is not a name.
    pub(crate) fn read(&self, incarnation: u64, addr: SocketAddr, text: &str) -> Option<Peer> {
        let known = self.with(|table| table.known(incarnation, addr, text).cloned());
        known.or_else(|| {
            Some(self.peer(Identity { incarnation, addr, name: Name::new(text).ok()? }))
        })
    }

    /// Replaces a set of members by the equal one that another node holds.
    pub(crate) fn share(&self, digest: u64, members: &mut Arc<Members>) {
        self.with(|table| match table.members.get(&digest).and_then(Weak::upgrade) {
            Some(known) if Arc::ptr_eq(&known, members) => {}
            Some(known) if known == *members => *members = known,
            _ => {
                if table.members.len() >= table.sweep_members_at.max(SWEEP) {
                    table.members.retain(|_, members| members.strong_count() > 0);
                    table.sweep_members_at = 2 * table.members.len();
                }
                table.members.insert(digest, Arc::downgrade(members));
            }
        });
    }

    fn with<R>(&self, f: impl FnOnce(&mut Table) -> R) -> R {
        // The table is consistent between any two operations, so a panic elsewhere has not harmed it.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Directory({})", self.len())
    }
}

impl Table {
    fn known(&self, incarnation: u64, addr: SocketAddr, name: &str) -> Option<&Peer> {
        let peer = self.peers.get(&NodeId::of(addr, incarnation))?;
        let same =
            peer.addr == addr && peer.incarnation == incarnation && peer.name.as_str() == name;
        same.then_some(peer)
    }

    fn find(&mut self, identity: Identity) -> Peer {
        let Identity { incarnation, addr, name } = &identity;
        if let Some(peer) = self.known(*incarnation, *addr, name.as_str()) {
            return peer.clone();
        }
        let peer = Peer::from(identity);
        if self.peers.len() >= self.sweep_at.max(SWEEP) {
            self.peers.retain(|_, peer| peer.is_held());
            self.sweep_at = 2 * self.peers.len();
        }
        self.peers.insert(peer.id(), peer.clone());
        peer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::membership::peer::Place;

    fn identity(port: u16, incarnation: u64) -> Identity {
        Identity { name: Name::new("n").unwrap(), addr: ([127, 0, 0, 1], port).into(), incarnation }
    }

    #[test]
    fn one_identity_is_held_once_and_another_is_another() {
        let directory = Directory::default();
        let a = directory.peer(identity(1, 1));
        let again = directory.read(1, identity(1, 1).addr, "n").unwrap();
        assert!(Arc::ptr_eq(&a.known, &again.known));
        assert_eq!(a.id(), identity(1, 1).id());
        assert_ne!(a, directory.peer(identity(1, 2)), "another incarnation");
        assert_ne!(a, directory.read(1, a.addr, "other").unwrap(), "another name");
        assert_eq!(a, Peer::from(identity(1, 1)), "equal wherever they lie");
        assert!(directory.read(1, a.addr, "no name").is_none());
    }

    #[test]
    fn what_nobody_holds_is_dropped() {
        let directory = Directory::default();
        let kept = directory.peer(identity(1, 0));
        for incarnation in 1..10_000 {
            directory.peer(identity(2, incarnation));
        }
        assert!(directory.len() <= SWEEP + 1, "{}", directory.len());
        assert!(Arc::ptr_eq(&kept.known, &directory.peer(identity(1, 0)).known));
    }

    #[test]
    fn addresses_of_either_family_are_told_apart() {
        let places = ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1", "[::1]:1", "[::1]:2", "[::2]:1"]
            .map(|addr| Place::of(addr.parse().unwrap()));
        for (n, place) in places.iter().enumerate() {
            assert!(!places[..n].contains(place), "{n}");
        }
        assert_eq!(Place::of("[::1]:1".parse().unwrap()), places[3]);
    }
}
