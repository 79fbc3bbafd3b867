//! What the measurement needs of every implementation: nodes that join, publish and count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::deliveries::Deliveries;

/// All nodes of one implementation, in this process, each with a UDP socket of its own on loopback.
pub(crate) trait Cluster: Sized {
    /// Starts the nodes; they begin to join each other.
    async fn start(nodes: usize, deliveries: Arc<Deliveries>) -> anyhow::Result<Self>;

    /// How often each node probes another; `None` if it has no probes.
    fn probe_interval(&self) -> Option<Duration>;

    /// The fewest members that a node knows, itself included.
    async fn fewest_known(&self) -> anyhow::Result<usize>;

    /// Publishes at the node `origin`.
    async fn publish(&self, origin: usize, payload: &str) -> anyhow::Result<()>;

    /// What all nodes have sent so far.
    async fn traffic(&self) -> anyhow::Result<Traffic>;
}

/// What was handed to sockets, without the headers below.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    /// UDP datagrams.
    pub(crate) datagrams: u64,
    /// Bytes of those.
    pub(crate) datagram_bytes: u64,
    /// Bytes written to TCP.
    pub(crate) stream_bytes: u64,
}

/// Counts datagrams, wherever they are sent.
#[derive(Default)]
pub(crate) struct Counter {
    datagrams: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    pub(crate) fn sent(&self, bytes: usize) {
        self.datagrams.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            datagrams: self.datagrams.load(Relaxed),
            datagram_bytes: self.bytes.load(Relaxed),
            stream_bytes: 0,
        }
    }
}
