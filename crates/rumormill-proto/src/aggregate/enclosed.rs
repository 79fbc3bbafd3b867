//! The result of a complete window: bounds of every statistic, and which of them are known.

use crate::aggregate::bounds::Bounds;
use crate::aggregate::contribution::Contribution;

/// The relative width of the bounds of a variance up to which its middle is stated.
const VARIANCE_TOLERANCE: f64 = 1e-9;

/// The bounds of statistics that follow from a complete window of `members` members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enclosed {
    pub(super) sum: Bounds,
    pub(super) count: Bounds,
    /// `None` where the participation may be zero.
    pub(super) average: Option<Bounds>,
    /// `None` until the count is known.
    pub(super) variance: Option<Bounds>,
}

impl Enclosed {
    pub(super) fn new(last: &Contribution, members: usize) -> Self {
        let n = members as f64;
        // Nodes are counted in whole numbers.
        let count = scaled(last.participation, n);
        let whole = Bounds { lower: count.lower.ceil().max(0.0), upper: count.upper.floor() };
        let count = if whole.lower <= whole.upper { whole } else { count };
        // Σx = Σ(x − c) + c·count
        let deviation = scaled(last.deviation, n);
        let sum = match last.centre {
            0.0 => deviation,
            centre => {
                let centre = scaled(count, centre);
                outward(deviation.lower + centre.lower, deviation.upper + centre.upper)
            }
        };
        let average = (count.lower >= 1.0).then(|| {
            let lower = if sum.lower < 0.0 { count.lower } else { count.upper };
            let upper = if sum.upper < 0.0 { count.upper } else { count.lower };
            outward(sum.lower / lower, sum.upper / upper)
        });
        let counted = (count.lower == count.upper && count.lower >= 1.0).then_some(count.lower);
        let variance = counted.map(|count| variance(last, deviation, n, count));
        Self { sum, count, average, variance }
    }

    /// Returns the number of nodes that report, if it is known.
    pub(super) fn counted(&self) -> Option<f64> {
        (self.count.lower == self.count.upper).then_some(self.count.lower)
    }

    /// Returns the variance, if it is known to one part in 10⁹.
    pub(super) fn known_variance(&self) -> Option<f64> {
        let bounds = self.variance?;
        let known = bounds.width() <= VARIANCE_TOLERANCE * bounds.lower;
        known.then(|| f64::midpoint(bounds.lower, bounds.upper))
    }

    /// Returns whether a variance is possible: that of `count` inputs in a range of width w lies
    /// between w²/2·count and w²/4.
    pub(super) fn allows(last: &Contribution, members: usize, variance: f64) -> bool {
        last.input.is_some_and(|input| {
            let square = input.width() * input.width();
            let about = 1.0 + 1e-9;
            variance * about >= square / (2.0 * members as f64) && variance <= about * square / 4.0
        })
    }
}

/// Σ(x − c)²/count − (Σ(x − c)/count)², by intervals. The centre c lies among the inputs, or near
/// them, so little is lost in the difference.
fn variance(last: &Contribution, deviation: Bounds, members: f64, count: f64) -> Bounds {
    if let Some(input) = last.input
        && input.width() == 0.0
    {
        return Bounds { lower: 0.0, upper: 0.0 };
    }
    let squared = scaled(last.squared, members);
    let mean = outward(deviation.lower / count, deviation.upper / count);
    let (low, high) = (mean.lower.abs(), mean.upper.abs());
    let nearest = if mean.lower <= 0.0 && 0.0 <= mean.upper { 0.0 } else { low.min(high) };
    let mean_square = outward(nearest * nearest, low.max(high) * low.max(high));
    let squares = outward(squared.lower / count, squared.upper / count);
    let difference = outward(squares.lower - mean_square.upper, squares.upper - mean_square.lower);
    Bounds { lower: difference.lower.max(0.0), upper: difference.upper.max(0.0) }
}

/// One step outwards makes up for the rounding of an operation.
fn outward(lower: f64, upper: f64) -> Bounds {
    Bounds { lower: lower.next_down(), upper: upper.next_up() }
}

fn scaled(bounds: Bounds, by: f64) -> Bounds {
    let (a, b) = (bounds.lower * by, bounds.upper * by);
    outward(a.min(b), a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(deviation: (f64, f64), participation: (f64, f64)) -> Contribution {
        Contribution {
            centre: 0.0,
            participation: Bounds { lower: participation.0, upper: participation.1 },
            deviation: Bounds { lower: deviation.0, upper: deviation.1 },
            squared: Bounds { lower: 0.0, upper: 0.0 },
            input: None,
            void: false,
            changed: false,
            moving: false,
        }
    }

    #[test]
    fn the_count_is_exact_once_only_one_whole_number_fits() {
        let enclosed = Enclosed::new(&last((1.0, 2.0), (0.55, 0.65)), 5);
        assert_eq!((enclosed.count.lower, enclosed.count.upper), (3.0, 3.0));
        let average = enclosed.average.unwrap();
        assert!(average.lower <= 5.0 / 3.0 && average.lower > 1.666);
        assert!(average.upper >= 10.0 / 3.0 && average.upper < 3.334);
    }

    #[test]
    fn the_average_of_either_sign_is_enclosed() {
        for (value, worst) in [((-2.0, -1.0), (-10.0, -1.25)), ((-2.0, 1.0), (-10.0, 5.0))] {
            let average = Enclosed::new(&last(value, (0.2, 0.8)), 5).average.unwrap();
            assert!((average.lower - worst.0).abs() < 1e-9, "{average:?}");
            assert!((average.upper - worst.1).abs() < 1e-9, "{average:?}");
        }
        assert!(Enclosed::new(&last((1.0, 2.0), (0.0, 0.8)), 5).average.is_none());
    }

    #[test]
    fn the_variance_is_known_once_its_bounds_are_narrow() {
        // 1e12 and 1, 3, 5 more, measured from the middle.
        let point = |x: f64| Bounds { lower: x, upper: x };
        let exact = Contribution {
            centre: 1e12 + 3.0,
            participation: point(1.0),
            deviation: point(0.0),
            squared: point(8.0 / 3.0),
            input: Some(Bounds { lower: 1e12 + 1.0, upper: 1e12 + 5.0 }),
            void: false,
            changed: false,
            moving: false,
        };
        let enclosed = Enclosed::new(&exact, 3);
        let known = enclosed.known_variance().unwrap();
        assert!((known / (8.0 / 3.0) - 1.0).abs() < 1e-9, "{known}");
        assert!(enclosed.sum.lower <= 3e12 + 9.0 && 3e12 + 9.0 <= enclosed.sum.upper);
        let wide = Contribution { deviation: Bounds { lower: -1e-3, upper: 1e-3 }, ..exact };
        let enclosed = Enclosed::new(&wide, 3);
        assert_eq!(enclosed.known_variance(), None);
        let bounds = enclosed.variance.unwrap();
        assert!(bounds.lower <= 8.0 / 3.0 && 8.0 / 3.0 <= bounds.upper);
        let uncounted = Contribution { participation: Bounds { lower: 0.6, upper: 1.0 }, ..exact };
        assert_eq!(Enclosed::new(&uncounted, 3).known_variance(), None);
        let equal = Contribution { input: Some(point(5.0)), ..wide };
        assert_eq!(Enclosed::new(&equal, 3).known_variance(), Some(0.0));
        assert!(Enclosed::allows(&exact, 3, 8.0 / 3.0));
        assert!(!Enclosed::allows(&exact, 3, 0.0) && !Enclosed::allows(&exact, 3, 1e16));
    }
}
