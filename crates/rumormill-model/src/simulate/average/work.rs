//! The runs of a simulation, divided among threads.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::protocol;
use crate::average::{Aggregate, Averaging, Engine, Protocol};
use crate::error::{Error, need};
use crate::graph::topology::Topology;
use crate::simulate::average::dense::{self, Dense};
use crate::simulate::average::events::Events;
use crate::simulate::average::instant::Instant;
use crate::simulate::average::ledger::{self, Ledger};
use crate::simulate::average::measure::Moment;
use crate::simulate::average::push_pull::PushPull;
use crate::simulate::average::push_sum::PushSum;
use crate::simulate::average::state::State;
use crate::simulate::average::summary::{Record, Summary};
use crate::simulate::average::values::inputs;

/// Which runs to make, and with what.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// What to simulate.
    pub averaging: &'a Averaging,
    /// Which runs. A run's number is part of its random numbers' addresses: 0..100 is 0..50 and
    /// 50..100.
    pub runs: Range<u64>,
    /// How many threads, at least 1. Each has one run at a time.
    pub threads: usize,
    /// The most memory that the runs may take beside the graph, in bytes.
    pub memory: u64,
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Runs that are done.
    pub runs_done: u64,
    /// The run that reports.
    pub run: u64,
    /// The round it has got to.
    pub round: u32,
    /// The worst node's relative error in it.
    pub worst_error: f64,
}

/// Called now and then between rounds, from any of the threads: after every round of many nodes,
/// some times a second of few. Whoever returns `Break` stops the simulation; the rounds that are
/// done are kept.
pub type Observer<'a> = dyn Fn(Progress) -> ControlFlow<()> + Sync + 'a;

impl<'a> Job<'a> {
    /// One thread, no limit on memory.
    #[must_use]
    pub fn new(averaging: &'a Averaging, runs: Range<u64>) -> Self {
        Self { averaging, runs, threads: 1, memory: u64::MAX }
    }

    /// Checks everything that [`simulate`] checks, and computes nothing.
    ///
    /// # Errors
    /// As [`simulate`].
    pub fn check(&self) -> Result<(), Error> {
        self.averaging.check()?;
        let runs = format!("{}..{}", self.runs.start, self.runs.end);
        need(self.runs.start < self.runs.end, "runs", runs, "at least one")?;
        need((1..=4096).contains(&self.threads), "threads", self.threads, "1 to 4096")?;
        let need = self.bytes_needed()?;
        if need > self.memory {
            let engine = self.averaging.engine()?.name();
            let what = format!(
                "averaging among {} nodes (engine {engine}, {} at a time)",
                self.averaging.nodes(),
                self.workers()
            );
            return Err(Error::Memory { what, need, limit: self.memory });
        }
        Ok(())
    }

    fn workers(&self) -> usize {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.threads.min(usize::try_from(runs).unwrap_or(usize::MAX)).max(1)
    }

    /// The memory that the runs take beside the graph, in bytes: on all threads, at its most.
    ///
    /// # Errors
    /// If the engine asked for cannot run it.
    pub fn bytes_needed(&self) -> Result<u64, Error> {
        let nodes = self.averaging.nodes();
        let each = bytes_per_node(self.averaging)?;
        Ok(each.saturating_mul(nodes).saturating_mul(self.workers() as u64))
    }
}

/// The memory that one run takes for each node, in bytes: the graph apart, and rounded up. The
/// ledger's grows with the peers that a node has met.
///
/// # Errors
/// If the engine asked for cannot run it.
pub fn bytes_per_node(averaging: &Averaging) -> Result<u64, Error> {
    bytes_per_node_of_degree(averaging, averaging.topology.mean_degree())
}

/// The same on a graph like this one whose nodes have so many neighbours on average: for a graph
/// that has not been made yet.
///
/// # Errors
/// As [`bytes_per_node`].
pub fn bytes_per_node_of_degree(averaging: &Averaging, degree: f64) -> Result<u64, Error> {
    const INPUT: u64 = 8;
    let engine = averaging.engine()?;
    if engine == Engine::Dense {
        return Ok(INPUT + dense::bytes_per_node(averaging.protocol));
    }
    // The order of turns, who is up, who is known to be down.
    let common = INPUT + 4 + 2;
    let (state, message) = match averaging.protocol {
        Protocol::PushPull => (8, 48),
        Protocol::PushSum | Protocol::Spsp => (16, 64),
        Protocol::Ledger => {
            // Each round a node starts an exchange and answers one, mostly with somebody new. A
            // list of books may have grown to twice what is in it.
            let met = degree.min(2.0 * f64::from(averaging.rounds) + 4.0);
            let rotation = if matches!(averaging.topology, Topology::Graph(_)) {
                4.0 * degree + 12.0
            } else {
                0.0
            };
            let books = 2.0 * met * ledger::BOOK_BYTES as f64 + rotation;
            (ledger::NODE_BYTES + books.ceil() as u64, 80)
        }
    };
    let engine = match engine {
        // A tick, and the messages and timers of about two exchanges, in lists that have grown.
        Engine::Events => 2 * 4 * message + 8,
        _ if averaging.protocol == Protocol::PushSum => 24,
        _ => 0,
    };
    Ok(common + state + engine)
}

