//! chitchat: every node's keys and values, reconciled with three random nodes each 200 ms
//! (Scuttlebutt). A message is a key that its origin sets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ::chitchat::transport::{RecvOutcome, SendOutcome, Socket, Transport, UdpTransport};
use ::chitchat::{
    ChitchatConfig, ChitchatEnvelope, ChitchatHandle, ChitchatId, FailureDetectorConfig,
    ProtocolVersion, spawn_chitchat,
};
use async_trait::async_trait;

use crate::cluster::{Cluster, Counter, Traffic};
use crate::deliveries::Deliveries;

/// How often a node gossips. With how many, three, chitchat has fixed.
const INTERVAL: Duration = Duration::from_millis(200);

/// chitchat with its own UDP transport, and the newest of its wire formats, which compresses.
pub(crate) struct Nodes {
    nodes: Vec<ChitchatHandle>,
    counter: Arc<Counter>,
}

impl Cluster for Nodes {
    async fn start(nodes: usize, deliveries: Arc<Deliveries>) -> anyhow::Result<Self> {
        let counter = Arc::new(Counter::default());
        let transport = Counting(counter.clone());
        let addresses = free_addresses(nodes)?;
        let mut handles = Vec::new();
        for (number, &addr) in addresses.iter().enumerate() {
            let config = ChitchatConfig {
                chitchat_id: ChitchatId::new(format!("n{number}"), 0, addr),
                cluster_id: "default".into(),
                gossip_interval: INTERVAL,
                listen_addr: addr,
                seed_nodes: vec![addresses[0].to_string()],
                failure_detector_config: FailureDetectorConfig::default(),
                marked_for_deletion_grace_period: Duration::from_secs(3600),
                catchup_callback: None,
                extra_liveness_predicate: None,
                protocol_version: ProtocolVersion::V1,
            };
            let node = spawn_chitchat(config, Vec::new(), &transport).await?;
            let (me, deliveries) = (node.chitchat_id().clone(), deliveries.clone());
            node.with_chitchat(|chitchat| {
                let (me, deliveries) = (me.clone(), deliveries.clone());
                let subscription = chitchat.subscribe_event("", move |change| {
                    if *change.node != me {
                        deliveries.delivered(number, change.value.as_bytes());
                    }
                });
                subscription.forever();
            })
            .await;
            handles.push(node);
        }
        Ok(Self { nodes: handles, counter })
    }

    fn probe_interval(&self) -> Option<Duration> {
        None
    }

    async fn fewest_known(&self) -> anyhow::Result<usize> {
        let mut fewest = usize::MAX;
        for node in &self.nodes {
            let known = node.with_chitchat(|chitchat| chitchat.live_nodes().count()).await;
            fewest = fewest.min(known);
        }
        Ok(fewest)
    }

    async fn publish(&self, origin: usize, payload: &str) -> anyhow::Result<()> {
        // The shortest keys that identify messages.
        let key = Deliveries::number(payload.as_bytes()).unwrap_or(u32::MAX).to_string();
        let set = |chitchat: &mut ::chitchat::Chitchat| {
            chitchat.self_node_state().set(&key, payload);
        };
        self.nodes[origin].with_chitchat(set).await;
        Ok(())
    }

    async fn traffic(&self) -> anyhow::Result<Traffic> {
        Ok(self.counter.traffic())
    }
}

/// Ports that were free a moment ago; chitchat needs its own before it binds it.
fn free_addresses(nodes: usize) -> std::io::Result<Vec<SocketAddr>> {
    let bind = |_| std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    let sockets = (0..nodes).map(bind).collect::<Result<Vec<_>, _>>()?;
    sockets.iter().map(std::net::UdpSocket::local_addr).collect()
}

/// chitchat's own transport, with what it sends counted.
struct Counting(Arc<Counter>);

struct CountingSocket {
    socket: Box<dyn Socket>,
    counter: Arc<Counter>,
}

#[async_trait]
impl Transport for Counting {
    async fn open(&self, addr: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        let socket = UdpTransport.open(addr).await?;
        Ok(Box::new(CountingSocket { socket, counter: self.0.clone() }))
    }
}

#[async_trait]
impl Socket for CountingSocket {
    fn local_addr(&self) -> anyhow::Result<SocketAddr> {
        self.socket.local_addr()
    }

    async fn send(
        &mut self,
        to: SocketAddr,
        envelope: ChitchatEnvelope,
    ) -> anyhow::Result<SendOutcome> {
        let outcome = self.socket.send(to, envelope).await?;
        self.counter.sent(outcome.num_bytes_sent);
        Ok(outcome)
    }

    async fn recv(&mut self) -> anyhow::Result<RecvOutcome> {
        self.socket.recv().await
    }
}
