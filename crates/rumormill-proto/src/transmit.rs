//! Messages for the driver to send.

use core::net::SocketAddr;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// As one datagram: it may be lost, repeated or overtaken.
    Datagram,
    /// Reliably, whatever its length, as one frame of a stream. The driver tells
    /// [`Node::handle_unreachable`](crate::Node::handle_unreachable) when it can't deliver.
    Stream,
}

/// A message that the driver should send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: SocketAddr,
    /// How.
    pub plane: Plane,
    /// What.
    pub bytes: Vec<u8>,
}
