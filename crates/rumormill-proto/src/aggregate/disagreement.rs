//! How far apart nodes still are.

/// How far apart nodes still are, judged by those that this one met: an exponential average of the
/// squared differences, which halves in about two and a half exchanges.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disagreement {
    mean_square: f64,
    met: bool,
}

impl Disagreement {
    pub(crate) fn meet(&mut self, difference: f64) {
        let square = difference * difference;
        self.mean_square = if self.met { 0.75 * self.mean_square + 0.25 * square } else { square };
        self.met = true;
    }

    /// The standard error of one node: two independent errors make a difference.
    pub(crate) fn standard_error(&self) -> Option<f64> {
        self.met.then(|| (self.mean_square / 2.0).sqrt())
    }
}
