//! Standard output and standard error. The reader of either may be slow or gone, and a pipe may be
//! non-blocking.

use std::io::{self, Write};

/// A stream that waits for room even if its file descriptor is non-blocking.
pub(crate) struct Patient<W> {
    out: W,
    wait: fn() -> io::Result<()>,
}

/// Returns standard output.
pub(crate) fn stdout() -> Patient<io::Stdout> {
    Patient { out: io::stdout(), wait: || room(&io::stdout()) }
}

/// Returns standard error.
pub(crate) fn stderr() -> Patient<io::Stderr> {
    Patient { out: io::stderr(), wait: || room(&io::stderr()) }
}

#[cfg(unix)]
fn room(out: &impl std::os::fd::AsFd) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    poll(&mut [PollFd::new(out, PollFlags::OUT)], None)?;
    Ok(())
}

/// Does nothing: only Unix has non-blocking pipes.
#[cfg(not(unix))]
fn room<T>(_: &T) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

impl<W: Write> Patient<W> {
    fn until_taken<T>(&mut self, mut write: impl FnMut(&mut W) -> io::Result<T>) -> io::Result<T> {
        loop {
            match write(&mut self.out) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match (self.wait)() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    waited => waited?,
                },
                written => return written,
            }
        }
    }
}

impl<W: Write> Write for Patient<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_taken(|out| out.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until_taken(W::flush)
    }
}
