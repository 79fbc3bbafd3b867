//! The laws of one round from every count, for populations small enough to list them all.
//!
//! All terms are positive and carried in double-double arithmetic, so each probability is good to
//! the last bit of a double, in the tails as in the middle.
//!
//! The law from u + 1 informed follows from the law from u: of m tagged nodes that u senders have
//! left uninformed in part, take one away (it is one of the x uninformed with chance x/m), and let
//! one more sender make its picks. The calls of the uninformed then thin the rest, each missing on
//! its own.

mod law;
mod rates;

use crate::exact::double::Double;
use crate::spread::Spread;
use law::Missed;
use rates::Rates;

/// Populations up to here have every law listed, without panels.
pub(crate) const MAX_NODES: u64 = 2500;

/// Probabilities below this are left out of a row.
const NEGLIGIBLE: f64 = 1e-40;

/// Bound on what one row leaves out: a row has at most 2,501 entries, and the chain behind it
/// drops less than 1e-43 (at most 65 chances below 1e-50 in each of 5,000 steps).
pub(crate) const LEFT_OUT: f64 = 3e-37;

/// Lanes of the sums in [`Rows::thin`].
pub(crate) const LANES: usize = 8;

/// The laws of one round, from 1, 2, 3, … informed in turn.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    rates: Rates,
    alive: usize,
    /// The senders so far, and what they left uninformed of the other living nodes.
    senders: usize,
    missed: Missed,
    /// 1/k, by k from 1; nothing at 0.
    one_over: Vec<Double>,
    tables: [Vec<f64>; 3],
}

impl Rows {
    pub(crate) fn new(spread: &Spread) -> Self {
        let rates = Rates::new(spread);
        let alive = spread.alive() as usize;
        Self {
            alive,
            senders: 0,
            missed: Missed::all(alive),
            one_over: (0..=alive)
                .map(
                    |k| if k == 0 { Double::ZERO } else { Double::ONE.over(Double::new(k as f64)) },
                )
                .collect(),
            rates,
            tables: [const { Vec::new() }; 3],
        }
    }

    /// Bound on the relative error of every weight.
    pub(crate) fn relative_error(&self) -> f64 {
        // Rounding from double-double; where calls thin a law, three factors, their products, and
        // a sum in lanes.
        if self.rates.pushes() && self.rates.pulls() {
            0.5 * f64::EPSILON * ((self.alive / LANES + LANES) as f64 + 8.0)
        } else {
            0.51 * f64::EPSILON
        }
    }

    /// Fills in the law from `u` informed, the probabilities of `first`, `first + 1`, … informed;
    /// gives `first`. Must be asked for increasing `u`.
    pub(crate) fn fill(&mut self, u: usize, row: &mut Vec<f64>) -> usize {
        row.clear();
        let m = self.alive - u;
        if self.rates.pushes() {
            while self.senders < u {
                self.missed.without_one();
                self.senders += 1;
                self.missed.send(&self.rates);
            }
        }
        let (miss, hit) = self.rates.own_miss(u);
        let most = if self.rates.pulls() {
            if miss.hi <= 0.0 {
                row.push(1.0);
                0
            } else if !self.rates.pushes() {
                binomial(m, miss, hit, row)
            } else if hit.hi <= 0.0 {
                self.missed.read(row)
            } else {
                self.thin(miss, hit, row)
            }
        } else {
            self.missed.read(row)
        };
        // So far by the number missed, from the least: turn round.
        let last = most + row.len() - 1;
        row.reverse();
        self.alive - last
    }

