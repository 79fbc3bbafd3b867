//! The state of a run: a bit for each node.

use super::Sweep;
use crate::simulate::spread::start::Start;

/// Which nodes are informed, and which live.
pub(super) struct Nodes<'a> {
    pub(super) question: &'a Sweep<'a>,
    /// Informed nodes.
    pub(super) is_informed: Vec<u64>,
    /// Nodes informed after the round.
    pub(super) next: Vec<u64>,
    /// Living nodes.
    pub(super) alive: Vec<u64>,
    /// Nodes that a round sweeps, where it does not sweep all.
    pub(super) chosen: Vec<u64>,
    /// Number of informed nodes.
    pub(super) informed: u64,
    /// Number of living nodes.
    pub(super) living: u64,
    /// Contacts that all informed nodes make when they call, and that all living nodes make.
    calls: (u64, u64),
}

impl<'a> Nodes<'a> {
    pub(super) fn new(question: &'a Sweep<'a>) -> Self {
        let words = question.rows.nodes().div_ceil(64) as usize;
        let empty = || vec![0u64; words];
        Self {
            question,
            is_informed: empty(),
            next: empty(),
            alive: empty(),
            chosen: empty(),
            informed: 0,
            living: 0,
            calls: (0, 0),
        }
    }

    /// Puts the nodes at the start of a run.
    pub(super) fn start(&mut self, run: u64) {
        let question = self.question;
        let n = question.rows.nodes();
        let start = Start::new(question.spread, question.topology, question.seed, run);
        self.alive.fill(u64::MAX);
        if !n.is_multiple_of(64)
            && let Some(last) = self.alive.last_mut()
        {
            *last = (1 << (n % 64)) - 1;
        }
        for (node, _) in start.dead.iter().enumerate().filter(|(_, dead)| **dead) {
            self.alive[node / 64] &= !(1 << (node % 64));
        }
        self.living = question.spread.alive();
        self.is_informed.fill(0);
        (self.informed, self.calls) = (0, (0, 0));
        for &origin in &start.origins {
            set(&mut self.is_informed, origin);
            self.count_informed(origin);
        }
        self.calls.1 = match question.calls {
            Some(each) => each * self.living,
            None => (0..n as u32).filter(|&v| bit(&self.alive, v)).map(|v| self.calls_of(v)).sum(),
        };
    }

    pub(super) fn calls_of(&self, node: u32) -> u64 {
        let degree = self.question.rows.neighbours(node).len() as u64;
        self.question.contacts.made_by(degree)
    }

    /// Counts a node that has been informed.
    pub(super) fn count_informed(&mut self, node: u32) {
        self.informed += 1;
        if self.question.calls.is_none() {
            self.calls.0 += self.calls_of(node);
        }
    }

    /// Returns the contacts that the model makes in a round, skipped ones included.
    pub(super) fn messages(&self, round: u32) -> u64 {
        let spread = self.question.spread;
        let by_informed = match self.question.calls {
            Some(each) => each * self.informed,
            None => self.calls.0,
        };
        let pushes = if spread.pushes_in(round) { by_informed } else { 0 };
        let pulls = if spread.pulls_in(round) { self.calls.1 - by_informed } else { 0 };
        pushes + pulls
    }

    /// Returns whether the last round informed few, beside the informed and the uninformed: where a
    /// rumor doubles, and then finds the last nodes like coupons, it does not.
    pub(super) fn creeps(&self, before: u64) -> bool {
        let side = before.min(self.living - self.informed);
        (self.informed - before) as f64 * 8.0 < (1.0 - self.question.spread.loss) * side as f64
    }

    /// Returns whether any call from this round on could inform a node. Looks from the smaller
    /// side, and stops at the first edge that could carry the rumor.
    pub(super) fn can_go_on(&self, round: u32) -> bool {
        let Sweep { spread, rows, back, .. } = self.question;
        if spread.loss >= 1.0 || self.informed == self.living {
            return false;
        }
        let (pushes, pulls) = (spread.pushes_in(round), spread.pulls());
        let left = |w: u32| bit(&self.alive, w) && !bit(&self.is_informed, w);
        if self.informed <= self.living / 2 {
            any(self.is_informed.iter().copied(), |v| {
                pushes && rows.neighbours(v).iter().any(|&w| left(w))
                    || pulls && back.neighbours(v).iter().any(|&w| left(w))
            })
        } else {
            any(
                self.is_informed
                    .iter()
                    .zip(&self.alive)
                    .map(|(is_informed, alive)| alive & !is_informed),
                |w| {
                    pushes && back.neighbours(w).iter().any(|&v| bit(&self.is_informed, v))
                        || pulls && rows.neighbours(w).iter().any(|&v| bit(&self.is_informed, v))
                },
            )
        }
    }
}

/// Returns whether a node's bit is set.
#[inline]
pub(super) fn bit(bits: &[u64], node: u32) -> bool {
    bits[node as usize / 64] >> (node % 64) & 1 == 1
}

/// Sets a node's bit.
#[inline]
pub(super) fn set(bits: &mut [u64], node: u32) {
    bits[node as usize / 64] |= 1 << (node % 64);
}

/// Calls `each` with the nodes whose bits are set, in rising order.
#[inline]
pub(super) fn for_each(words: impl Iterator<Item = u64>, mut each: impl FnMut(u32)) {
    any(words, |node| {
        each(node);
        false
    });
}

/// Returns whether one of the nodes whose bits are set is such.
#[inline]
fn any(words: impl Iterator<Item = u64>, mut such: impl FnMut(u32) -> bool) -> bool {
    for (i, mut word) in words.enumerate() {
        while word != 0 {
            if such((i * 64) as u32 + word.trailing_zeros()) {
                return true;
            }
            word &= word - 1;
        }
    }
    false
}
