use super::*;
use crate::exact::special::{harmonic, harmonic2};

fn push(nodes: u64) -> Spread {
    Spread::new(nodes, Style::Push)
}

#[test]
fn perfect_doubling_is_rare_and_no_upper_bound_exists() {
    assert!((ln_last_doubling(8).exp() - 1.573e-5).abs() < 5e-9);
    assert!((ln_perfect_doubling(6).exp() / 8.7e-27 - 1.0).abs() < 5e-3);
    // P(T = 6 | n = 64) is that product: P(T > 6) differs from 1 by less than a double can hold.
    assert!((push(64).solve().unwrap().survival(6) - 1.0).abs() < 1e-14);
    // n = 3: once two know, each round misses with probability 1/4, for ever.
    let three = push(3).solve().unwrap();
    for x in 2..20 {
        assert!((three.survival(x) - 0.25f64.powi(x as i32 - 1)).abs() < 1e-15);
    }
}

#[test]
fn logistic_and_messages() {
    assert!((time_logistic(&push(64)) - 8.32).abs() < 5e-3);
    assert!((logistic_messages(128.0) - 622.05).abs() < 5e-3);
    let exact = push(128).solve().unwrap();
    assert!((exact.messages - 751.94).abs() < 5e-3);
}

#[test]
fn ratios_to_the_logistic_time() {
    // The slopes in ln n, so that the constants drop out.
    let (near, far) = (push(1_000_000_000), push(1_000_000_000_000_000));
    let slope = |f: &dyn Fn(&Spread) -> f64| {
        (f(&far) - f(&near)) / (time_logistic(&far) - time_logistic(&near))
    };
    let e = std::f64::consts::E;
    assert!((slope(&time_taylor) - 1.5).abs() < 1e-6);
    assert!((slope(&time_collisions) - (1.0 + e / (e - 1.0)) / 2.0).abs() < 1e-6);
    let process = slope(&|s| s.solve().unwrap().mean);
    assert!((process - (1.0 + 1.0 / 2f64.ln()) / 2.0).abs() < 1e-4, "{process}");
}

#[test]
fn variances_of_the_chains() {
    let (mean, variance) = waits(&push(64));
    let h = harmonic(63.0);
    assert!((mean - 2.0 * h).abs() < 1e-12);
    assert!((variance - 2.0 * harmonic2(63.0) - 4.0 * h / 64.0).abs() < 1e-12);
    assert!((waits(&push(1_000_000_000)).1 - PI * PI / 3.0).abs() < 1e-6);
    // The first wait is some 30 % of the variance in this model, and nothing in the process.
    let first = (64.0f64 / 63.0).powi(2);
    assert!((first / variance - 0.3).abs() < 0.02);
    assert_eq!(push(64).solve().unwrap().survival(0), 1.0);
    // With collisions: Taylor 5π²/6, exact rate 5.76; the process has 1.73.
    let n = 2_000_000.0f64;
    let chain = |rate: &dyn Fn(f64) -> f64| {
        (1..n as u64)
            .map(|u| (u as f64, n - u as f64))
            .map(|(u, m)| (m * rate(u / n)).powi(-2))
            .sum::<f64>()
    };
    assert!((chain(&|x| x - 0.5 * x * x) - 5.0 * PI * PI / 6.0).abs() < 1e-3);
    assert!((chain(&|x| -(-x).exp_m1()) - 5.76).abs() < 5e-3);
}

#[test]
fn recurrences_hold_given_the_state_only() {
    // x → x²: fourteen rounds from one of 1,000 would leave 7.6e-8; on average 0.0189 are left.
    let mut x = 0.999;
    for _ in 0..14 {
        x = expected_pull(x);
    }
    assert!((x - 7.6e-8).abs() < 5e-10);
    let pull = Spread::new(1000, Style::Pull);
    let left = pull.means(14, |_, m| m / 1000.0).unwrap()[14];
    assert!((left - 0.0189).abs() < 5e-5, "{left}");
    // Given the state they are right: one round from half, to order 1/n.
    let half = Spread { origins: 500, ..pull };
    let left = half.means(1, |_, m| m / 1000.0).unwrap()[1];
    assert!((left - expected_pull(0.5)).abs() < 1e-3);
    let half = Spread { style: Style::Push, ..half };
    let left = half.means(1, |_, m| m / 1000.0).unwrap()[1];
    assert!((left - expected_push(0.5, 1000.0)).abs() < 1e-3);
}

