//! How nodes come to know each other.

use rumormill_proto::{Duration, InitialMembers, Instant};

use super::VirtualNetwork;
use super::error::SimError;
use super::index::NodeIndex;

impl VirtualNetwork {
    /// `node` asks `other` to let it into its cluster. Nothing happens if it is not running.
    pub fn join(&mut self, node: NodeIndex, other: NodeIndex) {
        self.call(node, |node, now| node.join(now, other.addr()));
    }

    /// Makes all others join the first, again and again, until all know all or the deadline is
    /// past; true if they do.
    pub fn form(&mut self, nodes: &[NodeIndex], deadline: Instant) -> bool {
        let Some((&first, others)) = nodes.split_first() else { return true };
        let known = |net: &Self, node| net.node(node).map_or(usize::MAX, |n| n.roster().len());
        while self.now < deadline {
            for &node in others {
                if known(self, node) < nodes.len() {
                    self.join(node, first);
                }
            }
            let soon = deadline.min(self.now + Duration::from_secs(2));
            let all = |net: &Self| nodes.iter().all(|&node| known(net, node) >= nodes.len());
            if self.run_until(soon, all) {
                return true;
            }
        }
        false
    }

    /// Lets these nodes know each other at once; see [`rumormill_proto::Node::adopt`], which says
    /// what is skipped. Large runs begin like this: they do not measure the n² messages of joining.
    ///
    /// # Errors
    /// When one of them is not running. None has met another then.
    pub fn acquaint(&mut self, nodes: &[NodeIndex]) -> Result<(), SimError> {
        let all = self.acquaintance(nodes)?;
        nodes.iter().try_for_each(|&node| self.introduce(node, &all))
    }

    /// Introduces these nodes to each other as [`VirtualNetwork::introduce`] does: the two are
    /// [`VirtualNetwork::acquaint`] in steps.
    ///
    /// # Errors
    /// When one of them is not running.
    pub fn acquaintance(&self, nodes: &[NodeIndex]) -> Result<InitialMembers, SimError> {
        let running = |&node: &NodeIndex| self.node(node).ok_or(SimError::NotRunning(node));
        Ok(InitialMembers::of(nodes.iter().map(running).collect::<Result<Vec<_>, _>>()?))
    }

    /// Lets a node know all these.
    ///
    /// # Errors
    /// When it is not running.
    pub fn introduce(&mut self, node: NodeIndex, all: &InitialMembers) -> Result<(), SimError> {
        self.with_node(node, |node, now| node.adopt(now, all))
    }
}
