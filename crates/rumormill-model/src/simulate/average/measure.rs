//! How far the nodes have come, at one moment.

/// What the nodes should find out, and by what errors are measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Truth {
    /// The mean of the inputs, or their sum.
    pub(super) answer: f64,
    /// What errors are relative to: |answer|, or if that is next to nothing beside the inputs (they
    /// cancel), what it would be with all signs equal.
    pub(super) scale: f64,
    /// Σ|inputs|.
    pub(super) inputs: f64,
}

/// One moment of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moment {
    /// Mean over the nodes of |estimate − truth|, relative.
    pub mean_error: f64,
    /// The largest of these errors.
    pub worst_error: f64,
    /// The variance over the nodes of their estimates v/w, values v over weights w. A node without
    /// weight counts as if it estimated 0.
    pub variance: f64,
    /// (Σ masses − Σ inputs) / Σ|inputs|: below 0 if mass was lost. What is on its way counts as
    /// there.
    pub mass_lost: f64,
    /// Messages sent in the round, lost ones included.
    pub messages: u64,
    /// Whether the variance stands well above what rounding leaves, so that its next factor means
    /// something.
    pub clear: bool,
}

/// Standard deviations below this share of the values are rounding.
const FLOOR: f64 = 1e-13;

/// Answers below this share of what they would be with equal signs are next to nothing.
const CANCELLED: f64 = 1e-9;

impl Truth {
    pub(super) fn of(inputs: impl Iterator<Item = f64>, sum: bool) -> Self {
        let (mut total, mut absolute, mut count) =
            (super::protocol::Compensated::default(), 0.0, 0);
        for x in inputs {
            total.add(x);
            absolute += x.abs();
            count += 1;
        }
        let over = if sum { 1.0 } else { f64::from(count) };
        let answer = total.value() / over;
        let most = absolute / over;
        let scale = if answer.abs() > CANCELLED * most { answer.abs() } else { most };
        // Inputs that all have become 0 leave nothing to be relative to.
        let or_one = |x: f64| if x > 0.0 { x } else { 1.0 };
        Self { answer, scale: or_one(scale), inputs: or_one(absolute) }
    }

    /// Judges values and weights. The caller adds mass and messages.
    pub(super) fn judge(&self, states: impl Iterator<Item = (f64, f64)> + Clone) -> Moment {
        // How far an estimate is off the answer, so that the mean keeps its digits. Without weight
        // there is none: as if it were 0.
        let off = |(value, weight): (f64, f64)| {
            if weight > 0.0 { (value - self.answer * weight) / weight } else { -self.answer }
        };
        let (mut excess, mut count) = (0.0, 0u32);
        for state in states.clone() {
            excess += off(state);
            count += 1;
        }
        let nodes = f64::from(count.max(1));
        let mean = excess / nodes;
        let (mut errors, mut worst, mut squares) = (0.0, 0.0f64, 0.0);
        for state in states {
            let apart = off(state);
            let error = if state.1 > 0.0 { apart.abs() } else { self.scale };
            errors += error;
            worst = worst.max(error);
            squares += (apart - mean).powi(2);
        }
        let variance = squares / nodes;
        Moment {
            mean_error: errors / nodes / self.scale,
            worst_error: worst / self.scale,
            variance,
            mass_lost: 0.0,
            messages: 0,
            clear: variance.sqrt() > FLOOR * self.answer.abs().max(self.inputs / nodes),
        }
    }
}

/// Sums that are kept side by side, so that the processor adds several at once.
const LANES: usize = 8;

impl Truth {
    /// Judges values as [`Self::judge`] does with all weights 1, in one pass and with the mass
    /// lost.
    pub(super) fn judge_values(&self, values: &[f64]) -> Moment {
        // Shifted by a value, since near the end all lie much closer to each other than to 0.
        let shift = values.first().copied().unwrap_or(0.0);
        let mut sums = [Lanes::default(); 3];
        let mut most = [0.0f64; LANES];
        let [apart, squares, errors] = &mut sums;
        let mut take = |lane: usize, value: f64| {
            let off = value - shift;
            apart.0[lane] += off;
            squares.0[lane] += off * off;
            let error = (value - self.answer).abs();
            errors.0[lane] += error;
            most[lane] = if error > most[lane] { error } else { most[lane] };
        };
        let chunks = values.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            (0..LANES).for_each(|lane| take(lane, chunk[lane]));
        }
        rest.iter().enumerate().for_each(|(lane, &value)| take(lane, value));
        let [apart, squares, errors] = sums.map(|lanes| lanes.0.iter().sum::<f64>());
        let nodes = values.len() as f64;
        let mean = apart / nodes;
        let variance = (squares / nodes - mean * mean).max(0.0);
        Moment {
            mean_error: errors / nodes / self.scale,
            worst_error: most.into_iter().fold(0.0, f64::max) / self.scale,
            variance,
            mass_lost: (apart + nodes * (shift - self.answer)) / self.inputs,
            messages: 0,
            clear: variance.sqrt() > FLOOR * self.answer.abs().max(self.inputs / nodes),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Lanes([f64; LANES]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_answer() {
        let truth = Truth::of([1.0, 2.0, 3.0].into_iter(), false);
        assert_eq!((truth.answer, truth.scale, truth.inputs), (2.0, 2.0, 6.0));
        let moment = truth.judge([1.0, 2.0, 3.0].map(|x| (x, 1.0)).into_iter());
        assert!((moment.mean_error - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(moment.worst_error, 0.5);
        assert!((moment.variance - 2.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn one_pass_agrees_with_two() {
        for nodes in [1, 7, 8, 9, 1000] {
            let values: Vec<f64> = (0..nodes).map(|i| 3.0 + 1e-7 * f64::from(i * i % 17)).collect();
            let truth = Truth::of([3.0].into_iter(), false);
            let two = truth.judge(values.iter().map(|&x| (x, 1.0)));
            let one = truth.judge_values(&values);
            let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs();
            assert!(near(one.mean_error, two.mean_error) && near(one.variance, two.variance));
            assert_eq!(one.worst_error, two.worst_error);
        }
    }

    #[test]
    fn inputs_that_cancel_are_judged_by_their_size() {
        let truth = Truth::of([1.0, -1.0, 4.0, -4.0].into_iter(), false);
        assert_eq!((truth.answer, truth.scale), (0.0, 2.5));
    }

    #[test]
    fn a_node_without_weight_is_all_wrong() {
        let truth = Truth::of([5.0, 10.0].into_iter(), true);
        let start = truth.judge([(5.0, 1.0), (10.0, 0.0)].into_iter());
        assert!((start.mean_error - (10.0 / 15.0 + 1.0) / 2.0).abs() < 1e-15);
        assert!((start.variance - 6.25).abs() < 1e-15, "estimates 5 and none");
        // Weights that differ: the estimates are 2 and 4, whatever stands behind them.
        let uneven = truth.judge([(1.0, 0.5), (8.0, 2.0)].into_iter());
        assert!((uneven.variance - 1.0).abs() < 1e-15);
        let met = truth.judge([(7.5, 0.5), (7.5, 0.5)].into_iter());
        assert_eq!((met.mean_error, met.variance), (0.0, 0.0));
    }
}
