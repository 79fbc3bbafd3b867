//! The agent's log, on standard error, and its first lines, on standard output. Neither can block the
//! agent.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::agent::sink::Sink;
use crate::term::exit::Exit;
use crate::term::{exit, output};

/// Reads a level from its name.
pub(crate) fn level(text: &str) -> Result<LevelFilter, String> {
    // `LevelFilter` takes numbers, too, and any case.
    let level = text.parse().ok().filter(|level: &LevelFilter| level.to_string() == text);
    level.ok_or_else(|| format!("{text:?} is none of off, error, warn, info, debug or trace"))
}

/// How long the process waits at its end for a stream that stalls.
const LAST_LINES: Duration = Duration::from_millis(250);

/// The agent's two streams.
pub(crate) struct Log {
    out: Sink,
    err: Sink,
}

impl Log {
    /// Starts logging. Panics are logged from now on, too.
    pub(crate) fn start(level: LevelFilter) -> io::Result<Self> {
        let out = Sink::start("stdout", output::stdout())?;
        let err = Sink::start("stderr", output::stderr())?;
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(Lines(err.clone()))
            .with_ansi(io::stderr().is_terminal() && !plain)
            .with_target(false)
            // Otherwise it prints its own troubles on standard error.
            .log_internal_errors(false)
            .init();
        let panics = err.clone();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("without a name");
            let mut text = format!("thread {name} {panic}\n");
            let trace = Backtrace::capture();
            if trace.status() == BacktraceStatus::Captured {
                text += &trace.to_string();
            }
            panics.hand(text.into_bytes());
        }));
        Ok(Self { out, err })
    }

    /// Prints this on standard output.
    pub(crate) fn say(&self, text: &str) {
        self.out.hand(format!("{text}\n").into_bytes());
    }

    /// Returns the counter of the log lines that were dropped.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        self.err.dropped()
    }

    /// Prints the error, if there is one, and waits until everything is written.
    pub(crate) fn end(self, outcome: anyhow::Result<Exit>) -> Exit {
        let exit = outcome.unwrap_or_else(|error| {
            self.err.hand(exit::complaint(&error).into_bytes());
            exit::of(&error)
        });
        self.out.drain(LAST_LINES);
        self.err.drain(LAST_LINES);
        exit
    }
}

/// Makes a writer for each line of the log.
struct Lines(Sink);

/// One line, which is written as a whole when it is complete.
struct Line {
    text: Vec<u8>,
    sink: Sink,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { text: Vec::new(), sink: self.0.clone() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.sink.hand(std::mem::take(&mut self.text));
    }
}
