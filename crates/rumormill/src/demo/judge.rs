//! The true values, and the readings compared with them.

use rumormill_proto::{Bounded, Certified, Estimate, Reading, State};
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
    /// `null` while the node does not know the aggregate.
    pub(crate) state: Option<State>,
    pub(crate) sum: Estimate,
    pub(crate) average: Estimate,
    pub(crate) count: Estimate,
    pub(crate) certified: Option<Certified>,
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
            state: None,
            sum: Estimate::default(),
            average: Estimate::default(),
            count: Estimate::default(),
            certified: None,
            members: 0,
            converged: false,
            right: false,
            relative_error: None,
        };
        let Some(reading) = reading else { return judged };
        let certified = reading.certified;
        let statistics = [
            (reading.sum, certified.map(|certified| certified.sum), truth.sum),
            (reading.average, certified.and_then(|c| c.average), truth.average),
            (reading.count, certified.map(|certified| certified.count), truth.count as f64),
        ];
        let errors = statistics.map(|(estimate, _, truth)| Some(relative(estimate.value?, truth)));
        judged.relative_error =
            errors.into_iter().try_fold(0.0, |worst: f64, error| Some(worst.max(error?)));
        judged.right = judged.relative_error.is_some_and(|error| error <= TOLERANCE)
            && statistics.into_iter().all(|(_, bounded, truth)| {
                bounded.is_some_and(|bounded| encloses(&bounded, truth))
            });
        judged.state = Some(reading.state);
        judged.certified = certified;
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

fn encloses(bounded: &Bounded, truth: f64) -> bool {
    let slack = ROUNDING * truth.abs().max(1.0);
    bounded.lower <= truth + slack && bounded.upper >= truth - slack
}

/// Returns the reading that is furthest from the truth: one without values, or the largest error.
pub(crate) fn worst(readings: &[NodeReading]) -> Option<&NodeReading> {
    let error = |reading: &&NodeReading| reading.relative_error.unwrap_or(f64::INFINITY);
    readings.iter().max_by(|a, b| error(a).total_cmp(&error(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(value: f64, lower: f64, upper: f64) -> Bounded {
        Bounded { value, lower, upper }
    }

    #[test]
    fn the_truth_of_five_and_ten() {
        let truth = Truth::of([5.0, 10.0].into_iter());
        assert_eq!(truth, Truth { sum: 15.0, average: 7.5, count: 2 });
    }

    #[test]
    fn bounds_that_miss_the_truth_are_seen() {
        assert!(encloses(&bounded(15.0, 14.0, 15.0), 15.0));
        assert!(!encloses(&bounded(15.0, 14.0, 14.99999), 15.0));
        assert!(!encloses(&bounded(15.0, 15.00001, 16.0), 15.0));
    }

    #[test]
    fn a_node_that_says_nothing_is_not_right() {
        let truth = Truth::of([5.0, 10.0].into_iter());
        let reading = NodeReading::new("a", 5.0, None, &truth);
        assert!(!reading.right && reading.relative_error.is_none());
    }
}
