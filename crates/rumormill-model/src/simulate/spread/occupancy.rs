//! How many bins are hit when balls fall at random: exact, at a cost that hardly grows with either.
//!
//! Balls fall independently, each into every bin alike; the law of the number of bins hit is
//! C(m,j) j! S(b,j) / mᵇ with Stirling numbers, which are out of reach for 10⁹ balls.
//! Instead, *cast and complete*:
//!
//! 1. Let every bin get a Poisson number of balls of its own, with a rate a little below b/m. How
//!    many bins got 0, 1, 2, … balls follows from a few binomial draws, one per level; so do the
//!    number of bins hit and the number N of balls that were cast. Given N, balls have fallen
//!    uniformly (a Poisson process conditioned on its total), so bins hit and N are what N balls
//!    would give. If N > b, cast again: that looks at N alone, and so disturbs nothing.
//! 2. Throw the b − N balls that are missing, about 1.5 √b: of these a binomial number meets bins
//!    not yet hit, and falls uniformly on them. That is the same question with 1.5 √b balls.
//!
//! So 10⁹ balls become some 50,000, then 300, and then are thrown one by one. Nothing is
//! approximated. Few balls among many bins are likely to hit as many bins, and a bound on the
//! probability of any two meeting settles most cases with one number.

use crate::simulate::spread::binomial::{Chance, binomial, real};
use crate::simulate::stream::Draws;

/// Up to this many balls are thrown one by one.
const ONE_BY_ONE: u64 = 100;

/// Bins left at a level are followed one by one from here on.
const FEW_BINS: u64 = 6;

/// By how many roots of the balls the cast aims low.
const MARGIN: f64 = 1.5;

/// With a smaller expected number of pairs that meet, the first meeting is looked for.
const RARE: f64 = 0.02;

/// Not among more balls than this, which may have to be gone through.
const MANY: u64 = 4096;

/// Levels that fit on the stack.
const LEVELS: usize = 64;

/// 1/i.
const RECIPROCALS: [f64; LEVELS + 1] = {
    let mut table = [0.0; LEVELS + 1];
    let mut i = 1;
    while i <= LEVELS {
        table[i] = 1.0 / i as f64;
        i += 1;
    }
    table
};

/// Returns how many of `bins` are hit by `balls`.
pub(super) fn occupied(draws: &mut Draws, mut balls: u64, bins: u64) -> u64 {
    let mut free = bins;
    while balls > 0 && free > 0 {
        let b = real(balls);
        let meetings = 0.5 * b * (b - 1.0) / real(free);
        if meetings < RARE && balls <= MANY {
            return (bins - free) + scattered(draws, balls, free, meetings);
        }
        if balls <= ONE_BY_ONE {
            return (bins - free) + thrown(draws, balls, free, free);
        }
        let rate = (b - MARGIN * b.sqrt()) / real(free);
        let cast = Cast::draw(draws, rate, free, balls);
        // The rest meets a bin that is still free with this chance.
        let open = Chance::share(free - cast.hit, free);
        balls = binomial(draws, balls - cast.balls, open);
        free -= cast.hit;
    }
    bins - free
}

/// Throws balls one by one into `bins`, of which `free` are not hit yet; how many it hits of these.
fn thrown(draws: &mut Draws, balls: u64, bins: u64, mut free: u64) -> u64 {
    let before = free;
    for _ in 0..balls {
        free -= u64::from(draws.below(bins) < free);
    }
    before - free
}

/// Throws few balls, with a small expected number of `meetings`, which bounds the chance of any.
fn scattered(draws: &mut Draws, balls: u64, bins: u64, meetings: f64) -> u64 {
    let uniform = draws.unit();
    if uniform < 1.0 - meetings {
        return balls;
    }
    // The same number decides which ball meets another first: P(none of i do) = Π (1 − l/m).
    let mut apart = 1.0;
    for ball in 1..balls {
        apart *= 1.0 - real(ball) / real(bins);
        if uniform >= apart {
            return ball + thrown(draws, balls - ball - 1, bins, bins - ball);
        }
    }
    balls
}

/// The result of giving every bin a Poisson number of balls.
struct Cast {
    /// Bins that got any.
    hit: u64,
    /// Balls in all.
    balls: u64,
}

impl Cast {
    /// Casts until no more than `most` balls were.
    fn draw(draws: &mut Draws, rate: f64, bins: u64, most: u64) -> Self {
        let mut few = [0.0; LEVELS];
        let mut many;
        let top = levels(rate, bins);
        let tails = if top < LEVELS {
            &mut few[..=top]
        } else {
            many = vec![0.0; top + 1];
            &mut many[..]
        };
        fill_tails(tails, rate);
        loop {
            let cast = Self::once(draws, tails, rate, bins);
            if cast.balls <= most {
                return cast;
            }
        }
    }

