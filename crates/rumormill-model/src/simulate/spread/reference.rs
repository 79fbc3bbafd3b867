//! The reference: node after node, contact after contact, for every question.

use crate::graph::csr::MAX_GRAPH_NODES;
use crate::simulate::engine::{Engine, Plan};
use crate::simulate::observer::Watch;
use crate::simulate::spread::asked::Asked;
use crate::simulate::spread::player::OneByOne;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::spread::turns::Nodes;
use crate::simulate::work::Worker;

/// The engine.
pub(super) struct ReferenceEngine;

impl Engine<Asked> for ReferenceEngine {
    fn supports(&self, Asked { topology, .. }: &Asked) -> Result<(), String> {
        let nodes = topology.nodes();
        if nodes <= MAX_GRAPH_NODES {
            return Ok(());
        }
        Err(format!("it follows each of {nodes} nodes, and numbers them up to {MAX_GRAPH_NODES}"))
    }

    /// Two flags, interest, its count, the order of turns, and the dead.
    fn bytes_needed(&self, Asked { topology, .. }: &Asked, workers: usize) -> u64 {
        topology.nodes() * (1 + 1 + 1 + 4 + 4 + 1) * workers as u64
    }

    fn build<'a>(&self, asked: &'a Asked, seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        Box::new(Reference { asked, seed })
    }
}

struct Reference<'a> {
    asked: &'a Asked,
    seed: u64,
}

impl Plan<Asked> for Reference<'_> {
    fn worker(&self) -> Box<dyn Worker<Summary> + '_> {
        Box::new(OneByOne::new(|run, _, record: &mut Run, watch: &mut Watch<'_>| {
            Nodes::new(&self.asked.spread, &self.asked.topology, self.seed, run).play(record, watch)
        }))
    }
}
