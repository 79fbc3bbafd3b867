//! Several updates in quick succession: each a rumor of its own, or one exchange of all that
//! differs (anti-entropy, Demers et al. 1987).
//!
//! As rumors, each update is told in messages of its own, and each picks its own partners. In
//! exchanges, every node compares with random partners, round after round, and what differs goes
//! along: the cost of an exchange hardly depends on the number of updates, but is paid when nothing
//! is new, too.

mod exchange;

use std::ops::{ControlFlow, Range};

use serde::{Deserialize, Serialize};

use self::exchange::Exchange;
use crate::error::{Error, fits, need};
use crate::graph::csr::MAX_GRAPH_NODES;
use crate::graph::topology::Topology;
use crate::simulate::engine::Plan;
use crate::simulate::histogram::{Counts, Moments};
use crate::simulate::observer::{CONTACTS, Observer, Shared, Watch, reports};
use crate::simulate::spread::asked::Asked;
use crate::simulate::spread::engines::EngineKind;
use crate::simulate::spread::summary::Summary;
use crate::simulate::work::{ByRuns, Desk, check_runs};
use crate::spread::{Semantics, Spread};

/// How updates travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Way {
    /// Each as a rumor of its own.
    Rumors,
    /// All in exchanges of what differs.
    Exchange,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Rumors => "rumors",
            Self::Exchange => "exchanges",
        }
    }
}

/// Updates that are published in quick succession, and what messages weigh.
#[derive(Clone, Debug, PartialEq)]
pub struct Updates {
    /// How nodes call: style, fan-out, loss, targets, the dead; where updates start. Synchronous
    /// rounds; stop rules are for rumors, and coverage is of all that live. In exchanges, push
    /// gives the partner what it lacks, pull takes from it, push-pull both, and every node calls
    /// in every round.
    pub spread: Spread,
    /// How many updates; 1 to 64.
    pub updates: u32,
    /// Rounds from one publication to the next; 0: all at once.
    pub spacing: u32,
    /// What any message weighs, in bytes.
    pub header: u64,
    /// What an update weighs, in bytes.
    pub payload: u64,
    /// What a digest of all that a node has weighs, in bytes.
    pub digest: u64,
    /// The most memory that the runs may take beside the topology, in bytes.
    pub memory: u64,
}

/// What it took until all nodes had all updates, over many runs. Exact sums, as in [`Summary`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UpdatesSummary {
    /// How many runs were made.
    pub runs: u64,
    /// Whether it was stopped before all runs were made.
    pub cancelled: bool,
    /// Rounds, from the first publication, until all living nodes had all; runs that never got
    /// there are not in it.
    pub finished: Counts,
    /// Messages of a run.
    pub messages: Moments,
    /// Bytes of a run.
    pub bytes: Moments,
    /// How often an update was sent in a run, in vain or not.
    pub copies: Moments,
}

impl UpdatesSummary {
    /// Takes up the runs of another.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.cancelled |= other.cancelled;
        self.finished.merge(&other.finished);
        self.messages.merge(&other.messages);
        self.bytes.merge(&other.bytes);
        self.copies.merge(&other.copies);
    }

    fn add(&mut self, finished: Option<u64>, messages: u64, bytes: u64, copies: u64) {
        self.runs += 1;
        if let Some(round) = finished {
            self.finished.add(round, 1);
        }
        self.messages.add(messages);
        self.bytes.add(bytes);
        self.copies.add(copies);
    }
}

impl Updates {
    /// Returns this many small updates, published at once: headers of 40 bytes, updates of 100,
    /// digests of 200; no limit on memory.
    #[must_use]
    pub fn new(spread: Spread, updates: u32) -> Self {
        Self {
            spread,
            updates,
            spacing: 0,
            header: 40,
            payload: 100,
            digest: 200,
            memory: u64::MAX,
        }
    }

    /// Checks every field against its range, and the memory that this many threads need.
    ///
    /// # Errors
    /// The first field out of range, with its value and range; too little memory, with the need and
    /// the limit.
    pub fn check(&self, topology: &Topology, way: Way, threads: usize) -> Result<(), Error> {
        self.spread.check_on(topology)?;
        need((1..=64).contains(&self.updates), "updates", self.updates, "1 to 64")?;
        need(self.spacing <= 1_000_000, "spacing", self.spacing, "0 to 1000000 rounds")?;
        let most = 1 << 30;
        for (name, bytes) in
            [("header", self.header), ("payload", self.payload), ("digest", self.digest)]
        {
            need(bytes <= most, name, bytes, format!("0 to {most} bytes"))?;
        }
        let spread = &self.spread;
        let synchronous = spread.semantics == Semantics::Synchronous;
        need(synchronous, "semantics", spread.semantics, "synchronous, for several updates")?;
        need(spread.coverage >= 1.0, "coverage", spread.coverage, "1, for several updates")?;
        if way == Way::Exchange {
            let nodes = topology.nodes();
            let range = format!("1 to {MAX_GRAPH_NODES}, for exchanges");
            need(nodes <= MAX_GRAPH_NODES, "nodes", nodes, range)?;
            let fixed = spread.switches_after().is_none();
            need(fixed, "style", spread.style, "push, pull or push-pull, for exchanges")?;
            let endless = spread.stop.is_none();
            need(endless, "stop", spread.stop_name(), "never, for exchanges: they do not stop")?;
        }
        let what = || format!("{} updates as {}", self.updates, way.name());
        fits(self.bytes_needed(topology, way, threads), self.memory, what)
    }

