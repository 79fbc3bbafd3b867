//! The clock of a node: stamps that order writes across the cluster.
//!
//! A hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks and
//! Consistent Snapshots in Globally Distributed Databases", 2014): a stamp is close to the time of
//! day, and above every stamp that its node has made or followed. Three rules keep one wrong clock
//! from doing harm:
//!
//! - A stamp is followed only if it is at most [`HybridClock::lead`] ahead, a quarter of
//!   `max_clock_skew`, and [`HybridClock::accepts`] refuses one that is more than the whole ahead.
//! - Members exchange readings of their wall clocks. If the median of the known clocks, this node's
//!   own included, is more than a quarter of the bound away, this node uses the median: a wrong clock
//!   does not even harm its own node, as long as most are right. A clock that has never been set does
//!   not count.
//! - The driver reads the wall clock again and again, so a clock that is stepped while the node
//!   runs is followed, in both directions.
//!
//! Stamps only order writes. How long ago something happened is measured as elapsed time
//! ([`Instant`]), which no step of a clock changes.

use core::fmt;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::VecDeque;

use crate::identity::NodeId;
use crate::json::seconds_of_millis;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// Bits of a stamp below the milliseconds: they count what happens within one.
const LOGICAL: u32 = 16;

/// The stamps of a clock that was set back begin this much higher within their millisecond, so that
/// they differ from those made when the clock showed the same time before.
const ERA: u64 = 1 << 12;

/// The end of time for stamps, in milliseconds since 1970: some time after the year 4000.
const END: u64 = 1 << 46;

/// The latest time of day that is accepted of any clock, so that stamps have room above it.
const LATEST: u64 = END - (1 << 36);

/// The start of 2023. A clock that shows an earlier time has never been set, and is ignored.
const EARLIEST: u64 = 1_672_531_200_000;

/// The number of members' clocks that are remembered: the most recent readings.
const READINGS: usize = 32;

/// A wall clock that deviates by more than this from its expected reading has been stepped.
const STEP_MILLIS: i64 = 500;

/// A point in cluster time: milliseconds since 1970 times 2¹⁶, plus a counter.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Returns the milliseconds since 1970, by the clock of the node that made the stamp.
    pub fn millis(self) -> u64 {
        self.0 >> LOGICAL
    }

    /// Returns the first stamp of a millisecond.
    pub(crate) fn from_millis(millis: u64) -> Self {
        Self(millis << LOGICAL)
    }

    /// Returns whether clocks can reach it and count on: before the year 4000.
    pub(crate) fn is_sane(self) -> bool {
        self.millis() < END
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

/// The comparison of a node's wall clock with those of members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ClockStatus {
    /// The milliseconds that this node adds to its own wall clock, because most members' clocks differ
    /// from it by more than a quarter of `max_clock_skew`; 0 if they don't.
    #[serde(rename = "correction_seconds", with = "seconds_of_millis")]
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub correction_millis: i64,
    /// Members whose clocks are known.
    pub members_known: usize,
    /// Members of those whose clocks differ from this node's time by more than `max_clock_skew`.
    pub members_skewed: usize,
}

/// A reading of a member's clock.
#[derive(Clone, Copy, Debug)]
struct Reading {
    member: NodeId,
    /// Its wall clock less this node's, in milliseconds.
    offset: i64,
    /// Whether it has ever been set.
    plausible: bool,
    /// Whether it has been reported as beyond the bound.
    reported: bool,
}

/// A node's clock.
#[derive(Clone, Debug)]
pub(crate) struct HybridClock {
    /// The last reading of the wall clock: when, and milliseconds since 1970.
    wall: (Instant, u64),
    /// `max_clock_skew` in milliseconds.
    bound: u64,
    /// The fastest clock followed: when, and its reading then.
    followed: (Instant, u64),
    last: Stamp,
    /// How often the stamps had to be set back.
    eras: u64,
    correction: i64,
    readings: VecDeque<Reading>,
}

impl HybridClock {
    /// Creates a clock that shows `wall` now, in milliseconds since 1970.
    pub(crate) fn new(now: Instant, wall: u64, max_skew: Duration) -> Self {
        let wall = (now, wall.min(LATEST));
        Self {
            wall,
            bound: max_skew.as_millis() as u64,
            followed: wall,
            last: Stamp::default(),
            eras: 0,
            correction: 0,
            readings: VecDeque::new(),
        }
    }

