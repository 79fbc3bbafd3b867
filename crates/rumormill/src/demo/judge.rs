//! The true values, and the readings compared with them.

use rumormill_proto::{Reading, Statistic};
use serde::Serialize;

/// The largest relative error of a right answer.
const TOLERANCE: f64 = 1e-6;
/// The truth itself is a rounded number, so bounds may miss it by that rounding.
const ROUNDING: f64 = 1e-12;

/// The true values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Truth {
    pub(crate) sum: f64,
    pub(crate) average: f64,
    pub(crate) count: usize,
}

impl Truth {
    pub(crate) fn of(inputs: impl Iterator<Item = f64>) -> Self {
        let (mut sum, mut count) = (0.0, 0);
        for input in inputs {
            sum += input;
            count += 1;
        }
        Self { sum, average: sum / count as f64, count }
    }
}

/// The reading of a node at an instant.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeReading {
    pub(crate) name: String,
    pub(crate) input: f64,
    pub(crate) sum: Statistic,
    pub(crate) average: Statistic,
    pub(crate) count: Statistic,
    pub(crate) members: usize,
    pub(crate) converged: bool,
    /// Whether sum, average and count are within 1e-6 of the truth and enclosed.
    pub(crate) right: bool,
    /// The largest of the three relative errors; `null` while one of them is not known.
    pub(crate) relative_error: Option<f64>,
}

impl NodeReading {
    pub(crate) fn new(name: &str, input: f64, reading: Option<Reading>, truth: &Truth) -> Self {
        let mut judged = Self {
            name: name.to_owned(),
            input,
            sum: Statistic::default(),
            average: Statistic::default(),
            count: Statistic::default(),
            members: 0,
            converged: false,
            right: false,
            relative_error: None,
        };
        let Some(reading) = reading else { return judged };
        let pairs = [
            (&reading.sum, truth.sum),
            (&reading.average, truth.average),
            (&reading.count, truth.count as f64),
        ];
        let errors = pairs.map(|(statistic, truth)| Some(relative(statistic.value?, truth)));
        judged.relative_error =
            errors.into_iter().try_fold(0.0, |worst: f64, error| Some(worst.max(error?)));
        judged.right = judged.relative_error.is_some_and(|error| error <= TOLERANCE)
            && pairs.iter().all(|(statistic, truth)| encloses(statistic, *truth));
        judged.converged = reading.converged;
        judged.members = reading.members;
        (judged.sum, judged.average, judged.count) = (reading.sum, reading.average, reading.count);
        judged
    }

    /// Returns whether the reading is right and converged.
    pub(crate) fn settled(&self) -> bool {
        self.right && self.converged
    }
}

/// Returns the relative error of `x`; the absolute one if the truth is 0.
pub(crate) fn relative(x: f64, truth: f64) -> f64 {
    let scale = if truth == 0.0 { 1.0 } else { truth.abs() };
    (x - truth).abs() / scale
}

fn encloses(statistic: &Statistic, truth: f64) -> bool {
    let slack = ROUNDING * truth.abs().max(1.0);
    statistic.lower.is_some_and(|lower| lower <= truth + slack)
        && statistic.upper.is_some_and(|upper| upper >= truth - slack)
}

/// Returns the reading that is furthest from the truth: one without values, or the largest error.
pub(crate) fn worst(readings: &[NodeReading]) -> Option<&NodeReading> {
    let error = |reading: &&NodeReading| reading.relative_error.unwrap_or(f64::INFINITY);
    readings.iter().max_by(|a, b| error(a).total_cmp(&error(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistic(value: f64, lower: f64, upper: f64) -> Statistic {
        Statistic { value: Some(value), lower: Some(lower), upper: Some(upper) }
    }

    #[test]
    fn the_truth_of_five_and_ten() {
        let truth = Truth::of([5.0, 10.0].into_iter());
        assert_eq!(truth, Truth { sum: 15.0, average: 7.5, count: 2 });
    }

    #[test]
    fn bounds_that_miss_the_truth_are_seen() {
        assert!(encloses(&statistic(15.0, 14.0, 15.0), 15.0));
        assert!(!encloses(&statistic(15.0, 14.0, 14.99999), 15.0));
        assert!(!encloses(&statistic(15.0, 15.00001, 16.0), 15.0));
        assert!(!encloses(&Statistic::default(), 15.0));
    }

    #[test]
    fn a_node_that_says_nothing_is_not_right() {
        let truth = Truth::of([5.0, 10.0].into_iter());
        let reading = NodeReading::new("a", 5.0, None, &truth);
        assert!(!reading.right && reading.relative_error.is_none());
    }
}
