//! Replicas in the virtual network, as several tests write and compare them.

use rumormill_sim::{NodeIndex, VirtualNetwork};

/// Writes a key at a running node that can't refuse it.
pub(crate) fn put(
    net: &mut VirtualNetwork,
    node: NodeIndex,
    key: &str,
    value: &(impl AsRef<[u8]> + ?Sized),
) {
    net.with_node(node, |node, now| node.kv_mut().put(now, key, value.as_ref())).unwrap().unwrap();
}

/// Whether all running nodes hold the same.
pub(crate) fn equal(net: &VirtualNetwork) -> bool {
    let mut digests = net.running().map(|(_, node)| node.kv().digest());
    let first = digests.next();
    digests.all(|digest| Some(digest) == first)
}
