use super::*;

/// Exact second-moment map of one exchange between i and j on E[x xᵀ].
fn exchange(c: &mut [Vec<f64>], i: usize, j: usize) {
    let mean: Vec<f64> = c[i].iter().zip(&c[j]).map(|(a, b)| 0.5 * (a + b)).collect();
    c[i].clone_from(&mean);
    c[j] = mean;
    for row in c.iter_mut() {
        let m = 0.5 * (row[i] + row[j]);
        row[i] = m;
        row[j] = m;
    }
}

fn centred(n: usize) -> Vec<Vec<f64>> {
    let off = -1.0 / (n as f64 - 1.0);
    (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { off }).collect()).collect()
}

#[test]
fn shuffled_factors_of_the_issue() {
    for (n, want) in [(8, 0.227894), (64, 0.294513), (1000, 0.302711)] {
        let got = shuffled_factor(n);
        assert!((got - want).abs() < 5e-7, "{n}: {got}");
    }
    let limit = 0.5 * (-0.5f64).exp();
    assert!((Schedule::Shuffled.factor(1_000_000_000).unwrap() - limit).abs() < 1e-8);
}

#[test]
fn a_cycle_in_turn_meets_the_mean_over_all_partners() {
    // Three nodes: average the exact map over all 2³ choices of partners, in order 0, 1, 2. From
    // exchangeable values the order does not matter, so this is the shuffled factor.
    let mut total = 0.0;
    for choice in 0..8u32 {
        let mut c = centred(3);
        for i in 0..3 {
            let j = (i + 1 + (choice >> i & 1) as usize) % 3;
            exchange(&mut c, i, j);
        }
        total += (0..3).map(|i| c[i][i]).sum::<f64>() / 3.0 / 8.0;
    }
    assert!((total - shuffled_factor(3)).abs() < 1e-15);
}

#[test]
fn random_pairs_shrink_by_one_in_n_minus_one() {
    let mut total = 0.0;
    for (i, j) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        let mut c = centred(4);
        exchange(&mut c, i, j);
        total += (0..4).map(|i| c[i][i]).sum::<f64>() / 4.0 / 6.0;
    }
    assert!((total - 2.0 / 3.0).abs() < 1e-15);
    assert!((Schedule::RandomPair.factor(4).unwrap() - (2.0f64 / 3.0).powi(4)).abs() < 1e-15);
    assert!((Schedule::RandomPair.factor(1 << 40).unwrap() - (-1.0f64).exp()).abs() < 1e-11);
}

#[test]
fn push_sum_and_matching_meet_enumeration() {
    // Push-sum on 3 nodes: all 27 choices of targets, x = (2, -1, -1).
    let x = [2.0, -1.0, -1.0];
    let mut total = 0.0;
    for t in 0..27usize {
        let mut y = x.map(|v| 0.5 * v);
        for (i, v) in x.iter().enumerate() {
            y[t / 3usize.pow(i as u32) % 3] += 0.5 * v;
        }
        total += y.iter().map(|v| v * v).sum::<f64>() / 27.0 / 6.0;
    }
    assert!((total - Schedule::Synchronous.factor(3).unwrap()).abs() < 1e-15);
    // Matchings on 4 nodes: three of them.
    let mut total = 0.0;
    for pairs in [[(0, 1), (2, 3)], [(0, 2), (1, 3)], [(0, 3), (1, 2)]] {
        let mut c = centred(4);
        for (i, j) in pairs {
            exchange(&mut c, i, j);
        }
        total += (0..4).map(|i| c[i][i]).sum::<f64>() / 4.0 / 3.0;
    }
    assert!((total - Schedule::Matching.factor(4).unwrap()).abs() < 1e-15);
}

/// Returns the factor of one late cycle in fixed order, from the whole matrix E[x xᵀ]: exact for n
/// nodes.
fn fixed_order_exact(n: usize) -> f64 {
    let others = n as f64 - 1.0;
    let mut c = centred(n);
    let mut factor = 0.0;
    for _ in 0..12 {
        for i in 0..n {
            let ci = c[i].clone();
            let own = ci[i];
            // Rows sum to zero, so the sum over j of c[j][l] is 0.
            for k in 0..n {
                for l in 0..n {
                    if k == i || l == i {
                        continue;
                    }
                    c[k][l] = if k == l {
                        (c[k][k] * (others - 1.0) + 0.25 * (c[k][k] + own + 2.0 * ci[k])) / others
                    } else {
                        c[k][l] * (others - 2.0) / others
                            + 0.5 * (ci[l] + 2.0 * c[k][l] + ci[k]) / others
                    };
                }
            }
            c[i] = ci;
            mend(&mut c, i);
        }
        let trace: f64 = (0..n).map(|k| c[k][k]).sum();
        factor = trace / n as f64;
        c.iter_mut().flatten().for_each(|x| *x /= factor);
    }
    factor
}

/// The starter's own row follows from the zero sums: each row of the others sums to zero.
fn mend(c: &mut [Vec<f64>], i: usize) {
    let n = c.len();
    let mut total = 0.0;
    for k in (0..n).filter(|&k| k != i) {
        let rest: f64 = (0..n).filter(|&l| l != i).map(|l| c[k][l]).sum();
        c[k][i] = -rest;
        c[i][k] = -rest;
        total -= rest;
    }
    c[i][i] = -total;
}

#[test]
fn fixed_order_meets_the_exact_covariances() {
    let (coarse, fine) = (fixed_order_exact(60), fixed_order_exact(120));
    let limit = 2.0 * fine - coarse;
    let ours = fixed_order_factor();
    assert!((ours - limit).abs() < 2e-4, "{ours} against {coarse} {fine} -> {limit}");
    assert!((ours - 0.294).abs() < 1e-3, "{ours}");
}

#[test]
fn second_moments_meet_enumeration() {
    // All 6 pairs on 4 nodes, twice.
    let x = [3.0, -1.0, 0.0, -2.0];
    let s0: f64 = x.iter().map(|v| v * v).sum();
    let kurtosis = x.iter().map(|v| v.powi(4)).sum::<f64>() / (s0 * s0);
    let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let (mut first, mut second) = (0.0, 0.0);
    for a in pairs {
        for b in pairs {
            let mut y = x;
            for (i, j) in [a, b] {
                let m = 0.5 * (y[i] + y[j]);
                y[i] = m;
                y[j] = m;
            }
            let s: f64 = y.iter().map(|v| v * v).sum::<f64>() / s0;
            first += s / 36.0;
            second += s * s / 36.0;
        }
    }
    let (mean, square) = random_pair_moments(4, 2, kurtosis).unwrap();
    assert!((mean - first).abs() < 1e-14 && (square - second).abs() < 1e-14);
}

#[test]
fn the_second_moment_is_never_worse() {
    for n in [10, 1000, 1_000_000] {
        let plain = cycles_needed(Schedule::RandomPair.factor(n).unwrap(), 1e-3, 1e-6).unwrap();
        let better = random_pair_cycles(n, 1e-3, 1e-6, 1.0 / n as f64).unwrap();
        assert!(better <= plain, "{n}: {better} against {plain}");
    }
    // At a million nodes S hardly varies: ln ε² cycles and little more.
    let best = random_pair_cycles(1_000_000, 1e-3, 1e-6, 1e-6).unwrap();
    assert!((14..=17).contains(&best), "{best}");
}
