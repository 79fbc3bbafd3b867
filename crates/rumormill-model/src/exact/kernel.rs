//! The probabilities of one round, derived once from a [`Spread`].
//!
//! Everything a push does is a function of one operator, (Gf)(v) = (n−v)(f(v+1) − f(v)), whose
//! eigenvalues are 0, −1, −2, …: a sender's picks miss a given set of j uninformed nodes with
//! probability λ(j), and the picks of u senders miss it with probability λ(j)^u. For independent
//! targets λ(j) = (1 − jq)^k. For distinct ones λ is another polynomial of degree k, written here
//! as λ(j) = (1 − jq)^k · Q(z) with z = 1/(1−jq) − 1, q chosen so that Q has no linear term; Q
//! stays within a few k/n of 1, so a short correction carries it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::exact::complex::Complex;
use rumormill_proto::Style;

use crate::spread::{Spread, Targets};

/// What one round does, as numbers.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// Living nodes.
    pub(crate) alive: f64,
    /// Nodes a caller picks from.
    pool: f64,
    /// Picks of a caller per round.
    pub(crate) fanout: f64,
    loss: f64,
    keep: f64,
    pub(crate) style: Style,
    /// Every caller picks the whole pool.
    everyone: bool,
    /// Chance that 0, 1, …, k of a caller's distinct picks arrive; empty if picks are independent.
    arrivals: Vec<f64>,
    /// Chance per pick and uninformed node, at small j: k·q = −λ′(0).
    pub(crate) q: f64,
    /// Coefficients of z², z³, … in Q(z); empty when Q = 1.
    correction: Vec<f64>,
    /// Laws of one round that are given at every count, by the number informed: they serve all grids.
    pub(crate) known_rows: Rc<RefCell<BTreeMap<u64, Vec<Outcome>>>>,
}

/// One outcome of a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Number informed after it.
    pub(crate) informed: f64,
    /// Number of living nodes that are not.
    pub(crate) missed: f64,
    /// Its weight; the weights of a row sum to one.
    pub(crate) weight: f64,
}

/// The chance that an uninformed node's own calls bring nothing, and one minus that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Miss {
    pub(crate) miss: f64,
    pub(crate) hit: f64,
}

impl Kernel {
    pub(crate) fn new(spread: &Spread) -> Self {
        let pool = spread.pool() as f64;
        let distinct = spread.targets == Targets::Distinct;
        let everyone = distinct && spread.fanout >= spread.pool();
        let fanout = if everyone { pool } else { spread.fanout as f64 };
        let keep = 1.0 - spread.loss;
        let mut kernel = Self {
            alive: spread.alive() as f64,
            pool,
            fanout,
            loss: spread.loss,
            keep,
            style: spread.style,
            everyone,
            arrivals: Vec::new(),
            q: keep / pool,
            correction: Vec::new(),
            known_rows: Rc::default(),
        };
        if distinct && !everyone && spread.fanout > 1 {
            kernel.arrivals = binomial_row(spread.fanout as usize, spread.loss);
            kernel.set_correction();
        }
        kernel
    }

    /// By how much, relatively, the informed grow in a round while they are few.
    pub(crate) fn growth(&self) -> f64 {
        let both = if self.style == Style::PushPull { 2.0 } else { 1.0 };
        both * self.fanout * self.keep * self.alive / self.pool
    }

    /// Returns whether informed nodes make picks that the row must follow one by one.
    pub(crate) fn has_pushes(&self) -> bool {
        self.style.pushes() && !self.everyone
    }

    /// Chance that one uninformed node, by its own calls, misses all u informed nodes; `m` is the
    /// number of living uninformed nodes, given apart so that pool − u does not cancel.
    ///
    /// When every caller picks everyone, pushes too strike each uninformed node on its own, and
    /// are counted here.
    pub(crate) fn own_miss(&self, u: f64, m: f64) -> Miss {
        if self.everyone {
            let calls = if self.style == Style::PushPull { 2.0 * u } else { u };
            return Miss {
                miss: self.loss.powf(calls),
                hit: if self.loss == 0.0 { 1.0 } else { -(calls * self.loss.ln()).exp_m1() },
            };
        }
        if !self.style.pulls() {
            return Miss { miss: 1.0, hit: 0.0 };
        }
        self.caller_miss(u, m)
    }

    /// Returns the probability that no node is informed in a round from u informed and m
    /// uninformed.
    pub(crate) fn idle(&self, u: f64, m: f64) -> f64 {
        let pulls = self.own_miss(u, m).miss.powf(m);
        if self.has_pushes() { pulls * self.caller_miss(m, u).miss.powf(u) } else { pulls }
    }

