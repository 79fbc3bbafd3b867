//! Items, ranges of items and fingerprints: the subjects of a comparison.

use crate::clock::Stamp;

/// The identification of an entry: when it was written, and a hash of its contents.
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

/// The number of items in a range, and the sum of their ids modulo 2⁶⁴.
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

    /// Returns a number that equal sets share; different ones share it with a probability of 2⁻⁶⁴.
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

/// A range of a comparison. It ends before `upper` and begins where the one before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) upper: Item,
    pub(crate) fingerprint: Fingerprint,
}

/// A part of a message by which two nodes find their differences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The fingerprints of the sender's items from `lower` on, range by range.
    Ranges { lower: Item, ranges: Vec<Range> },
    /// The ids of the sender's items from `lower` to before `upper`.
    Ids { lower: Item, upper: Item, ids: Vec<u64> },
    /// Requests the entries with these ids.
    Want(Vec<u64>),
    /// Requests the entries from `lower` to before `upper`.
    WantRange { lower: Item, upper: Item },
}
