//! Set reconciliation: finds the difference of two sets by exchanging little more than that.
//!
//! Range-based set reconciliation (Meyer, "Range-Based Set Reconciliation", 2023): both sides keep
//! their items sorted, and compare ranges by the number of items and the sum of their ids. Equal
//! ranges are finished; others are divided, and small ones listed. Items are sorted by *stamp*, so
//! new ones lie together at the end, and recent differences cost a few packets whatever the size of
//! the set and of the cluster. Where two ranges differ by exactly one item, the difference of the
//! sums *is* its id, and nothing need be divided or listed.
//!
//! There is no state between messages: each can be lost, repeated or answered by itself.

use std::collections::BTreeSet;

use crate::gossip::item::{Item, Part, Range};
use crate::gossip::set::ItemSet;

/// The answer to the parts of a step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) parts: Vec<Part>,
    /// The ids of items that the peer lacks.
    pub(crate) send: Vec<u64>,
    /// Ranges in which the peer has no items.
    pub(crate) send_ranges: Vec<(Item, Item)>,
}

/// Ranges with at most this many items are listed, not divided.
const LISTED: u64 = 8;

/// A range is divided into this many.
const BRANCHES: u64 = 16;

/// Peers that differ by more than this many items use the reliable path, and divide at once into
/// ranges of [`FINE`] items.
pub(crate) const MANY: u64 = 64;

/// The number of items in a range after a fine division: few enough for most ranges to differ by one
/// item if one in a hundred differs.
const FINE: u64 = 48;

impl ItemSet {
    /// Returns the opening of a comparison: the whole set as one range.
    pub(crate) fn overview(&self) -> Part {
        self.outline(Item::FIRST, Item::END)
    }

    /// Returns the items from `lower` to before `upper` as one range.
    pub(crate) fn outline(&self, lower: Item, upper: Item) -> Part {
        let range = Range { upper, fingerprint: self.range(lower, upper) };
        Part::Ranges { lower, ranges: vec![range] }
    }

    /// Adds the answer to a part of the peer's step.
    pub(crate) fn answer(&self, part: &Part, reply: &mut Reply) {
        match part {
            Part::Ranges { lower, ranges } => {
                let mut lower = *lower;
                for range in ranges {
                    self.compare(lower, range, reply);
                    lower = range.upper;
                }
            }
            Part::Ids { lower, upper, ids } => self.sift(*lower, *upper, ids, reply),
            Part::Want(ids) => reply.send.extend(ids),
            Part::WantRange { lower, upper } => reply.send_ranges.push((*lower, *upper)),
        }
    }

    fn compare(&self, lower: Item, theirs: &Range, reply: &mut Reply) {
        let upper = theirs.upper;
        let (mine, theirs) = (self.range(lower, upper), theirs.fingerprint);
        if mine == theirs || lower >= upper {
            return;
        }
        if theirs.count == 0 {
            reply.send_ranges.push((lower, upper));
        } else if mine.count == 0 {
            reply.parts.push(Part::WantRange { lower, upper });
        } else if theirs.count == mine.count + 1 {
            // The difference may be a single item of theirs, which the peer can determine.
            let range = Range { upper, fingerprint: mine };
            reply.parts.push(Part::Ranges { lower, ranges: vec![range] });
        } else if mine.count == theirs.count + 1
            && self.contains_id(lower, upper, mine.sum.wrapping_sub(theirs.sum))
        {
            reply.send.push(mine.sum.wrapping_sub(theirs.sum));
        } else if mine.count <= LISTED {
            let ids = self.iter(lower, upper).map(|item| item.id).collect();
            reply.parts.push(Part::Ids { lower, upper, ids });
        } else {
            let many = mine.count.abs_diff(theirs.count) > MANY;
            let size = if many { FINE } else { mine.count.div_ceil(BRANCHES).max(LISTED) };
            let ranges = self.divide(lower, upper, size);
            reply.parts.push(Part::Ranges { lower, ranges });
        }
    }

    fn sift(&self, lower: Item, upper: Item, theirs: &[u64], reply: &mut Reply) {
        let mut missing: BTreeSet<u64> = theirs.iter().copied().collect();
        for item in self.iter(lower, upper) {
            if !missing.remove(&item.id) {
                reply.send.push(item.id);
            }
        }
        if !missing.is_empty() {
            reply.parts.push(Part::Want(missing.into_iter().collect()));
        }
    }
}

#[cfg(test)]
mod tests;
