//! Where a room keeps the entries that gossip spreads.

use crate::codec::WireError;
use crate::gossip::item::Item;
use crate::gossip::messages::Heard;
use crate::protocol::Context;
use crate::time::Instant;

/// Where a room keeps its entries.
pub(crate) trait Shelf {
    /// An entry has arrived. An error says that the bytes make no sense.
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        heard: &Heard,
        pulled: bool,
    ) -> Result<Taken, WireError>;

    /// The entry of this id as it would be told now, unless there is nothing to tell.
    fn heard(&self, now: Instant, id: u64) -> Option<Heard>;

    /// Whether an announced item would be taken if it came.
    fn wants(&self, item: Item) -> bool;
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is new here. What it replaces is no longer held; it is told on unless it was rejected.
    New { item: Item, replaces: Option<Item>, tell: bool },
    /// It was here already.
    Known(Item),
    /// A newer one is here.
    Outdated(Item),
    /// It is too old to be of interest.
    Stale,
    /// It is malformed, too large, or stamped too far ahead.
    Refused,
}
