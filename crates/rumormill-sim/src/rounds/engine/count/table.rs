//! The laws of the next count as tables, for few nodes: one random number and one look a round.
//!
//! A row is an alias table (Walker 1977; Vose 1991): as many columns as outcomes, each split
//! between two of them. Rows are made when they are first asked for; what they hold depends on the
//! model alone.

use crate::rounds::engine::binomial::Chance;
use crate::rounds::engine::complete::{Complete, Level};
use crate::rounds::stream::below;

/// Outcomes less likely than this cannot come up with 64 random bits.
const NEGLIGIBLE: f64 = 1e-22;

/// Bits of a column that say where it is split; the others name the outcome beyond the split.
const SPLIT_BITS: u32 = 48;

/// The laws of the next count, from every count, for each way to call.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Columns of all rows that were made.
    columns: Vec<u64>,
    rows: Vec<Row>,
    /// Rows for one way to call: one more than there are nodes.
    stride: usize,
}

/// Where a row lies. A row with no columns has not been made.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    start: u32,
    width: u16,
    /// The outcome of the first column.
    first: u16,
}

impl Table {
    pub(super) fn new(complete: &Complete) -> Self {
        let stride = complete.alive as usize + 1;
        Self { columns: Vec::new(), rows: vec![Row::default(); 3 * stride], stride }
    }

    /// The next count, from 64 random bits.
    #[inline]
    pub(super) fn step(
        &mut self,
        bits: u64,
        informed: u64,
        calls: (bool, bool),
        complete: &Complete,
    ) -> u64 {
        let way = usize::from(calls.0) + 2 * usize::from(calls.1);
        // Somebody calls, so `way` is 1, 2 or 3.
        let at = way.saturating_sub(1) * self.stride + informed as usize;
        let mut row = self.rows[at];
        if row.width == 0 {
            row = self.make(at, informed, calls, complete);
        }
        let (column, rest) = below(bits, row.width.into());
        let entry = self.columns[row.start as usize + column as usize];
        let (split, other) = (entry >> (64 - SPLIT_BITS), entry & 0xffff);
        // Without a branch: which side of the split it is cannot be foreseen.
        let own = u64::from(row.first) + column;
        let beyond = u64::from(rest >> (64 - SPLIT_BITS) >= split).wrapping_neg();
        own ^ (own ^ other) & beyond
    }

    #[cold]
    fn make(&mut self, at: usize, informed: u64, calls: (bool, bool), complete: &Complete) -> Row {
        let law = law(complete, informed, calls);
        let likely = |p: &f64| *p > NEGLIGIBLE;
        let low = law.iter().position(likely).unwrap_or(0);
        let high = law.iter().rposition(likely).unwrap_or(0);
        let row = Row {
            start: self.columns.len() as u32,
            width: (high - low + 1) as u16,
            first: low as u16,
        };
        columns(&law[low..=high], low as u64, &mut self.columns);
        self.rows[at] = row;
        row
    }
}

/// The law of the next count, all terms positive: entry v is the probability of v.
fn law(complete: &Complete, informed: u64, (pushes, pulls): (bool, bool)) -> Vec<f64> {
    let mut law = vec![0.0; complete.alive as usize + 1];
    law[informed as usize] = 1.0;
    let own = complete.own(informed, pushes, pulls);
    if own.hit > 0.0 {
        // Each uninformed node in turn.
        for told in informed..complete.alive {
            for v in (informed as usize..=told as usize).rev() {
                let up = law[v] * own.hit;
                law[v] *= own.miss;
                law[v + 1] += up;
            }
        }
    }
    if complete.throws(pushes) {
        for _ in 0..informed {
            sender(complete, &mut law);
        }
    }
    law
}

/// Lets one node make its picks of a round.
fn sender(complete: &Complete, law: &mut Vec<f64>) {
    let Some(more) = complete.more() else {
        for _ in 0..complete.picks {
            let level = Level { balls: 1, pool: complete.pool };
            pick(law, |uninformed| complete.fall(level, uninformed));
        }
        return;
    };
    // The number of picks that arrive, one more at a time.
    let mut total = vec![0.0; law.len()];
    let mut reached = 1.0;
    for (i, more) in more.iter().enumerate() {
        add(&mut total, law, reached * more.miss);
        reached *= more.hit;
        let level = Level { balls: 1, pool: complete.pool - i as u64 };
        pick(law, |uninformed| complete.fall(level, uninformed.min(level.pool)));
    }
    add(&mut total, law, reached);
    *law = total;
}

fn add(total: &mut [f64], law: &[f64], weight: f64) {
    for (sum, p) in total.iter_mut().zip(law) {
        *sum += weight * p;
    }
}

/// One pick, which tells somebody with a chance that depends on how many do not know.
fn pick(law: &mut [f64], tells: impl Fn(u64) -> Chance) {
    let alive = law.len() - 1;
    for v in (0..alive).rev() {
        if law[v] > 0.0 {
            let chance = tells((alive - v) as u64);
            law[v + 1] += law[v] * chance.hit;
            law[v] *= chance.miss;
        }
    }
}

/// Appends the columns of a law whose first outcome is `first` (Vose 1991).
fn columns(law: &[f64], first: u64, columns: &mut Vec<u64>) {
    let total: f64 = law.iter().sum();
    let width = law.len() as f64;
    let mut load: Vec<f64> = law.iter().map(|p| p / total * width).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) =
        (0..law.len()).partition(|&i| load[i] < 1.0);
    let mut made = vec![(1.0, 0); law.len()];
    while let (Some(&under), Some(&over)) = (small.last(), large.last()) {
        small.pop();
        made[under] = (load[under], over);
        load[over] -= 1.0 - load[under];
        if load[over] < 1.0 {
            large.pop();
            small.push(over);
        }
    }
    // What is left is full, up to rounding: it is never split, and names itself beyond the split.
    for i in small.into_iter().chain(large) {
        made[i] = (1.0, i);
    }
    let most = (1u64 << SPLIT_BITS) - 1;
    columns.extend(made.into_iter().map(|(share, other)| {
        let split = ((share * (1u64 << SPLIT_BITS) as f64) as u64).min(most);
        split << (64 - SPLIT_BITS) | (first + other as u64)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_add_up_to_the_law() {
        let law = [0.1, 0.02, 0.5, 1e-9, 0.38 - 1e-9];
        let mut made = Vec::new();
        columns(&law, 7, &mut made);
        let unit = 1.0 / (1u64 << SPLIT_BITS) as f64 / law.len() as f64;
        let mut back = [0.0; 5];
        for (i, entry) in made.iter().enumerate() {
            let split = entry >> (64 - SPLIT_BITS);
            back[i] += split as f64 * unit;
            back[(entry & 0xffff) as usize - 7] += ((1u64 << SPLIT_BITS) - split) as f64 * unit;
        }
        for (ours, p) in back.iter().zip(&law) {
            assert!((ours - p).abs() < 4.0 * unit, "{ours} {p}");
        }
    }
}
