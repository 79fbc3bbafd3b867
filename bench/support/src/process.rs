//! Processor time, wake-ups and memory of processes. Only processor time of this process is known
//! outside Linux.

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

/// What the threads of a process have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Threads {
    /// Times that a thread has slept and was woken: voluntary context switches.
    pub wakeups: u64,
    /// Processor seconds.
    pub seconds: f64,
}

/// Returns what the threads of a process that run now have used; of this process without an id.
#[must_use]
pub fn threads(process: Option<u32>) -> Option<Threads> {
    let process = process.map_or_else(|| "self".to_owned(), |id| id.to_string());
    let mut all = Threads::default();
    for thread in std::fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let thread = thread.ok()?.path();
        let status = std::fs::read_to_string(thread.join("status")).ok()?;
        all.wakeups += number(&status, "voluntary_ctxt_switches:")?;
        let times = std::fs::read_to_string(thread.join("schedstat")).ok()?;
        let nanos: u64 = times.split_whitespace().next()?.parse().ok()?;
        all.seconds += nanos as f64 * 1e-9;
    }
    Some(all)
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
    Some(number(&status, name)? * 1024)
}

/// Returns the number in the line that begins with this name.
fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
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
