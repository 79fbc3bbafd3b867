//! The calm at the end: faults end, and everything must come to hold, and then stay so.

use rumormill_proto::{Duration, Node};

use crate::network::VirtualNetwork;
use crate::network::error::SimError;
use crate::network::index::NodeIndex;

/// How often everything is checked: no divisor of any period in the nodes, so that all phases of an
/// exchange come up.
pub(crate) const LOOK_EVERY: Duration = Duration::from_micros(47_113);

/// At how many instants the masses must add up.
pub(crate) const BALANCES: u64 = 3;

/// How long everything must go on to hold.
pub(crate) const ENCORE: Duration = Duration::from_secs(2);

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
