//! How far events have spread, and how equal the keys of the nodes are.

use super::slice::{Band, EventSample, KvSample};
use crate::check::chronicle::Chronicle;
use crate::network::VirtualNetwork;

/// Returns how far events have spread; `None` if there were none.
pub(crate) fn events(chronicle: &Chronicle, net: &VirtualNetwork) -> Option<EventSample> {
    let (published, _) = chronicle.published();
    if published == 0 {
        return None;
    }
    let (owed, missed) = chronicle.deliveries(net);
    Some(EventSample {
        published: published as u32,
        delivered: 1.0 - missed as f64 / owed.max(1) as f64,
        waiting: missed as u64,
    })
}

/// Returns how equal the keys are; `None` if no key was ever written.
pub(crate) fn kv(chronicle: &Chronicle, net: &VirtualNetwork) -> Option<KvSample> {
    if chronicle.writes() == 0 {
        return None;
    }
    let mut digests: Vec<u64> = net.running().map(|(_, node)| node.kv().digest()).collect();
    digests.sort_unstable();
    let most = digests.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
    Some(KvSample {
        keys: Band::of(net.running().map(|(_, node)| node.kv().load().keys as f64)),
        equal: most as f64 / digests.len().max(1) as f64,
    })
}
