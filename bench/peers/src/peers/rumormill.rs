//! Our own agents.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rumormill_agent::Agent;
use rumormill_agent::api::MemberState;
use rumormill_proto::Config;

use crate::cluster::{Cluster, Traffic};
use crate::deliveries::Deliveries;

/// Agents with default settings. With `IN_ROUNDS` a node waits for its next round before it tells
/// on what it hears, as the others do.
pub(crate) struct Nodes<const IN_ROUNDS: bool> {
    agents: Vec<Agent>,
    config: Config,
}

impl<const IN_ROUNDS: bool> Cluster for Nodes<IN_ROUNDS> {
    async fn start(nodes: usize, deliveries: Arc<Deliveries>) -> anyhow::Result<Self> {
        let mut config = Config::default();
        config.events.eager = !IN_ROUNDS;
        let mut agents: Vec<Agent> = Vec::new();
        for n in 0..nodes {
            let mut builder = Agent::builder(&format!("n{n}"))
                .bind(([127, 0, 0, 1], 0).into())
                .config(config.clone());
            if let Some(first) = agents.first() {
                builder = builder.join([first.udp_addr().to_string()]);
            }
            let agent = builder.start().await.with_context(|| format!("agent {n}"))?;
            // The application at each agent takes what it is told as it comes.
            let (mut rumors, deliveries) = (agent.events().subscribe(&[])?, deliveries.clone());
            tokio::spawn(async move {
                while let Some(next) = rumors.next().await {
                    if let Ok(rumor) = next {
                        let payload = rumor.payload.bytes().unwrap_or_default();
                        deliveries.delivered(n, &payload);
                    }
                }
            });
            agents.push(agent);
        }
        Ok(Self { agents, config })
    }

    fn probe_interval(&self) -> Option<Duration> {
        Some(self.config.membership.probe_interval)
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
        self.agents[origin].events().publish("news", payload.as_bytes()).await?;
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