    fn once(draws: &mut Draws, tails: &[f64], rate: f64, bins: u64) -> Self {
        let tail = |level: usize| tails.get(level).copied().unwrap_or_else(|| beyond(level, rate));
        // 1 − e^{−rate}, to its own last digit.
        let hit = binomial(draws, bins, Chance { hit: -(-rate).exp_m1(), miss: 1.0 / tail(0) });
        let (mut left, mut balls, mut level) = (hit, hit, 1);
        while left > FEW_BINS {
            // Of the bins with at least `level`, these have more.
            let stay = 1.0 / tail(level);
            left -= binomial(draws, left, Chance::new(stay));
            balls += left;
            level += 1;
        }
        for _ in 0..left {
            let mut level = level;
            while draws.unit() * tail(level) >= 1.0 {
                balls += 1;
                level += 1;
            }
        }
        Self { hit, balls }
    }
}

/// Returns about how many levels will be asked for, and some more, from which the recurrence of
/// [`fill_tails`] settles. Beyond, [`beyond`] answers.
fn levels(rate: f64, bins: u64) -> usize {
    if rate >= 1.5 {
        return (rate + 10.0 * rate.sqrt() + 24.0) as usize;
    }
    let mut expected = real(bins);
    let mut level = 0;
    while expected > 0.01 && level < LEVELS {
        level += 1;
        expected *= rate * RECIPROCALS[level];
    }
    level + 12
}

/// Fills in P(X ≥ c)/P(X = c) of a Poisson X, for every level c: r(c) = 1 + rate/(c+1) · r(c+1),
/// downwards, where errors shrink by rate/(c+1) a step.
fn fill_tails(tails: &mut [f64], rate: f64) {
    let top = tails.len() - 1;
    let mut above = beyond(top, rate);
    tails[top] = above;
    for level in (0..top).rev() {
        let next = level + 1;
        let step = if next <= LEVELS { rate * RECIPROCALS[next] } else { rate / next as f64 };
        above = 1.0 + step * above;
        tails[level] = above;
    }
}

/// Returns the same at a level far above the rate, by its series.
fn beyond(level: usize, rate: f64) -> f64 {
    let (mut sum, mut term, mut next) = (1.0, 1.0, level as f64);
    while term > 1e-17 {
        next += 1.0;
        term *= rate / next;
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::spread::checks::{assert_follows, assert_moments};
    use crate::simulate::stream::{Purpose, Stream};

    /// Returns the law of the number of bins hit, ball by ball.
    fn law(balls: u64, bins: u64) -> Vec<f64> {
        let mut law = vec![0.0; bins as usize + 1];
        law[0] = 1.0;
        for _ in 0..balls {
            for hit in (0..bins as usize).rev() {
                let up = law[hit] * (bins as usize - hit) as f64 / bins as f64;
                law[hit + 1] += up;
                law[hit] -= up;
            }
        }
        law
    }

    #[test]
    fn bins_hit_follow_the_law() {
        let cases =
            [(3, 2), (12, 3000), (30, 40), (90, 60), (150, 40), (300, 900), (2000, 700), (900, 90)];
        for (case, (balls, bins)) in cases.into_iter().enumerate() {
            let mut draws = Stream::new(21, Purpose::Counts).child(case as u64).draws();
            let what = format!("{balls} {bins}");
            let draw = || occupied(&mut draws, balls, bins);
            assert_follows(&law(balls, bins), 30_000, draw, &what);
        }
    }

    #[test]
    fn moments_hold_for_many_balls() {
        let cases = [
            (100_000, 50_000),
            (1_000_000, 30_000_000),
            (1_000_000_000, 1_000_000_000),
            (4_000_000, 1_000_000),
            (50_000_000_000, 1_000_000_000_000_000),
        ];
        for (balls, bins) in cases {
            let mut draws = Stream::new(22, Purpose::Counts).child(balls).draws();
            let (b, m) = (real(balls), real(bins));
            // One bin stays free, and so do two: their logarithms.
            let (one, two) = (b * (-1.0 / m).ln_1p(), b * (-2.0 / m).ln_1p());
            let mean = -m * one.exp_m1();
            // e² − e₁² without cancellation: e₁² (e^{two − 2 one} − 1).
            let pair = b * (-1.0 / (m - 1.0).powi(2)).ln_1p();
            let e = one.exp();
            let variance = m * (m - 1.0) * e * e * pair.exp_m1() + m * e * -one.exp_m1();
            assert!((two - 2.0 * one - pair).abs() < 1e-6);
            let draw = || occupied(&mut draws, balls, bins);
            let what = format!("{balls} {bins}");
            assert_moments((mean, variance), 0.05, 20_000, draw, &what);
        }
    }

    #[test]
    fn nothing_falls_and_nothing_is_there() {
        let mut draws = Stream::new(23, Purpose::Counts).draws();
        assert_eq!(occupied(&mut draws, 0, 5), 0);
        assert_eq!(occupied(&mut draws, 5, 0), 0);
        assert_eq!(occupied(&mut draws, 1_000_000, 1), 1);
        assert_eq!(occupied(&mut draws, 1, u64::MAX >> 12), 1);
    }
}