    /// Chance that the calls of one node miss all of `u` living nodes; `m` are the other living
    /// ones, itself included.
    fn caller_miss(&self, u: f64, m: f64) -> Miss {
        let others = (self.pool - self.alive) + m;
        if self.arrivals.is_empty() {
            let one = (others + self.loss * u) / self.pool;
            let hit = self.keep * u / self.pool;
            return Miss {
                miss: one.powf(self.fanout),
                hit: if hit < 0.5 {
                    -(self.fanout * (-hit).ln_1p()).exp_m1()
                } else {
                    1.0 - one.powf(self.fanout)
                },
            };
        }
        let (mut missed, mut hit) = (1.0, 0.0);
        let mut total = Miss { miss: self.arrivals[0], hit: 0.0 };
        for (i, &weight) in self.arrivals.iter().skip(1).enumerate() {
            let left = self.pool - i as f64;
            hit += missed * (u / left).min(1.0);
            missed *= ((others - i as f64) / left).max(0.0);
            total.miss += weight * missed;
            total.hit += weight * hit;
        }
        total
    }

    /// Lets one informed node make its picks of the round: `law[i]` is the probability that
    /// `first + i` are informed. The top entry must have room, or be the whole population.
    pub(crate) fn one_sender(&self, law: &mut [f64], first: f64, scratch: &mut Vec<f64>) {
        if self.arrivals.is_empty() {
            for _ in 0..self.fanout as usize {
                self.one_pick(law, first, self.pool, self.loss);
            }
            return;
        }
        scratch.clear();
        scratch.extend_from_slice(law);
        law.iter_mut().for_each(|p| *p *= self.arrivals[0]);
        for (i, &weight) in self.arrivals.iter().skip(1).enumerate() {
            self.one_pick(scratch, first, self.pool - i as f64, 0.0);
            for (sum, &p) in law.iter_mut().zip(scratch.iter()) {
                *sum += weight * p;
            }
        }
    }

    /// One pick among `pool` candidates, lost with probability `loss`: v → v+1 with probability
    /// (alive − v)(1 − loss)/pool. All terms are positive.
    fn one_pick(&self, law: &mut [f64], first: f64, pool: f64, loss: f64) {
        let keep = 1.0 - loss;
        let mut carried = 0.0;
        let open = self.alive - first;
        for (i, p) in law.iter_mut().enumerate() {
            let uninformed = open - i as f64;
            let chance = uninformed * keep / pool;
            let up = *p * chance;
            // Subtracting keeps the mass to the last digit; near certainty it would lose digits.
            let stay = if chance < 0.5 {
                *p - up
            } else {
                *p * (((pool - uninformed) + loss * uninformed).max(0.0) / pool)
            };
            *p = stay + carried;
            carried = up;
        }
    }

    /// Returns whether distinct picks need a correction to the law of independent ones.
    pub(crate) fn corrected(&self) -> bool {
        !self.correction.is_empty()
    }

    /// ln λ(1) + k·q, a number of order k q², without cancellation.
    pub(crate) fn ln_miss_excess(&self) -> f64 {
        let z = self.q / (1.0 - self.q);
        let shortfall = -Complex::new(-self.q, 0.0).ln_1p_shortfall().re;
        self.fanout * shortfall + self.ln_correction(Complex::new(z, 0.0), self.correction.len()).re
    }

    /// Returns, for the closed-form variance, ln λ(2) − 2 ln λ(1), a number of order −k q²,
    /// without cancellation.
    #[cfg(test)]
    pub(crate) fn ln_pair_excess(&self) -> f64 {
        let (one, two) = (1.0 - self.q, 1.0 - 2.0 * self.q);
        let terms = self.correction.len();
        let ln_q = |z: f64| self.ln_correction(Complex::new(z, 0.0), terms).re;
        self.fanout * (-(self.q / one).powi(2)).ln_1p() + ln_q(2.0 * self.q / two)
            - 2.0 * ln_q(self.q / one)
    }

    /// ln Q(z), using the first `terms` coefficients.
    pub(crate) fn ln_correction(&self, z: Complex, terms: usize) -> Complex {
        let mut sum = Complex::ZERO;
        for &e in self.correction[..terms].iter().rev() {
            sum = sum * z + Complex::new(e, 0.0);
        }
        let t = sum * z * z;
        if t.norm_squared() < 1e-10 { t - t.ln_1p_shortfall() } else { t.ln_1p() }
    }

    /// Returns how many coefficients of Q matter to u senders when |z| stays below `reach`; 0 if
    /// the correction changes nothing.
    pub(crate) fn correction_terms(&self, u: f64, m: f64, reach: f64) -> usize {
        // What Q does to the variance, 2 u e₂ (qm)², against the scale u² on which f varies.
        let Some(&first) = self.correction.first() else { return 0 };
        if 2.0 * first.abs() * (self.q * m).powi(2) < 1e-19 * u {
            return 0;
        }
        let mut power = reach * reach * u;
        let mut terms = 0;
        for (i, &e) in self.correction.iter().enumerate() {
            if (e * power).abs() > 1e-18 {
                terms = i + 1;
            }
            power *= reach;
        }
        terms
    }

