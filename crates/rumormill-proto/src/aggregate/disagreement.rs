//! The disagreement of nodes.

/// The disagreement of nodes, measured at the peers that this one exchanged with: an exponential
/// average of the squared differences, which halves in about two and a half exchanges.
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

    /// Returns the standard error of one node: a difference consists of two independent errors.
    pub(crate) fn standard_error(&self) -> Option<f64> {
        self.met.then(|| (self.mean_square / 2.0).sqrt())
    }
}
