//! What a running agent holds, and what requests may look at and change: the node, and what
//! stands around it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rumormill_proto::{Instant, Node};
use tokio::time;

use crate::api::counters::SocketStats;
use crate::error::Error;
use crate::query::{Askers, Handlers};
use crate::store::{self, Ticket, Writer};
use crate::subscription::Missed;

/// The core's clock: nanoseconds since the agent's start, those in which the machine was suspended
/// included where the system counts them. Nobody can set it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Duration);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(since_boot())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::ZERO + since_boot().saturating_sub(self.0)
    }

    pub(crate) fn at(self, instant: Instant) -> time::Instant {
        time::Instant::now() + instant.since(self.now())
    }
}

/// Time since the machine was started, as long as it was suspended included.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// Time since some point before the agent's start.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

/// What a request may look at and change.
pub(crate) struct Core {
    pub(crate) node: Node,
    /// What keeps changes on disk; `None` if nothing does.
    pub(crate) store: Option<Writer>,
    pub(crate) askers: Askers,
    pub(crate) handlers: Handlers,
    /// How many events subscribers have missed.
    pub(crate) missed: Missed,
    pub(crate) clock: Clock,
    pub(crate) sockets: SocketStats,
    pub(crate) loss: f64,
    /// How many addresses to join have yet to be resolved.
    pub(crate) unresolved: usize,
    /// Whether some other agent was asked to let this one in.
    pub(crate) asked: bool,
    /// Whether a cluster has let it in.
    pub(crate) joined: bool,
    /// Counts the log lines that the program could not write, if it counts them.
    pub(crate) log_lines_dropped: Option<Arc<AtomicU64>>,
}

impl Core {
    /// The core's time. The node hears what the wall clock shows first, so that it never acts on a
    /// time of day that is no longer true.
    pub(crate) fn now(&mut self) -> Instant {
        let now = self.clock.now();
        self.node.handle_wall_clock(now, store::unix_millis());
        now
    }

    pub(crate) fn log_lines_dropped(&self) -> Option<u64> {
        self.log_lines_dropped.as_ref().map(|lines| lines.load(Ordering::Relaxed))
    }

    /// Asks these addresses to let the node in; not its own, which is often in a list that all
    /// agents of a cluster share.
    pub(crate) fn join(&mut self, found: &[SocketAddr]) {
        let now = self.now();
        let me = self.node.identity().addr;
        for &addr in found.iter().filter(|addr| **addr != me) {
            self.asked = true;
            self.node.join(now, addr);
        }
    }

    /// Runs a change that must survive the agent. It is not made if it can't be expected to; the
    /// ticket tells when it is on the disk.
    pub(crate) fn keep<R>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<R, Error>,
    ) -> Result<(R, Ticket), Error> {
        if let Some(store) = &self.store {
            store.check()?;
        }
        let result = change(self)?;
        let ticket = self.store.as_ref().map_or_else(Ticket::nothing, Writer::ticket);
        Ok((result, ticket))
    }

    /// Hands what the replica has changed to the store.
    pub(crate) fn store_changes(&mut self) {
        if let Some(store) = &self.store {
            store.all_if_wanted(|| (self.node.inputs(), Box::new(self.node.entries())));
        }
        while let Some(entry) = self.node.poll_store() {
            if let Some(store) = &self.store {
                let bytes = entry.encode();
                store.entry(entry.key, Some(bytes));
            }
        }
    }

    /// Whether the agent is in a cluster, or was told of none to join.
    pub(crate) fn is_ready(&self) -> bool {
        let nothing_to_join = self.unresolved == 0 && !self.asked;
        self.joined || nothing_to_join || self.node.roster().len() > 1
    }
}
