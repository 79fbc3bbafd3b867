//! How fast averaging contracts: S = Σ (x − x̄)² over the nodes, by schedule.
//!
//! All factors are exact means over the choice of partners, for any starting values (for the
//! schedules with a fixed or a shuffled order: over a random assignment of the values to nodes).

pub mod cycles;
pub mod lag;

use crate::average::Schedule;
use crate::error::{Error, count, need};

impl Schedule {
    /// Returns the factor ρ by which a cycle shrinks the mean of S.
    ///
    /// Random pair (1 − 1/(n−1))ⁿ; matching ½(1 − 1/(n−1)), ½ if n is odd; shuffled by the exact
    /// recursion [`shuffled_factor`], for more than 10⁵ nodes by its limit 1/(2√e) to order 1/n;
    /// fixed order by [`fixed_order_factor`]; asynchronous e^{−n/(n−1)}, from Poisson(n) exchanges
    /// of random pairs. SPSP with atomic exchanges averages values and weights alike and contracts
    /// the same.
    ///
    /// Synchronous is push-sum, ½ − 1/(4n): S is then Σ (v − x̄ w)² over the masses v and weights w
    /// that the nodes hold. Their estimates v/w contract more slowly, by about 0.54 a round at
    /// 1,000 nodes; no formula for that is known.
    ///
    /// # Errors
    /// If `nodes` is below 2 or above 10¹⁵.
    ///
    /// ```
    /// use rumormill_model::average::Schedule;
    /// assert!((Schedule::Synchronous.factor(4)? - (0.5 - 1.0 / 16.0)).abs() < 1e-15);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn factor(self, nodes: u64) -> Result<f64, Error> {
        count("nodes", nodes, 2, crate::graph::topology::MAX_NODES)?;
        let n = nodes as f64;
        Ok(match self {
            Self::RandomPair => (n * (-1.0 / (n - 1.0)).ln_1p()).exp(),
            Self::Shuffled => {
                if nodes <= 100_000 {
                    shuffled_factor(nodes)
                } else {
                    // 1/(2√e) (1 + c/n), c from the recursion at 10⁵.
                    let limit = 0.5 * (-0.5f64).exp();
                    limit + (shuffled_factor(100_000) - limit) * 1e5 / n
                }
            }
            Self::Fixed => fixed_order_factor(),
            // With an odd number of nodes one rests.
            Self::Matching if nodes % 2 == 1 => 0.5,
            Self::Matching => 0.5 * (1.0 - 1.0 / (n - 1.0)),
            Self::Synchronous => 0.5 - 0.25 / n,
            Self::Asynchronous => (-n / (n - 1.0)).exp(),
        })
    }
}

