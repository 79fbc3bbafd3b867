//! How many nodes have a bit set, for each of many runs at once.
//!
//! Numbers are kept as bit planes: plane i holds the i-th binary digit of every run's number. Two
//! words that are to be added at a plane are first collected, and added as a pair, which costs five
//! operations for 64 runs (Harley and Seal's carry-save adder; Warren 2012, "Hacker's Delight",
//! section 5-1).

/// Sums of bits, one for each of 64·W runs.
#[derive(Clone, Debug)]
pub(super) struct Tally<const W: usize> {
    planes: Vec<Plane<W>>,
}

#[derive(Clone, Copy, Debug)]
struct Plane<const W: usize> {
    digits: [u64; W],
    /// A word that waits for another.
    waiting: Option<[u64; W]>,
}

impl<const W: usize> Tally<W> {
    pub(super) fn new() -> Self {
        Self { planes: Vec::new() }
    }

    /// Adds `weight` to the sums of the runs whose bit is set.
    #[inline]
    pub(super) fn add(&mut self, bits: &[u64; W], mut weight: u32) {
        while weight > 0 {
            self.add_at(weight.trailing_zeros() as usize, *bits);
            weight &= weight - 1;
        }
    }

    #[inline]
    fn add_at(&mut self, mut plane: usize, mut bits: [u64; W]) {
        loop {
            while self.planes.len() <= plane {
                self.planes.push(Plane { digits: [0; W], waiting: None });
            }
            let here = &mut self.planes[plane];
            let Some(other) = here.waiting.take() else {
                here.waiting = Some(bits);
                return;
            };
            let mut carry = [0; W];
            for w in 0..W {
                let either = bits[w] ^ other[w];
                carry[w] = (bits[w] & other[w]) | (either & here.digits[w]);
                here.digits[w] ^= either;
            }
            (bits, plane) = (carry, plane + 1);
        }
    }

    /// Returns a run's sum.
    pub(super) fn sum(&self, lane: usize) -> u64 {
        let bit = |words: &[u64; W]| words[lane / 64] >> (lane % 64) & 1;
        let digit = |plane: &Plane<W>| bit(&plane.digits) + plane.waiting.as_ref().map_or(0, bit);
        self.planes.iter().enumerate().map(|(i, plane)| digit(plane) << i).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::stream::{Purpose, Stream};

    #[test]
    fn sums_are_sums() {
        let mut draws = Stream::new(1, Purpose::Lanes).draws();
        let mut tally = Tally::<2>::new();
        let mut plain = [0u64; 128];
        for i in 0..1000u32 {
            let bits = [draws.bits() & draws.bits(), draws.bits() | draws.bits()];
            let weight = if i % 3 == 0 { 1 } else { i % 65 };
            tally.add(&bits, weight);
            for (lane, sum) in plain.iter_mut().enumerate() {
                *sum += (bits[lane / 64] >> (lane % 64) & 1) * u64::from(weight);
            }
        }
        for (lane, &sum) in plain.iter().enumerate() {
            assert_eq!(tally.sum(lane), sum, "{lane}");
        }
    }
}
