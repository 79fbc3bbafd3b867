//! The signals that ask a program to end.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::exit::Exit;

/// Which one came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// From its making on, Ctrl-C and SIGTERM don't end the process by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// Starts listening.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Starts listening.
    #[cfg(windows)]
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub(crate) async fn ended(&mut self) -> Ended {
        tokio::select! {
            _ = self.interrupt.recv() => Ended::Interrupt,
            _ = self.terminate.recv() => Ended::Terminate,
        }
    }

    /// Waits for the next signal.
    #[cfg(windows)]
    pub(crate) async fn ended(&mut self) -> Ended {
        let _ = self.interrupt.recv().await;
        Ended::Interrupt
    }
}

/// Whether the user has asked long work to end, for work that does not await anything.
///
/// The first Ctrl-C or SIGTERM raises the flag, so that the work can end with what is known so
/// far; the second one ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicU8>);

const RUNNING: u8 = 0;
const INTERRUPTED: u8 = 1;
const TERMINATED: u8 = 2;

impl Interrupt {
    /// Starts listening, on a thread of its own.
    pub(crate) fn listen() -> io::Result<Self> {
        let flag = Arc::new(AtomicU8::new(RUNNING));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        // Signals are held back from here on, not from whenever the thread gets its turn.
        let mut signals = runtime.block_on(async { Signals::listen() })?;
        let shared = Arc::clone(&flag);
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                let first = signals.ended().await;
                let value = if first == Ended::Interrupt { INTERRUPTED } else { TERMINATED };
                shared.store(value, Ordering::Relaxed);
                let second = signals.ended().await;
                std::process::exit(i32::from(Exit::from(second).code()));
            });
        })?;
        Ok(Self(flag))
    }

    /// Whether a signal has come.
    pub(crate) fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed) != RUNNING
    }

    /// What long work is told that asks whether to go on.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// How to exit, if a signal has come.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.0.load(Ordering::Relaxed) {
            RUNNING => None,
            INTERRUPTED => Some(Exit::Interrupted),
            _ => Some(Exit::Terminated),
        }
    }
}

impl From<Ended> for Exit {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Interrupt => Self::Interrupted,
            Ended::Terminate => Self::Terminated,
        }
    }
}
