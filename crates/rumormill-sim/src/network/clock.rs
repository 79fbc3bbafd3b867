//! A node's own clock, which may run fast or slow.

use rumormill_proto::Instant;

/// Binary digits after the point in a rate.
const FRACTION: u32 = 32;

/// A clock that shows zero when it is made, and from then on runs at its rate.
///
/// All in integers, so that it shows the same on every machine, and so that asking when it will
/// show an instant, and then what it shows at that time, agree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// Virtual time, in nanoseconds, since when the rate has held, and what the clock showed then.
    since: u64,
    shown: u64,
    /// Nanoseconds shown per virtual nanosecond, with [`FRACTION`] binary digits.
    rate: u64,
}

impl Clock {
    pub(crate) fn new(now: Instant, rate: f64) -> Self {
        Self { since: now.as_nanos(), shown: 0, rate: fixed(rate) }
    }

    /// Returns what the clock shows at the virtual time `at`.
    pub(crate) fn shows(&self, at: Instant) -> Instant {
        let passed = u128::from(at.as_nanos().saturating_sub(self.since));
        let shown = (passed * u128::from(self.rate)) >> FRACTION;
        Instant::from_nanos(self.shown.saturating_add(clamp(shown)))
    }

    /// Returns the first virtual time at which the clock shows `local` or later.
    pub(crate) fn when_it_shows(&self, local: Instant) -> Instant {
        let ahead = u128::from(local.as_nanos().saturating_sub(self.shown)) << FRACTION;
        let passed = ahead.div_ceil(u128::from(self.rate));
        Instant::from_nanos(self.since.saturating_add(clamp(passed)))
    }

    /// Changes the rate from `now` on; the clock doesn't jump.
    pub(crate) fn set_rate(&mut self, now: Instant, rate: f64) {
        self.shown = self.shows(now).as_nanos();
        self.since = now.as_nanos();
        self.rate = fixed(rate);
    }
}

fn fixed(rate: f64) -> u64 {
    ((rate * (1u64 << FRACTION) as f64) as u64).max(1)
}

fn clamp(nanos: u128) -> u64 {
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs_at_its_rate_and_inverts_exactly() {
        for rate in [0.5, 0.99, 1.0, 1.01, 1.37, 2.0] {
            let start = Instant::from_nanos(12_345);
            let mut clock = Clock::new(start, rate);
            assert_eq!(clock.shows(start), Instant::ZERO);
            let later = Instant::from_nanos(12_345 + 10_000_000_000);
            let shown = clock.shows(later).as_nanos() as f64;
            assert!((shown / 1e10 - rate).abs() < 1e-9, "{rate}: {shown}");
            for local in [0, 1, 2, 3, 999, 123_456_789, 7_777_777_777] {
                let local = Instant::from_nanos(local);
                let at = clock.when_it_shows(local);
                assert!(clock.shows(at) >= local);
                if at > start {
                    let before = Instant::from_nanos(at.as_nanos() - 1);
                    assert!(clock.shows(before) < local, "{rate}: {at} is not the first");
                }
            }
            let shown = clock.shows(later);
            clock.set_rate(later, 1.0);
            assert_eq!(clock.shows(later), shown, "a change of rate is no jump");
        }
    }
}
