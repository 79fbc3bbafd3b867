//! How far rumors have come, and how equal replicas are.

use super::slice::{Band, ReplicaSample, RumorSample};
use crate::check::chronicle::Chronicle;
use crate::network::VirtualNetwork;

/// How rumors stand; `None` if there were none.
pub(crate) fn rumors(chronicle: &Chronicle, net: &VirtualNetwork) -> Option<RumorSample> {
    let (published, _) = chronicle.rumors();
    if published == 0 {
        return None;
    }
    let (owed, missed) = chronicle.deliveries(net);
    Some(RumorSample {
        published: published as u32,
        delivered: 1.0 - missed as f64 / owed.max(1) as f64,
        waiting: missed as u64,
    })
}

/// How the replica stands; `None` if no key was ever written.
pub(crate) fn replica(chronicle: &Chronicle, net: &VirtualNetwork) -> Option<ReplicaSample> {
    if chronicle.writes() == 0 {
        return None;
    }
    let mut digests: Vec<u64> = net.running().map(|(_, node)| node.replica_digest()).collect();
    digests.sort_unstable();
    let most = digests.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    Some(ReplicaSample {
        keys: Band::of(net.running().map(|(_, node)| node.load().keys as f64)),
        equal: most as f64 / digests.len().max(1) as f64,
    })
}
