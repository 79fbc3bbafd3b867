//! A round along the front: only nodes that have someone to tell, or someone to hear from.

use crate::simulate::spread::contacts::Contacts;
use crate::simulate::spread::rows::nodes::{Nodes, bit, for_each, set};

/// Where the rumor can move.
#[derive(Default)]
pub(super) struct Front {
    /// How many living neighbours of a node do not know.
    open: Vec<u32>,
    /// Nodes that know and have open neighbours.
    pushers: Vec<u32>,
    /// Living nodes that do not know and have a neighbour who does.
    pullers: Vec<u32>,
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
        self.pushers.clear();
        self.pullers.clear();
        let left = nodes.knows.iter().zip(&nodes.alive).map(|(knows, alive)| alive & !knows);
        for_each(left, |w| {
            for &v in question.back.neighbours(w) {
                self.open[v as usize] += 1;
            }
            let hears = question.rows.neighbours(w).iter().any(|&v| bit(&nodes.knows, v));
            if spread.pulls() && hears {
                self.pullers.push(w);
            }
        });
        if spread.style.pushes() {
            let pushers = &mut self.pushers;
            let open = &self.open;
            for_each(nodes.knows.iter().copied(), |v| {
                if open[v as usize] > 0 {
                    pushers.push(v);
                }
            });
        }
        // From here on `chosen` says who is among the pullers, `next` who is fresh.
        nodes.chosen.fill(0);
        for &w in &self.pullers {
            set(&mut nodes.chosen, w);
        }
        nodes.next.copy_from_slice(&nodes.knows);
    }

    /// Whether any call from this round on could tell anyone.
    pub(super) fn can_go_on(&self, nodes: &Nodes<'_>, round: u32) -> bool {
        let spread = nodes.question.spread;
        let tells = spread.pushes_in(round) && !self.pushers.is_empty();
        spread.loss < 1.0 && (tells || !self.pullers.is_empty())
    }

    /// Plays a round. Returns about how much work it was, in contacts.
    pub(super) fn step(&mut self, nodes: &mut Nodes<'_>, run: u64, round: u32) -> u64 {
        let question = nodes.question;
        let (spread, rows, contacts) = (question.spread, question.rows, &question.contacts);
        let stream = Contacts::round(question.seed, run, round);
        let mut worked = 1;
        for (calls, callers, push) in [
            (spread.pushes_in(round), &self.pushers, true),
            (spread.pulls_in(round), &self.pullers, false),
        ] {
            if !calls {
                continue;
            }
            worked += callers.len() as u64;
            for &v in callers {
                let row = rows.neighbours(v);
                let target = |slot: u64| row[slot as usize];
                contacts.pick(v, row.len() as u64, v.into(), stream, target, |w, arrives| {
                    // The node that the contact may inform, and whether it can.
                    let (node, can) =
                        if push { (w, bit(&nodes.alive, w)) } else { (v, bit(&nodes.knows, w)) };
                    if arrives && can && !bit(&nodes.next, node) {
                        set(&mut nodes.next, node);
                        self.fresh.push(node);
                    }
                });
            }
        }
        let fresh = std::mem::take(&mut self.fresh);
        for &w in &fresh {
            set(&mut nodes.knows, w);
            nodes.learned(w);
            worked += self.pass_on(nodes, w);
        }
        let open = &self.open;
        if spread.style.pushes() && !fresh.is_empty() {
            self.pushers.extend_from_slice(&fresh);
            self.pushers.retain(|&v| open[v as usize] > 0);
        }
        if spread.pulls() && !fresh.is_empty() {
            self.pullers.retain(|&v| !bit(&nodes.knows, v));
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
                set(&mut nodes.chosen, v);
                self.pullers.push(v);
            }
        }
        neighbours.len() as u64
    }
}
