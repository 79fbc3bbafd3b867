//! A round along the front: only nodes with an uninformed or an informed neighbour, as the case may
//! be.

use crate::simulate::spread::contacts::Contacts;
use crate::simulate::spread::rows::nodes::{Nodes, bit, for_each, set};

/// Where the rumor can move.
#[derive(Default)]
pub(super) struct Front {
    /// Number of living uninformed neighbours of each node.
    open: Vec<u32>,
    /// Informed nodes that have such neighbours.
    pushers: Vec<u32>,
    /// Living uninformed nodes that have an informed neighbour.
    pullers: Vec<u32>,
    /// Nodes informed in this round.
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
        let left = nodes
            .is_informed
            .iter()
            .zip(&nodes.alive)
            .map(|(is_informed, alive)| alive & !is_informed);
        for_each(left, |w| {
            for &v in question.back.neighbours(w) {
                self.open[v as usize] += 1;
            }
            let reaches = question.rows.neighbours(w).iter().any(|&v| bit(&nodes.is_informed, v));
            if spread.pulls() && reaches {
                self.pullers.push(w);
            }
        });
        if spread.style.pushes() {
            let pushers = &mut self.pushers;
            let open = &self.open;
            for_each(nodes.is_informed.iter().copied(), |v| {
                if open[v as usize] > 0 {
                    pushers.push(v);
                }
            });
        }
        // From here on `chosen` marks the pullers, `next` the nodes informed in the round.
        nodes.chosen.fill(0);
        for &w in &self.pullers {
            set(&mut nodes.chosen, w);
        }
        nodes.next.copy_from_slice(&nodes.is_informed);
    }

    /// Returns whether any call from this round on could inform a node.
    pub(super) fn can_go_on(&self, nodes: &Nodes<'_>, round: u32) -> bool {
        let spread = nodes.question.spread;
        let pushes = spread.pushes_in(round) && !self.pushers.is_empty();
        spread.loss < 1.0 && (pushes || !self.pullers.is_empty())
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
                    let (node, can) = if push {
                        (w, bit(&nodes.alive, w))
                    } else {
                        (v, bit(&nodes.is_informed, w))
                    };
                    if arrives && can && !bit(&nodes.next, node) {
                        set(&mut nodes.next, node);
                        self.fresh.push(node);
                    }
                });
            }
        }
        let fresh = std::mem::take(&mut self.fresh);
        for &w in &fresh {
            set(&mut nodes.is_informed, w);
            nodes.count_informed(w);
            worked += self.pass_on(nodes, w);
        }
        let open = &self.open;
        if spread.style.pushes() && !fresh.is_empty() {
            self.pushers.extend_from_slice(&fresh);
            self.pushers.retain(|&v| open[v as usize] > 0);
        }
        if spread.pulls() && !fresh.is_empty() {
            self.pullers.retain(|&v| !bit(&nodes.is_informed, v));
        }
        self.fresh = fresh;
        self.fresh.clear();
        worked
    }

    /// Updates the neighbours of a node that is informed now.
    fn pass_on(&mut self, nodes: &mut Nodes<'_>, w: u32) -> u64 {
        let question = nodes.question;
        let neighbours = question.back.neighbours(w);
        for &v in neighbours {
            self.open[v as usize] -= 1;
            let pulls = question.spread.pulls() && bit(&nodes.alive, v);
            if pulls && !bit(&nodes.is_informed, v) && !bit(&nodes.chosen, v) {
                set(&mut nodes.chosen, v);
                self.pullers.push(v);
            }
        }
        neighbours.len() as u64
    }
}
