//! What the tests of random numbers share: does a sample follow its law, are its moments right?

/// Draws numbers, and fails unless they follow a law: entry x is the probability of x.
/// χ² over cells of at least 20 expected, at 4 sigma and some more.
pub(super) fn assert_follows(law: &[f64], draws: u32, draw: impl FnMut() -> u64, what: &str) {
    let mut seen = vec![0u32; law.len()];
    std::iter::repeat_with(draw).take(draws as usize).for_each(|x| seen[x as usize] += 1);
    let (mut chi, mut cells, mut expected, mut count) = (0.0, 0.0, 0.0, 0.0);
    for (mass, &times) in law.iter().zip(&seen) {
        expected += mass * f64::from(draws);
        count += f64::from(times);
        if expected > 20.0 {
            chi += f64::powi(count - expected, 2) / expected;
            cells += 1.0;
            (expected, count) = (0.0, 0.0);
        }
    }
    let limit = cells + 4.0 * f64::sqrt(2.0 * cells) + 8.0;
    assert!(cells >= 2.0 && chi < limit, "{what}: chi² {chi} on {cells} cells");
}

/// Draws numbers, and fails unless their mean is within 4 sigma of `mean` and their variance
/// within a share `slack` of `variance`.
pub(super) fn assert_moments(
    (mean, variance): (f64, f64),
    slack: f64,
    draws: u32,
    draw: impl FnMut() -> u64,
    what: &str,
) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for x in std::iter::repeat_with(draw).take(draws as usize) {
        let z = (x as f64 - mean) / variance.sqrt();
        sum += z;
        squares += z * z;
    }
    let number = f64::from(draws);
    assert!((sum / number.sqrt()).abs() < 4.0, "{what}: mean off by {sum}");
    assert!((squares / number - 1.0).abs() < slack, "{what}: variance {}", squares / number);
}
