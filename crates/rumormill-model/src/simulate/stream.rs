//! Counter-based random numbers: every number has an address, and the number at an address never
//! depends on what was drawn before.
//!
//! A [`Stream`] is the splittable generator of Steele, Lea and Flood (2014, "Fast splittable
//! pseudorandom number generators"): an odd step γ and a start s, whose i-th number is
//! mix(s + (i+1)γ), mix being Stafford's variant 13 of the finaliser of `MurmurHash3`. It is made
//! to be read at any i, costs three multiplications, and passes `TestU01`'s `BigCrush` (loc. cit.
//! §5). A child stream gets a start and a step of its own, hashed from its parent and its index; so
//! streams do not overlap, as those that share one step do. Steps with too few bit changes are
//! replaced (loc. cit., `mixGamma`).
//!
//! The address of a number is (seed, purpose, run, round, …, index):
//!
//! ```
//! use rumormill_model::simulate::stream::{Purpose, Stream};
//! let round = Stream::new(42, Purpose::Contacts).child(7).child(3); // run 7, round 3
//! let of_node_5 = round.at(5);
//! assert_eq!(of_node_5, Stream::new(42, Purpose::Contacts).child(7).child(3).at(5));
//! ```

/// 2⁶⁴ over the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What numbers are for. Purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Whom a node contacts, and whether that is lost: one number a contact.
    Contacts,
    /// Coins that end a node's interest.
    Interest,
    /// Which nodes are informed at the start.
    Origins,
    /// Which nodes are dead.
    Dead,
    /// The order of turns, and the times of clocks.
    Order,
    /// The edges of a random graph.
    Graph,
    /// The values that nodes start from.
    Values,
    /// The next count, where only counts are kept.
    Counts,
    /// Contacts of the engine that works in buckets.
    Buckets,
    /// Contacts of the engine that works on many runs at once.
    Lanes,
    /// Messages of broadcasts.
    Broadcast,
    /// Rumors among several updates.
    Updates,
}

/// Random numbers at the addresses 0, 1, 2, …; children at the addresses 0, 1, 2, … too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    start: u64,
    step: u64,
}

impl Stream {
    /// Returns the numbers of one purpose of one seed.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self { start: mix(seed), step: GOLDEN }.child(purpose as u64)
    }

    /// Returns the stream that belongs to an index: to a run, and in it to a round, and so on.
    #[must_use]
    pub fn child(self, index: u64) -> Self {
        // Two hashes of the parent and the index. The parent's step enters the second: parents
        // that differ only there have different children.
        let point = self.start.wrapping_add(index.wrapping_add(1).wrapping_mul(self.step));
        let start = mix(point ^ 0x6a09_e667_f3bc_c908);
        let step = mix(mix(point.rotate_left(32) ^ 0xbb67_ae85_84ca_a73b) ^ self.step) | 1;
        // mixGamma: at least 24 bits of the step differ from their neighbours.
        let weak = (step ^ (step >> 1)).count_ones() < 24;
        Self { start, step: if weak { step ^ 0xaaaa_aaaa_aaaa_aaaa } else { step } }
    }

    /// Returns the number at an address: 64 uniform bits.
    #[inline]
    #[must_use]
    pub fn at(self, index: u64) -> u64 {
        mix(self.start.wrapping_add(index.wrapping_add(1).wrapping_mul(self.step)))
    }

    /// Returns the numbers from address 0 on, one after another.
    #[must_use]
    pub fn draws(self) -> Draws {
        Draws { point: self.start, step: self.step }
    }
}

/// Mixes by Stafford's variant 13: a bijection of 64 bits in which every input bit changes every
/// output bit with probability near one half.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The numbers of a stream, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draws {
    point: u64,
    step: u64,
}

impl Draws {
    /// Returns the numbers of `SplitMix64` from a seed (Steele, Lea and Flood 2014).
    #[must_use]
    pub fn split_mix(seed: u64) -> Self {
        Self { point: seed, step: GOLDEN }
    }

    /// Draws 64 uniform bits: the i-th call gives [`Stream::at`]`(i)`.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.point = self.point.wrapping_add(self.step);
        mix(self.point)
    }

    /// Draws uniformly from 0..bound. `bound` is at least 1.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        below(self.bits(), bound).0
    }

    /// Draws uniformly from [0, 1), in multiples of 2⁻⁵³.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Returns true with probability `p`.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.bits() < threshold(p) || p >= 1.0
    }

    /// Draws from the exponential law with mean 1.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Puts a slice into a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

impl rand::TryRng for Draws {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.bits() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.bits())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let word = self.bits().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

/// Returns a number uniform in 0..bound from 64 uniform bits, and what the bits still hold: the
/// product's high and low half. The bias is below bound/2⁶⁴ (Lemire 2019). Given the first, the
/// second is uniform in steps of `bound`, so one number decides whom to call and, by [`threshold`],
/// whether it is lost.
#[inline]
#[must_use]
pub fn below(bits: u64, bound: u64) -> (u64, u64) {
    let product = u128::from(bits) * u128::from(bound);
    ((product >> 64) as u64, product as u64)
}

/// Returns a number uniform in [0, 1) from 64 uniform bits.
#[inline]
#[must_use]
pub fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Returns how many of 2⁶⁴ equally likely numbers a probability in [0, 1) takes: `bits <
/// threshold(p)` happens with probability p. For p of 1 it falls short by one; callers treat 1
/// apart.
#[inline]
#[must_use]
pub fn threshold(p: f64) -> u64 {
    // 2⁶⁴ as a double; the conversion saturates.
    (p * 18_446_744_073_709_551_616.0) as u64
}

#[cfg(test)]
mod tests;
