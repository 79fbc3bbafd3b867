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

/// What a process, with all threads that it has now, has used since it started. Known on Linux only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds on a processor, to the nanosecond.
    pub cpu: f64,
    /// Voluntary context switches: the times that a thread fell asleep, and so was woken.
    pub switches: u64,
}

impl Usage {
    /// Returns the usage of a process by its id.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let mut usage = Self::default();
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).ok()? {
            let thread = thread.ok()?.path();
            let spent = std::fs::read_to_string(thread.join("schedstat")).ok()?;
            usage.cpu += spent.split_whitespace().next()?.parse::<f64>().ok()? * 1e-9;
            let status = std::fs::read_to_string(thread.join("status")).ok()?;
            let line =
                status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            usage.switches += line?.trim().parse::<u64>().ok()?;
        }
        Some(usage)
    }
}
