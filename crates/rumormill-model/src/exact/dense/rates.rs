//! What one sender and one caller do, in double-double arithmetic.

use crate::exact::double::{Double, halves, two_sum};
use crate::spread::{Spread, Targets};

/// Chances below this are not worth a step.
pub(super) const UNREACHED: f64 = 1e-50;

/// The chances of one round.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    pool: f64,
    fanout: u64,
    loss: f64,
    keep: Double,
    /// Every caller picks the whole pool: then pushes strike each node on its own too.
    everyone: bool,
    calls: [bool; 2],
    /// Chance that 0, 1, …, k of a caller's distinct picks arrive; empty if picks are independent.
    arrivals: Vec<Double>,
    /// By the number told by one sender: its chance when x are uninformed, for x = 0, 1, ….
    pub(super) bands: Vec<Band>,
}

/// Probability that one sender informs exactly k nodes, by the number uninformed. The upper half is
/// split in two, as the products need it.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) high: Vec<f64>,
    pub(super) low: Vec<f64>,
    pub(super) rest: Vec<f64>,
    /// The number uninformed where this chance is largest.
    pub(super) mode: f64,
}

impl Rates {
    pub(super) fn new(spread: &Spread) -> Self {
        let pool = spread.pool() as f64;
        let distinct = spread.targets == Targets::Distinct;
        let everyone = distinct && spread.fanout >= spread.pool();
        let (hi, lo) = two_sum(1.0, -spread.loss);
        let mut rates = Self {
            pool,
            fanout: if everyone { spread.pool() } else { spread.fanout },
            loss: spread.loss,
            keep: Double { hi, lo },
            everyone,
            calls: [spread.style.pushes(), spread.style.pulls()],
            arrivals: Vec::new(),
            bands: Vec::new(),
        };
        if distinct && !everyone {
            rates.arrivals = rates.arrival_row();
        }
        if rates.pushes() {
            rates.bands = rates.bands(spread.alive() as usize);
        }
        rates
    }

    /// Returns whether senders must be followed one by one.
    pub(super) fn pushes(&self) -> bool {
        self.calls[0] && !self.everyone
    }

    /// Returns whether each uninformed node misses on its own.
    pub(super) fn pulls(&self) -> bool {
        self.calls[1] || self.everyone
    }

    fn arrival_row(&self) -> Vec<Double> {
        let k = self.fanout as usize;
        let mut row = vec![Double::ZERO; k + 1];
        row[0] = Double::ONE;
        for i in 0..k {
            for d in (0..=i).rev() {
                row[d + 1] = row[d + 1].plus(row[d].times(self.keep));
                row[d] = row[d].scale(self.loss);
            }
        }
        row
    }

    /// Returns the chance that an uninformed node misses all u informed, by its own calls (or by
    /// anyone's, if everyone calls everyone), and one minus that.
    pub(super) fn own_miss(&self, u: usize) -> (Double, Double) {
        let miss = if self.everyone {
            let both = if self.calls == [true, true] { 2 } else { 1 };
            Double::new(self.loss).power(both * u as u64)
        } else if !self.calls[1] {
            Double::ONE
        } else if self.arrivals.is_empty() {
            let others = self.pool - u as f64;
            let one = Double::new(self.loss).scale(u as f64).plus(Double::new(others));
            one.over(Double::new(self.pool)).power(self.fanout)
        } else {
            let others = self.pool - u as f64;
            let mut missed = Double::ONE;
            let mut sum = self.arrivals[0];
            for (i, &weight) in self.arrivals.iter().skip(1).enumerate() {
                let left = Double::new(self.pool - i as f64);
                missed = missed.scale((others - i as f64).max(0.0)).over(left);
                sum = sum.plus(weight.times(missed));
            }
            sum
        };
        (miss, Double::ONE.minus(miss))
    }

    /// Returns what one sender does when x are uninformed, for every x, pick after pick.
    fn bands(&self, alive: usize) -> Vec<Band> {
        let k = self.fanout as usize;
        let mut table = vec![vec![Double::ZERO; alive + 1]; k + 1];
        let shares: Vec<Double> = (0..k)
            .map(|d| {
                if self.arrivals.is_empty() {
                    self.keep.over(Double::new(self.pool))
                } else {
                    Double::ONE.over(Double::new(self.pool - d as f64))
                }
            })
            .collect();
        let mut told = vec![Double::ZERO; k + 1];
        for x in 0..=alive {
            told.fill(Double::ZERO);
            told[0] = Double::ONE;
            if let Some(&none) = self.arrivals.first() {
                table[0][x] = none;
            }
            for (d, &share) in shares.iter().enumerate() {
                let most = x.min(d + 1);
                for i in (0..=most).rev() {
                    // A pick of this sender that met none of those it told itself.
                    let stays = if self.arrivals.is_empty() {
                        Double::ONE.minus(share.scale((x - i) as f64))
                    } else {
                        share.scale((self.pool - d as f64 - (x - i) as f64).max(0.0))
                    };
                    let mut p = told[i].times(stays);
                    if i > 0 {
                        p = p.plus(told[i - 1].times(share.scale((x - i + 1) as f64)));
                    }
                    told[i] = if p.hi < UNREACHED * UNREACHED { Double::ZERO } else { p };
                }
                if let Some(&arrive) = self.arrivals.get(d + 1) {
                    for i in 0..=most {
                        table[i][x] = table[i][x].plus(arrive.times(told[i]));
                    }
                }
            }
            if self.arrivals.is_empty() {
                for (row, &p) in table.iter_mut().zip(&told) {
                    row[x] = p;
                }
            }
        }
        table
            .into_iter()
            .map(|row| {
                let mode = (0..row.len()).fold(0, |a, b| if row[b].hi > row[a].hi { b } else { a });
                Band {
                    high: row.iter().map(|p| halves(p.hi).0).collect(),
                    low: row.iter().map(|p| halves(p.hi).1).collect(),
                    rest: row.iter().map(|p| p.lo).collect(),
                    mode: mode as f64,
                }
            })
            .collect()
    }
}
