//! Exit codes, error messages and standard output.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

use crate::term::output;

/// The outcome of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Done,
    /// A failure.
    Failed,
    /// Wrong usage.
    Usage,
    /// The aggregates did not converge in time.
    NotConverged,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM, where that is not the proper way to end.
    Terminated,
    /// SIGHUP, likewise: the terminal has gone.
    HungUp,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotConverged => 3,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// The command line or a file is malformed: exit code 2, like the errors of the argument parser.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Prints the error, if there is one, and returns the exit code.
pub(crate) fn report(outcome: anyhow::Result<Exit>) -> ExitCode {
    let exit = outcome.unwrap_or_else(|error| {
        if !error.is::<ClosedPipe>() {
            note(&complaint(&error));
        }
        of(&error)
    });
    ExitCode::from(exit.code())
}

/// Prints the argument parser's message, an error or the help, and returns the exit code.
pub(crate) fn parsed(message: &clap::Error) -> ExitCode {
    let printed = printed(message.print());
    if message.use_stderr() {
        return ExitCode::from(Exit::Usage.code());
    }
    report(printed.map(|()| Exit::Done))
}

/// Returns the error as a line for standard error.
pub(crate) fn complaint(error: &anyhow::Error) -> String {
    format!("rumormill: {error:#}\n")
}

/// Returns the exit code of an error.
pub(crate) fn of(error: &anyhow::Error) -> Exit {
    if error.is::<ClosedPipe>() {
        // The reader of our output has seen enough (`rumormill watch | head -1`).
        Exit::Done
    } else if error.is::<Usage>() {
        Exit::Usage
    } else {
        Exit::Failed
    }
}

/// Writes to standard error, as far as it can be written.
pub(crate) fn note(text: &str) {
    let _ = output::stderr().write_all(text.as_bytes());
}

/// Standard output is closed. Its type distinguishes it from a closed connection.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
pub(crate) struct ClosedPipe;

/// Writes a text to standard output, and ends it with a newline if it has none.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    print_bytes(text.as_bytes())?;
    print_bytes(end.as_bytes())
}

/// Writes bytes to standard output as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = output::stdout();
    printed(out.write_all(bytes).and_then(|()| out.flush()))
}

/// Turns a failed write to standard output into an error.
pub(crate) fn printed<T>(written: io::Result<T>) -> anyhow::Result<T> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ClosedPipe.into()),
        other => other.context("cannot write to standard output"),
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

/// Prints a text: the last step of a command that succeeds.
pub(crate) fn finish(text: &str) -> anyhow::Result<Exit> {
    print(text)?;
    Ok(Exit::Done)
}

/// Prints a value as JSON: the last step of a command that succeeds.
pub(crate) fn finish_json(value: &impl serde::Serialize) -> anyhow::Result<Exit> {
    print_json(value)?;
    Ok(Exit::Done)
}
