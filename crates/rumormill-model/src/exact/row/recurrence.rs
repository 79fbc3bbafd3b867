//! Rows by letting the senders pick one after another: exact, all terms positive.

use super::Row;
use crate::exact::kernel::{Kernel, Outcome};
use crate::exact::special::ln_binomial;

/// Probabilities below this are not worth a step.
const NEGLIGIBLE: f64 = 1e-60;

/// Returns the law of the number told by their own calls, where it is not negligible: `law[i]` is
/// the probability of `first + i`, and `first` is returned.
fn pulled(kernel: &Kernel, u: f64, m: f64, law: &mut Vec<f64>) -> usize {
    let own = kernel.own_miss(u, m);
    law.clear();
    if own.hit == 0.0 {
        law.push(1.0);
        return 0;
    }
    if own.miss == 0.0 {
        law.push(1.0);
        return m as usize;
    }
    // From the mode to either side by the ratio of neighbours: no factorials but one.
    let mode = (m * own.hit).floor();
    let odds = own.hit / own.miss;
    let top = ln_binomial(mode, m - mode, m * own.hit, m * own.miss, mode - m * own.hit).exp();
    let (mut p, mut j) = (top, mode);
    while j > 0.0 && p > NEGLIGIBLE {
        p *= j / ((m - j + 1.0) * odds);
        j -= 1.0;
        law.push(p);
    }
    law.reverse();
    let first = j as usize;
    (p, j) = (top, mode);
    while j <= m && p > NEGLIGIBLE {
        law.push(p);
        p *= (m - j) / (j + 1.0) * odds;
        j += 1.0;
    }
    first
}

impl Row {
    pub(super) fn by_recurrence(&mut self, kernel: &Kernel, u: f64, m: f64) {
        let first = pulled(kernel, u, m, &mut self.dense) as f64;
        let mut width = self.dense.len();
        let most = (width as f64 + kernel.fanout * u).min(m - first + 1.0) as usize;
        self.dense.resize(most, 0.0);
        // Only `low..width` is not negligible.
        let mut low = 0;
        for _ in 0..u as usize {
            // Nothing can lie beyond what the picks so far could reach.
            width = (width + kernel.fanout as usize).min(most);
            let law = &mut self.dense[low..width];
            kernel.one_sender(law, u + first + low as f64, &mut self.scratch);
            while low + 1 < width && self.dense[low] < NEGLIGIBLE {
                self.dense[low] = 0.0;
                low += 1;
            }
            while low + 1 < width && self.dense[width - 1] < NEGLIGIBLE {
                self.dense[width - 1] = 0.0;
                width -= 1;
            }
        }
        for (j, &weight) in self.dense.iter().enumerate() {
            if weight > NEGLIGIBLE {
                let j = first + j as f64;
                self.outcomes.push(Outcome { informed: u + j, missed: m - j, weight });
            }
        }
    }
}
