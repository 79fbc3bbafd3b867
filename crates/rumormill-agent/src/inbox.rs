//! What an agent's helper tasks hand to the task that owns the node.

use std::net::SocketAddr;

use rumormill_proto::EventId;

use crate::resolve::Address;

/// What the helpers tell the driver.
pub(crate) enum Input {
    /// A frame has arrived.
    Frame { from: SocketAddr, bytes: Vec<u8> },
    /// An inbound stream brought no frame.
    BadStream,
    /// A frame could not be delivered.
    Undelivered { to: SocketAddr, reason: String },
    /// A lookup of a name to join has ended.
    LookedUp { address: Address, result: Result<Vec<SocketAddr>, String> },
    /// A handler has answered a query.
    Answer { query: EventId, payload: Vec<u8> },
}
