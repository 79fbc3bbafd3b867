//! The clocks of an agent's machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rumormill_proto::Instant;
use tokio::time;

/// The core's clock: nanoseconds since the agent's start, including the time in which the machine was
/// suspended, where the system counts it. It cannot be set.
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

/// Returns the time since the machine was started, including the time in which it was suspended.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// Returns the time since some point before the agent's start.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

/// Returns the time of day in milliseconds since 1970.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
