//! A trace on disk: its samples in memory, everything else read when it is looked at.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use rumormill_sim::scenario::{Slice, Span};
use rumormill_sim::trace::{Chunk, Ending, Header, TraceReader};

use crate::term::exit::Usage;
use crate::term::format::{plural, seconds};
use crate::term::progress::Progress;

/// An opened trace that was found to be whole.
pub(crate) struct Recording {
    reader: TraceReader<BufReader<File>>,
    pub(crate) header: Header,
    /// All slices, without their details.
    pub(crate) slices: Vec<Slice>,
    /// Where each begins.
    places: Vec<u64>,
    pub(crate) ending: Ending,
}

impl Recording {
    /// Opens a trace, and reads all of it once: a torn or damaged one is refused.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot replay {}", path.display());
        let file = File::open(path).with_context(cannot)?;
        let length = file.metadata().map_or(0, |about| about.len());
        let mut reader = TraceReader::new(BufReader::new(file)).with_context(cannot)?;
        let header = reader.header().clone();
        let progress = Progress::new(length, "bytes");
        let (mut slices, mut places) = (Vec::new(), Vec::new());
        loop {
            let place = reader.position();
            progress.set(place as f64);
            match reader.read().with_context(cannot)? {
                Chunk::Slice(mut slice) => {
                    (slice.nodes, slice.notices, slice.traffic) = Default::default();
                    slices.push(*slice);
                    places.push(place);
                }
                Chunk::Ending(ending) => {
                    return Ok(Self { reader, header, slices, places, ending: *ending });
                }
            }
        }
    }

    /// A slice with its details.
    pub(crate) fn read(&mut self, at: usize) -> anyhow::Result<Slice> {
        let place = *self.places.get(at).context("the trace has no such slice")?;
        self.reader.seek(place)?;
        match self.reader.read()? {
            Chunk::Slice(slice) => Ok(*slice),
            Chunk::Ending(_) => anyhow::bail!("the trace has changed while it was read"),
        }
    }

    /// The slice at whose end, or before whose end, that time is.
    pub(crate) fn slice_at(&self, at: Span) -> Result<usize, Usage> {
        let nanos = at.instant().as_nanos();
        let slice = self.slices.iter().position(|slice| slice.sample.at.0 >= nanos);
        slice.ok_or_else(|| {
            Usage(format!("--at {at}: the run was recorded from 0s to {}", self.ending.at))
        })
    }

    /// How many nodes there ever were.
    pub(crate) fn nodes(&self) -> usize {
        self.slices.last().map_or(0, |slice| slice.sample.nodes as usize).max(1)
    }

    /// What the trace is of.
    pub(crate) fn head(&self) -> String {
        let Header { program, seed, nodes, aggregates, .. } = &self.header;
        format!(
            "{}, seed {seed}, {} recorded by version {program}\nFigures: {}",
            plural(*nodes as usize, "node"),
            seconds(self.ending.at.seconds()),
            aggregates.join(", ")
        )
    }

    /// How the run ended.
    pub(crate) fn end(&self) -> String {
        let Ending { complete, failure, settled_after, digest, .. } = &self.ending;
        let verdict = match (failure, settled_after) {
            (Some(failure), _) => format!("FAILED: {failure}."),
            (None, Some(after)) => {
                format!("Everything held {} after the faults ended.", seconds(after.seconds()))
            }
            (None, None) if *complete => "Nothing was violated.".to_owned(),
            (None, None) => "The run was interrupted here.".to_owned(),
        };
        format!("{verdict}\nDigest {digest:016x}.")
    }
}
