//! A view of a file that takes writes without changing the file.
//!
//! Opening a database repairs it, and so writes to it, before it is known whether it can be repaired.
//! A store is opened through an overlay first, so that a damaged file stays as it was found.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

const PAGE: usize = 4096;

/// Reads come from the file, except of parts that were written; writes stay in memory.
#[derive(Debug)]
pub(super) struct Overlay(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    /// The length of the file that is still valid; the rest was cut off.
    of_file: u64,
    length: u64,
    written: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Overlay {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self(Mutex::new(State { file, of_file: length, length, written: BTreeMap::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn page(&mut self, number: u64) -> io::Result<Box<[u8; PAGE]>> {
        if let Some(page) = self.written.get(&number) {
            return Ok(page.clone());
        }
        let mut page = Box::new([0; PAGE]);
        let start = number * PAGE as u64;
        let there = self.of_file.saturating_sub(start).min(PAGE as u64) as usize;
        if there > 0 {
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut page[..there])?;
        }
        Ok(page)
    }

    /// Calls `each` with every page of the `length` bytes at `offset`: the page's number, where in the
    /// page they begin, and which of the bytes are in it.
    fn pages(
        offset: u64,
        length: usize,
        mut each: impl FnMut(u64, usize, core::ops::Range<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        while done < length {
            let at = offset + done as u64;
            let within = (at % PAGE as u64) as usize;
            let n = (PAGE - within).min(length - done);
            each(at / PAGE as u64, within, done..done + n)?;
            done += n;
        }
        Ok(())
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        if offset.saturating_add(out.len() as u64) > state.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        State::pages(offset, out.len(), |number, within, part| {
            let page = state.page(number)?;
            let length = part.len();
            out[part].copy_from_slice(&page[within..within + length]);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if length < state.length {
            let last = length / PAGE as u64;
            let mut page = state.page(last)?;
            page[(length % PAGE as u64) as usize..].fill(0);
            state.written.retain(|&number, _| number < last);
            state.written.insert(last, page);
            state.of_file = state.of_file.min(length);
        }
        state.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        State::pages(offset, data.len(), |number, within, part| {
            let mut page = state.page(number)?;
            page[within..within + part.len()].copy_from_slice(&data[part]);
            state.written.insert(number, page);
            Ok(())
        })
    }

    // `Claim` locks the directory.
    fn try_lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_reads_what_was_written_and_leaves_the_file_alone() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let whole: Vec<u8> = (0..10_000_u32).map(|n| n as u8).collect();
        file.write_all(&whole).unwrap();
        let overlay = Overlay::new(file.reopen().unwrap()).unwrap();
        let mut want = whole.clone();
        let check = |want: &[u8]| {
            let mut got = vec![1; want.len()];
            overlay.read(0, &mut got).unwrap();
            assert!(got == want);
            assert_eq!(overlay.len().unwrap(), want.len() as u64);
            assert!(overlay.read(1, &mut got).is_err(), "past the end");
        };
        check(&want);
        overlay.write(4090, &[7; 5000]).unwrap();
        want[4090..9090].fill(7);
        check(&want);
        for length in [12_345, 5_000, 4_096, 9_999, 0, 100] {
            overlay.set_len(length).unwrap();
            want.resize(length as usize, 0);
            check(&want);
        }
        assert_eq!(std::fs::read(file.path()).unwrap(), whole);
    }
}
