//! The inbox of the task that owns the node: what an agent's helper tasks report to it.

use std::net::SocketAddr;

use rumormill_proto::EventId;

use crate::resolve::Address;

/// A report of a helper task to the driver.
pub(crate) enum Input {
    /// A frame has arrived.
    Frame { from: SocketAddr, bytes: Vec<u8> },
    /// An inbound stream ended without a frame.
    BadStream,
    /// A frame could not be delivered.
    Undelivered { to: SocketAddr, reason: String },
    /// A lookup of a name to join has finished.
    LookedUp { address: Address, result: Result<Vec<SocketAddr>, String> },
    /// A handler has answered a query.
    Answer { query: EventId, payload: Vec<u8> },
}
