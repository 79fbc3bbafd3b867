//! Writes a trace.

use std::io::{self, Write};

use serde::Serialize;

use super::{
    ENDING, Ending, HEADER, Header, MAGIC, MOST_BYTES, SLICE, Slice, TRACE_VERSION, checksum,
};

/// Writes a trace, slice by slice, wherever bytes can be written.
#[derive(Debug)]
pub struct TraceWriter<W> {
    out: W,
    /// The payload that is being made; kept for its room.
    payload: Vec<u8>,
    written: u64,
}

impl<W: Write> TraceWriter<W> {
    /// Begins a trace.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(mut out: W, header: &Header) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&TRACE_VERSION.to_le_bytes())?;
        let mut trace = Self { out, payload: Vec::new(), written: 10 };
        trace.chunk(HEADER, header)?;
        Ok(trace)
    }

    /// Adds a slice.
    ///
    /// # Errors
    /// When it cannot be written, or takes more than a gibibyte.
    pub fn write(&mut self, slice: &Slice) -> io::Result<()> {
        self.chunk(SLICE, slice)
    }

    /// Ends the trace, and gives the writer back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self, ending: &Ending) -> io::Result<W> {
        self.chunk(ENDING, ending)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Returns how many bytes have been written.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn chunk(&mut self, kind: u8, value: &impl Serialize) -> io::Result<()> {
        self.payload.clear();
        let room = core::mem::take(&mut self.payload);
        self.payload = postcard::to_extend(value, room).map_err(io::Error::other)?;
        let length = u32::try_from(self.payload.len()).ok().filter(|&length| length <= MOST_BYTES);
        let length = length.ok_or_else(|| {
            io::Error::other(format!("a slice of {} bytes is too long", self.payload.len()))
        })?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&checksum(kind, &self.payload).to_le_bytes())?;
        self.out.write_all(&self.payload)?;
        self.written += (super::CHUNK_HEAD + self.payload.len()) as u64;
        Ok(())
    }
}
