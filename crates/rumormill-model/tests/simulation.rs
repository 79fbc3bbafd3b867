//! χ² of the exact law against a naive simulation, node by node, that shares no code.

use rumormill_model::spread::{Spread, Targets};
use rumormill_proto::Style;

struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as usize * bound) >> 32
    }

    fn lost(&mut self, loss: f64) -> bool {
        (self.below(1 << 30) as f64) < loss * (1u64 << 30) as f64
    }
}

/// Rounds until `goal` of the living know.
fn simulate(spread: &Spread, random: &mut Xorshift) -> usize {
    let n = spread.nodes as usize;
    let alive = spread.alive() as usize;
    let mut knows = vec![false; n];
    knows[..spread.origins as usize].fill(true);
    for round in 1.. {
        let before = knows.clone();
        for node in 0..alive {
            let calls = match spread.style {
                Style::Push | Style::PushThenPull => before[node],
                Style::Pull => !before[node],
                Style::PushPull => true,
            };
            let mut picked: Vec<usize> = Vec::new();
            while calls && picked.len() < spread.fanout as usize {
                let other = random.below(n);
                let own = other == node && !spread.include_self;
                let again = spread.targets == Targets::Distinct && picked.contains(&other);
                if !own && !again {
                    picked.push(other);
                }
            }
            for other in picked {
                if other >= alive || random.lost(spread.loss) {
                    continue;
                }
                if before[node] && spread.style != Style::Pull {
                    knows[other] = true;
                }
                if before[other] && spread.style != Style::Push {
                    knows[node] = true;
                }
            }
        }
        if knows[..alive].iter().filter(|k| **k).count() >= spread.goal() as usize {
            return round;
        }
    }
    unreachable!("the loop ends by returning")
}

#[test]
fn chi_square_against_a_naive_simulation() {
    const RUNS: usize = 12_000;
    let mut random = Xorshift(0x5eed);
    let base = Spread { fanout: 2, loss: 0.2, ..Spread::new(40, Style::Push) };
    let spreads = [
        Spread { fanout: 1, loss: 0.0, ..base.clone() },
        Spread { style: Style::Pull, ..base.clone() },
        Spread { style: Style::PushPull, ..base.clone() },
        Spread { targets: Targets::Independent, include_self: true, ..base.clone() },
        Spread { dead: 0.25, origins: 3, fanout: 3, ..base.clone() },
        Spread { coverage: 0.7, style: Style::PushPull, fanout: 1, ..base },
    ];
    for spread in spreads {
        let exact = spread.solve().unwrap();
        let mut seen = vec![0u32; exact.survival.len() + 1];
        for _ in 0..RUNS {
            seen[simulate(&spread, &mut random).min(exact.survival.len())] += 1;
        }
        // Cells of at least 10 expected runs; the rest goes to the ends.
        let (mut chi, mut cells) = (0.0, 0.0);
        let (mut expected, mut count) = (0.0, 0.0);
        let mut left = RUNS as f64;
        for (pair, &runs) in exact.survival.windows(2).zip(&seen[1..]) {
            expected += RUNS as f64 * (pair[0] - pair[1]);
            count += f64::from(runs);
            left = RUNS as f64 * pair[1];
            if expected >= 10.0 && left >= 10.0 {
                chi += (count - expected).powi(2) / expected;
                cells += 1.0;
                (expected, count) = (0.0, 0.0);
            }
        }
        let (expected, beyond) = (expected + left, count);
        chi += (beyond - expected).powi(2) / expected;
        // With as many degrees as inner cells; 4.5 standard deviations of the χ² law.
        let limit = cells + 4.5 * f64::sqrt(2.0 * cells) + 6.0;
        assert!(cells >= 2.0 && chi < limit, "{spread:?}: chi² {chi} on {cells} degrees");
        println!("chi² {chi:.1} on {cells} degrees, limit {limit:.1}");
    }
}
