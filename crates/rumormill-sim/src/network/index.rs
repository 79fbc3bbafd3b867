//! The number of a node.

use core::fmt;
use std::net::SocketAddr;

/// A node of a network, by the order in which it was added. Lasts through restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub(crate) u32);

/// The port of every virtual node.
const PORT: u16 = 7946;

impl NodeIndex {
    /// Returns the number as an index, from 0.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// Returns the address: 10.0.0.1 for the first node, and so on.
    pub fn addr(self) -> SocketAddr {
        let [_, b, c, d] = (self.0 + 1).to_be_bytes();
        SocketAddr::from(([10, b, c, d], PORT))
    }

    /// The node that has the address, if it is one of a virtual network.
    pub(crate) fn of(addr: SocketAddr) -> Option<Self> {
        let SocketAddr::V4(v4) = addr else { return None };
        let [ten, b, c, d] = v4.ip().octets();
        let number = u32::from_be_bytes([0, b, c, d]);
        (ten == 10 && v4.port() == PORT && number > 0).then(|| Self(number - 1))
    }
}

impl fmt::Display for NodeIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