    /// Returns the law of what is left of `missed` when each is missed again with chance `miss`, on
    /// its own; gives the least count.
    ///
    /// With Poisson probabilities p, C(x, y) c^y h^{x−y} = p(y; c z) p(x−y; h z) / p(x; z) for any
    /// z.
    fn thin(&mut self, miss: Double, hit: Double, row: &mut Vec<f64>) -> usize {
        let (low, law) = (self.missed.low, &self.missed.hi);
        let high = low + law.len() - 1;
        let mean: f64 = law.iter().enumerate().map(|(i, p)| (low + i) as f64 * p).sum();
        let z = mean.round().max(1.0);
        let [left, told, all] = &mut self.tables;
        // Each chain waits for its last step: three laws at a time, from their modes to both sides.
        let mut laws = [
            Poisson::new(miss.scale(z), 0, high, left),
            Poisson::new(hit.scale(z), 0, high, told),
            Poisson::new(Double::new(z), low, high, all),
        ];
        while laws.iter_mut().fold(false, |more, law| law.step(&self.one_over) | more) {}
        for (x, p) in all.iter_mut().zip(law) {
            *x = p / *x;
        }
        let at = |y: usize| {
            let from = y.max(low);
            left[y] * dot(&all[from - low..], &told[from - y..=high - y])
        };
        let middle = ((mean * miss.hi).round() as usize).min(high);
        let top = at(middle);
        let mut sum = Double::new(top);
        row.push(top);
        let mut y = middle;
        while y > 0 {
            let p = at(y - 1);
            if p < NEGLIGIBLE * top {
                break;
            }
            y -= 1;
            row.push(p);
            sum = sum.plus(Double::new(p));
        }
        row.reverse();
        let first = y;
        y = middle;
        while y < high {
            y += 1;
            let p = at(y);
            if p < NEGLIGIBLE * top {
                break;
            }
            row.push(p);
            sum = sum.plus(Double::new(p));
        }
        let scale = 1.0 / sum.hi;
        row.iter_mut().for_each(|p| *p *= scale);
        first
    }
}

/// Σ aᵢ bᵢ of positive numbers, in lanes, as far as both go.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut lanes = [0.0; LANES];
    let (a8, b8) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        for i in 0..LANES {
            lanes[i] += x[i] * y[i];
        }
    }
    let pairs =
        [lanes[0] + lanes[1], lanes[2] + lanes[3], lanes[4] + lanes[5], lanes[6] + lanes[7]];
    (pairs[0] + pairs[1]) + (pairs[2] + pairs[3]) + rest
}

/// Poisson probabilities of `low..=high`, up to a factor that makes the largest 1, while they are
/// filled in from there to both sides.
struct Poisson<'a> {
    table: &'a mut Vec<f64>,
    low: usize,
    high: usize,
    mean: Double,
    one_over_mean: Double,
    /// The last probability at either side, and its count.
    down: (Double, usize),
    up: (Double, usize),
}

/// Poisson probabilities below this part of the largest are left out.
const NEVER: f64 = 1e-200;

impl<'a> Poisson<'a> {
    fn new(mean: Double, low: usize, high: usize, table: &'a mut Vec<f64>) -> Self {
        table.clear();
        table.resize(high - low + 1, 0.0);
        let mode = (mean.hi as usize).clamp(low, high);
        table[mode - low] = 1.0;
        let (down, up) = ((Double::ONE, mode), (Double::ONE, mode));
        Self { table, low, high, mean, one_over_mean: Double::ONE.over(mean), down, up }
    }

    /// Goes one count on at either side; returns whether there was one to go.
    #[inline(always)]
    fn step(&mut self, one_over: &[Double]) -> bool {
        let mut more = false;
        let (p, at) = &mut self.down;
        if *at > self.low && p.hi > NEVER {
            *p = p.scale(*at as f64).times(self.one_over_mean);
            *at -= 1;
            self.table[*at - self.low] = p.hi;
            more = true;
        }
        let (p, at) = &mut self.up;
        if *at < self.high && p.hi > NEVER {
            *at += 1;
            *p = p.times(self.mean).times(one_over[*at]);
            self.table[*at - self.low] = p.hi;
            more = true;
        }
        more
    }
}

/// Returns the binomial law of the number missed of `m`, where it is not negligible; gives the
/// least count.
fn binomial(m: usize, miss: Double, hit: Double, row: &mut Vec<f64>) -> usize {
    let mode = ((m as f64 * miss.hi) as usize).min(m);
    let (odds, turned) = (miss.over(hit), hit.over(miss));
    let mut law = vec![Double::ONE];
    let mut sum = Double::ONE;
    let (mut p, mut at) = (Double::ONE, mode);
    while at > 0 {
        p = p.scale(at as f64).over(Double::new((m - at + 1) as f64)).times(turned);
        if p.hi < NEGLIGIBLE {
            break;
        }
        at -= 1;
        law.push(p);
        sum = sum.plus(p);
    }
    law.reverse();
    let first = at;
    (p, at) = (Double::ONE, mode);
    while at < m {
        at += 1;
        p = p.scale((m - at + 1) as f64).over(Double::new(at as f64)).times(odds);
        if p.hi < NEGLIGIBLE {
            break;
        }
        law.push(p);
        sum = sum.plus(p);
    }
    let scale = Double::ONE.over(sum);
    row.extend(law.iter().map(|p| p.times(scale).hi));
    first
}
