//! How the command ends, and how it says what went wrong.

use std::io::{self, Write};
use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Done,
    /// It ran, and the answer is bad.
    Failed,
    /// The figures had not converged in the time given.
    NotConverged,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM, where that is not the proper way to end.
    Terminated,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::NotConverged => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// What was asked makes no sense: exit code 2, like the errors of the argument parser.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Says what went wrong, if anything, and gives the exit code.
pub(crate) fn report(outcome: anyhow::Result<Exit>) -> ExitCode {
    let error = match outcome {
        Ok(exit) => return ExitCode::from(exit.code()),
        Err(error) => error,
    };
    if error.is::<ClosedPipe>() {
        // The reader of our output has seen enough (`rumormill watch | head -1`).
        return ExitCode::SUCCESS;
    }
    // If even standard error is closed, the exit code has to do.
    let _ = writeln!(io::stderr(), "rumormill: {error:#}");
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Standard output is closed. Told apart from a closed connection by its type.
#[derive(Debug)]
pub(crate) struct ClosedPipe;

impl std::fmt::Display for ClosedPipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl std::error::Error for ClosedPipe {}

/// Writes a text to standard output, and ends it with a newline if it has none.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(end.as_bytes()));
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ClosedPipe.into()),
        Err(error) => Err(anyhow::Error::new(error).context("cannot write to standard output")),
    }
}

/// Fails if nobody reads standard output any more, without writing anything.
#[cfg(unix)]
pub(crate) fn probe() -> anyhow::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    if fds[0].revents().contains(PollFlags::ERR) { Err(ClosedPipe.into()) } else { Ok(()) }
}

/// A closed pipe shows with the next line.
#[cfg(not(unix))]
pub(crate) fn probe() -> anyhow::Result<()> {
    Ok(())
}

/// Writes a value to standard output as an indented JSON document.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}
