//! The wheel, where the usual story tells the coupon collector's tale: a simulation, node by node,
//! of push with one call per node and round, sharing no code with the library.

/// A congruential generator of 64 bits (Knuth's multiplier), read at its high end.
struct Congruential(u64);

impl Congruential {
    fn below(&mut self, bound: u64) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 32) * bound) >> 32) as usize
    }
}

/// Rounds until a rumor from the hub (node 0) has reached the whole rim (nodes 1..n).
fn rounds(n: usize, random: &mut Congruential) -> u64 {
    let rim = n - 1;
    let mut knows = vec![false; n];
    knows[0] = true;
    let mut informed = vec![0usize];
    let mut round = 0;
    while informed.len() < n {
        round += 1;
        for i in 0..informed.len() {
            let target = match informed[i] {
                0 => 1 + random.below(rim as u64),
                node => match random.below(3) {
                    0 => 0,
                    1 => node % rim + 1,
                    _ => (node + rim - 2) % rim + 1,
                },
            };
            // Nodes told in this round are beyond the range of `i`: they call from the next on.
            if !knows[target] {
                knows[target] = true;
                informed.push(target);
            }
        }
    }
    round
}

/// Mean and its standard error.
fn mean_rounds(n: usize, runs: u32, random: &mut Congruential) -> (f64, f64) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..runs {
        let t = rounds(n, random) as f64;
        sum += t;
        squares += t * t;
    }
    let runs = f64::from(runs);
    let mean = sum / runs;
    (mean, ((squares / runs - mean * mean) / (runs - 1.0)).sqrt())
}

#[test]
fn a_wheel_is_no_coupon_collector() {
    let mut random = Congruential(2024);
    let mut ratios = Vec::new();
    for (n, runs, told) in [(1000usize, 1500, 126.0), (10_000, 80, 448.0)] {
        let (mean, error) = mean_rounds(n, runs, &mut random);
        let scale = (n as f64 * (n as f64).ln()).sqrt();
        println!("wheel of {n}: {mean:.2} +- {error:.2}, {:.3} sqrt(n ln n)", mean / scale);
        // "About": to the last digit given, and four standard errors.
        assert!((mean - told).abs() < 1.0 + 4.0 * error, "{n}: {mean} +- {error}");
        // The coupon collector would take n ln n.
        assert!(mean < 0.06 * n as f64 * (n as f64).ln());
        ratios.push(mean / scale);
    }
    // Θ(√(n ln n)): the ratio hardly moves over a decade, while √n alone would be off by 15 %.
    assert!((ratios[0] / ratios[1] - 1.0).abs() < 0.06, "{ratios:?}");
}

#[test]
fn a_small_wheel_is_simulated_rightly() {
    // Four nodes: the wheel is the complete graph. Push there takes 1 round to two nodes, then as
    // the exact engine says.
    let exact = rumormill_model::spread::Spread::new(4, rumormill_proto::Style::Push)
        .solve()
        .expect("a sound question");
    let (mean, error) = mean_rounds(4, 40_000, &mut Congruential(7));
    assert!((mean - exact.mean).abs() < 4.5 * error, "{mean} +- {error}, {}", exact.mean);
}
