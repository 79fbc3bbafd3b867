//! A round as a sweep over all nodes, or over all that can matter.

use super::Sweep;
use crate::simulate::spread::contacts::Contacts;
use crate::simulate::spread::rows::nodes::{Nodes, bit, for_each, set};
use crate::simulate::stream::{Stream, below};

/// Nodes whose contacts are worked together: enough to overlap their reads of memory.
const BATCH: usize = 1024;

impl Nodes<'_> {
    /// Plays a round. Returns about how many contacts it has worked.
    pub(super) fn sweep(&mut self, run: u64, round: u32) -> u64 {
        let question = self.question;
        let stream = Contacts::round(question.seed, run, round);
        self.next.copy_from_slice(&self.is_informed);
        let mut worked = self.is_informed.len() as u64;
        if question.spread.pushes_in(round) {
            worked += self.push(stream);
        }
        if question.spread.pulls_in(round) {
            worked += self.pull(stream);
        }
        self.settle();
        worked
    }

    /// Lets informed nodes call.
    fn push(&mut self, stream: Stream) -> u64 {
        let question = self.question;
        let left = self.living - self.informed;
        let mut swept = self.informed;
        let senders = if self.few(left, self.informed) {
            // Only neighbours of uninformed nodes can inform any.
            let left = self
                .is_informed
                .iter()
                .zip(&self.alive)
                .map(|(is_informed, alive)| alive & !is_informed);
            surround(&question.back, left, &mut self.chosen);
            for (chosen, is_informed) in self.chosen.iter_mut().zip(&self.is_informed) {
                *chosen &= is_informed;
            }
            swept = self.chosen.iter().map(|word| u64::from(word.count_ones())).sum();
            &self.chosen
        } else {
            &self.is_informed
        };
        let (is_informed, next) = (&self.is_informed, &mut self.next);
        in_batches(senders, |nodes| call::<true>(question, stream, nodes, is_informed, next));
        swept
    }

    /// Lets uninformed nodes call.
    fn pull(&mut self, stream: Stream) -> u64 {
        let question = self.question;
        let mut swept = self.living - self.informed;
        if self.few(self.informed, swept) {
            // Only neighbours of informed nodes can be informed.
            surround(&question.back, self.is_informed.iter().copied(), &mut self.chosen);
        } else {
            self.chosen.fill(u64::MAX);
        }
        for ((chosen, is_informed), alive) in
            self.chosen.iter_mut().zip(&self.is_informed).zip(&self.alive)
        {
            *chosen &= alive & !is_informed;
        }
        if swept > self.informed {
            swept = self.chosen.iter().map(|word| u64::from(word.count_ones())).sum();
        }
        let (is_informed, next) = (&self.is_informed, &mut self.next);
        in_batches(&self.chosen, |nodes| call::<false>(question, stream, nodes, is_informed, next));
        swept
    }

    /// Returns whether it pays to mark the neighbours of `marked` nodes before sweeping `swept`
    /// ones.
    fn few(&self, marked: u64, swept: u64) -> bool {
        let Sweep { rows, .. } = self.question;
        let degree = rows.entries() / rows.nodes() + 1;
        marked * degree < swept
    }

    /// Ends the round: the nodes reached are informed, except the dead.
    fn settle(&mut self) {
        let counted = self.question.calls.is_none();
        let mut informed = 0;
        for (next, alive) in self.next.iter_mut().zip(&self.alive) {
            *next &= alive;
            informed += u64::from(next.count_ones());
        }
        std::mem::swap(&mut self.is_informed, &mut self.next);
        if counted {
            let before = std::mem::take(&mut self.next);
            let mut fresh = Vec::new();
            let words = self.is_informed.iter().zip(&before).map(|(now, before)| now & !before);
            for_each(words, |node| fresh.push(node));
            fresh.into_iter().for_each(|node| self.count_informed(node));
            self.next = before;
        }
        self.informed = informed;
    }
}

/// Sets the bits of all neighbours of the nodes whose bits are set.
fn surround(graph: &super::Csr, of: impl Iterator<Item = u64>, bits: &mut [u64]) {
    bits.fill(0);
    for_each(of, |node| {
        for &w in graph.neighbours(node) {
            set(bits, w);
        }
    });
}

/// Calls `work` with batches of the nodes whose bits are set, in rising order.
fn in_batches(bits: &[u64], mut work: impl FnMut(&[u32])) {
    let mut batch = [0u32; BATCH + 64];
    let mut len = 0;
    for (i, &word) in bits.iter().enumerate() {
        let first = (i * 64) as u32;
        if word == u64::MAX {
            for (slot, node) in batch[len..len + 64].iter_mut().zip(first..) {
                *slot = node;
            }
            len += 64;
        } else {
            let mut word = word;
            while word != 0 {
                batch[len] = first + word.trailing_zeros();
                len += 1;
                word &= word - 1;
            }
        }
        if len >= BATCH {
            work(&batch[..len]);
            len = 0;
        }
    }
    work(&batch[..len]);
}

/// Returns the nodes call, all of them pushing or all pulling. The nodes informed are set in
/// `next`, without a branch on what was there.
fn call<const PUSH: bool>(
    question: &Sweep<'_>,
    stream: Stream,
    nodes: &[u32],
    is_informed: &[u64],
    next: &mut [u64],
) {
    let Sweep { rows, contacts, .. } = question;
    let mut made = |v: u32, w: u32, arrives: bool| {
        let (node, informs) = if PUSH { (w, arrives) } else { (v, arrives & bit(is_informed, w)) };
        next[node as usize / 64] |= u64::from(informs) << (node % 64);
    };
    if let Some(degree) = plain(question) {
        let all = rows.all_neighbours();
        for &v in nodes {
            let (slot, low) = below(stream.at(v.into()), degree);
            made(v, all[(u64::from(v) * degree + slot) as usize], contacts.arrives(low));
        }
        return;
    }
    for &v in nodes {
        let row = rows.neighbours(v);
        let target = |slot: u64| row[slot as usize];
        contacts.pick(v, row.len() as u64, v.into(), stream, target, |w, arrives| {
            made(v, w, arrives);
        });
    }
}

/// Returns the degree, where all have the same and make one call to a neighbour.
fn plain(question: &Sweep<'_>) -> Option<u64> {
    let one = question.contacts.fanout == 1 && !question.contacts.include_self;
    question.rows.regular().filter(|&degree| one && degree > 0).map(u64::from)
}
