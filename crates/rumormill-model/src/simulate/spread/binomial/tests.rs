use super::*;
use crate::simulate::spread::checks::{assert_follows, assert_moments};
use crate::simulate::stream::{Purpose, Stream};

/// Returns the law of Bin(n, p) by ratios of neighbours, from a peak whose mass sums to one.
fn law(n: u64, p: f64) -> Vec<f64> {
    let odds = p / (1.0 - p);
    let mode = ((n + 1) as f64 * p) as usize;
    let mut law = vec![0.0; n as usize + 1];
    law[mode] = 1.0;
    for x in mode + 1..=n as usize {
        law[x] = law[x - 1] * odds * (n as usize - x + 1) as f64 / x as f64;
    }
    for x in (0..mode).rev() {
        law[x] = law[x + 1] * (x + 1) as f64 / (odds * (n as usize - x) as f64);
    }
    let total: f64 = law.iter().sum();
    law.iter().map(|mass| mass / total).collect()
}

#[test]
fn the_mass_is_right() {
    for (n, p) in [(5, 0.3), (40, 0.5), (1000, 0.013), (30_000, 0.4)] {
        for (x, &mass) in law(n, p).iter().enumerate().filter(|(_, mass)| **mass > 1e-200) {
            let ours = ln_mass(n as f64, p, 1.0 - p, x as f64).exp();
            assert!((ours / mass - 1.0).abs() < 2e-11, "{n} {p} {x}: {ours} {mass}");
        }
    }
}

#[test]
fn ratios_near_the_mode_are_right() {
    for (n, p) in [(40, 0.5), (1000, 0.013), (30_000, 0.4)] {
        let law = law(n, p);
        let mode = ((n + 1) as f64 * p) as usize;
        for x in mode.saturating_sub(20)..=(mode + 20).min(n as usize) {
            let ours = near_ratio(n as f64, p / (1.0 - p), mode as f64, x as f64);
            assert!((ours * law[mode] / law[x] - 1.0).abs() < 1e-12, "{n} {p} {x}");
        }
    }
}

#[test]
fn the_squeezes_enclose_the_mass() {
    for (n, p) in [(150u64, 0.5), (1000, 0.07), (1000, 0.5), (40_000, 0.1), (100_000, 0.499)] {
        let mode = whole((n as f64 + 1.0) * p);
        let top = ln_mass(n as f64, p, 1.0 - p, mode);
        let mut checked = 0;
        for x in 0..=n {
            let off = x as f64 - mode;
            if let Some((low, high)) = squeeze(off, n as f64 * p * (1.0 - p)) {
                let exact = ln_mass(n as f64, p, 1.0 - p, x as f64) - top;
                assert!(low <= exact && exact <= high, "{n} {p} {x}: {low} {exact} {high}");
                checked += 1;
            }
        }
        assert!(n < 200 || checked > 20, "{n} {p}: {checked}");
    }
}

#[test]
fn draws_follow_the_law() {
    let cases = [(3, 0.9), (20, 0.3), (60, 0.5), (400, 0.03), (500, 0.4), (100_000, 0.2)];
    for (case, (n, p)) in cases.into_iter().enumerate() {
        let mut draws = Stream::new(11, Purpose::Counts).child(case as u64).draws();
        let draw = || binomial(&mut draws, n, Chance::new(p));
        assert_follows(&law(n, p), 60_000, draw, &format!("{n} {p}"));
    }
}

#[test]
fn moments_hold_for_the_largest_counts() {
    for (n, p) in [(1_000_000_000, 1e-9), (1_000_000_000_000_000, 0.3), (1 << 40, 1e-8)] {
        let mut draws = Stream::new(12, Purpose::Counts).child(n).draws();
        let mean = real(n) * p;
        let draw = || binomial(&mut draws, n, Chance::new(p));
        let moments = (mean, mean * (1.0 - p));
        assert_moments(moments, 0.06, 40_000, draw, &format!("{n} {p}"));
    }
}

#[test]
fn the_ends_are_certain() {
    let mut draws = Stream::new(13, Purpose::Counts).draws();
    assert_eq!(binomial(&mut draws, 7, Chance::ALWAYS), 7);
    assert_eq!(binomial(&mut draws, 7, Chance::NEVER), 0);
    assert_eq!(binomial(&mut draws, 0, Chance::new(0.5)), 0);
    assert_eq!(binomial(&mut draws, u64::MAX >> 2, Chance::share(5, 5)), u64::MAX >> 2);
}
