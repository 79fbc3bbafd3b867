//! What an engine is: one way to work out the runs of a question.

use crate::error::Error;
use crate::simulate::work::Worker;

/// A question that has several engines.
pub(crate) trait Question: 'static {
    /// What runs add up to.
    type Summary;
    /// What the observer is told of a run.
    type Seen;
}

/// One way to work out runs.
pub(crate) trait Engine<Q: Question>: Sync {
    /// Checks that the engine can work out this question.
    ///
    /// # Errors
    /// What it lacks, in words.
    fn supports(&self, asked: &Q) -> Result<(), String>;

    /// Returns whether it pays for this many runs of the question.
    fn pays(&self, _asked: &Q, _runs: u64) -> bool {
        true
    }

    /// Returns the memory that it takes on top of the graph's, in bytes, with this many workers.
    fn bytes_needed(&self, asked: &Q, workers: usize) -> u64;

    /// Prepares the runs of a question that it supports.
    fn build<'a>(&self, asked: &'a Q, seed: u64) -> Box<dyn Plan<Q> + 'a>;
}

/// A question as one engine works it out. Shared by the threads.
pub(crate) trait Plan<Q: Question>: Sync {
    /// Runs are worked in aligned blocks of this many: an engine that does 64 at once does runs
    /// 0..64 together, whichever of them are asked for, so that a run is the same in every range.
    fn block(&self) -> u64 {
        1
    }

    /// Returns a worker for one thread, with its memory.
    fn worker(&self) -> Box<dyn Worker<Q::Summary, Q::Seen> + '_>;
}

/// The engines of a question by their kinds, the fastest first.
pub(crate) type Engines<Q, K> = [(K, &'static dyn Engine<Q>)];

/// Returns the engine of a kind.
pub(crate) fn find<Q: Question, K: Copy + PartialEq>(
    engines: &'static Engines<Q, K>,
    kind: K,
) -> &'static dyn Engine<Q> {
    let (_, engine) = engines.iter().find(|(one, _)| *one == kind).expect("every kind is listed");
    *engine
}

/// Returns the kinds that can work out a question and pay for this many runs, the fastest first.
pub(crate) fn able<'a, Q: Question, K: Copy>(
    engines: &'a Engines<Q, K>,
    asked: &'a Q,
    runs: u64,
) -> impl Iterator<Item = K> + 'a {
    let pays =
        move |engine: &dyn Engine<Q>| engine.pays(asked, runs) && engine.supports(asked).is_ok();
    engines.iter().filter(move |(_, engine)| pays(*engine)).map(|(kind, _)| *kind)
}

/// Returns the refusal of a question by an engine: what it lacks, and what to do instead.
pub(crate) fn refusal(engine: &'static str, reason: String) -> Error {
    let instead = "leave the choice of the engine open".to_owned();
    Error::Unsupported { engine, reason, instead }
}
