//! Our own agents.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rumormill_agent::Agent;
use rumormill_agent::api::MemberState;
use rumormill_proto::{Config, Name, Node};

use crate::cluster::{Cluster, Traffic};
use crate::deliveries::Deliveries;

/// How an agent differs from the defaults.
pub(crate) trait Variant {
    /// Changes the settings.
    fn change(config: &mut Config);
}

/// The defaults.
pub(crate) struct Defaults;

impl Variant for Defaults {
    fn change(_: &mut Config) {}
}

/// Probes once a second, as foca does.
pub(crate) struct ProbeEverySecond;

impl Variant for ProbeEverySecond {
    fn change(config: &mut Config) {
        config.probe_interval = Duration::from_secs(1);
    }
}

/// Nodes wait for their next round before they tell on what they hear, as the others do.
pub(crate) struct InRounds;

impl Variant for InRounds {
    fn change(config: &mut Config) {
        config.rumor.eager = false;
    }
}

pub(crate) struct Nodes<V> {
    agents: Vec<Agent>,
    config: Config,
    variant: std::marker::PhantomData<V>,
}

impl<V: Variant> Cluster for Nodes<V> {
    async fn start(nodes: usize, deliveries: Arc<Deliveries>) -> anyhow::Result<Self> {
        let mut config = Config::default();
        V::change(&mut config);
        let mut agents: Vec<Agent> = Vec::new();
        for n in 0..nodes {
            let mut builder = Agent::builder(&format!("n{n}"))
                .bind(([127, 0, 0, 1], 0).into())
                .config(config.clone());
            if let Some(first) = agents.first() {
                builder = builder.join([first.udp_addr().to_string()]);
            }
            let agent = builder.start().await.with_context(|| format!("agent {n}"))?;
            let deliveries = deliveries.clone();
            agent
                .with_node(move |node, now| {
                    let me = node.roster().id();
                    let deliver = move |rumor: &rumormill_proto::Rumor| {
                        if rumor.node != me {
                            deliveries.delivered(n, &rumor.payload);
                        }
                        true
                    };
                    node.set_validator(now, Some(Box::new(deliver)));
                })
                .await?;
            agents.push(agent);
        }
        Ok(Self { agents, config, variant: std::marker::PhantomData })
    }

    fn probe_interval(&self) -> Option<Duration> {
        Some(self.config.probe_interval)
    }

    async fn fewest_known(&self) -> anyhow::Result<usize> {
        let mut fewest = usize::MAX;
        for agent in &self.agents {
            let members = agent.members().await?;
            let alive = members.iter().filter(|m| m.state == MemberState::Alive).count();
            fewest = fewest.min(alive);
        }
        Ok(fewest)
    }

    async fn publish(&self, origin: usize, payload: &str) -> anyhow::Result<()> {
        let topic = Name::new("e")?;
        let payload = payload.as_bytes().to_vec();
        let publish = move |node: &mut Node, now| node.publish(now, &topic, &payload);
        self.agents[origin].with_node(publish).await??;
        Ok(())
    }

    async fn traffic(&self) -> anyhow::Result<Traffic> {
        let mut traffic = Traffic::default();
        for agent in &self.agents {
            let stats = agent.stats().await?;
            traffic.datagrams += stats.datagrams_sent;
            traffic.datagram_bytes += stats.bytes_sent;
            traffic.stream_bytes += stats.stream_bytes_sent;
        }
        Ok(traffic)
    }
}
