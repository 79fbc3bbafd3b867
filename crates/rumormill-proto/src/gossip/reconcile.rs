//! Finding what two sets differ in, by exchanging little more than the difference.
//!
//! Range-based set reconciliation (Meyer, "Range-Based Set Reconciliation", 2023): both sides keep
//! their items sorted, and compare ranges by the number of items and the sum of their ids. Equal
//! ranges are done with; others are divided, and small ones listed. Items are sorted by *stamp*, so
//! what is new lies together at the end, and recent differences cost a few packets whatever the
//! size of the set and of the cluster. Where two ranges differ by exactly one item, the difference
//! of the sums *is* its id, and nothing need be divided or listed.
//!
//! Nothing here is remembered between messages: each can be lost, repeated or answered by itself,
//! and whoever goes on, with whatever peer, goes on from what it holds.

use std::collections::BTreeSet;

use crate::gossip::item::{Item, Part, Range};
use crate::gossip::set::ItemSet;

/// What to say next, and what to give.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) parts: Vec<Part>,
    /// Ids of items that the peer lacks.
    pub(crate) give: Vec<u64>,
    /// Ranges that the peer lacks altogether.
    pub(crate) give_ranges: Vec<(Item, Item)>,
}

/// Ranges with at most this many items are listed, not divided.
const LISTED: u64 = 8;

/// A range is divided into this many.
const BRANCHES: u64 = 16;

/// Where the peers differ by more than this many items they talk on the reliable path, and divide
/// at once into ranges of [`FINE`] items.
pub(crate) const MANY: u64 = 64;

/// How many items a range has after a fine division: few enough for most to differ by one item
/// where one in a hundred differs.
const FINE: u64 = 48;

impl ItemSet {
    /// The opening of a comparison: all in one range.
    pub(crate) fn overview(&self) -> Part {
        self.outline(Item::FIRST, Item::END)
    }

    /// What lies from `lower` to before `upper`, in one range.
    pub(crate) fn outline(&self, lower: Item, upper: Item) -> Part {
        let range = Range { upper, fingerprint: self.range(lower, upper) };
        Part::Ranges { lower, ranges: vec![range] }
    }

    /// What this side makes of a part of the other's comparison.
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
            Part::Want(ids) => reply.give.extend(ids),
            Part::WantRange { lower, upper } => reply.give_ranges.push((*lower, *upper)),
        }
    }

    fn compare(&self, lower: Item, theirs: &Range, reply: &mut Reply) {
        let upper = theirs.upper;
        let (mine, theirs) = (self.range(lower, upper), theirs.fingerprint);
        if mine == theirs || lower >= upper {
            return;
        }
        if theirs.count == 0 {
            reply.give_ranges.push((lower, upper));
        } else if mine.count == 0 {
            reply.parts.push(Part::WantRange { lower, upper });
        } else if theirs.count == mine.count + 1 {
            // Perhaps one item of theirs is all the difference: that shows at their side.
            let range = Range { upper, fingerprint: mine };
            reply.parts.push(Part::Ranges { lower, ranges: vec![range] });
        } else if mine.count == theirs.count + 1
            && self.contains_id(lower, upper, mine.sum.wrapping_sub(theirs.sum))
        {
            reply.give.push(mine.sum.wrapping_sub(theirs.sum));
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
                reply.give.push(item.id);
            }
        }
        if !missing.is_empty() {
            reply.parts.push(Part::Want(missing.into_iter().collect()));
        }
    }
}

#[cfg(test)]
mod tests;
