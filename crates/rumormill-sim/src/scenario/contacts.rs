//! Through whom a node joins.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rumormill_proto::{Instant, Rng};

use crate::network::VirtualNetwork;
use crate::network::digest::seed;
use crate::network::index::NodeIndex;

/// The purpose of the seeds.
const CONTACTS: u64 = 6;

/// Whom a node knows when it starts: of those that start together, a random one that is there
/// already; later, two others that run, or did once if none does.
pub(crate) fn contacts(net: &VirtualNetwork, run: u64, index: NodeIndex) -> Vec<NodeIndex> {
    if net.now() == Instant::ZERO {
        return vec![at_start(run, index)];
    }
    let other = |node: &NodeIndex| *node != index;
    let mut others: Vec<NodeIndex> = net.running().map(|(node, _)| node).filter(other).collect();
    if others.is_empty() {
        others = (0..net.len() as u32).map(NodeIndex).filter(other).collect();
    }
    let which = (net.now().as_nanos() << 24) ^ u64::from(index.0);
    let mut rng = Rng::seed_from_u64(seed(run, CONTACTS, which));
    others.sample(&mut rng, 2).copied().collect()
}

/// Returns one of those before it; the first has nobody but itself.
fn at_start(run: u64, index: NodeIndex) -> NodeIndex {
    let mut rng = Rng::seed_from_u64(seed(run, CONTACTS, u64::from(index.0)));
    NodeIndex(rng.random_range(0..index.0.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_start_together_join_through_each_other() {
        let all = |run| (0..1000).map(|node| at_start(run, NodeIndex(node)).0).collect::<Vec<_>>();
        let contacts = all(1);
        assert!((1..1000).all(|node| contacts[node as usize] < node));
        // Of a thousand, about ln 1000 join through the first one.
        let first = contacts.iter().filter(|&&contact| contact == 0).count();
        assert!((3..15).contains(&first), "{first}");
        assert_ne!(contacts, all(2));
    }
}