/// Returns the factor of a cycle in shuffled order, by the exact recursion over the second moments
/// of the nodes that have started an exchange and those that have not.
///
/// For n = 8, 64 and 1000: 0.227894, 0.294513, 0.302711; the limit is 1/(2√e) = 0.303265
/// (Jelasity, Montresor and Babaoglu 2005).
///
/// ```
/// let f = rumormill_model::exact::average::shuffled_factor(64);
/// assert!((f - 0.294513).abs() < 5e-7);
/// ```
#[must_use]
pub fn shuffled_factor(nodes: u64) -> f64 {
    let n = nodes as f64;
    if nodes < 2 {
        return 0.0;
    }
    // Mean of x², and of xy over pairs, for a(live to start) and d(one); the sum of x is 0.
    let (mut a, mut d) = (1.0, 0.0);
    let (mut aa, mut ad, mut dd) = (-1.0 / (n - 1.0), 0.0, 0.0);
    for i in 0..nodes {
        let done = i as f64;
        let open = n - done;
        // The starter is open; its partner is open with chance p, done otherwise.
        let p = (open - 1.0) / (n - 1.0);
        let with_open = 0.25 * (2.0 * a + 2.0 * aa);
        let with_done = 0.25 * (a + d + 2.0 * ad);
        // Sums of x² over both sets, and of xy over ordered pairs within and across, afterwards.
        let s_a = p * ((open - 2.0) * a + with_open) + (1.0 - p) * (open - 1.0) * a;
        let s_d = p * (done * d + with_open) + (1.0 - p) * ((done - 1.0) * d + 2.0 * with_done);
        // Partner open: it stays open with the mean; the starter, now done, has the mean too.
        let s_aa = p * ((open - 2.0) * (open - 3.0) * aa + 2.0 * (open - 2.0) * aa)
            + (1.0 - p) * (open - 1.0) * (open - 2.0) * aa;
        let s_ad = p * ((open - 2.0) * done * ad + done * ad + (open - 2.0) * aa + with_open)
            + (1.0 - p) * ((open - 1.0) * (done - 1.0) * ad + 2.0 * (open - 1.0) * 0.5 * (aa + ad));
        let s_dd = p * (done * (done - 1.0) * dd + 2.0 * done * ad)
            + (1.0 - p)
                * ((done - 1.0) * (done - 2.0) * dd
                    + 4.0 * (done - 1.0) * 0.5 * (ad + dd)
                    + 2.0 * with_done);
        let (open, done) = (open - 1.0, done + 1.0);
        let over = |sum: f64, pairs: f64| if pairs > 0.5 { sum / pairs } else { 0.0 };
        a = over(s_a, open);
        d = over(s_d, done);
        aa = over(s_aa, open * (open - 1.0));
        ad = over(s_ad, open * done);
        dd = over(s_dd, done * (done - 1.0));
    }
    d
}

/// Returns the factor of a cycle in fixed order as n → ∞, about 0.294.
///
/// With v(τ) the mean square of the node at place τ of the order, a node not starting is drawn by
/// each starter t with rate 1, v′ = (v(t) − 3v)/4, and when it starts, v becomes a quarter of its
/// own plus a quarter of the mean. The factor is the largest eigenvalue of a cycle, found by
/// iterating it on 200, 400 and 800 places and extrapolating.
#[must_use]
pub fn fixed_order_factor() -> f64 {
    let run = |places: usize| {
        let h = 1.0 / places as f64;
        let mut v = vec![1.0f64; places];
        let mut factor = 0.0;
        for _ in 0..24 {
            for t in 0..places {
                let own = v[t];
                let mean = v.iter().sum::<f64>() * h;
                // One starter's draw, spread over all places.
                for x in &mut v {
                    *x += h * 0.25 * (own - 3.0 * *x);
                }
                v[t] = 0.25 * (own + mean);
            }
            factor = v.iter().sum::<f64>() * h;
            v.iter_mut().for_each(|x| *x /= factor);
        }
        factor
    };
    let (coarse, middle, fine) = (run(200), run(400), run(800));
    // Richardson: errors h and h².
    let (a, b) = (2.0 * middle - coarse, 2.0 * fine - middle);
    (4.0 * b - a) / 3.0
}

/// Cycles after which S > ε² S₀ has probability at most δ, from the factor ρ of a cycle by
/// Markov's inequality: `P(S_r` > ε² S₀) ≤ ρ^r/ε², so r ≥ (ln 1/δ + 2 ln 1/ε)/ln 1/ρ.
///
/// # Errors
/// If ε or δ is outside (0, 1), or ρ outside [0, 1).
///
/// ```
/// let cycles = rumormill_model::exact::average::cycles_needed(0.5, 1e-3, 1e-6)?;
/// assert_eq!(cycles, 40);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn cycles_needed(factor: f64, epsilon: f64, delta: f64) -> Result<u64, Error> {
    need(epsilon > 0.0 && epsilon < 1.0, "epsilon", epsilon, "above 0 and below 1")?;
    need(delta > 0.0 && delta < 1.0, "delta", delta, "above 0 and below 1")?;
    need((0.0..1.0).contains(&factor), "factor", factor, "from 0 to below 1")?;
    if factor == 0.0 {
        return Ok(1);
    }
    Ok(((-delta.ln() - 2.0 * epsilon.ln()) / -factor.ln()).ceil() as u64)
}

