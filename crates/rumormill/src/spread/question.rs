//! The settings made into a question, checked, and answered.

use std::ops::ControlFlow;

use rumormill_model::compare;
use rumormill_model::compare::answer::Exact;
use rumormill_model::graph::{Csr, Topology};
use rumormill_model::simulate::{
    Broadcast, BroadcastKind, EngineKind, Job, Observer, Summary, simulate,
};
use rumormill_model::spread::Spread;
use rumormill_proto::Style;

use crate::spread::args::Settings;
use crate::term::refuse::refuse;

/// What to simulate, checked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) settings: Settings,
    pub(crate) spread: Spread,
    pub(crate) topology: Topology,
    /// One sender instead of gossip; of the spread, only the limit of rounds then counts.
    pub(crate) broadcast: Option<Broadcast>,
    pub(crate) seed: u64,
    /// Threads to use.
    pub(crate) threads: usize,
    /// Bytes that may be used beside the graph.
    pub(crate) memory: u64,
}

/// That a graph is not in one piece, in words.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Pieces {
    pub(crate) components: u64,
    pub(crate) largest: u64,
    /// The share of the nodes that an event can reach; on average, if it starts anywhere.
    pub(crate) reachable: f64,
}

impl Question {
    /// Makes the graph, and checks everything that can be checked before the first run.
    ///
    /// # Errors
    /// What is wrong, by the name of its flag.
    pub(crate) fn new(
        settings: &Settings,
        seed: u64,
        (threads, memory): (usize, u64),
        observe: &dyn Fn(f64) -> ControlFlow<()>,
    ) -> anyhow::Result<Self> {
        let topology = settings.spread.graph.build(settings.spread.nodes, seed, memory, observe)?;
        let spread = settings.spread.spread(topology.nodes())?;
        let memory = memory.saturating_sub(topology.bytes());
        let broadcast = broadcast(settings, topology.nodes());
        let settings = settings.clone();
        let question = Self { settings, spread, topology, broadcast, seed, threads, memory };
        if let Some(broadcast) = &question.broadcast {
            broadcast.check().map_err(|error| refuse(&error))?;
            return Ok(question);
        }
        question.job().check().map_err(|error| refuse(&error))?;
        Ok(question)
    }

    /// Checks settings without making their graph; gives the bytes of memory that they need on so
    /// many threads.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn check(settings: &Settings, threads: usize) -> anyhow::Result<u64> {
        let asked = &settings.spread;
        let graph = asked.graph.check(asked.nodes)?;
        // Of a graph in a file, nothing is known but that it is one.
        let nodes = asked.nodes.unwrap_or(2);
        if let Some(broadcast) = broadcast(settings, nodes) {
            broadcast.check().map_err(|error| refuse(&error))?;
            return Ok(0);
        }
        let spread = asked.spread(nodes)?;
        let complete = Topology::Complete(nodes);
        spread.check_on(&complete).map_err(|error| refuse(&error))?;
        let stand_in = Topology::Graph(Csr::from_edges(2, &[(0, 1)]).into());
        let like = if graph > 0 { &stand_in } else { &complete };
        let engine =
            settings.engine.unwrap_or_else(|| EngineKind::choose(&spread, like, settings.runs));
        engine.supports(&spread, like).map_err(|error| refuse(&error))?;
        let engine = engine.bytes_needed(&spread, &complete, threads);
        // An engine that is not for complete graphs takes little beside the graph.
        Ok(if engine == u64::MAX { graph } else { graph.saturating_add(engine) })
    }

    fn job(&self) -> Job<'_> {
        Job {
            engine: self.settings.engine,
            threads: self.threads,
            memory: self.memory,
            ..Job::new(&self.spread, &self.topology, 0..self.settings.runs, self.seed)
        }
    }

    /// Returns the engine that answers.
    pub(crate) fn engine(&self) -> &'static str {
        match &self.broadcast {
            Some(_) => "broadcast",
            None => self.job().engine().name(),
        }
    }

    /// Returns the last round that a run may have.
    pub(crate) fn last_round(&self) -> u32 {
        match self.broadcast {
            Some(Broadcast { kind: BroadcastKind::Blind { repeats }, max_rounds, .. }) => {
                repeats.min(max_rounds)
            }
            _ => self.spread.last_round(),
        }
    }

    /// Returns what is known exactly, with the means of the first `rounds` rounds.
    pub(crate) fn exact(&self, rounds: u64) -> Exact {
        match &self.broadcast {
            Some(broadcast) => compare::broadcast::exact(broadcast),
            None => compare::spread::exact(&self.spread, rounds),
        }
    }

    /// Makes the runs.
    pub(crate) fn answer(&self, observe: &Observer<'_>) -> anyhow::Result<Summary> {
        let job = self.job();
        let summary = match &self.broadcast {
            Some(broadcast) => broadcast.simulate(job.runs, self.seed, self.threads, observe),
            None => simulate(&job, observe),
        };
        summary.map_err(|error| refuse(&error))
    }

    /// Returns what can be reached, if that is not everything.
    pub(crate) fn pieces(&self) -> Option<Pieces> {
        if matches!(self.topology, Topology::Complete(_)) {
            return None;
        }
        let nodes = self.topology.nodes() as f64;
        let all = self.topology.connectivity();
        let reachable = match self.spread.origin {
            Some(node) => {
                let style = self.spread.style;
                self.topology.reachable_from(node, style) as f64 / nodes
            }
            None => all.mean_reach(),
        };
        let directed = matches!(&self.topology, Topology::Graph(csr) if csr.directed());
        let cut = reachable < 1.0 || !all.connected();
        (cut && !(directed && self.spread.style == Style::PushPull && all.connected()))
            .then_some(Pieces { components: all.components, largest: all.largest, reachable })
    }
}

/// Returns the broadcast, if the question is one.
fn broadcast(settings: &Settings, nodes: u64) -> Option<Broadcast> {
    settings.broadcast.map(|kind| Broadcast {
        loss: settings.spread.loss,
        dead: settings.spread.dead,
        max_rounds: settings.spread.max_rounds.unwrap_or(u32::MAX),
        ..Broadcast::new(nodes, kind)
    })
}

/// Returns the share done of the run that reports.
pub(crate) fn under_way(now: rumormill_model::simulate::Progress) -> f64 {
    (now.informed as f64 / now.goal.max(1) as f64).min(1.0)
}