    /// Sets q and Q from the chances of arrival (module text).
    fn set_correction(&mut self) {
        let k = self.arrivals.len() - 1;
        let mut reached = 0.0;
        self.q = 0.0;
        for d in 1..=k {
            reached += 1.0 / (self.pool - (d - 1) as f64);
            self.q += self.arrivals[d] * reached / k as f64;
        }
        // Q(z) = Σ_d P(d arrive) (1+z)^{k−d} Π_{i<d} (1 + δ_i z), δ_i = 1 − 1/((pool−i) q).
        let mut total = vec![0.0; k + 1];
        for d in 0..=k {
            let mut poly = vec![0.0; k + 1];
            poly[0] = self.arrivals[d];
            for i in 0..k {
                let slope = if i < d { 1.0 - 1.0 / ((self.pool - i as f64) * self.q) } else { 1.0 };
                for l in (1..=i + 1).rev() {
                    poly[l] += slope * poly[l - 1];
                }
            }
            for (sum, p) in total.iter_mut().zip(&poly) {
                *sum += p;
            }
        }
        self.correction = total.split_off(2);
    }
}

/// Returns the chances that 0, 1, …, k of k contacts arrive when each is lost with probability
/// `loss`.
pub(crate) fn binomial_row(k: usize, loss: f64) -> Vec<f64> {
    let mut row = vec![0.0; k + 1];
    row[0] = 1.0;
    for i in 0..k {
        for d in (0..=i).rev() {
            row[d + 1] += row[d] * (1.0 - loss);
            row[d] *= loss;
        }
    }
    // Thousands of senders multiply what is missing from one.
    crate::exact::special::balance(&mut row);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lambda(kernel: &Kernel, j: f64) -> f64 {
        let mut product = 1.0;
        let mut sum = kernel.arrivals[0];
        for (i, &w) in kernel.arrivals.iter().skip(1).enumerate() {
            product *= 1.0 - j / (kernel.pool - i as f64);
            sum += w * product;
        }
        sum
    }

    #[test]
    fn the_correction_restores_distinct_picks() {
        for (n, k, loss) in [(1000, 4, 0.3), (300, 16, 0.0), (5000, 16, 0.9)] {
            let spread = Spread { fanout: k, loss, ..Spread::new(n, Style::Push) };
            let kernel = Kernel::new(&spread);
            for j in [1.0, 2.0, 17.0, 100.0] {
                let y = 1.0 - j * kernel.q;
                let z = Complex::new(1.0 / y - 1.0, 0.0);
                let q = kernel.ln_correction(z, kernel.correction.len()).re;
                let ours = kernel.fanout * y.ln() + q;
                assert!((ours - lambda(&kernel, j).ln()).abs() < 1e-12, "{n} {k} {loss} {j}");
            }
            let direct = lambda(&kernel, 2.0).ln() - 2.0 * lambda(&kernel, 1.0).ln();
            assert!((kernel.ln_pair_excess() - direct).abs() < 1e-13);
            let direct = lambda(&kernel, 1.0).ln() + kernel.fanout * kernel.q;
            assert!((kernel.ln_miss_excess() - direct).abs() < 1e-13);
        }
    }

    #[test]
    fn own_calls_miss_and_hit_to_one() {
        for spread in [
            Spread { fanout: 3, loss: 0.2, ..Spread::new(50, Style::Pull) },
            Spread { fanout: 49, loss: 0.2, ..Spread::new(50, Style::PushPull) },
            Spread { fanout: 2, targets: Targets::Independent, ..Spread::new(50, Style::Pull) },
        ] {
            let kernel = Kernel::new(&spread);
            for u in 1..50 {
                let miss = kernel.own_miss(f64::from(u), f64::from(50 - u));
                assert!((miss.miss + miss.hit - 1.0).abs() < 1e-15, "{spread:?} {u}");
            }
        }
    }

    #[test]
    fn a_sender_keeps_the_mass() {
        let spread = Spread { fanout: 5, loss: 0.4, ..Spread::new(20, Style::Push) };
        let kernel = Kernel::new(&spread);
        let mut law = vec![0.0; 20];
        law[0] = 1.0;
        let mut scratch = Vec::new();
        for _ in 0..10 {
            kernel.one_sender(&mut law, 1.0, &mut scratch);
        }
        assert!((law.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(law[16] > 0.1, "{law:?}");
    }
}
