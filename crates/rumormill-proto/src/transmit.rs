//! Messages for the driver to send.

use core::net::SocketAddr;

/// The path of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// As one datagram: it may be lost, repeated or overtaken.
    Datagram,
    /// Reliably, whatever its length, as one frame of a stream. The driver calls
    /// [`Node::handle_unreachable`](crate::Node::handle_unreachable) if it can't deliver.
    Stream,
}

/// A message that the driver should send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The receiver's address.
    pub to: SocketAddr,
    /// The path.
    pub plane: Plane,
    /// The message.
    pub bytes: Vec<u8>,
}