#[test]
fn pull_and_push_pull_beat_the_doubling_bound() {
    let spread = Spread::new(64, Style::PushPull);
    let exact = spread.solve().unwrap();
    assert!(exact.mean < 6.0);
    assert_eq!(estimates(&spread, &exact).unwrap()[0].verdict, Verdict::False);
    let spread = Spread::new(64, Style::Pull);
    let exact = spread.solve().unwrap();
    assert_eq!(estimates(&spread, &exact).unwrap()[0].verdict, Verdict::False);
}

#[test]
fn spreads_without_rounds_have_no_story() {
    for spread in [push(1), Spread { loss: 1.0, ..push(9) }, Spread { coverage: 0.1, ..push(9) }] {
        let exact = spread.solve().unwrap();
        assert_eq!(estimates(&spread, &exact).unwrap(), Vec::new());
    }
}

#[test]
fn estimates_exist_for_odd_questions() {
    for spread in [
        Spread { coverage: 0.5, ..push(100) },
        Spread { origins: 99, ..push(100) },
        Spread { dead: 0.3, ..push(100) },
        Spread { fanout: 99, ..push(100) },
        push(2),
        push(3),
    ] {
        let exact = spread.solve().unwrap();
        for e in estimates(&spread, &exact).unwrap() {
            assert!(e.largest_error.is_finite(), "{spread:?}: {e:?}");
            assert!(e.mean.is_none_or(f64::is_finite), "{spread:?}: {e:?}");
        }
    }
}

#[test]
fn perfect_rounds_are_products_of_chances() {
    // Factor by factor where that is possible; the series begins at 1,000 calls.
    for n in [7u64, 1000, 1001, 5000] {
        let direct: f64 = (1..=n).map(|i| (i as f64 / (2 * n - 1) as f64).ln()).sum();
        assert!((ln_last_doubling(n) / direct - 1.0).abs() < 1e-13, "{n}");
    }
    let n = 1u64 << 13;
    let round = |u: u64| (0..u).map(move |i| ((n - u - i) as f64 / (n - 1) as f64).ln());
    let direct: f64 = (0..13).flat_map(|j| round(1 << j)).sum();
    assert!((ln_perfect_doubling(13) / direct - 1.0).abs() < 1e-13);
    // It is the law's own first chance.
    let exact = Spread::new(64, Style::Push).solve().unwrap();
    assert!((ln_perfect_doubling(6).exp() / exact.success(6) - 1.0).abs() < 1e-12);
}

#[test]
fn the_schedule_loses_what_hangs_on_a_lost_message() {
    // All ways in which the messages of few nodes can be lost.
    for nodes in 1..=9u64 {
        let loss = 0.3;
        let (mut complete, mut informed) = (0.0, 0.0);
        for lost in 0..1u32 << (nodes - 1) {
            let mut knows = vec![false; nodes as usize];
            knows[0] = true;
            for node in 1..nodes as usize {
                let sender = node - (1 << node.ilog2());
                knows[node] = knows[sender] && lost >> (node - 1) & 1 == 0;
            }
            let count = knows.iter().filter(|known| **known).count() as f64;
            let bad = lost.count_ones() as i32;
            let chance = f64::powi(loss, bad) * f64::powi(1.0 - loss, nodes as i32 - 1 - bad);
            informed += chance * count / nodes as f64;
            complete += if count == nodes as f64 { chance } else { 0.0 };
        }
        let ours = schedule(nodes, loss).unwrap();
        assert!((ours.complete - complete).abs() < 1e-14, "{nodes}");
        assert!((ours.informed - informed).abs() < 1e-14, "{nodes}");
    }
    assert_eq!([5, 64, 65].map(|n| schedule(n, 0.0).unwrap().rounds), [3, 6, 7]);
}

#[test]
fn ratios_tend_to_their_limits() {
    let spread = Spread::new(1_000_000_000_000_000, Style::Push);
    let ratios = Ratios::new(&spread, spread.solve().unwrap().mean).unwrap();
    let limits = Ratios::limits();
    assert!((limits.collisions - 1.291).abs() < 1e-3 && (limits.process - 1.2213).abs() < 1e-4);
    for (ours, limit) in [
        (ratios.taylor, limits.taylor),
        (ratios.collisions, limits.collisions),
        (ratios.process, limits.process),
    ] {
        assert!((ours - limit).abs() < 0.02, "{ours} {limit}");
    }
    assert_eq!(Ratios::new(&Spread { fanout: 2, ..spread }, 1.0), None);
}