    /// Handles a reading of the wall clock. Returns by how many milliseconds it was stepped, if it was.
    pub(crate) fn read_wall(&mut self, now: Instant, millis: u64) -> Option<i64> {
        let millis = millis.min(LATEST);
        let step = signed(millis, self.wall(now));
        self.wall = (now, millis);
        if step != 0 {
            // The members' clocks have not been stepped with this one.
            for reading in &mut self.readings {
                reading.offset = reading.offset.saturating_sub(step);
            }
            self.reckon(now);
        }
        (step.abs() > STEP_MILLIS).then_some(step)
    }

    /// Returns this node's own wall clock, in milliseconds since 1970, as sent to the others.
    pub(crate) fn wall(&self, now: Instant) -> u64 {
        runs(self.wall, now)
    }

    /// Returns this node's time: its wall clock, corrected if most others differ.
    fn time(&self, now: Instant) -> u64 {
        self.wall(now).saturating_add_signed(self.correction).min(LATEST)
    }

    /// Returns how far ahead of this node's time a stamp may be to be followed.
    fn lead(&self) -> u64 {
        self.bound / 4
    }

    /// Returns the cluster time in milliseconds since 1970: the fastest clock that was followed.
    pub(crate) fn millis(&self, now: Instant) -> u64 {
        let (time, followed) = (self.time(now), runs(self.followed, now));
        let leads = followed > time + self.lead() && !broken(Rule::BoundClocks);
        if leads { time } else { followed.max(time) }
    }

    /// Returns a stamp above every one made or followed before. (A clock that was set back by more
    /// than the bound starts again.)
    pub(crate) fn stamp(&mut self, now: Instant) -> Stamp {
        let set_back = self.last.millis() > self.time(now) + self.bound;
        self.eras += u64::from(set_back);
        let first = (self.eras * ERA) % (1 << LOGICAL);
        let present = Stamp(Stamp::from_millis(self.millis(now)).0 | first);
        self.last = if set_back { present } else { present.max(Stamp(self.last.0 + 1)) };
        self.last
    }

    /// Observes another node's stamp.
    pub(crate) fn observe(&mut self, now: Instant, stamp: Stamp) {
        if stamp.millis() <= self.time(now) + self.lead() || broken(Rule::BoundClocks) {
            self.last = self.last.max(stamp);
            if stamp.millis() > self.millis(now) {
                self.followed = (now, stamp.millis());
            }
        }
    }

    /// Returns the first stamp that is too far ahead to be accepted.
    pub(crate) fn limit(&self, now: Instant) -> Stamp {
        Stamp::from_millis(self.time(now) + self.bound + 1)
    }

    /// Returns whether a stamp of another node is at most `max_clock_skew` ahead.
    pub(crate) fn accepts(&self, now: Instant, stamp: Stamp) -> bool {
        stamp < self.limit(now) || broken(Rule::BoundClocks)
    }

    /// Notes a reading of a member's wall clock. Returns by how many milliseconds it is ahead of this
    /// node's time, if that is beyond the bound and was not returned yet.
    pub(crate) fn observe_wall(&mut self, now: Instant, member: NodeId, wall: u64) -> Option<i64> {
        let offset = signed(wall.min(LATEST), self.wall(now));
        let known = self.readings.iter().position(|reading| reading.member == member);
        let before = known.and_then(|at| self.readings.remove(at));
        let reported = before.is_some_and(|before| before.reported);
        let mut reading = Reading { member, offset, plausible: wall >= EARLIEST, reported };
        if self.readings.len() >= READINGS {
            self.readings.pop_front();
        }
        self.readings.push_back(reading);
        self.reckon(now);
        let ahead = offset.saturating_sub(self.correction);
        let skewed = ahead.unsigned_abs() > self.bound;
        let news = skewed && !reading.reported;
        reading.reported = skewed;
        if let Some(last) = self.readings.back_mut() {
            *last = reading;
        }
        news.then_some(ahead)
    }

