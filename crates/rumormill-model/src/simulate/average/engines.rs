//! The engines of averaging, and which of them is the fastest for a question.

use std::ops::{ControlFlow, Range};

use crate::average::{Aggregate, Averaging, Engine as Kind, Protocol, Schedule};
use crate::error::Error;
use crate::graph::topology::Topology;
use crate::simulate::average::arrays::{self, Dense};
use crate::simulate::average::asked::Asked;
use crate::simulate::average::events::Events;
use crate::simulate::average::instant::Instant;
use crate::simulate::average::ledger::{self, Ledger};
use crate::simulate::average::measure::Moment;
use crate::simulate::average::protocol;
use crate::simulate::average::push_pull::PushPull;
use crate::simulate::average::push_sum::PushSum;
use crate::simulate::average::state::State;
use crate::simulate::average::summary::{Record, Summary};
use crate::simulate::average::values::inputs;
use crate::simulate::engine::{self, Engine, Engines, Plan};
use crate::simulate::observer;
use crate::simulate::work::{ByRuns, Worker};

/// The engines, the fastest first.
const ENGINES: &Engines<Asked, Kind> = &[
    (Kind::Dense, &DenseEngine),
    (Kind::Instant, &MessagesEngine { overlaps: false }),
    (Kind::Events, &MessagesEngine { overlaps: true }),
];

type Watch<'a> = observer::Watch<'a, (u64, f64)>;

impl Kind {
    /// Returns the engine itself.
    pub(crate) fn engine(self) -> &'static dyn Engine<Asked> {
        engine::find(ENGINES, self)
    }
}

impl Averaging {
    /// Returns the engine: the one asked for, or the fastest that supports the question.
    ///
    /// # Errors
    /// If the engine asked for does not support it.
    pub fn engine(&self) -> Result<Kind, Error> {
        let asked = Asked::new(self);
        if let Some(kind) = self.engine {
            let refused = |reason| engine::refusal(kind.name(), reason);
            return kind.engine().supports(&asked).map(|()| kind).map_err(refused);
        }
        Ok(engine::able(ENGINES, &asked, 1).next().unwrap_or(Kind::Events))
    }
}

/// Returns the memory that one run takes on a graph whose nodes have this many neighbours on
/// average, in bytes: for a graph that has not been made yet.
///
/// # Errors
/// If the engine asked for does not support the question.
pub fn bytes_with_degree(averaging: &Averaging, degree: f64) -> Result<u64, Error> {
    let asked = Asked { averaging: averaging.clone(), degree };
    Ok(averaging.engine()?.engine().bytes_needed(&asked, 1))
}

/// Returns what `workers` runs take, with this many bytes for each node. The input is one more
/// number.
fn bytes(asked: &Asked, each: u64, workers: usize) -> u64 {
    (8 + each).saturating_mul(asked.averaging.nodes()).saturating_mul(workers as u64)
}

/// A tight loop over an array of floats.
struct DenseEngine;

impl Engine<Asked> for DenseEngine {
    fn supports(&self, Asked { averaging, .. }: &Asked) -> Result<(), String> {
        let plain = matches!(averaging.topology, Topology::Complete(_))
            && averaging.faults.none()
            && averaging.aggregate == Aggregate::Average
            && averaging.protocol != Protocol::Ledger;
        let pushes = averaging.protocol == Protocol::PushSum;
        if plain && pushes == (averaging.schedule == Schedule::Synchronous) {
            return Ok(());
        }
        Err("it runs averages without faults on the complete graph, push-sum synchronously, \
             push-pull and spsp on any other schedule"
            .to_owned())
    }

    fn bytes_needed(&self, asked: &Asked, workers: usize) -> u64 {
        bytes(asked, arrays::bytes_per_node(asked.averaging.protocol), workers)
    }

    fn build<'a>(&self, asked: &'a Asked, _seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        Box::new(Arrays(&asked.averaging))
    }
}

/// The protocols, message by message.
struct MessagesEngine {
    /// Whether messages take time, so that exchanges overlap.
    overlaps: bool,
}

impl Engine<Asked> for MessagesEngine {
    fn supports(&self, Asked { averaging, .. }: &Asked) -> Result<(), String> {
        let why = match (averaging.overlaps(), self.overlaps) {
            (true, false) => "its messages take no time, so that exchanges do not overlap",
            (false, true) => "it is for exchanges that overlap: give an overlap above 0",
            _ => return Ok(()),
        };
        Err(why.to_owned())
    }

