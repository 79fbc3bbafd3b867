//! The laws of the next count as tables, for few nodes: one random number and one look a round.
//!
//! A row is an alias table (Walker 1977; Vose 1991): as many columns as outcomes, each split
//! between two of them. Rows are made when they are first asked for; what they hold depends on the
//! model alone.

use crate::simulate::spread::binomial::Chance;

use crate::simulate::spread::complete::{Complete, Level};
use crate::simulate::stream::below;
use crate::spread::Spread;

/// Outcomes less likely than this cannot come up with 64 random bits.
const NEGLIGIBLE: f64 = 1e-22;

/// Probabilities below this are not followed further: they would stay negligible, and slow numbers.
const FORGOTTEN: f64 = 1e-40;

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
    /// What the i-th pick of a sender does; one for all, if they are alike.
    falls: Vec<Falls>,
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
        let levels = match (complete.throws(true), complete.more()) {
            (false, _) => 0,
            (true, None) => 1,
            (true, Some(more)) => more.len() as u64,
        };
        Self {
            columns: Vec::new(),
            rows: vec![Row::default(); 3 * stride],
            stride,
            falls: (0..levels).map(|level| Falls::new(complete, level)).collect(),
        }
    }

    /// Returns the laws from these counts, at least.
    #[inline]
    pub(super) fn laws(
        &mut self,
        counts: &[u32],
        calls: (bool, bool),
        complete: &Complete,
    ) -> Laws<'_> {
        let way = usize::from(calls.0) + 2 * usize::from(calls.1);
        // Somebody calls, so `way` is 1, 2 or 3.
        let begin = way.saturating_sub(1) * self.stride;
        for &informed in counts {
            let at = begin + informed as usize;
            if self.rows[at].width == 0 {
                self.make(at, informed.into(), calls, complete);
            }
        }
        Laws { rows: &self.rows[begin..begin + self.stride], columns: &self.columns }
    }

    /// Returns the most outcomes that all rows can have.
    pub(super) fn most_outcomes(alive: u64, spread: &Spread) -> u64 {
        let ways = if spread.switches_after().is_none() { 1 } else { 2 };
        ways * (alive + 1) * (alive + 2) / 2
    }

    /// Returns the outcomes that came up as often as `hits` says by their numbers: the count
    /// before, the count after, and how often.
    pub(super) fn came_up(&self, hits: &[u32]) -> impl Iterator<Item = (u32, u32, u32)> {
        self.rows.iter().enumerate().flat_map(move |(at, row)| {
            let from = (at % self.stride) as u32;
            let start = (row.start as usize).min(hits.len());
            let hits = hits[start..].iter().take(row.width.into());
            let seen = (u32::from(row.first)..).zip(hits).filter(|(_, times)| **times > 0);
            seen.map(move |(to, &times)| (from, to, times))
        })
    }

    #[cold]
    fn make(&mut self, at: usize, informed: u64, calls: (bool, bool), complete: &Complete) {
        let law = law(complete, &self.falls, informed, calls);
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
    }
}

/// The laws for one way to call.
#[derive(Clone, Copy)]
pub(super) struct Laws<'a> {
    rows: &'a [Row],
    columns: &'a [u64],
}

impl Laws<'_> {
    /// Returns the next count, from 64 random bits; and the number of this outcome among all that
    /// were made.
    #[inline]
    pub(super) fn step(self, bits: u64, informed: u32) -> (u32, u32) {
        let row = self.rows[informed as usize];
        let (column, rest) = below(bits, row.width.into());
        let column = column as u32;
        let entry = self.columns[(row.start + column) as usize];
        let (split, other) = (entry >> (64 - SPLIT_BITS), entry as u32 & 0xffff);
        // Without a branch: which side of the split it is cannot be foreseen.
        let own = u32::from(row.first) + column;
        let beyond = u32::from(rest >> (64 - SPLIT_BITS) >= split).wrapping_neg();
        let next = own ^ (own ^ other) & beyond;
        (next, row.start + next - u32::from(row.first))
    }

    /// Returns how many outcomes there are so far, in all rows.
    pub(super) fn outcomes(self) -> usize {
        self.columns.len()
    }
}

/// Returns the law of the next count, all terms positive: entry v is the probability of v.
fn law(complete: &Complete, falls: &[Falls], from: u64, (pushes, pulls): (bool, bool)) -> Vec<f64> {
    let (alive, informed) = (complete.alive as usize, from as usize);
    let mut law = vec![0.0; alive + 1];
    law[informed] = 1.0;
    // Outcomes outside these are impossible, or as good as.
    let (mut low, mut high) = (informed, informed);
    let own = complete.own(from, pushes, pulls);
    if own.hit > 0.0 {
        high = alive;
        // Each uninformed node in turn.
        for newly in informed..alive {
            for v in (informed..=newly).rev() {
                let up = law[v] * own.hit;
                law[v] *= own.miss;
                law[v + 1] += up;
            }
        }
    }
    if complete.throws(pushes) {
        for _ in 0..informed {
            high = alive.min(high + complete.picks as usize);
            sender(complete, falls, low, &mut law[low..=high]);
            while law[low] < FORGOTTEN && low < high {
                low += 1;
            }
        }
    }
    law
}

/// What one pick does to a count: the chances that it informs a node, and that it does not, by the
/// count.
#[derive(Clone, Debug)]
struct Falls {
    hit: Vec<f64>,
    miss: Vec<f64>,
}

impl Falls {
    /// Returns what the picks of a level do.
    fn new(complete: &Complete, level: u64) -> Self {
        let several = complete.more().is_some();
        let level = Level { balls: 1, pool: complete.pool - level };
        let fall = |informed: u64| match complete.alive - informed {
            0 => Chance::NEVER,
            uninformed if several => complete.fall(level, uninformed.min(level.pool)),
            // There are more uninformed nodes to pick only where no node picks.
            uninformed if uninformed > level.pool => Chance::NEVER,
            uninformed => complete.fall(level, uninformed),
        };
        let chances = (0..=complete.alive).map(fall);
        let (hit, miss) = chances.map(|chance| (chance.hit, chance.miss)).unzip();
        Self { hit, miss }
    }

    /// Makes one pick, where `law` begins with the count `low`.
    fn pick(&self, low: usize, law: &mut [f64]) {
        let mut up = 0.0;
        for ((p, hit), miss) in law.iter_mut().zip(&self.hit[low..]).zip(&self.miss[low..]) {
            let here = *p;
            *p = here * miss + up;
            up = here * hit;
        }
    }
}

/// Lets one node make its picks of a round, where `law` begins with the count `low`.
fn sender(complete: &Complete, falls: &[Falls], low: usize, law: &mut [f64]) {
    let Some(more) = complete.more() else {
        (0..complete.picks).for_each(|_| falls[0].pick(low, law));
        return;
    };
    // The number of picks that arrive, one more at a time.
    let mut total = vec![0.0; law.len()];
    let mut reached = 1.0;
    for (more, fall) in more.iter().zip(falls) {
        add(&mut total, law, reached * more.miss);
        reached *= more.hit;
        fall.pick(low, law);
    }
    add(&mut total, law, reached);
    law.copy_from_slice(&total);
}

fn add(total: &mut [f64], law: &[f64], weight: f64) {
    for (sum, p) in total.iter_mut().zip(law) {
        *sum += weight * p;
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
