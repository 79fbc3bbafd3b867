use super::*;
use rumormill_proto::Style;

use crate::spread::{STEADY, Spread, Targets};

/// Means missed and told, and their variance, in closed form, without cancellation in the pairs.
fn closed_form(kernel: &Kernel, u: f64, m: f64) -> (f64, f64, f64) {
    let own = kernel.own_miss(u, m);
    let pushes = if kernel.has_pushes() { u } else { 0.0 };
    let ln_missed = pushes * (kernel.ln_miss_excess() - kernel.fanout * kernel.q);
    let missed = own.miss * ln_missed.exp();
    let told = own.hit - own.miss * ln_missed.exp_m1();
    let pair = (pushes * kernel.ln_pair_excess()).exp_m1();
    let variance = m * missed * told + m * (m - 1.0) * missed * missed * pair;
    (m * missed, m * told, variance)
}

/// Returns the same of a row, about the closed mean: deviations from whichever count is the
/// smaller.
fn moments(row: &Row, u: f64, m: f64, missed: f64, told: f64) -> (f64, f64) {
    let gap = |o: &Outcome| if u < m { u + told - o.informed } else { o.missed - missed };
    let mean: f64 = row.outcomes.iter().map(|o| o.weight * gap(o)).sum();
    let square: f64 = row.outcomes.iter().map(|o| o.weight * gap(o).powi(2)).sum();
    (mean, square - mean * mean)
}

#[test]
fn moments_of_every_row_equal_their_closed_forms() {
    let mut row = Row::with_stride(0.65);
    let mut worst = (0.0f64, 0.0f64);
    for style in STEADY {
        for (fanout, loss) in [(1, 0.0), (1, 0.3), (4, 0.1), (16, 0.0), (16, 0.99)] {
            for nodes in [3000u64, 1_000_000, 1_000_000_000_000] {
                let spread = Spread { fanout, loss, ..Spread::new(nodes, style) };
                let kernel = Kernel::new(&spread);
                let n = kernel.alive;
                let whole = [5.0, 70.0, 600.0, n - 600.0, n - 70.0, n - 3.0];
                let between = [1000.4, n / 7.0, n / 2.0, n - 1000.4];
                let points =
                    whole.map(|u| (u, true)).into_iter().chain(between.map(|u| (u, false)));
                for (u, whole) in points {
                    let m = n - u;
                    row.fill(&kernel, u, m, 0.05, whole);
                    let (missed, told, variance) = closed_form(&kernel, u, m);
                    let (off, spread_of) = moments(&row, u, m, missed, told);
                    let sd = variance.sqrt();
                    let scale = 1.0 + sd;
                    assert!(
                        off.abs() < 1e-11 * scale + 1e-14 * missed.min(u + told),
                        "{spread:?} u = {u}: mean off by {off:e}, deviation {sd}"
                    );
                    assert!(
                        (spread_of - variance).abs()
                            < 1e-9 * scale * scale + 5e-15 * u.min(m).powi(2),
                        "{spread:?} u = {u}: variance {spread_of} against {variance}"
                    );
                    // The raw sum was one before it was made one.
                    assert!(row.defect < 1e-7, "{spread:?} u = {u}: defect {:e}", row.defect);
                    worst.0 = worst.0.max(off.abs() / scale);
                    worst.1 = worst.1.max((spread_of - variance).abs() / (scale * scale));
                }
            }
        }
    }
    println!("moments: mean off {:.2e} deviations, variance {:.2e} relative", worst.0, worst.1);
}

#[test]
fn contour_and_recurrence_give_the_same_rows() {
    let (mut by_contour, mut by_recurrence) = (Row::with_stride(0.01), Row::with_stride(0.01));
    let mut worst = 0.0f64;
    for style in [Style::Push, Style::PushPull] {
        for (fanout, loss, targets) in [
            (1, 0.0, Targets::Distinct),
            (3, 0.2, Targets::Distinct),
            (16, 0.5, Targets::Distinct),
            (16, 0.0, Targets::Distinct),
            (4, 0.1, Targets::Independent),
            (2, 0.99, Targets::Distinct),
        ] {
            let spread = Spread { fanout, loss, targets, ..Spread::new(400, style) };
            let kernel = Kernel::new(&spread);
            for u in [64.0, 150.0, 300.0, 395.0] {
                by_contour.outcomes.clear();
                by_contour.by_contour(&kernel, u, 400.0 - u, 1.0, true);
                by_recurrence.outcomes.clear();
                by_recurrence.by_recurrence(&kernel, u, 400.0 - u);
                let peak = by_recurrence.outcomes.iter().map(|o| o.weight).fold(0.0, f64::max);
                for o in &by_recurrence.outcomes {
                    let near =
                        by_contour.outcomes.iter().find(|c| (c.missed - o.missed).abs() < 0.5);
                    let weight = near.map_or(0.0, |c| c.weight);
                    let gap = (weight - o.weight).abs() / peak;
                    assert!(gap < 1e-12, "{spread:?} u = {u}, {} missed: {gap:e}", o.missed);
                    worst = worst.max(gap);
                }
            }
        }
    }
    println!("contour against recurrence: {worst:.2e} of the peak");
}

#[test]
fn a_cut_law_meets_the_sum_of_its_outcomes() {
    // P(at most K know), by Euler and Maclaurin on a stride, against the sum over every count.
    let spread = Spread { loss: 0.1, ..Spread::new(60_000, Style::PushPull) };
    let kernel = Kernel::new(&spread);
    let (u, m) = (20_000.0, 40_000.0);
    let mut every = Row::with_stride(0.001);
    every.fill(&kernel, u, m, f64::INFINITY, true);
    let mean: f64 = every.outcomes.iter().map(|o| o.weight * o.informed).sum();
    for deviations in [-300.0, -40.0, 0.0, 77.0, 500.0] {
        let last = (mean + deviations).floor();
        let direct: f64 =
            every.outcomes.iter().filter(|o| o.informed <= last + 0.5).map(|o| o.weight).sum();
        let [cut, _] = Row::with_stride(0.3).fill_below(&kernel, u, m, last, |_, _| 0.0);
        assert!((cut - direct).abs() < 1e-13, "{last}: {cut} against {direct}");
    }
}
