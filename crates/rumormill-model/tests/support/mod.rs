//! χ² tests of simulated laws.

/// χ² and its degrees of freedom, of counts against the probabilities of the same values. Values
/// beyond the probabilities are those that are left. Cells of fewer than 12 expected are joined.
pub(crate) fn against_law(seen: &[u64], law: &[f64]) -> (f64, f64) {
    let total = seen.iter().sum::<u64>() as f64;
    let (mut chi, mut cells, mut expected, mut count) = (0.0, 0.0, 0.0, 0.0);
    let (mut left, mut unseen) = (1.0, total);
    for (i, &p) in law.iter().enumerate() {
        let times = seen.get(i).copied().unwrap_or(0) as f64;
        expected += p * total;
        count += times;
        left -= p;
        unseen -= times;
        if expected >= 12.0 && left * total >= 12.0 {
            chi += (count - expected).powi(2) / expected;
            cells += 1.0;
            (expected, count) = (0.0, 0.0);
        }
    }
    let (expected, count) = (expected + left.max(0.0) * total, count + unseen);
    if expected > 0.0 {
        chi += (count - expected).powi(2) / expected;
    }
    (chi, cells)
}

/// The same for two samples of one unknown law.
pub(crate) fn against_sample(a: &[u64], b: &[u64]) -> (f64, f64) {
    let (na, nb) = (a.iter().sum::<u64>() as f64, b.iter().sum::<u64>() as f64);
    let (mut chi, mut cells, mut ca, mut cb) = (0.0, -1.0, 0.0, 0.0);
    let mut join = |ca: &mut f64, cb: &mut f64| {
        let both = *ca + *cb;
        let (ea, eb) = (both * na / (na + nb), both * nb / (na + nb));
        chi += (*ca - ea).powi(2) / ea + (*cb - eb).powi(2) / eb;
        cells += 1.0;
        (*ca, *cb) = (0.0, 0.0);
    };
    let at = |list: &[u64], i: usize| list.get(i).copied().unwrap_or(0) as f64;
    let (mut left_a, mut left_b) = (na, nb);
    for i in 0..a.len().max(b.len()) {
        ca += at(a, i);
        cb += at(b, i);
        left_a -= at(a, i);
        left_b -= at(b, i);
        if ca + cb >= 24.0 && left_a + left_b >= 24.0 {
            join(&mut ca, &mut cb);
        }
    }
    if ca + cb > 0.0 {
        join(&mut ca, &mut cb);
    }
    (chi, cells)
}

/// Fails if χ² is beyond what one law in some ten thousand gives.
pub(crate) fn assert_fits((chi, degrees): (f64, f64), what: &str) {
    // Wilson and Hilferty 1931: the cube root is nearly normal.
    let spread = 2.0 / (9.0 * degrees.max(1.0));
    let z = ((chi / degrees.max(1.0)).cbrt() - (1.0 - spread)) / spread.sqrt();
    assert!(z < 3.9, "{what}: chi² {chi:.1} on {degrees} degrees of freedom, {z:.1} sigma");
}
