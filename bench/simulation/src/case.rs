//! What is measured.

use std::ops::ControlFlow;

use rumormill_proto::Style;
use rumormill_sim::rounds::{EngineKind, GraphKind, Job, SpreadModel, simulate};
use serde::{Deserialize, Serialize};

use crate::clock::{median, peak, reset_peak, wall, worked};

/// A question to an engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) graph: GraphKind,
    pub(crate) nodes: u64,
    pub(crate) style: Style,
    pub(crate) engine: EngineKind,
    /// Runs of each time that it is measured.
    pub(crate) runs: u64,
    pub(crate) threads: usize,
}

/// What came out: medians.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Nanoseconds a contact of one run.
    pub(crate) ns_per_contact: f64,
    /// Milliseconds a run.
    pub(crate) ms_per_run: f64,
    /// Nanoseconds a run by the wall's clock, whatever the threads.
    pub(crate) wall_ns: f64,
    /// Memory on top of the graph's, at its peak, by node.
    pub(crate) bytes_per_node: f64,
}

const COMPLETE: GraphKind = GraphKind::Complete;
const REGULAR: GraphKind = GraphKind::RandomRegular { degree: 8 };

const fn push(
    name: &'static str,
    graph: GraphKind,
    nodes: u64,
    engine: EngineKind,
    runs: u64,
) -> Case {
    Case { name, graph, nodes, style: Style::Push, engine, runs, threads: 1 }
}

const fn threads(case: Case, name: &'static str) -> Case {
    Case { threads: 2, name, ..case }
}

const fn style(case: Case, style: Style, name: &'static str) -> Case {
    Case { style, name, ..case }
}

const COUNT_6: Case = push("count-1e6", COMPLETE, 1_000_000, EngineKind::Count, 5000);
const BITSET_8: Case = push("bitset-1e8", COMPLETE, 100_000_000, EngineKind::Bitset, 1);
const BITSET_9: Case = push("bitset-1e9", COMPLETE, 1_000_000_000, EngineKind::Bitset, 1);
const CSR_6: Case = push("csr-1e6", REGULAR, 1_000_000, EngineKind::Csr, 1);
const MANY_6: Case = push("bit-parallel-1e6", REGULAR, 1_000_000, EngineKind::BitParallel, 512);

/// All cases, those on two threads after the same on one.
pub(crate) const CASES: &[Case] = &[
    push("count-64", COMPLETE, 64, EngineKind::Count, 10_000),
    push("reference-64", COMPLETE, 64, EngineKind::Reference, 1000),
    COUNT_6,
    threads(COUNT_6, "count-1e6-two"),
    push("count-1e9", COMPLETE, 1_000_000_000, EngineKind::Count, 2000),
    push("count-1e15", COMPLETE, 1_000_000_000_000_000, EngineKind::Count, 1000),
    push("bitset-1e6", COMPLETE, 1_000_000, EngineKind::Bitset, 10),
    push("reference-1e6", COMPLETE, 1_000_000, EngineKind::Reference, 1),
    BITSET_8,
    threads(BITSET_8, "bitset-1e8-two"),
    style(BITSET_8, Style::Pull, "bitset-1e8-pull"),
    style(BITSET_8, Style::PushPull, "bitset-1e8-push-pull"),
    BITSET_9,
    threads(BITSET_9, "bitset-1e9-two"),
    CSR_6,
    push("reference-graph-1e6", REGULAR, 1_000_000, EngineKind::Reference, 1),
    MANY_6,
    threads(MANY_6, "bit-parallel-1e6-two"),
    push("bit-parallel-1e5", REGULAR, 100_000, EngineKind::BitParallel, 512),
    push("bit-parallel-1e3", REGULAR, 1000, EngineKind::BitParallel, 512),
    push("csr-1e7", REGULAR, 10_000_000, EngineKind::Csr, 1),
    push("bit-parallel-1e7", REGULAR, 10_000_000, EngineKind::BitParallel, 64),
];

impl Case {
    pub(crate) fn large(&self) -> bool {
        self.engine != EngineKind::Count && self.nodes >= 10_000_000
    }

    /// Whether this is the other on more threads.
    pub(crate) fn is_threaded(&self, other: &Self) -> bool {
        let same = Self { name: self.name, threads: self.threads, ..*other };
        self.threads > 1 && other.threads == 1 && same == *self
    }

    pub(crate) fn measure(&self, times: usize) -> anyhow::Result<Figures> {
        let topology = self.graph.build(self.nodes, 1, u64::MAX, &|_| ControlFlow::Continue(()))?;
        let model = SpreadModel::new(self.style);
        let before = reset_peak();
        let (mut contact, mut run, mut wall_run) = (Vec::new(), Vec::new(), Vec::new());
        for time in 0..times as u64 {
            let runs = time * self.runs..(time + 1) * self.runs;
            let engine = Some(self.engine);
            let threads = self.threads;
            let job = Job { engine, threads, ..Job::new(&model, &topology, runs, 7) };
            let (begin, begin_wall) = (worked(), wall());
            let summary = simulate(&job, &|_| ControlFlow::Continue(()))?;
            let by_wall = wall() - begin_wall;
            let spent = if threads == 1 { worked() - begin } else { by_wall };
            contact.push(spent / (summary.messages.mean() * summary.runs as f64));
            run.push(spent / summary.runs as f64 / 1e6);
            wall_run.push(by_wall / summary.runs as f64);
        }
        let bytes = before.zip(peak()).map_or(f64::NAN, |(before, after)| after - before);
        Ok(Figures {
            ns_per_contact: median(&mut contact),
            ms_per_run: median(&mut run),
            wall_ns: median(&mut wall_run),
            bytes_per_node: bytes / self.nodes as f64,
        })
    }
}
