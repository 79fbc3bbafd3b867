//! Processor time and memory of this process. Memory is known on Linux only.

use rustix::time::{ClockId, clock_gettime};

/// Returns the processor seconds of all threads so far.
#[must_use]
pub fn processor_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// Returns the processor seconds of this thread so far.
#[must_use]
pub fn thread_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Returns the resident bytes.
#[must_use]
pub fn resident() -> Option<u64> {
    field("VmRSS:")
}

/// Returns the most bytes that were resident, since the start or [`reset_peak`].
#[must_use]
pub fn peak() -> Option<u64> {
    field("VmHWM:")
}

/// Resets the peak; returns the resident bytes.
#[must_use]
pub fn reset_peak() -> Option<u64> {
    std::fs::write("/proc/self/clear_refs", "5").ok()?;
    resident()
}

fn field(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
