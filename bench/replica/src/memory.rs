//! This process's memory, as Linux tells it.

/// Bytes that are resident now; `None` where Linux doesn't say.
pub(crate) fn resident() -> Option<u64> {
    field("VmRSS:")
}

/// The most that was resident since [`forget_peak`].
pub(crate) fn peak() -> Option<u64> {
    field("VmHWM:")
}

/// Begins to look for the peak afresh (proc(5): `clear_refs`).
pub(crate) fn forget_peak() -> bool {
    std::fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn field(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
