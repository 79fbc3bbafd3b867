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

mod set;

pub(crate) use set::ItemSet;

use std::collections::BTreeSet;

use crate::clock::Stamp;

/// One thing that a node may hold: when it was made, and a hash of what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) stamp: Stamp,
    pub(crate) id: u64,
}

impl Item {
    /// Below every item.
    pub(crate) const FIRST: Item = Item { stamp: Stamp(0), id: 0 };
    /// Above every item.
    pub(crate) const END: Item = Item { stamp: Stamp(u64::MAX), id: u64::MAX };
}

/// How many items lie somewhere, and the sum of their ids modulo 2⁶⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

impl Fingerprint {
    fn add(&mut self, id: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(id);
    }

    /// A number that two equal sets share, and hardly any others.
    pub(crate) fn digest(self) -> u64 {
        self.sum ^ self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.count -= 1;
        self.sum = self.sum.wrapping_sub(id);
    }

    fn extend(&mut self, other: Fingerprint) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// One range of a comparison: it ends before `upper`, and begins where the one before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) upper: Item,
    pub(crate) fingerprint: Fingerprint,
}

/// What one node says to another to find their differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What I hold from `lower` on, range by range.
    Ranges { lower: Item, ranges: Vec<Range> },
    /// The ids of all that I hold from `lower` to before `upper`.
    Ids { lower: Item, upper: Item, ids: Vec<u64> },
    /// Give me these.
    Want(Vec<u64>),
    /// Give me all that you hold from `lower` to before `upper`.
    WantRange { lower: Item, upper: Item },
}

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
