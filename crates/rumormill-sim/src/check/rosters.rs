//! Whether all agree on who is there.

use std::collections::BTreeSet;

use rumormill_proto::NodeId;

use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// The members of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The node.
    pub node: NodeIndex,
    /// Its own id.
    pub id: NodeId,
    /// Its members, itself included.
    pub members: Vec<NodeId>,
}

/// Returns the views of all running nodes.
pub fn views(net: &VirtualNetwork) -> Vec<View> {
    let view = |(node, running): (NodeIndex, &rumormill_proto::Node)| {
        let roster = running.roster();
        View { node, id: running.identity().id(), members: roster.ids().to_vec() }
    };
    net.running().map(view).collect()
}

/// Checks that every node's members are exactly the nodes that there are.
///
/// # Errors
/// The first node whose members are others.
pub fn rosters(views: &[View]) -> Result<(), Violation> {
    let running: BTreeSet<NodeId> = views.iter().map(|view| view.id).collect();
    for view in views {
        let members: BTreeSet<NodeId> = view.members.iter().copied().collect();
        if members != running {
            return Err(Violation::Roster {
                node: view.node,
                missing: running.difference(&members).copied().collect(),
                extra: members.difference(&running).copied().collect(),
            });
        }
    }
    Ok(())
}
