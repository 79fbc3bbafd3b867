//! The law of one round: from u informed, how many know after it.
//!
//! Three ways, each where it is best: [`recurrence`] lets the senders pick one after another
//! (all terms positive, exact, for small counts); [`contour`] evaluates the closed form
//!
//! P(j | u) = C(m,j) · c^{m−j} · b! · \[x^b\] (e^{qx} − c)^j e^{(1−mq)x}
//!
//! by a trapezoid sum on |x| = b (m = n−u uninformed, c their chance to miss by their own calls,
//! b = ku picks of q each); and where nobody pushes the law is binomial, with no contour at all.

mod contour;
mod recurrence;

use crate::exact::kernel::{Kernel, Outcome};

/// Picks below which the senders are followed one by one.
const FEW_PICKS: f64 = 64.0;

/// The same where distinct picks need a correction, which is a series in one over their root.
const FEW_CORRECTED_PICKS: f64 = 1024.0;

/// Distinct picks of more than one in this many nodes are followed one by one too.
const WIDE_FANOUT: f64 = 8.0;

/// Raw weights of a sound contour sum to one within this.
const SOUND: f64 = 1e-7;

/// Populations up to here have every row by recurrence.
const FEW_NODES: f64 = 128.0;

/// The law of one round, its points in increasing order of `informed`.
///
/// A wide law is given on a stride: the weights then stand for their neighbours too, which is
/// exact to rounding for the smooth functions they are summed against.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) outcomes: Vec<Outcome>,
    /// By how much the raw weights failed to sum to one, before they were scaled.
    pub(crate) defect: f64,
    /// The widest stride, in standard deviations of the law.
    stride_per_deviation: f64,
    /// The widest stride, in counts.
    longest_stride: f64,
    nodes: Vec<contour::Nodes>,
    sums: Vec<[f64; 2]>,
    dense: Vec<f64>,
    scratch: Vec<f64>,
}

impl Row {
    /// An empty row whose stride is at most this many standard deviations of the law.
    pub(crate) fn with_stride(stride_per_deviation: f64) -> Self {
        Self {
            outcomes: Vec::new(),
            defect: 0.0,
            stride_per_deviation,
            longest_stride: f64::INFINITY,
            nodes: Vec::new(),
            sums: Vec::new(),
            dense: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Sets the widest stride, in counts.
    pub(crate) fn set_longest_stride(&mut self, counts: f64) {
        self.longest_stride = counts;
    }

    /// Fills in the law from `u` informed and `m` not. `smooth` is the length, in the logit of the
    /// informed share, below which the functions to be summed do not bend; `whole` says that only
    /// whole counts are wanted (both arguments are then whole).
    pub(crate) fn fill(&mut self, kernel: &Kernel, u: f64, m: f64, smooth: f64, whole: bool) {
        self.outcomes.clear();
        self.defect = 0.0;
        let few = kernel.alive <= FEW_NODES
            || kernel.fanout * u < FEW_PICKS
            || kernel.corrected()
                && (kernel.fanout * u < FEW_CORRECTED_PICKS
                    || kernel.fanout * WIDE_FANOUT > kernel.alive);
        if kernel.has_pushes() && whole {
            if let Some(known) = kernel.known_rows.borrow().get(&(u as u64)) {
                self.outcomes.extend_from_slice(known);
                return;
            }
            let every = if few {
                self.by_recurrence(kernel, u, m);
                true
            } else {
                let every = self.by_contour(kernel, u, m, smooth, whole);
                // Where the picks of few senders cover much of the nodes the correction may not
                // settle (NaN included): then follow the senders after all.
                let sound = self.defect < SOUND && !self.outcomes.is_empty();
                if !sound {
                    self.outcomes.clear();
                    self.by_recurrence(kernel, u, m);
                }
                every || !sound
            };
            if every {
                kernel.known_rows.borrow_mut().insert(u as u64, self.outcomes.clone());
            }
        } else {
            self.by_contour(kernel, u, m, smooth, whole);
        }
    }
}

#[cfg(test)]
mod tests;
