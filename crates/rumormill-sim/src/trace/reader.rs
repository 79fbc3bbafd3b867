//! Reads a trace, and trusts nothing in it.

use std::io::{self, Read};

use serde::de::DeserializeOwned;

use super::{
    CHUNK_HEAD, ENDING, Ending, HEADER, Header, MAGIC, MOST_BYTES, SLICE, Slice, TRACE_VERSION,
    checksum,
};
use rumormill_proto::text::compression;

/// Why a trace was refused.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It is compressed.
    #[error("the trace is compressed ({0}); decompress it first")]
    Compressed(&'static str),
    /// It does not begin as a trace does.
    #[error("not a trace: it does not begin with RUMTRACE; `--record` writes them")]
    Foreign,
    /// Another version of the format.
    #[error(
        "the trace has version {0}, but this program reads version {TRACE_VERSION}; record the run again"
    )]
    Version(u16),
    /// It ends in the middle.
    #[error("the trace is torn: it ends at byte {0}, before the run does; record it again")]
    Torn(u64),
    /// It is not what was written.
    #[error("the trace is damaged: {what} at byte {at}; record it again")]
    Damaged {
        /// Where the chunk begins.
        at: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It cannot be read.
    #[error("cannot read the trace: {0}")]
    Io(#[from] io::Error),
}

/// What a trace has next.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    /// A slice of time.
    Slice(Box<Slice>),
    /// The end.
    Ending(Box<Ending>),
}

/// Reads a trace, slice by slice.
#[derive(Debug)]
pub struct TraceReader<R> {
    input: R,
    header: Header,
    /// Where the next chunk begins.
    at: u64,
}

impl<R: Read> TraceReader<R> {
    /// Reads the beginning of a trace.
    ///
    /// # Errors
    /// When it is not the beginning of one, or of another version.
    pub fn new(mut input: R) -> Result<Self, TraceError> {
        let mut start = [0; 10];
        let got = fill(&mut input, &mut start)?;
        if let Some(name) = compression(&start[..got]) {
            return Err(TraceError::Compressed(name));
        }
        if got < MAGIC.len() || start[..MAGIC.len()] != *MAGIC {
            return Err(TraceError::Foreign);
        }
        if got < start.len() {
            return Err(TraceError::Torn(got as u64));
        }
        let version = u16::from_le_bytes([start[8], start[9]]);
        if version != TRACE_VERSION {
            return Err(TraceError::Version(version));
        }
        let mut at = start.len() as u64;
        let (kind, payload) = chunk(&mut input, at)?;
        let header = match kind {
            HEADER => decode(at, &payload)?,
            _ => return Err(TraceError::Damaged { at, what: "no header" }),
        };
        at += (CHUNK_HEAD + payload.len()) as u64;
        Ok(Self { input, header, at })
    }

    /// Returns what the trace is the record of.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns where the next chunk begins, in bytes from the beginning.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Reads the next slice, or the end. After the end there is nothing to read.
    ///
    /// # Errors
    /// When the trace is torn or damaged.
    pub fn read(&mut self) -> Result<Chunk, TraceError> {
        let at = self.at;
        let (kind, payload) = chunk(&mut self.input, at)?;
        self.at += (CHUNK_HEAD + payload.len()) as u64;
        match kind {
            SLICE => Ok(Chunk::Slice(decode(at, &payload)?)),
            ENDING => {
                if fill(&mut self.input, &mut [0])? > 0 {
                    let what = "something behind the end";
                    return Err(TraceError::Damaged { at: self.at, what });
                }
                Ok(Chunk::Ending(decode(at, &payload)?))
            }
            _ => Err(TraceError::Damaged { at, what: "a chunk of no known kind" }),
        }
    }

    /// Goes on with a chunk at another place, which [`TraceReader::position`] gave.
    ///
    /// # Errors
    /// When the input cannot be moved.
    pub fn seek(&mut self, position: u64) -> Result<(), TraceError>
    where
        R: io::Seek,
    {
        self.input.seek(io::SeekFrom::Start(position))?;
        self.at = position;
        Ok(())
    }
}

/// Reads a chunk: its kind and its payload.
fn chunk(input: &mut impl Read, at: u64) -> Result<(u8, Vec<u8>), TraceError> {
    let mut head = [0; CHUNK_HEAD];
    let got = fill(input, &mut head)?;
    if got < head.len() {
        return Err(TraceError::Torn(at + got as u64));
    }
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if length > MOST_BYTES {
        return Err(TraceError::Damaged { at, what: "an impossible length" });
    }
    let mut payload = Vec::new();
    let got = input.take(u64::from(length)).read_to_end(&mut payload)?;
    if got < length as usize {
        return Err(TraceError::Torn(at + (CHUNK_HEAD + got) as u64));
    }
    let written = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
    if written != checksum(head[0], &payload) {
        return Err(TraceError::Damaged { at, what: "a wrong checksum" });
    }
    Ok((head[0], payload))
}

fn decode<T: DeserializeOwned>(at: u64, payload: &[u8]) -> Result<T, TraceError> {
    let wrong = |what| TraceError::Damaged { at, what };
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(wrong("too long a chunk")),
        Err(_) => Err(wrong("a chunk that makes no sense")),
    }
}

/// Reads until the buffer is full or the input ends; returns how much there was.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match input.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(more) => got += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