    /// Forgets the clock of a member that is gone.
    pub(crate) fn forget(&mut self, now: Instant, member: NodeId) {
        self.readings.retain(|reading| reading.member != member);
        self.reckon(now);
    }

    /// Returns whether some member's clock is known, and most known clocks, this node's own included,
    /// agree with this node's time.
    pub(crate) fn is_confirmed(&self, now: Instant) -> bool {
        let ClockStatus { members_known, members_skewed, .. } = self.status();
        let most = members_known > 0 && members_known + 1 > 2 * members_skewed;
        most && self.time(now) >= EARLIEST
    }

    pub(crate) fn status(&self) -> ClockStatus {
        let skewed = |reading: &&Reading| {
            reading.offset.saturating_sub(self.correction).unsigned_abs() > self.bound
        };
        ClockStatus {
            correction_millis: self.correction,
            members_known: self.readings.len(),
            members_skewed: self.readings.iter().filter(skewed).count(),
        }
    }

    /// Computes the correction: the median of all known clocks, if it is far from this node's.
    fn reckon(&mut self, now: Instant) {
        if broken(Rule::CorrectClock) {
            return;
        }
        let far = |offset: i64| offset.unsigned_abs() > self.bound / 4;
        if self.correction == 0 && !self.readings.iter().any(|reading| far(reading.offset)) {
            return;
        }
        let set = self.readings.iter().filter(|reading| reading.plausible);
        let mut offsets: Vec<i64> = set.map(|reading| reading.offset).collect();
        if self.wall(now) >= EARLIEST || offsets.is_empty() {
            offsets.push(0);
        }
        offsets.sort_unstable();
        // Of an even number the one of the two in the middle that is nearer to this node's clock.
        let (low, high) = (offsets[(offsets.len() - 1) / 2], offsets[offsets.len() / 2]);
        let median = if low.unsigned_abs() <= high.unsigned_abs() { low } else { high };
        let correction = if far(median) { median } else { 0 };
        // A median of many changes a little with every packet; that is no reason to follow.
        if far(correction.saturating_sub(self.correction)) || correction == 0 {
            self.correction = correction;
        }
        if runs(self.followed, now) > self.time(now) + self.lead() {
            self.followed = (now, self.time(now));
        }
    }
}

/// Returns the present reading of a clock that showed `clock.1` milliseconds at `clock.0`.
fn runs(clock: (Instant, u64), now: Instant) -> u64 {
    clock.1.saturating_add(now.since(clock.0).as_millis() as u64)
}

