//! 65,536 nodes as bits, and what a round does to them.

use crate::simulate::spread::binomial::{Chance, binomial};
use crate::simulate::stream::{Draws, threshold};

/// Nodes in a bucket: four positions to a random number, 8 KiB of bits.
pub(super) const SIZE: u64 = 1 << 16;

/// Words in a bucket.
pub(super) const WORDS: usize = SIZE as usize / 64;

/// Where fewer than one in this many do not know, those are listed, and only contacts that fall on
/// them are placed.
const FEW_LEFT: u64 = 4;

/// Calls that tell fewer than one node in this many are placed one by one.
const RARE: f64 = 1.0 / 24.0;

/// A bucket in a round. Bits of the last bucket that are not nodes look as if they knew.
pub(super) struct Bucket<'a> {
    pub(super) words: &'a mut [u64; WORDS],
    /// How many of its nodes do not know.
    pub(super) missing: u32,
    pub(super) draws: Draws,
    /// Room for a list of these.
    pub(super) open: &'a mut Vec<u16>,
}

impl Bucket<'_> {
    /// Where the nodes behind the front begin in a bucket, and how many they are.
    pub(super) fn span(number: u64, front: u64, alive: u64) -> (u64, u64) {
        let (start, end) = (number * SIZE, ((number + 1) * SIZE).min(alive));
        let first = start.max(front).min(end);
        (first - start, end - first)
    }

    /// Each node that does not know is told with this chance.
    pub(super) fn ask(&mut self, chance: Chance) {
        if chance.hit <= 0.0 || self.missing == 0 {
            return;
        }
        if chance.hit < RARE || u64::from(self.missing) < SIZE / 16 {
            let told = binomial(&mut self.draws, self.missing.into(), chance);
            self.tell_some(told);
        } else {
            self.ask_words(chance.hit);
        }
    }

    /// So many contacts fall evenly on the `size` nodes from `skip` on; the others know, or are no
    /// nodes.
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

    /// Balls fall anywhere in a full bucket.
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

    /// Lists the nodes that do not know.
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

    /// Tells so many different nodes of those that do not know.
    fn tell_some(&mut self, told: u64) {
        if u64::from(self.missing) * 2 < SIZE || told * 4 > u64::from(self.missing) {
            self.list();
            // The first steps of a shuffle (Fisher and Yates).
            let missing = self.missing as usize;
            for i in 0..told as usize {
                let j = i + self.draws.below((missing - i) as u64) as usize;
                self.open.swap(i, j);
                let node = self.open[i];
                self.set(node.into());
            }
        } else {
            // At least three in eight bits looked at belong to nodes that do not know yet.
            let mut left = told;
            while left > 0 {
                let node = self.draws.bits() >> 48;
                let (word, bit) = ((node >> 6) as usize % WORDS, 1 << (node & 63));
                if self.words[word] & bit == 0 {
                    self.words[word] |= bit;
                    left -= 1;
                }
            }
        }
        self.missing -= told as u32;
    }

    /// 64 nodes at a time: a uniform number is compared with the chance, bit by bit from the top,
    /// for all of them at once, until all are decided; 8 numbers do for most words.
    fn ask_words(&mut self, chance: f64) {
        let limit = threshold(chance);
        let sure = chance >= 1.0;
        let mut told = 0;
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
            told += hit.count_ones();
            *word |= hit;
        }
        self.missing -= told;
    }
}
