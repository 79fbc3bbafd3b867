//! Which nodes are informed at the start of a run, and which are dead.

use crate::graph::topology::Topology;
use crate::simulate::stream::{Purpose, Stream};
use crate::spread::Spread;

/// The state of the nodes before round 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    /// The informed nodes.
    pub(crate) origins: Vec<u32>,
    /// Which nodes are dead; empty if none is.
    pub(crate) dead: Vec<bool>,
}

impl Start {
    /// Returns the start of a run: a function of seed and run, so that engines agree.
    pub(crate) fn new(spread: &Spread, topology: &Topology, seed: u64, run: u64) -> Self {
        let nodes = topology.nodes();
        let mut draws = Stream::new(seed, Purpose::Origins).child(run).draws();
        // Floyd's sampling of distinct nodes (Bentley and Floyd 1987): one number each.
        let mut is_informed = std::collections::BTreeSet::new();
        let mut origins = Vec::new();
        if let Some(node) = spread.origin {
            is_informed.insert(node);
            origins.push(node as u32);
        }
        // Those that are left, numbered without the given origin.
        let given = origins.first().map(|&node| u64::from(node));
        let pool = nodes - origins.len() as u64;
        let wanted = spread.origins - origins.len() as u64;
        let real = |slot: u64| slot + u64::from(given.is_some_and(|node| slot >= node));
        for last in pool - wanted..pool {
            let slot = draws.below(last + 1);
            let node = if is_informed.contains(&real(slot)) { real(last) } else { real(slot) };
            is_informed.insert(node);
            origins.push(node as u32);
        }
        let mut dead = Vec::new();
        let mut to_die = nodes - spread.alive();
        if to_die > 0 {
            // Selection in one pass (Knuth, volume 2, algorithm 3.4.2S).
            let mut draws = Stream::new(seed, Purpose::Dead).child(run).draws();
            let mut left = nodes - spread.origins;
            dead = vec![false; nodes as usize];
            for (node, dead) in dead.iter_mut().enumerate() {
                if !is_informed.contains(&(node as u64)) {
                    *dead = draws.below(left) < to_die;
                    to_die -= u64::from(*dead);
                    left -= 1;
                }
            }
        }
        Self { origins, dead }
    }

    pub(crate) fn lives(&self, node: u32) -> bool {
        self.dead.is_empty() || !self.dead[node as usize]
    }
}