    fn bytes_needed(&self, asked: &Asked, workers: usize) -> u64 {
        let (state, message) = state_bytes(asked);
        let pushes = asked.averaging.protocol == Protocol::PushSum;
        let more = match self.overlaps {
            // A tick, and the messages and timers of about two exchanges, in lists that have grown.
            true => 2 * 4 * message + 8,
            false if pushes => 24,
            false => 0,
        };
        bytes(asked, state + more, workers)
    }

    fn build<'a>(&self, asked: &'a Asked, _seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        Box::new(Messages(&asked.averaging))
    }
}

/// Returns the bytes of a node in the engines that follow messages, and those of a message. The
/// ledger's nodes grow with the peers that they have met.
fn state_bytes(Asked { averaging, degree }: &Asked) -> (u64, u64) {
    // The order of turns, the nodes that are up, those that are known to be down.
    const COMMON: u64 = 4 + 2;
    let (state, message) = match averaging.protocol {
        Protocol::PushPull => (8, 48),
        Protocol::PushSum | Protocol::Spsp => (16, 64),
        Protocol::Ledger => {
            // Each round a node starts an exchange and answers one, mostly with a new peer. A list
            // of books may have grown to twice its contents.
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
    (COMMON + state, message)
}

/// Runs on arrays of floats.
struct Arrays<'a>(&'a Averaging);

impl Plan<Asked> for Arrays<'_> {
    fn worker(&self) -> Box<dyn Worker<Summary, (u64, f64)> + '_> {
        Box::new(ByRuns(|runs: Range<u64>, summary: &mut Summary, watch: &mut Watch<'_>| {
            for run in runs {
                let mut dense = Dense::new(self.0, run, inputs(self.0, run));
                let start = dense.measure();
                play(self.0, run, summary, watch, start, |_| {
                    let messages = dense.round();
                    Moment { messages, ..dense.measure() }
                })?;
            }
            ControlFlow::Continue(())
        }))
    }
}

/// Runs of a protocol, message by message.
struct Messages<'a>(&'a Averaging);

impl Plan<Asked> for Messages<'_> {
    fn worker(&self) -> Box<dyn Worker<Summary, (u64, f64)> + '_> {
        Box::new(ByRuns(|runs: Range<u64>, summary: &mut Summary, watch: &mut Watch<'_>| {
            for run in runs {
                self.run(run, summary, watch)?;
            }
            ControlFlow::Continue(())
        }))
    }
}

impl Messages<'_> {
    /// Plays a run, from its inputs to its last round.
    fn run(&self, run: u64, summary: &mut Summary, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let inputs = inputs(self.0, run);
        let sum = self.0.aggregate == Aggregate::Sum;
        match self.0.protocol {
            Protocol::PushPull => {
                let protocol = PushPull::new(&inputs);
                self.step_by_step(run, inputs, protocol, summary, watch)
            }
            Protocol::PushSum => {
                let protocol = PushSum::<false>::new(&inputs, sum);
                self.step_by_step(run, inputs, protocol, summary, watch)
            }
            Protocol::Spsp => {
                let protocol = PushSum::<true>::new(&inputs, sum);
                self.step_by_step(run, inputs, protocol, summary, watch)
            }
            Protocol::Ledger => {
                let protocol = Ledger::new(&inputs);
                self.step_by_step(run, inputs, protocol, summary, watch)
            }
        }
    }

    fn step_by_step<P: protocol::Protocol>(
        &self,
        run: u64,
        inputs: Vec<f64>,
        protocol: P,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        let averaging = self.0;
        let mut state = State::new(averaging, run, inputs, protocol);
        let start = state.measure(0.0);
        if averaging.overlaps() {
            let mut events = Events::new(averaging, run, &state);
            play(averaging, run, summary, watch, start, |passed| {
                state.strike(passed);
                events.round(&mut state);
                state.measure(events.carried(&state))
            })
        } else {
            let mut instant = Instant::new(averaging, run, &state);
            play(averaging, run, summary, watch, start, |passed| {
                state.strike(passed);
                instant.round(&mut state, &mut ());
                state.measure(0.0)
            })
        }
    }
}

/// Goes from round to round; `round` gets the number of rounds that have passed.
fn play(
    averaging: &Averaging,
    run: u64,
    summary: &mut Summary,
    watch: &mut Watch<'_>,
    start: Moment,
    mut round: impl FnMut(u32) -> Moment,
) -> ControlFlow<()> {
    let mut record = Record::start(start);
    summary.take(&mut record, start);
    for passed in 0..averaging.rounds {
        if averaging.until.is_some_and(|until| record.last().worst_error <= until) {
            break;
        }
        let moment = round(passed);
        summary.take(&mut record, moment);
        watch.worked(averaging.nodes(), passed + 1, (run, moment.worst_error))?;
    }
    summary.finish(&record);
    watch.runs_done(1);
    ControlFlow::Continue(())
}
