//! What the kernel says of this process and its loopback: a check on what is counted here.

/// Packets and bytes that have gone over loopback, IP headers and all of TCP included; everybody's
/// in this network namespace.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loopback {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

/// The counters of loopback; `None` where there are none.
pub(crate) fn loopback() -> Option<Loopback> {
    // Bytes and packets received come first, then six more, then those sent.
    let devices = std::fs::read_to_string("/proc/self/net/dev").ok()?;
    let line = devices.lines().find_map(|line| line.trim_start().strip_prefix("lo:"))?;
    let mut sent = line.split_whitespace().skip(8);
    let mut next = || sent.next()?.parse::<u64>().ok();
    let (bytes, packets) = (next()?, next()?);
    Some(Loopback { packets, bytes })
}
