//! Whether all nodes go by about the true time of day.

use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// How far a clock may be off without being wrong, in milliseconds: nodes go by their own until it
/// differs from most others by a quarter of `max_clock_skew`.
pub(crate) const RIGHT: u64 = 75_000;

/// Checks that all go by about the true time of day, also those whose clocks are wrong. Asked only
/// where most clocks are right: the others outvote the rest.
///
/// # Errors
/// The first node that does not.
pub(crate) fn times(net: &VirtualNetwork) -> Result<(), Violation> {
    let is_wrong = |node: NodeIndex| net.wall_error(node).unsigned_abs() > RIGHT;
    let wrong = net.running().filter(|(node, _)| is_wrong(*node)).count();
    if 2 * wrong >= net.running().count() {
        return Ok(());
    }
    for (node, running) in net.running() {
        let time = running.time_of_day(net.local_now(node));
        let off = i128::from(time) - i128::from(net.true_wall());
        if off.unsigned_abs() > u128::from(3 * RIGHT) {
            return Err(Violation::WrongTime { node, millis: off as i64 });
        }
    }
    Ok(())
}
