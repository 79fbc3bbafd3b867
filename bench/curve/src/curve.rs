//! A measured curve, and whether chance explains its distance from the exact one.

use std::fmt;

use crate::Exact;

/// The mean number informed, by round from 0, over some events.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Number of events.
    pub events: u64,
    /// The mean.
    pub informed: Vec<f64>,
}

/// A round in which a measured mean is too far from the exact one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beyond {
    /// The round.
    pub round: usize,
    /// The measured mean.
    pub measured: f64,
    /// The exact mean.
    pub exact: f64,
    /// How far from each other they may be.
    pub bound: f64,
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { round, measured, exact, bound } = self;
        write!(f, "round {round}: {measured:.4} is not {exact:.4} ± {bound:.4}")
    }
}

impl Curve {
    /// Returns the mean of these events; each is the rounds of its deliveries, 0 at its origin.
    #[must_use]
    pub fn of(events: &[Vec<u32>], rounds: u32) -> Self {
        let mut delivered = vec![0u64; rounds as usize + 1];
        for &round in events.iter().flatten() {
            if let Some(count) = delivered.get_mut(round as usize) {
                *count += 1;
            }
        }
        let mut known = 0;
        let informed = delivered.iter().map(|count| {
            known += count;
            known as f64 / events.len() as f64
        });
        Self { events: events.len() as u64, informed: informed.collect() }
    }

    /// Returns the rounds whose mean is further from the exact one than `z` standard errors
    /// explain.
    ///
    /// In the last rounds the mean is decided by a few events that missed a node: such counts are
    /// near Poisson's law rather than the normal one. The bound is therefore Bernstein's for steps
    /// of one node: to a chance of exp(−z²/2), z·σ/√n + z²/(3n) (Boucheron, Lugosi and Massart
    /// 2013, section 2.8). Where nothing is left to chance (rounds 0 and 1) the means must be
    /// equal.
    #[must_use]
    pub fn beyond(&self, exact: &Exact, z: f64) -> Vec<Beyond> {
        let errors = exact.errors(self.events);
        let rounds = self.informed.iter().zip(&exact.informed).zip(&errors).enumerate();
        let rounds = rounds.map(|(round, ((&measured, &exact), &error))| {
            let chance =
                if round > 1 { z * error + z * z / (3.0 * self.events as f64) } else { 0.0 };
            Beyond { round, measured, exact, bound: chance + 1e-9 }
        });
        rounds.filter(|round| (round.measured - round.exact).abs() > round.bound).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_counts_who_heard_until_then() {
        let curve = Curve::of(&[vec![0, 1, 2, 2], vec![1, 0]], 3);
        assert_eq!(curve, Curve { events: 2, informed: vec![1.0, 2.0, 3.0, 3.0] });
    }

    #[test]
    fn what_is_certain_must_be_met_and_what_is_not_nearly() {
        let exact = Exact { informed: vec![1.0, 2.0, 4.0], deviation: vec![0.0, 0.0, 1.0] };
        let beyond = |informed: [f64; 3]| -> Vec<usize> {
            let curve = Curve { events: 100, informed: informed.into() };
            curve.beyond(&exact, 3.0).iter().map(|beyond| beyond.round).collect()
        };
        // 3·0.1 + 9/300 = 0.33.
        assert!(beyond([1.0, 2.0, 4.32]).is_empty());
        assert_eq!(beyond([1.0, 2.0, 3.66]), [2]);
        assert_eq!(beyond([1.0, 1.99, 4.34]), [1, 2]);
    }
}
