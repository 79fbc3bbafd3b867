//! The calm phase: faults have ended, and everything must come to hold, and then stay so.

use rumormill_proto::{Duration, Node};

use super::Run;
use crate::check::violation::Failure;
use crate::check::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::error::SimError;
use crate::network::index::NodeIndex;

/// How often everything is looked at: no divisor of any period in the nodes, so that all phases of
/// an exchange come up.
pub(crate) const LOOK_EVERY: Duration = Duration::from_micros(47_113);

/// The masses must add up at so many instants.
pub(crate) const BALANCES: u64 = 3;

/// How long everything is watched after it came to hold.
pub(crate) const ENCORE: Duration = Duration::from_secs(2);

impl Run {
    /// Ends all faults and waits until everything holds; returns how long that took.
    pub(super) fn calm_phase(&mut self) -> Result<Duration, Failure> {
        end_faults(&mut self.net)?;
        set_most_clocks_right(&mut self.net)?;
        self.net.set_link(self.plan.calm_link)?;
        let began = self.net.now();
        let deadline = began + self.plan.patience;
        let mut held = None;
        loop {
            self.net.run_for(LOOK_EVERY);
            self.take_notes()?;
            let now = self.net.now();
            self.watch.check(&self.net).map_err(|violation| Failure::Broken(now, violation))?;
            match (self.settled(), held) {
                (Ok(()), None) => held = Some(now),
                (Ok(()), Some(since)) if now.since(since) >= ENCORE => {
                    return Ok(since.since(began));
                }
                (Ok(()), Some(_)) => {}
                (Err(violation), _) if now >= deadline => {
                    return Err(Failure::Never(self.plan.patience, violation));
                }
                (Err(_), _) => held = None,
            }
        }
    }

    fn settled(&self) -> Result<(), Violation> {
        self.watch.settled(&self.net, self.plan.node.config.aggregates.tolerance)?;
        if !self.plan.node.bare {
            self.chronicle.delivered(&self.net)?;
            self.chronicle.kv(&self.net)?;
        }
        times(&self.net)?;
        self.watch.added_up(&self.net, BALANCES)
    }
}

/// How far a clock may be off without being wrong, in milliseconds: nodes go by their own until it
/// differs from most others by a quarter of `max_clock_skew`.
const RIGHT: u64 = 75_000;

/// Whether a node's wall clock is wrong.
pub(super) fn is_wrong(net: &VirtualNetwork, node: NodeIndex) -> bool {
    net.wall_error(node).unsigned_abs() > RIGHT
}

/// Sets wrong clocks right, but for so few that the others outvote them.
fn set_most_clocks_right(net: &mut VirtualNetwork) -> Result<(), SimError> {
    let running: Vec<NodeIndex> = net.running().map(|(index, _)| index).collect();
    let mut wrong: Vec<NodeIndex> =
        running.iter().copied().filter(|&node| is_wrong(net, node)).collect();
    while 2 * wrong.len() >= running.len()
        && let Some(node) = wrong.pop()
    {
        net.step_wall_clock(node, -net.wall_error(node))?;
    }
    Ok(())
}

/// All go by about the true time of day, also those whose clocks are wrong.
fn times(net: &VirtualNetwork) -> Result<(), Violation> {
    for (node, running) in net.running() {
        let time = running.time_of_day(net.local_now(node));
        let off = i128::from(time) - i128::from(net.true_wall());
        if off.unsigned_abs() > u128::from(3 * RIGHT) {
            return Err(Violation::WrongTime { node, millis: off as i64 });
        }
    }
    Ok(())
}

/// Takes away what stands between nodes, and wakes those that are stopped.
pub(crate) fn end_faults(net: &mut VirtualNetwork) -> Result<(), SimError> {
    net.heal();
    net.resume_all();
    // A node whose seeds are gone for good can't know where the others are: somebody tells it.
    let running: Vec<NodeIndex> = net.running().map(|(index, _)| index).collect();
    let lost = |&index: &NodeIndex| net.node(index).is_some_and(Node::is_joining);
    let lost: Vec<NodeIndex> = running.iter().copied().filter(lost).collect();
    for node in lost {
        net.join(node, running[0]);
    }
    Ok(())
}
