//! What looks on while messages pass, and may stop them.

use crate::simulate::average::protocol::{Message, Protocol};

/// Sees every message of the engine whose exchanges take no time. The unit type sees nothing, and
/// costs nothing.
pub(super) trait Witness<P: Protocol> {
    /// Returns whether this one message is stopped. Called once for every message sent, also for
    /// those that are lost anyway.
    fn stops(&mut self, _from: u32, _to: u32) -> bool {
        false
    }

    /// Returns whether nothing passes between two nodes, however often it is sent.
    fn severs(&self, _one: u32, _other: u32) -> bool {
        false
    }

    /// Sees a message after it took effect, or was lost.
    fn passed(
        &mut self,
        _protocol: &P,
        _from: u32,
        _to: u32,
        _message: Message<P::Push, P::Reply>,
        _lost: bool,
    ) {
    }
}

impl<P: Protocol> Witness<P> for () {}
