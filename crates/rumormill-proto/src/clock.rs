//! A hybrid logical clock: stamps that order what happened across the cluster.
//!
//! Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks and Consistent Snapshots in
//! Globally Distributed Databases" (2014). A stamp is close to the time of day, and above every
//! stamp that its node has seen. Here the lead of the fastest clock seen is kept, too, so that all
//! nodes come to show about the same time, however their clocks are set: *cluster time*.

use core::fmt;

use serde::{Serialize, Serializer};

use crate::time::Instant;

/// Bits of a stamp below the milliseconds: they count what happens within one.
const LOGICAL: u32 = 16;

/// A point in cluster time: milliseconds since 1970 times 2¹⁶, plus a counter.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Milliseconds since 1970, by the clock of the node that gave the stamp.
    pub fn millis(self) -> u64 {
        self.0 >> LOGICAL
    }

    /// The first stamp of a millisecond.
    pub(crate) fn from_millis(millis: u64) -> Self {
        Self(millis << LOGICAL)
    }

    /// Whether clocks can reach it and count on: before the year 4000.
    pub(crate) fn is_sane(self) -> bool {
        self.millis() < 1 << 46
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Milliseconds, a dot, and the counter: `1700000000000.3`.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.millis(), self.0 & ((1 << LOGICAL) - 1))
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A node's clock.
#[derive(Clone, Debug)]
pub(crate) struct HybridClock {
    /// Milliseconds since 1970 at the origin of the driver's clock.
    origin: u64,
    /// How far the fastest clock seen leads this one, in milliseconds.
    lead: u64,
    last: Stamp,
}

impl HybridClock {
    /// A node's boot says what its own clock shows: milliseconds since 1970.
    pub(crate) fn new(now: Instant, boot: u64) -> Self {
        Self { origin: boot.saturating_sub(millis(now)), lead: 0, last: Stamp::default() }
    }

    /// Cluster time in milliseconds since 1970.
    pub(crate) fn millis(&self, now: Instant) -> u64 {
        self.origin.saturating_add(millis(now)).saturating_add(self.lead)
    }

    /// A stamp above every one given or seen before.
    pub(crate) fn stamp(&mut self, now: Instant) -> Stamp {
        self.last = Stamp::from_millis(self.millis(now)).max(Stamp(self.last.0 + 1));
        self.last
    }

    /// Another node's stamp has been seen.
    pub(crate) fn observe(&mut self, now: Instant, stamp: Stamp) {
        if stamp.is_sane() {
            self.lead += stamp.millis().saturating_sub(self.millis(now));
            self.last = self.last.max(stamp);
        }
    }
}

fn millis(now: Instant) -> u64 {
    now.as_nanos() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    #[test]
    fn stamps_rise_and_pass_every_stamp_seen() {
        let mut clock = HybridClock::new(Instant::ZERO, 1000);
        let first = clock.stamp(Instant::ZERO);
        assert_eq!(first.millis(), 1000);
        let second = clock.stamp(Instant::ZERO);
        assert!(second > first);
        let ahead = Stamp::from_millis(5000);
        clock.observe(Instant::ZERO, ahead);
        assert!(clock.stamp(Instant::ZERO) > ahead);
        // The lead lasts: cluster time goes on from there.
        let later = Instant::ZERO + Duration::from_millis(7);
        assert_eq!(clock.millis(later), 5007);
        assert_eq!(clock.stamp(later).millis(), 5007);
    }

    #[test]
    fn a_clock_that_lags_does_not_hold_others_back() {
        let mut clock = HybridClock::new(Instant::ZERO, 9000);
        clock.observe(Instant::ZERO, Stamp::from_millis(1));
        assert_eq!(clock.millis(Instant::ZERO), 9000);
        clock.observe(Instant::ZERO, Stamp(u64::MAX));
        assert_eq!(clock.millis(Instant::ZERO), 9000, "no clock shows the year 10889");
    }
}