/// `a - b`.
fn signed(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;
    const YEAR: u64 = 365 * DAY;
    const START: u64 = 60 * YEAR;
    const SKEW: Duration = Duration::from_secs(300);

    fn clock() -> HybridClock {
        HybridClock::new(Instant::ZERO, START, SKEW)
    }

    fn after(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn stamps_rise_and_pass_every_stamp_followed() {
        let mut clock = clock();
        let first = clock.stamp(Instant::ZERO);
        assert_eq!(first.millis(), START);
        assert!(clock.stamp(Instant::ZERO) > first);
        let ahead = Stamp::from_millis(START + 5000);
        clock.observe(Instant::ZERO, ahead);
        assert!(clock.stamp(Instant::ZERO) > ahead);
        // Cluster time goes on from there.
        assert_eq!(clock.millis(after(7)), START + 5007);
        assert_eq!(clock.stamp(after(7)).millis(), START + 5007);
    }

    #[test]
    fn a_stamp_too_far_ahead_is_neither_followed_nor_accepted() {
        let mut clock = clock();
        for ahead in [301_000, DAY, 100 * YEAR, u64::MAX >> LOGICAL] {
            let stamp = Stamp::from_millis(ahead.saturating_add(START).min(u64::MAX >> LOGICAL));
            clock.observe(Instant::ZERO, stamp);
            assert!(!clock.accepts(Instant::ZERO, stamp), "{ahead}");
        }
        assert_eq!(clock.millis(Instant::ZERO), START);
        let accepted = Stamp::from_millis(START + 299_000);
        assert!(clock.accepts(Instant::ZERO, accepted));
        clock.observe(Instant::ZERO, accepted);
        assert_eq!(clock.millis(Instant::ZERO), START, "accepted, but not followed");
        clock.observe(Instant::ZERO, Stamp::from_millis(1));
        assert_eq!(clock.millis(Instant::ZERO), START);
    }

    #[test]
    fn a_step_is_noticed_and_followed_in_both_directions() {
        let mut clock = clock();
        assert_eq!(clock.read_wall(after(1000), START + 1003), None);
        let first = clock.stamp(after(1000));
        assert_eq!(clock.read_wall(after(2000), START + 2 * DAY), Some((2 * DAY - 2003) as i64));
        assert_eq!(clock.stamp(after(2000)).millis(), START + 2 * DAY);
        assert!(clock.read_wall(after(3000), START + 3000).is_some());
        let back = clock.stamp(after(3000));
        assert_eq!(back.millis(), START + 3000, "nobody waits two days");
        assert!(back > first && clock.stamp(after(3000)) > back);
        // Back before what was given: no stamp is given twice.
        clock.read_wall(after(4000), START + DAY);
        clock.stamp(after(4000));
        clock.read_wall(after(5000), START + 1003);
        assert_ne!(clock.stamp(after(5000)), first);
    }

    #[test]
    fn one_wrong_clock_of_three_goes_by_the_others() {
        for wrong in [START + 2 * DAY, START - 2 * DAY, START + 50 * YEAR, START - 3 * YEAR] {
            let mut clock = HybridClock::new(Instant::ZERO, wrong, SKEW);
            assert!(clock.observe_wall(Instant::ZERO, NodeId(1), START).is_some());
            // One against one: nobody can tell who is right.
            assert_eq!(clock.status().correction_millis, 0);
            assert!(!clock.is_confirmed(Instant::ZERO));
            assert_eq!(clock.observe_wall(Instant::ZERO, NodeId(2), START + 20), None);
            let off = clock.millis(Instant::ZERO).abs_diff(START);
            assert!(off <= 20, "{off}");
            assert!(clock.is_confirmed(Instant::ZERO));
            // Its own clock is set right.
            clock.read_wall(after(10), START + 10);
            assert_eq!(clock.status().correction_millis, 0);
            assert!(clock.millis(after(10)).abs_diff(START + 10) <= 20);
        }
    }

    #[test]
    fn a_clock_that_was_never_set_has_no_say() {
        let mut unset = HybridClock::new(Instant::ZERO, 5000, SKEW);
        unset.observe_wall(Instant::ZERO, NodeId(1), 6000);
        assert!(!unset.is_confirmed(Instant::ZERO));
        unset.observe_wall(Instant::ZERO, NodeId(2), START);
        assert_eq!(unset.millis(Instant::ZERO), START, "the only one that was set is right");
        let mut set = clock();
        set.observe_wall(Instant::ZERO, NodeId(1), 5000);
        set.observe_wall(Instant::ZERO, NodeId(2), 6000);
        assert_eq!(set.millis(Instant::ZERO), START, "two that were not set don't outvote it");
    }

    #[test]
    fn wrong_clocks_of_others_are_reported_once_and_change_nothing() {
        let mut clock = clock();
        assert_eq!(clock.observe_wall(Instant::ZERO, NodeId(1), START), None);
        assert_eq!(clock.observe_wall(Instant::ZERO, NodeId(2), START + DAY), Some(DAY as i64));
        assert_eq!(clock.observe_wall(after(5), NodeId(2), START + DAY), None);
        assert_eq!(clock.millis(after(5)), START + 5);
        assert_eq!(clock.status().members_skewed, 1);
        assert!(clock.is_confirmed(after(5)) && clock.status().members_known == 2);
        clock.forget(after(5), NodeId(2));
        assert_eq!(clock.status().members_skewed, 0);
    }

    #[test]
    fn a_clock_at_the_end_of_time_still_gives_stamps_that_can_be_read_back() {
        let mut clock = HybridClock::new(Instant::ZERO, u64::MAX, SKEW);
        for n in 0..100 {
            assert!(clock.stamp(after(n)).is_sane());
        }
        clock.read_wall(after(200), u64::MAX);
        assert!(clock.stamp(after(200)).is_sane());
        assert!(clock.limit(after(200)).is_sane());
    }
}