/// Works out the runs of a job. The summary depends on the simulation and the runs, never on the
/// threads.
///
/// `observe` is called now and then and may stop it: then the summary says so, and holds the
/// rounds that were done.
///
/// # Errors
/// A setting out of range; an engine that cannot run it; too little memory.
pub fn simulate(job: &Job<'_>, observe: &Observer<'_>) -> Result<Summary, Error> {
    job.check()?;
    let engine = job.averaging.engine()?;
    let desk = Desk {
        job,
        engine,
        observe,
        next: AtomicU64::new(job.runs.start),
        done: AtomicU64::new(0),
        cancelled: AtomicBool::new(false),
    };
    let empty = Summary::new(job.averaging);
    let mut summary = empty.clone();
    let workers = job.workers();
    if workers == 1 {
        desk.serve(&mut summary);
    } else {
        let parts = std::thread::scope(|scope| {
            let work = || {
                let mut part = empty.clone();
                desk.serve(&mut part);
                part
            };
            let hands: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            hands.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for part in parts {
            // A panic of a worker is a bug there: it goes on here.
            let part = part.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            summary.merge(&part)?;
        }
    }
    summary.cancelled = desk.cancelled.load(Ordering::Relaxed);
    Ok(summary)
}

/// Work between two calls of the observer, in nodes times rounds, on each thread.
const PACE: u64 = 1 << 16;

/// Work since the last call.
struct Pace(u64);

/// Hands out the runs.
struct Desk<'a> {
    job: &'a Job<'a>,
    engine: Engine,
    observe: &'a Observer<'a>,
    next: AtomicU64,
    done: AtomicU64,
    cancelled: AtomicBool,
}

impl Desk<'_> {
    fn serve(&self, summary: &mut Summary) {
        let mut pace = Pace(0);
        while !self.cancelled.load(Ordering::Relaxed) {
            let run = self.next.fetch_add(1, Ordering::Relaxed);
            if run >= self.job.runs.end || self.run(run, summary, &mut pace).is_break() {
                return;
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// One run, from its inputs to its last round.
    fn run(&self, run: u64, summary: &mut Summary, pace: &mut Pace) -> ControlFlow<()> {
        let settings = self.job.averaging;
        let inputs = inputs(settings, run);
        if self.engine == Engine::Dense {
            let mut dense = Dense::new(settings, run, inputs);
            let start = dense.measure();
            return self.go((run, summary, pace), start, |_| {
                let messages = dense.round();
                Moment { messages, ..dense.measure() }
            });
        }
        let sum = settings.aggregate == Aggregate::Sum;
        match settings.protocol {
            Protocol::PushPull => {
                let protocol = PushPull::new(&inputs);
                self.step_by_step((run, summary, pace), inputs, protocol)
            }
            Protocol::PushSum => {
                let protocol = PushSum::<false>::new(&inputs, sum);
                self.step_by_step((run, summary, pace), inputs, protocol)
            }
            Protocol::Spsp => {
                let protocol = PushSum::<true>::new(&inputs, sum);
                self.step_by_step((run, summary, pace), inputs, protocol)
            }
            Protocol::Ledger => {
                let protocol = Ledger::new(&inputs);
                self.step_by_step((run, summary, pace), inputs, protocol)
            }
        }
    }

    /// A run of a protocol, message by message.
    fn step_by_step<P: protocol::Protocol>(
        &self,
        desk: (u64, &mut Summary, &mut Pace),
        inputs: Vec<f64>,
        protocol: P,
    ) -> ControlFlow<()> {
        let settings = self.job.averaging;
        let run = desk.0;
        let mut state = State::new(settings, run, inputs, protocol);
        let start = state.measure(0.0);
        if self.engine == Engine::Events {
            let mut events = Events::new(settings, run, &state);
            self.go(desk, start, |passed| {
                state.strike(passed);
                events.round(&mut state);
                state.measure(events.carried(&state))
            })
        } else {
            let mut instant = Instant::new(settings, run, &state);
            self.go(desk, start, |passed| {
                state.strike(passed);
                instant.round(&mut state);
                state.measure(0.0)
            })
        }
    }

    /// Goes from round to round; `round` gets the number of rounds that have passed.
    fn go(
        &self,
        (run, summary, pace): (u64, &mut Summary, &mut Pace),
        start: Moment,
        mut round: impl FnMut(u32) -> Moment,
    ) -> ControlFlow<()> {
        let settings = self.job.averaging;
        let mut record = Record::start(start);
        summary.take(&mut record, start);
        for passed in 0..settings.rounds {
            if settings.until.is_some_and(|until| record.last().worst_error <= until) {
                break;
            }
            let moment = round(passed);
            summary.take(&mut record, moment);
            pace.0 += settings.nodes();
            if pace.0 >= PACE {
                pace.0 = 0;
                let progress = Progress {
                    runs_done: self.done.load(Ordering::Relaxed),
                    run,
                    round: passed + 1,
                    worst_error: moment.worst_error,
                };
                if (self.observe)(progress).is_break() {
                    self.cancelled.store(true, Ordering::Relaxed);
                }
            }
            if self.cancelled.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
        }
        summary.finish(&record);
        ControlFlow::Continue(())
    }
}
