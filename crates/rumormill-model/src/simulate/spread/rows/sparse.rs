//! A round along the front: only nodes that have someone to tell, or someone to hear from.

use crate::simulate::spread::contacts::Contacts;
use crate::simulate::spread::rows::nodes::{Nodes, bit, for_each};

/// Where the rumor can move.
#[derive(Default)]
pub(super) struct Front {
    /// How many living neighbours of a node do not know.
    open: Vec<u32>,
    /// Nodes that know and have open neighbours.
    tellers: Vec<u32>,
    /// Living nodes that do not know and have a neighbour who does.
    askers: Vec<u32>,
    /// Told in this round.
    fresh: Vec<u32>,
}

impl Front {
    /// Finds the front of a run, in time proportional to the graph.
    pub(super) fn begin(&mut self, nodes: &mut Nodes<'_>) {
        let question = nodes.question;
        let spread = question.spread;
        self.open.clear();
        self.open.resize(question.rows.nodes() as usize, 0);
        self.tellers.clear();
        self.askers.clear();
        let left = nodes.knows.iter().zip(&nodes.alive).map(|(knows, alive)| alive & !knows);
        for_each(left, |w| {
            for &v in question.back.neighbours(w) {
                self.open[v as usize] += 1;
            }
            let hears = question.rows.neighbours(w).iter().any(|&v| bit(&nodes.knows, v));
            if spread.pulls() && hears {
                self.askers.push(w);
            }
        });
        if spread.style.pushes() {
            let tellers = &mut self.tellers;
            let open = &self.open;
            for_each(nodes.knows.iter().copied(), |v| {
                if open[v as usize] > 0 {
                    tellers.push(v);
                }
            });
        }
        // From here on `chosen` says who is among the askers, `next` who is fresh.
        nodes.chosen.fill(0);
        for &w in &self.askers {
            nodes.chosen[w as usize / 64] |= 1 << (w % 64);
        }
        nodes.next.copy_from_slice(&nodes.knows);
    }

    /// Whether any call from this round on could tell anyone.
    pub(super) fn can_go_on(&self, nodes: &Nodes<'_>, round: u32) -> bool {
        let spread = nodes.question.spread;
        let tells = spread.pushes_in(round) && !self.tellers.is_empty();
        spread.loss < 1.0 && (tells || !self.askers.is_empty())
    }

    /// Plays a round. Returns about how much work it was, in contacts.
    pub(super) fn step(&mut self, nodes: &mut Nodes<'_>, run: u64, round: u32) -> u64 {
        let question = nodes.question;
        let (spread, rows, contacts) = (question.spread, question.rows, &question.contacts);
        let stream = Contacts::round(question.seed, run, round);
        let mut worked = 1;
        if spread.pushes_in(round) {
            worked += self.tellers.len() as u64;
            for &v in &self.tellers {
                let row = rows.neighbours(v);
                let target = |slot: u64| row[slot as usize];
                contacts.pick(v, row.len() as u64, v.into(), stream, target, |w, arrives| {
                    if arrives && bit(&nodes.alive, w) && !bit(&nodes.next, w) {
                        nodes.next[w as usize / 64] |= 1 << (w % 64);
                        self.fresh.push(w);
                    }
                });
            }
        }
        if spread.pulls_in(round) {
            worked += self.askers.len() as u64;
            for &v in &self.askers {
                let row = rows.neighbours(v);
                let target = |slot: u64| row[slot as usize];
                contacts.pick(v, row.len() as u64, v.into(), stream, target, |w, arrives| {
                    if arrives && bit(&nodes.knows, w) && !bit(&nodes.next, v) {
                        nodes.next[v as usize / 64] |= 1 << (v % 64);
                        self.fresh.push(v);
                    }
                });
            }
        }
        let fresh = std::mem::take(&mut self.fresh);
        for &w in &fresh {
            nodes.knows[w as usize / 64] |= 1 << (w % 64);
            nodes.learned(w);
            worked += self.pass_on(nodes, w);
        }
        let open = &self.open;
        if spread.style.pushes() && !fresh.is_empty() {
            self.tellers.extend_from_slice(&fresh);
            self.tellers.retain(|&v| open[v as usize] > 0);
        }
        if spread.pulls() && !fresh.is_empty() {
            self.askers.retain(|&v| !bit(&nodes.knows, v));
        }
        self.fresh = fresh;
        self.fresh.clear();
        worked
    }

    /// Tells the neighbours' books that a node knows now.
    fn pass_on(&mut self, nodes: &mut Nodes<'_>, w: u32) -> u64 {
        let question = nodes.question;
        let neighbours = question.back.neighbours(w);
        for &v in neighbours {
            self.open[v as usize] -= 1;
            let asks = question.spread.pulls() && bit(&nodes.alive, v);
            if asks && !bit(&nodes.knows, v) && !bit(&nodes.chosen, v) {
                nodes.chosen[v as usize / 64] |= 1 << (v % 64);
                self.askers.push(v);
            }
        }
        neighbours.len() as u64
    }
}
