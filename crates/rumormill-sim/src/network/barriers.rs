//! Who can reach whom.

use std::collections::BTreeSet;

use rumormill_proto::Instant;

use super::index::NodeIndex;

/// What stands between nodes. A packet passes when nothing stands in its way at the time when it
/// is sent, nor at the time when it arrives.
#[derive(Default)]
pub(crate) struct Barriers {
    /// The side of a partition that each node is on; 0 where the list ends.
    sides: Vec<u32>,
    /// Until when each node is cut off from all others.
    isolated: Vec<Instant>,
    /// One-way cuts: from, to.
    cuts: BTreeSet<(NodeIndex, NodeIndex)>,
}

impl Barriers {
    pub(crate) fn pass(&self, now: Instant, from: NodeIndex, to: NodeIndex) -> bool {
        from == to
            || (self.side(from) == self.side(to)
                && !self.is_isolated(now, from)
                && !self.is_isolated(now, to)
                && (self.cuts.is_empty() || !self.cuts.contains(&(from, to))))
    }

    fn side(&self, node: NodeIndex) -> u32 {
        self.sides.get(node.index()).copied().unwrap_or(0)
    }

    pub(crate) fn is_isolated(&self, now: Instant, node: NodeIndex) -> bool {
        self.isolated.get(node.index()).is_some_and(|&until| now < until)
    }

    /// Takes the place of an earlier partition.
    pub(crate) fn partition(&mut self, groups: &[&[NodeIndex]]) {
        self.sides.clear();
        for (side, group) in (1u32..).zip(groups) {
            for node in *group {
                set(&mut self.sides, *node, side);
            }
        }
    }

    pub(crate) fn isolate(&mut self, node: NodeIndex, until: Instant) {
        set(&mut self.isolated, node, until);
    }

    pub(crate) fn cut(&mut self, from: NodeIndex, to: NodeIndex) {
        self.cuts.insert((from, to));
    }

    /// Takes the partition and all cuts away; isolations end by themselves.
    pub(crate) fn join(&mut self) {
        self.sides.clear();
        self.cuts.clear();
    }

    pub(crate) fn heal(&mut self) {
        *self = Self::default();
    }
}

fn set<T: Clone + Default>(list: &mut Vec<T>, node: NodeIndex, value: T) {
    if list.len() <= node.index() {
        list.resize(node.index() + 1, T::default());
    }
    list[node.index()] = value;
}