    /// Returns the memory it takes on top of the topology's, in bytes.
    #[must_use]
    pub fn bytes_needed(&self, topology: &Topology, way: Way, threads: usize) -> u64 {
        match way {
            Way::Rumors => EngineKind::choose(&self.spread, topology, 1).bytes_needed(
                &self.spread,
                topology,
                threads,
            ),
            // What each node has, will have, and whether it is dead.
            Way::Exchange => topology.nodes() * 17 * threads as u64,
        }
    }

    /// Makes runs, as [`super::simulate`] does.
    ///
    /// # Errors
    /// A field out of range; no runs; no threads; too little memory.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use rumormill_proto::Style;
    /// use rumormill_model::{graph::Topology, simulate::{Updates, Way}, spread::Spread};
    /// let twenty = Updates::new(Spread::new(100, Style::PushPull), 20);
    /// let go_on = |_| ControlFlow::Continue(());
    /// let nodes = Topology::Complete(100);
    /// let rumors = twenty.simulate(&nodes, Way::Rumors, 0..50, 1, 1, &go_on)?;
    /// let exchange = twenty.simulate(&nodes, Way::Exchange, 0..50, 1, 1, &go_on)?;
    /// assert!(exchange.messages.mean() < rumors.messages.mean() / 4.0);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn simulate(
        &self,
        topology: &Topology,
        way: Way,
        runs: Range<u64>,
        seed: u64,
        threads: usize,
        observe: &Observer<'_>,
    ) -> Result<UpdatesSummary, Error> {
        check_runs(&runs, threads)?;
        self.check(topology, way, threads)?;
        let goal = self.spread.goal();
        let report = reports(observe, runs.end - runs.start, goal);
        let shared = Shared::new(&report, CONTACTS);
        let desk = Desk::new(runs, 1, threads);
        let empty = UpdatesSummary::default();
        let parts = match way {
            Way::Rumors => {
                let engine = EngineKind::choose(&self.spread, topology, 1);
                let asked = Asked::new(&self.spread, topology);
                let plan = engine.engine().build(&asked, seed);
                desk.divide(&shared, &empty, || ByRuns(self.rumors(plan.as_ref())))
            }
            Way::Exchange => desk.divide(&shared, &empty, || {
                let mut nodes = Exchange::new(self, topology, seed);
                ByRuns(move |runs: Range<u64>, sum: &mut UpdatesSummary, watch: &mut Watch<'_>| {
                    for run in runs {
                        let (finished, cost) = nodes.play(run, watch)?;
                        sum.add(finished, cost.messages, cost.bytes, cost.copies);
                        watch.runs_done(1);
                    }
                    ControlFlow::Continue(())
                })
            }),
        };
        let mut sum = empty;
        parts.iter().for_each(|part| sum.merge(part));
        sum.cancelled = shared.cancelled();
        Ok(sum)
    }

    /// Returns each update is a run of the model of its own.
    fn rumors<'a>(
        &'a self,
        plan: &'a dyn Plan<Asked>,
    ) -> impl FnMut(Range<u64>, &mut UpdatesSummary, &mut Watch<'_>) -> ControlFlow<()> + 'a {
        let nodes = self.spread.nodes;
        let (alive, goal) = (self.spread.alive(), self.spread.goal());
        let mut worker = plan.worker();
        let each = u64::from(self.updates);
        move |runs, sum, watch| {
            for run in runs {
                let (mut last, mut messages) = (Some(0), 0);
                for update in 0..each {
                    let mut one = Summary::new(nodes, alive, goal);
                    let number = run * each + update;
                    worker.work(number..number + 1, 1, &mut one, watch)?;
                    worker.finish(&mut one);
                    messages += one.messages.sum() as u64;
                    let finished = one.finished.largest();
                    let published = update * u64::from(self.spacing);
                    last = last.zip(finished).map(|(last, round)| last.max(published + round));
                }
                sum.add(last, messages, messages * (self.header + self.payload), messages);
            }
            ControlFlow::Continue(())
        }
    }
}

#[cfg(test)]
mod tests;
