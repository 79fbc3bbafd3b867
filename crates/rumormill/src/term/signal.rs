//! The signals that ask a program to end.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::term::exit::Exit;

/// Which one came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal has gone, or somebody says so.
    HangUp,
}

/// From its making on, Ctrl-C, SIGTERM and SIGHUP don't end the process by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` if whoever started the process had it ignore the signal, as `nohup` does.
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(unix)]
impl Signals {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let hang_up = (!hang_ups_ignored()).then(|| signal(SignalKind::hangup())).transpose()?;
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Waits for the first signal.
    pub(crate) async fn ended(&mut self) -> Ended {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Ended::Interrupt,
            _ = self.terminate.recv() => Ended::Terminate,
            _ = hang_up => Ended::HangUp,
        }
    }

    /// Waits for one more, from somebody who does not want to wait. SIGHUP is none: a terminal that
    /// closes sends it twice, once itself and once through the shell.
    pub(crate) async fn again(&mut self) -> Ended {
        tokio::select! {
            _ = self.interrupt.recv() => Ended::Interrupt,
            _ = self.terminate.recv() => Ended::Terminate,
        }
    }
}

#[cfg(windows)]
impl Signals {
    /// Starts listening.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    /// Waits for the first signal.
    pub(crate) async fn ended(&mut self) -> Ended {
        let _ = self.interrupt.recv().await;
        Ended::Interrupt
    }

    /// Waits for one more.
    pub(crate) async fn again(&mut self) -> Ended {
        self.ended().await
    }
}

/// Whether the process was started with SIGHUP ignored. Only Linux shows it without changing it.
#[cfg(unix)]
fn hang_ups_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 != 0))
}

/// Whether the user has asked long work to end, for work that does not await anything.
///
/// The first Ctrl-C, SIGTERM or SIGHUP raises the flag, so that the work can end with what is known
/// so far; a second one ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicU8>);

const RUNNING: u8 = 0;
const INTERRUPTED: u8 = 1;
const TERMINATED: u8 = 2;
const HUNG_UP: u8 = 3;

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
                let value = match signals.ended().await {
                    Ended::Interrupt => INTERRUPTED,
                    Ended::Terminate => TERMINATED,
                    Ended::HangUp => HUNG_UP,
                };
                shared.store(value, Ordering::Relaxed);
                let second = signals.again().await;
                std::process::exit(i32::from(Exit::from(second).code()));
            });
        })?;
        Ok(Self(flag))
    }

    /// Whether a signal has come.
    pub(crate) fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed) != RUNNING
    }

    /// The answer for long work that asks whether to continue.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// How to exit, if a signal has come.
    pub(crate) fn exit(&self) -> Option<Exit> {
        match self.0.load(Ordering::Relaxed) {
            RUNNING => None,
            INTERRUPTED => Some(Exit::Interrupted),
            HUNG_UP => Some(Exit::HungUp),
            _ => Some(Exit::Terminated),
        }
    }
}

impl From<Ended> for Exit {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Interrupt => Self::Interrupted,
            Ended::Terminate => Self::Terminated,
            Ended::HangUp => Self::HungUp,
        }
    }
}
