//! Any graph: the reference's runs, bit for bit, in the order of the nodes.
//!
//! Contacts have addresses, so they may be worked in any order and left out where they can change
//! nothing. While the rumor moves fast, a round is a sweep over bits ([`sweep`]): rows of
//! neighbours are read from front to back, only the bits of those called are read at random, and no
//! branch depends on them. When few are uninformed (or few informed), only the nodes next
//! to those are swept: the others, saturated, would call in vain. A rumor that creeps, along a path
//! or out of a star's hub, is followed along its front instead ([`sparse`]).

mod nodes;
mod sparse;
mod sweep;

use std::borrow::Cow;
use std::ops::ControlFlow;

use self::nodes::Nodes;
use self::sparse::Front;
use crate::graph::csr::Csr;
use crate::graph::topology::Topology;
use crate::simulate::engine::{Engine, Plan};
use crate::simulate::observer::Watch;
use crate::simulate::spread::asked::{self, Asked};
use crate::simulate::spread::contacts::Contacts;
use crate::simulate::spread::player::OneByOne;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::work::Worker;
use crate::spread::Spread;

/// The engine.
pub(super) struct CsrEngine;

impl Engine<Asked> for CsrEngine {
    fn supports(&self, Asked { spread, topology }: &Asked) -> Result<(), String> {
        if matches!(topology, Topology::Complete(_)) {
            return Err("it needs a graph with rows of neighbours, not the complete one".into());
        }
        asked::supports(spread)
    }

    /// Four bits a node; where the rumor creeps, a count and two lists; and what starts a run with
    /// dead nodes. A directed graph is kept turned round, too.
    fn bytes_needed(&self, Asked { spread, topology }: &Asked, workers: usize) -> u64 {
        let nodes = topology.nodes();
        let dead = if spread.dead > 0.0 { nodes } else { 0 };
        let turned = match topology {
            Topology::Graph(csr) if csr.directed() => topology.bytes() + 8 * nodes,
            _ => 0,
        };
        turned + (nodes / 2 + 12 * nodes + dead) * workers as u64
    }

    fn build<'a>(&self, asked: &'a Asked, seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        match &asked.topology {
            Topology::Graph(rows) => {
                Box::new(Sweep::new(&asked.spread, &asked.topology, rows, seed))
            }
            Topology::Complete(_) => unreachable!("refused by `supports`"),
        }
    }
}

/// Number of slow rounds in a row after which the rumor is followed along its front.
const PATIENCE: u32 = 4;

/// One question about one graph.
pub(super) struct Sweep<'a> {
    spread: &'a Spread,
    topology: &'a Topology,
    seed: u64,
    rows: &'a Csr,
    /// The graph with its edges turned round: the same one, if they have no direction.
    back: Cow<'a, Csr>,
    contacts: Contacts,
    /// Contacts that any node makes when it calls, if all make equally many.
    calls: Option<u64>,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(
        spread: &'a Spread,
        topology: &'a Topology,
        rows: &'a Csr,
        seed: u64,
    ) -> Self {
        let back = if rows.directed() { Cow::Owned(rows.reversed()) } else { Cow::Borrowed(rows) };
        let contacts = Contacts::new(spread);
        let calls = match rows.regular() {
            Some(degree) => Some(contacts.made_by(degree.into())),
            None => {
                let mut all = (0..rows.nodes() as u32)
                    .map(|v| contacts.made_by(rows.neighbours(v).len() as u64));
                let first = all.next().unwrap_or(0);
                all.all(|calls| calls == first).then_some(first)
            }
        };
        Self { spread, topology, seed, rows, back, contacts, calls }
    }
}

impl Plan<Asked> for Sweep<'_> {
    fn worker(&self) -> Box<dyn Worker<Summary> + '_> {
        let mut sweeper = Sweeper { nodes: Nodes::new(self), front: Front::default() };
        Box::new(OneByOne::new(move |run, _, record: &mut Run, watch: &mut Watch<'_>| {
            sweeper.play(run, record, watch)
        }))
    }
}

struct Sweeper<'a> {
    nodes: Nodes<'a>,
    front: Front,
}

impl Sweeper<'_> {
    fn play(&mut self, run: u64, record: &mut Run, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let nodes = &mut self.nodes;
        let question = nodes.question;
        nodes.start(run);
        record.start(nodes.informed, question.spread.goal());
        let last = question.spread.last_round();
        let capped = question.spread.round_cap().is_some();
        let front = &mut self.front;
        let mut slow = 0;
        while record.rounds < last {
            let round = record.rounds + 1;
            let creeps = slow == PATIENCE;
            let can_go_on =
                || if creeps { front.can_go_on(nodes, round) } else { nodes.can_go_on(round) };
            if !capped && (record.finished.is_some() || !can_go_on()) {
                break;
            }
            let (messages, before) = (nodes.messages(round), nodes.informed);
            let worked =
                if creeps { front.step(nodes, run, round) } else { nodes.sweep(run, round) };
            if !creeps {
                slow = if nodes.creeps(before) { slow + 1 } else { 0 };
                if slow == PATIENCE {
                    front.begin(nodes);
                }
            }
            record.round(nodes.informed, messages);
            watch.worked(worked, round, nodes.informed)?;
        }
        ControlFlow::Continue(())
    }
}
