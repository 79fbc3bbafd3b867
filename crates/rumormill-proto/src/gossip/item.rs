//! Items, ranges of them and their fingerprints: what two nodes compare.

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
    pub(crate) fn add(&mut self, id: u64) {
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

    pub(crate) fn extend(&mut self, other: Fingerprint) {
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
