//! The signals that ask a program to end.

use std::io;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use crate::term::exit::Exit;

/// Receives Ctrl-C, SIGTERM and SIGHUP, which then don't end the process by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// `None` if the process was started with the signal ignored, as by `nohup`.
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
    pub(crate) async fn ended(&mut self) -> Exit {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = hang_up => Exit::HungUp,
        }
    }

    /// Waits for a second signal, which ends the process at once. SIGHUP is none: a terminal that closes
    /// sends it twice, once itself and once through the shell.
    pub(crate) async fn again(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
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
    pub(crate) async fn ended(&mut self) -> Exit {
        let _ = self.interrupt.recv().await;
        Exit::Interrupted
    }

    /// Waits for one more.
    pub(crate) async fn again(&mut self) -> Exit {
        self.ended().await
    }
}

/// Returns whether the process was started with SIGHUP ignored. Only Linux shows it without changing it.
#[cfg(unix)]
fn hang_ups_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 != 0))
}

/// The request of a user to end long work, for work that does not await anything.
///
/// The first Ctrl-C, SIGTERM or SIGHUP raises the flag, so that the work can end with what is known
/// so far; a second one ends the process at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<OnceLock<Exit>>);

impl Interrupt {
    /// Starts listening, on a thread of its own.
    pub(crate) fn listen() -> io::Result<Self> {
        let flag = Arc::new(OnceLock::new());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        // Signals are held back from here on, not from whenever the thread gets its turn.
        let mut signals = runtime.block_on(async { Signals::listen() })?;
        let shared = Arc::clone(&flag);
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            runtime.block_on(async {
                let _ = shared.set(signals.ended().await);
                std::process::exit(signals.again().await.code().into());
            });
        })?;
        Ok(Self(flag))
    }

    /// Returns whether a signal has come.
    pub(crate) fn raised(&self) -> bool {
        self.0.get().is_some()
    }

    /// Returns whether long work should continue.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.raised() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Returns the exit code, if a signal has come.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.0.get().copied()
    }
}

/// Runs `work`, which blocks, on a thread of its own. If a signal comes first, the process ends without
/// it, after `last`; a second signal ends that, too.
pub(crate) fn until_signal(
    work: impl FnOnce() -> anyhow::Result<Exit> + Send + 'static,
    last: impl FnOnce(Exit) -> Exit + Send + 'static,
) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            worked = tokio::task::spawn_blocking(work) => worked?,
            ended = signals.ended() => tokio::select! {
                // It may print for a reader that is gone or stuck.
                exit = tokio::task::spawn_blocking(move || last(ended)) => Ok(exit?),
                _ = signals.again() => Ok(ended),
            }
        }
    });
    runtime.shutdown_background();
    exit
}