/// Returns the mean and second moment of S after `steps` exchanges of random pairs, relative to S₀
/// and S₀², exactly; `kurtosis` is Σ(x−x̄)⁴/S₀² at the start (1/n when all nodes are equally far
/// off, near 1 when one node holds everything).
///
/// E\[S²\] and E\[Σx⁴\] obey a closed linear recursion: an exchange of x and y takes (x−y)²/2 from
/// S, and Σ over pairs of (x−y)⁴ is 2nΣx⁴ + 6S².
///
/// # Errors
/// If `nodes` is below 2 or above 10¹⁵, or `kurtosis` outside [0, 1].
pub fn random_pair_moments(nodes: u64, steps: u64, kurtosis: f64) -> Result<(f64, f64), Error> {
    count("nodes", nodes, 2, crate::graph::topology::MAX_NODES)?;
    need((0.0..=1.0).contains(&kurtosis), "kurtosis", kurtosis, "from 0 to 1")?;
    let n = nodes as f64;
    let pairs = n * (n - 1.0);
    let mean = (steps as f64 * (-1.0 / (n - 1.0)).ln_1p()).exp();
    // One exchange on (S², Σx⁴): the sums below run over ordered pairs.
    // S'² = S² − S d² + d⁴/4, with d² summing to 2nS and d⁴ to 2nΣx⁴ + 6S².
    let ss = 1.0 - (2.0 * n) / pairs + 1.5 / pairs;
    let sx = 0.5 * n / pairs;
    // x⁴ + y⁴ leave, 2((x+y)/2)⁴ come: (x+y)⁴ sums to 2nΣx⁴ + 6S² − 16Σx⁴.
    let xs = 6.0 / (8.0 * pairs);
    let xx = 1.0 - 2.0 / n + (2.0 * n - 16.0) / (8.0 * pairs);
    let mut power = [[1.0, 0.0], [0.0, 1.0]];
    let mut square = [[ss, sx], [xs, xx]];
    let mut left = steps;
    while left > 0 {
        if left & 1 == 1 {
            power = product(power, square);
        }
        square = product(square, square);
        left >>= 1;
    }
    Ok((mean, power[0][0] + power[0][1] * kurtosis))
}

fn product(a: [[f64; 2]; 2], b: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
    let mut c = [[0.0; 2]; 2];
    for (i, row) in c.iter_mut().enumerate() {
        for (j, x) in row.iter_mut().enumerate() {
            *x = a[i][0] * b[0][j] + a[i][1] * b[1][j];
        }
    }
    c
}

/// As [`cycles_needed`] for random pairs, by the second moment too: the better of Markov's
/// P(S ≥ a) ≤ E\[S\]/a and E\[S²\]/a², and Cantelli's Var/(Var + (a − E)²), a = ε² S₀.
///
/// # Errors
/// As [`cycles_needed`] and [`random_pair_moments`].
pub fn random_pair_cycles(
    nodes: u64,
    epsilon: f64,
    delta: f64,
    kurtosis: f64,
) -> Result<u64, Error> {
    let most = cycles_needed(Schedule::RandomPair.factor(nodes)?, epsilon, delta)?;
    let threshold = epsilon * epsilon;
    let fails = |cycles: u64| -> Result<f64, Error> {
        let (mean, square) = random_pair_moments(nodes, cycles * nodes, kurtosis)?;
        let variance = (square - mean * mean).max(0.0);
        let cantelli =
            if mean < threshold { variance / (variance + (threshold - mean).powi(2)) } else { 1.0 };
        Ok((mean / threshold).min(square / threshold.powi(2)).min(cantelli))
    };
    // The bound falls with the cycles: bisect.
    let (mut low, mut high) = (0, most);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if fails(middle)? <= delta { high = middle } else { low = middle }
    }
    Ok(high)
}

#[cfg(test)]
mod tests;
