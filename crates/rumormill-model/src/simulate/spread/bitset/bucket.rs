//! 65,536 nodes as bits, and what a round does to them.

use crate::simulate::spread::binomial::{Chance, binomial};
use crate::simulate::stream::{Draws, threshold};

/// Nodes in a bucket: four positions to a random number, 8 KiB of bits.
pub(super) const SIZE: u64 = 1 << 16;

/// Words in a bucket.
pub(super) const WORDS: usize = SIZE as usize / 64;

/// Where fewer than one in this many are uninformed, those are listed, and only contacts that fall
/// on them are placed.
const FEW_LEFT: u64 = 4;

/// Calls that inform a smaller share of the nodes than this are placed one by one.
const RARE: f64 = 1.0 / 24.0;

/// A bucket in a round. Bits of the last bucket that are not nodes look informed.
pub(super) struct Bucket<'a> {
    pub(super) words: &'a mut [u64; WORDS],
    /// Number of its uninformed nodes.
    pub(super) missing: u32,
    pub(super) draws: Draws,
    /// Room for a list of these.
    pub(super) open: &'a mut Vec<u16>,
}

impl Bucket<'_> {
    /// Returns where the nodes behind the front begin in a bucket, and how many they are.
    pub(super) fn span(number: u64, front: u64, alive: u64) -> (u64, u64) {
        let (start, end) = (number * SIZE, ((number + 1) * SIZE).min(alive));
        let first = start.max(front).min(end);
        (first - start, end - first)
    }

    /// Returns each node that does not know is told with this chance.
    pub(super) fn pull(&mut self, chance: Chance) {
        if chance.hit <= 0.0 || self.missing == 0 {
            return;
        }
        if chance.hit < RARE || u64::from(self.missing) < SIZE / 16 {
            let newly = binomial(&mut self.draws, self.missing.into(), chance);
            self.inform_some(newly);
        } else {
            self.pull_words(chance.hit);
        }
    }

    /// Lets contacts fall evenly on the `size` nodes from `skip` on; the others are informed, or
    /// are no nodes.
    pub(super) fn throw(&mut self, balls: u64, skip: u64, size: u64) {
        if balls == 0 || self.missing == 0 {
            return;
        }
        let missing = u64::from(self.missing);
        if missing * FEW_LEFT < size {
            let hits = binomial(&mut self.draws, balls, Chance::share(missing, size));
            if hits > 0 {
                self.list();
                for _ in 0..hits {
                    let node = self.open[self.draws.below(missing) as usize];
                    self.set(node.into());
                }
            }
        } else if size == SIZE {
            self.throw_everywhere(balls);
        } else {
            for _ in 0..balls {
                let node = skip + self.draws.below(size);
                self.set(node);
            }
        }
        self.missing = SIZE as u32 - self.words.iter().map(|word| word.count_ones()).sum::<u32>();
    }

    /// Lets balls fall anywhere in a full bucket.
    fn throw_everywhere(&mut self, balls: u64) {
        for _ in 0..balls / 4 {
            let bits = self.draws.bits();
            self.set(bits & 0xffff);
            self.set(bits >> 16 & 0xffff);
            self.set(bits >> 32 & 0xffff);
            self.set(bits >> 48);
        }
        let mut bits = self.draws.bits();
        for _ in 0..balls % 4 {
            self.set(bits & 0xffff);
            bits >>= 16;
        }
    }

    #[inline]
    fn set(&mut self, node: u64) {
        self.words[(node >> 6) as usize % WORDS] |= 1 << (node & 63);
    }

    /// Lists the uninformed nodes.
    fn list(&mut self) {
        self.open.clear();
        for (i, word) in self.words.iter().enumerate() {
            let mut left = !word;
            while left != 0 {
                self.open.push((i * 64) as u16 + left.trailing_zeros() as u16);
                left &= left - 1;
            }
        }
    }

    /// Informs this many of the uninformed nodes.
    fn inform_some(&mut self, newly: u64) {
        if u64::from(self.missing) * 2 < SIZE || newly * 4 > u64::from(self.missing) {
            self.list();
            // The first steps of a shuffle (Fisher and Yates).
            let missing = self.missing as usize;
            for i in 0..newly as usize {
                let j = i + self.draws.below((missing - i) as u64) as usize;
                self.open.swap(i, j);
                let node = self.open[i];
                self.set(node.into());
            }
        } else {
            // At least three in eight bits looked at belong to uninformed nodes.
            let mut left = newly;
            while left > 0 {
                let node = self.draws.bits() >> 48;
                let (word, bit) = ((node >> 6) as usize % WORDS, 1 << (node & 63));
                if self.words[word] & bit == 0 {
                    self.words[word] |= bit;
                    left -= 1;
                }
            }
        }
        self.missing -= newly as u32;
    }

    /// Informs 64 nodes at a time: a uniform number is compared with the chance, bit by bit from
    /// the top, for all of them at once, until all are decided; 8 numbers do for most words.
    fn pull_words(&mut self, chance: f64) {
        let limit = threshold(chance);
        let sure = chance >= 1.0;
        let mut newly = 0;
        for word in self.words.iter_mut() {
            let (mut open, mut hit, mut rest) = (!*word, 0, limit);
            if sure {
                (hit, open) = (open, 0);
            }
            while open != 0 && rest != 0 {
                let bits = self.draws.bits();
                if rest >> 63 == 1 {
                    hit |= open & !bits;
                    open &= bits;
                } else {
                    open &= !bits;
                }
                rest <<= 1;
            }
            newly += hit.count_ones();
            *word |= hit;
        }
        self.missing -= newly;
    }
}
