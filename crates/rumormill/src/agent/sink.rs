//! A writer of text with a thread of its own, so that callers never wait. Text for which there is no
//! room, or which cannot be written, is dropped and counted.
//!
//! `tracing-appender` has such a writer. But it does not count text that cannot be written, and when
//! it is dropped while its output stalls, it waits and then prints to standard output, which may stall
//! or be closed as well.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// The most bytes that wait to be written.
const ROOM: usize = 1 << 20;

/// A writer; clones share it.
#[derive(Clone)]
pub(crate) struct Sink {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
}

enum Job {
    Write(Vec<u8>),
    /// A channel to drop when everything before it is written.
    Drained(#[allow(dead_code, reason = "its end is what counts")] Sender<()>),
}

impl Sink {
    pub(crate) fn start(name: &str, out: impl Write + Send + 'static) -> io::Result<Self> {
        let (jobs, to_do) = mpsc::channel();
        let sink = Self { jobs, waiting: Arc::default(), dropped: Arc::default() };
        let (waiting, dropped) = (sink.waiting.clone(), sink.dropped.clone());
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || run(&to_do, out, &waiting, &dropped))?;
        Ok(sink)
    }

    /// Writes the text later, if there is room.
    pub(crate) fn hand(&self, text: Vec<u8>) {
        let bytes = text.len();
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) < ROOM
            && self.jobs.send(Job::Write(text)).is_ok()
        {
            return;
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of texts that were dropped.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        self.dropped.clone()
    }

    /// Waits until everything is written, at most for this time.
    pub(crate) fn drain(&self, patience: Duration) {
        let (held, drained) = mpsc::channel();
        if self.jobs.send(Job::Drained(held)).is_ok() {
            let _ = drained.recv_timeout(patience);
        }
    }
}

fn run(jobs: &Receiver<Job>, mut out: impl Write, waiting: &AtomicUsize, dropped: &AtomicU64) {
    let mut reported = 0;
    for job in jobs {
        let Job::Write(text) = job else { continue };
        let mut written = Ok(());
        let missing = dropped.load(Ordering::Relaxed);
        if missing > reported {
            written = writeln!(out, "rumormill: {} lines were dropped here", missing - reported);
            if written.is_ok() {
                reported = missing;
            }
        }
        let written = written.and_then(|()| out.write_all(&text)).and_then(|()| out.flush());
        waiting.fetch_sub(text.len(), Ordering::Relaxed);
        if written.is_err() {
            dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::SyncSender;

    use super::*;

    /// Takes a text when the test does.
    struct Slow(SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_reported_once_there_is_some() {
        let (out, written) = mpsc::sync_channel(0);
        let sink = Sink::start("test", Slow(out)).unwrap();
        let text = vec![b'x'; ROOM / 4];
        for _ in 0..10 {
            sink.hand(text.clone());
        }
        let dropped = sink.dropped().load(Ordering::Relaxed);
        assert!((5..=6).contains(&dropped), "{dropped}");
        sink.drain(Duration::from_millis(1));
        let reader = std::thread::spawn(move || written.iter().collect::<String>());
        sink.drain(Duration::from_secs(60));
        sink.hand(b"after".to_vec());
        drop(sink);
        let all = reader.join().unwrap();
        let reports = all.split("rumormill: ").filter_map(|text| text.split_once(" lines were "));
        let reported: u64 = reports.map(|(lines, _)| lines.parse::<u64>().unwrap()).sum();
        assert_eq!(reported, dropped, "{all:.100}");
        assert!(all.ends_with("after"), "{all:.100}");
    }

    #[test]
    fn what_can_not_be_written_is_counted() {
        let (out, written) = mpsc::sync_channel(1);
        drop(written);
        let sink = Sink::start("test", Slow(out)).unwrap();
        for _ in 0..3 {
            sink.hand(b"x".to_vec());
        }
        sink.drain(Duration::from_secs(60));
        assert_eq!(sink.dropped().load(Ordering::Relaxed), 3);
    }
}
