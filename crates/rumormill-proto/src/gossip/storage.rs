//! The interface between gossip and the protocol that stores the entries.

use crate::codec::WireError;
use crate::gossip::item::Item;
use crate::gossip::messages::WireEntry;
use crate::protocol::Context;
use crate::time::Instant;

/// The storage of a protocol's entries.
pub(crate) trait Storage {
    /// Stores an entry that has arrived. Fails if it is malformed.
    fn insert(
        &mut self,
        cx: &mut Context<'_>,
        wire: &WireEntry,
        pulled: bool,
    ) -> Result<Outcome, WireError>;

    /// Returns the entry with this id as it would be sent now, unless it is not to be sent.
    fn wire_entry(&self, now: Instant, id: u64) -> Option<WireEntry>;

    /// Returns whether an announced entry would be new here.
    fn lacks(&self, item: Item) -> bool;
}

/// The outcome of storing an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is new, and replaces another. It is pushed on unless it was rejected.
    New { item: Item, replaces: Option<Item>, push: bool },
    /// It was here already.
    Duplicate(Item),
    /// A newer one is here.
    Outdated(Item),
    /// It is too old to be kept.
    Stale,
    /// It is malformed, too large, or stamped too far ahead.
    Refused,
}
