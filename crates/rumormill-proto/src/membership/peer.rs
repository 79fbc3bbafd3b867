//! A handle to an identity that is stored once in a process.

use core::fmt;
use core::hash::Hasher;
use core::net::SocketAddr;
use core::ops::Deref;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use crate::identity::{Identity, NodeId, tag};

/// A shared identity. Comparing two rarely follows the pointer: only if they have the same address.
#[derive(Clone)]
pub(crate) struct Peer {
    place: Place,
    pub(super) known: Arc<Known>,
}

/// An identity, with values computed from it once.
#[derive(PartialEq, Eq)]
pub(super) struct Known {
    id: NodeId,
    name_tag: u32,
    identity: Identity,
}

/// An address as one number: for IPv4 the address itself, for IPv6 a hash of 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

impl Place {
    pub(crate) fn of(addr: SocketAddr) -> Self {
        match addr {
            SocketAddr::V4(v4) => Self(u64::from(v4.ip().to_bits()) << 16 | u64::from(v4.port())),
            SocketAddr::V6(v6) => {
                let mut hasher =
                    SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x706c_6163_6500_0000);
                hasher.write(&v6.ip().octets());
                hasher.write(&v6.port().to_le_bytes());
                Self(hasher.finish() | 1 << 63)
            }
        }
    }
}

impl Peer {
    /// Returns whether anything but the directory holds this identity.
    pub(crate) fn is_held(&self) -> bool {
        Arc::strong_count(&self.known) > 1
    }

    /// Returns the id.
    pub(crate) fn id(&self) -> NodeId {
        self.known.id
    }

    /// Returns the address, to compare.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Returns a hash of the name: different hashes mean different names.
    pub(crate) fn name_tag(&self) -> u32 {
        self.known.name_tag
    }

    /// Returns the identity as users have it.
    pub(crate) fn to_identity(&self) -> Identity {
        self.known.identity.clone()
    }
}

impl From<Identity> for Peer {
    fn from(identity: Identity) -> Self {
        let place = Place::of(identity.addr);
        let (id, name_tag) = (identity.id(), tag(identity.name.as_str()));
        Self { place, known: Arc::new(Known { id, name_tag, identity }) }
    }
}

impl Deref for Peer {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.known.identity
    }
}

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
            && (Arc::ptr_eq(&self.known, &other.known) || self.known == other.known)
    }
}

impl Eq for Peer {}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.known.identity.fmt(f)
    }
}

impl foca::Identity for Peer {
    type Addr = Place;

    fn renew(&self) -> Option<Self> {
        Some(
            Identity { incarnation: self.incarnation.saturating_add(1), ..self.to_identity() }
                .into(),
        )
    }

    fn addr(&self) -> Place {
        self.place()
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        (self.incarnation, &self.name) > (adversary.incarnation, &adversary.name)
    }
}
