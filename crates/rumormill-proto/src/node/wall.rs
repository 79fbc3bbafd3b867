//! Wall clocks: this node's own, which its driver reads, and those of the members.

use crate::clock::ClockStatus;
use crate::identity::NodeId;
use crate::node::Node;
use crate::notice::Notice;
use crate::time::Instant;

impl Node {
    /// Handles a reading of the wall clock: milliseconds since 1970. Call it whenever the driver acts,
    /// so that a clock that is stepped while the node runs is noticed at once. Without it a node counts
    /// on from its incarnation.
    ///
    /// Only stamps depend on it; elapsed times don't: retention, the life of tombstones, ages, timeouts.
    pub fn handle_wall_clock(&mut self, now: Instant, millis: u64) {
        let before = self.core.clock.status().correction_millis;
        if self.core.clock.read_wall(now, millis).is_some() {
            self.core.stats.clock_steps += 1;
        }
        self.report_correction(before);
    }

    /// Returns the time of day of this node's stamps: milliseconds since 1970.
    pub fn time_of_day(&self, now: Instant) -> u64 {
        self.core.clock.millis(now)
    }

    /// Returns how this node's wall clock compares with those of the members.
    pub fn clock_status(&self) -> ClockStatus {
        self.core.clock.status()
    }

    /// Handles a reading of a member's wall clock.
    pub(super) fn observe_wall(&mut self, now: Instant, from: NodeId, millis: u64) {
        let Some(name) = self.core.roster.peer(from).map(|peer| peer.name.clone()) else { return };
        let before = self.core.clock.status().correction_millis;
        if let Some(ahead_millis) = self.core.clock.observe_wall(now, from, millis) {
            self.core.notices.push(Notice::ClockSkew { member: name, ahead_millis });
        }
        self.report_correction(before);
    }

    fn report_correction(&mut self, before: i64) {
        let correction_millis = self.core.clock.status().correction_millis;
        if (correction_millis == 0) != (before == 0) {
            self.core.notices.push(Notice::ClockCorrected { correction_millis });
        }
    }
}
