//! Uniform picks for many runs at once, as one mask for each candidate.
//!
//! b bit planes hold a number below 2ᵇ for each run; halving the runs by one plane after another
//! gives the runs of each number. Numbers that are no candidate, or one that was picked before and
//! may not be again, are drawn anew for those runs alone: each attempt has planes of its own, so
//! that a run's pick does not depend on how often others had to draw.

use crate::simulate::stream::Stream;

/// The random words of one round: a stream for every word of runs, picks and losses apart.
#[derive(Clone, Debug)]
pub(super) struct Words<const W: usize> {
    pub(super) picks: [Stream; W],
    pub(super) losses: [Stream; W],
}

/// Bits of an address for attempts and planes; above them the pick, above that the node.
const ATTEMPTS: u32 = 16;
const PICKS: u32 = 6;

/// Returns the address of the first word of a node's pick.
fn address(node: u32, pick: u32) -> u64 {
    (u64::from(node) << PICKS | u64::from(pick)) << ATTEMPTS
}

/// For each candidate the runs that pick it.
#[derive(Clone, Debug)]
pub(super) struct Choice<const W: usize> {
    /// One mask for each candidate.
    pub(super) picked: [[u64; W]; 64],
    halves: [[u64; W]; 64],
}

impl<const W: usize> Choice<W> {
    pub(super) fn new() -> Self {
        Self { picked: [[0; W]; 64], halves: [[0; W]; 64] }
    }

    /// Lets `runs` pick among `candidates` (1 to 64) once more, where `taken`, if given, says what
    /// each picked before. Fills in `picked`.
    #[inline]
    pub(super) fn draw(
        &mut self,
        words: &Words<W>,
        (node, pick): (u32, u32),
        runs: &[u64; W],
        candidates: usize,
        taken: Option<&[[u64; W]; 64]>,
    ) {
        if candidates == 1 {
            self.picked[0] = *runs;
            return;
        }
        let planes = usize::BITS - (candidates - 1).leading_zeros();
        let mut at = address(node, pick);
        if taken.is_none() && candidates.is_power_of_two() {
            self.picked[0] = *runs;
            split(&mut self.picked, words, at, planes);
            return;
        }
        self.picked[..candidates].fill([0; W]);
        let mut waiting = *runs;
        while waiting.iter().any(|&word| word != 0) {
            self.halves[0] = waiting;
            split(&mut self.halves, words, at, planes);
            at += u64::from(planes);
            for (j, (picked, mask)) in self.picked.iter_mut().zip(&self.halves).enumerate() {
                if j == candidates {
                    break;
                }
                for w in 0..W {
                    let fresh = mask[w] & !taken.map_or(0, |taken| taken[j][w]);
                    picked[w] |= fresh;
                    waiting[w] &= !fresh;
                }
            }
        }
    }
}

/// Divides the runs of `masks[0]` evenly among 2^planes masks.
#[inline(always)]
fn split<const W: usize>(masks: &mut [[u64; W]; 64], words: &Words<W>, at: u64, planes: u32) {
    for plane in 0..planes {
        let bits: [u64; W] = std::array::from_fn(|w| words.picks[w].at(at + u64::from(plane)));
        let (low, high) = masks.split_at_mut(1 << plane);
        for (low, high) in low.iter_mut().zip(high) {
            for w in 0..W {
                high[w] = low[w] & bits[w];
                low[w] &= !bits[w];
            }
        }
    }
}

