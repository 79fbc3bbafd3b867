//! The record of a run, to step through later: written as a stream, one slice of time after the
//! other, so that neither side holds more than one in memory.
//!
//! A trace begins with the eight bytes `RUMTRACE` and the version of the format, two bytes (all
//! numbers outside payloads are little-endian). Then come chunks: one byte for the kind, four for
//! the length of the payload, four for a CRC-32 of kind and payload, and the payload: a value in
//! [postcard](https://postcard.jamesmunns.com)'s encoding. The first chunk is the [`Header`] (kind
//! 1), then come [`Slice`]s (kind 2), each of which stands for itself: what happened since the one
//! before, and how things stand at its end. The last chunk is the [`Ending`] (kind 3), with nothing
//! behind it; a trace without one is torn.
//!
//! ```
//! use rumormill_sim::scenario::{Scenario, ScenarioRun};
//! use rumormill_sim::trace::{Chunk, Ending, Header, TraceReader, TraceWriter};
//!
//! let scenario = Scenario { nodes: 3, ..Scenario::default() };
//! let mut run = ScenarioRun::detailed(&scenario)?;
//! let header = Header::of(&run, &scenario, String::new());
//! let mut trace = TraceWriter::new(Vec::new(), &header)?;
//! while let Some(slice) = run.advance() {
//!     trace.write(&slice)?;
//! }
//! let bytes = trace.finish(&Ending::of(&run.outcome(), true))?;
//!
//! let mut reader = TraceReader::new(bytes.as_slice())?;
//! assert_eq!(reader.header().nodes, 3);
//! while let Chunk::Slice(slice) = reader.read()? {
//!     assert_eq!(slice.nodes.len(), 3);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod reader;
mod writer;

use serde::{Deserialize, Serialize};

use crate::scenario::{Moment, Outcome, Scenario, ScenarioRun, Slice};

pub use reader::{Chunk, TraceError, TraceReader};
pub use writer::TraceWriter;

/// The version of the format that is written, and the only one that is read.
pub const TRACE_VERSION: u16 = 3;

/// What every trace begins with.
const MAGIC: &[u8; 8] = b"RUMTRACE";

/// The kinds of chunks.
const HEADER: u8 = 1;
const SLICE: u8 = 2;
const ENDING: u8 = 3;

/// Kind, length and checksum of a chunk.
const CHUNK_HEAD: usize = 9;

/// No chunk is longer than this.
const MOST_BYTES: u32 = 1 << 30;

/// Returns the checksum of a chunk.
fn checksum(kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(payload);
    hasher.finalize()
}

/// What a trace is the record of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that wrote it.
    pub program: String,
    /// The scenario as text, to make the run again.
    pub scenario: String,
    /// The run's seed.
    pub seed: u64,
    /// How many nodes it began with. They are called `n0`, `n1` and so on.
    pub nodes: u32,
    /// The names of the aggregates, in the order of [`crate::scenario::NodeLine::aggregates`].
    pub aggregates: Vec<String>,
    /// When the calm begins.
    pub duration: Moment,
    /// How often everything was looked at.
    pub period: Moment,
}

impl Header {
    /// The header of a run's trace; `text` is the scenario as text.
    pub fn of(run: &ScenarioRun, scenario: &Scenario, text: String) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: text,
            seed: scenario.seed,
            nodes: scenario.nodes,
            aggregates: run
                .aggregates()
                .iter()
                .map(|aggregate| aggregate.as_str().to_owned())
                .collect(),
            duration: scenario.duration.into(),
            period: scenario.sample_period().into(),
        }
    }
}

/// How a recorded run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    /// Whether the run came to its end, or was interrupted.
    pub complete: bool,
    /// How far it came.
    pub at: Moment,
    /// The run's digest.
    pub digest: u64,
    /// How many nodes ran.
    pub survivors: u32,
    /// How long after the beginning of the calm everything held.
    pub settled_after: Option<Moment>,
    /// How many enclosures were looked at.
    pub enclosures: u64,
    /// How often all masses were added up.
    pub balances: u64,
    /// What did not hold, in words.
    pub failure: Option<String>,
    /// What really happened: names and counts.
    pub counters: Vec<(String, u64)>,
}

impl Ending {
    /// How the run stands; `complete` if it is over.
    pub fn of(outcome: &Outcome, complete: bool) -> Self {
        let counters = outcome.counters.iter().map(|(name, count)| (name.to_owned(), count));
        Self {
            complete,
            at: outcome.at.into(),
            digest: outcome.digest,
            survivors: outcome.survivors as u32,
            settled_after: outcome.settled_after.map(|span| Moment(span.as_nanos() as u64)),
            enclosures: outcome.enclosures,
            balances: outcome.balances,
            failure: outcome.failure.as_ref().map(ToString::to_string),
            counters: counters.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