/// Returns the runs in which something of this chance happens: a uniform number is compared with
/// `limit`/2⁶⁴, bit by bit from the top, until all of `runs` are decided.
pub(super) fn happens<const W: usize>(
    streams: &[Stream; W],
    (node, pick): (u32, u32),
    runs: &[u64; W],
    limit: u64,
) -> [u64; W] {
    std::array::from_fn(|w| {
        let (mut open, mut hit, mut rest, mut at) = (runs[w], 0, limit, address(node, pick));
        while open != 0 && rest != 0 {
            let bits = streams[w].at(at);
            at += 1;
            if rest >> 63 == 1 {
                hit |= open & !bits;
                open &= bits;
            } else {
                open &= !bits;
            }
            rest <<= 1;
        }
        hit
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::stream::{Purpose, threshold};

    fn words<const W: usize>(first: u64) -> Words<W> {
        let stream = Stream::new(5, Purpose::Lanes);
        Words {
            picks: std::array::from_fn(|w| stream.child(2 * (first + w as u64))),
            losses: std::array::from_fn(|w| stream.child(2 * (first + w as u64) + 1)),
        }
    }

    #[test]
    fn every_run_picks_one_evenly() {
        let words = words::<2>(0);
        for candidates in [1, 2, 3, 5, 8, 13, 64] {
            let mut choice = Choice::new();
            let mut times = vec![0u32; candidates];
            let runs = [!0, 0xffff_0000_1234_5678];
            for node in 0..2000 {
                choice.draw(&words, (node, 0), &runs, candidates, None);
                let mut all = [0; 2];
                for (picked, times) in choice.picked[..candidates].iter().zip(&mut times) {
                    for w in 0..2 {
                        assert_eq!(all[w] & picked[w], 0);
                        all[w] |= picked[w];
                        *times += picked[w].count_ones();
                    }
                }
                assert_eq!(all, runs);
            }
            let total = f64::from(times.iter().sum::<u32>());
            let expected = total / candidates as f64;
            let chi: f64 =
                times.iter().map(|&t| (f64::from(t) - expected).powi(2) / expected).sum();
            let degrees = candidates as f64 - 1.0;
            assert!(chi < degrees + 4.0 * (2.0 * degrees).sqrt() + 4.0, "{candidates}: {chi}");
        }
    }

    #[test]
    fn a_runs_pick_depends_on_no_other_run() {
        let (two, one) = (words::<2>(0), words::<1>(1));
        let (mut all, mut few) = (Choice::new(), Choice::new());
        for candidates in [3, 8, 11] {
            for node in 0..300 {
                let mut taken = ([[0; 2]; 64], [[0; 1]; 64]);
                for pick in 0..3 {
                    let mask = 0x00ff_00ff_0f0f_1111;
                    all.draw(&two, (node, pick), &[!0; 2], candidates, Some(&taken.0));
                    few.draw(&one, (node, pick), &[mask], candidates, Some(&taken.1));
                    for j in 0..candidates {
                        assert_eq!(all.picked[j][1] & mask, few.picked[j][0]);
                        assert_eq!(all.picked[j][1] & taken.0[j][1], 0);
                        (0..2).for_each(|w| taken.0[j][w] |= all.picked[j][w]);
                        taken.1[j][0] |= few.picked[j][0];
                    }
                }
            }
        }
    }

    #[test]
    fn runs_pick_independently_of_one_another() {
        // Of pairs of runs, a share 1/c picks alike.
        let words = words::<1>(0);
        let mut choice = Choice::new();
        for candidates in [2, 5, 8] {
            let mut alike = 0u64;
            for node in 0..4000 {
                choice.draw(&words, (node, 0), &[!0], candidates, None);
                let pairs = |mask: &[u64; 1]| {
                    let ones = u64::from(mask[0].count_ones());
                    ones * ones.saturating_sub(1) / 2
                };
                alike += choice.picked[..candidates].iter().map(pairs).sum::<u64>();
            }
            let pairs = 4000.0 * 64.0 * 63.0 / 2.0;
            let p = 1.0 / candidates as f64;
            // Pairs are uncorrelated, so the variance is that of a binomial.
            let z = (alike as f64 - pairs * p) / (pairs * p * (1.0 - p)).sqrt();
            assert!(z.abs() < 4.0, "{candidates}: {z}");
        }
    }

    #[test]
    fn losses_have_their_chance() {
        let words = words::<1>(3);
        for chance in [0.01, 0.25, 0.7] {
            let happened: u32 = (0..4000)
                .map(|node| happens(&words.losses, (node, 1), &[!0], threshold(chance))[0])
                .map(u64::count_ones)
                .sum();
            let n = 4000.0 * 64.0;
            let z = (f64::from(happened) - n * chance) / (n * chance * (1.0 - chance)).sqrt();
            assert!(z.abs() < 4.0, "{chance}: {z}");
        }
    }
}
