//! Our own agents.

use std::sync::Arc;
use std::time::Duration;

use rumormill_agent::Agent;
use rumormill_bench::agents::{self, start_all};
use rumormill_proto::Config;

use crate::cluster::{Cluster, Traffic};
use crate::deliveries::Deliveries;

/// Agents with default settings. With `IN_ROUNDS` a node forwards an event in its next round, as the
/// others do.
pub(crate) struct Nodes<const IN_ROUNDS: bool> {
    agents: Vec<Agent>,
    config: Config,
}

impl<const IN_ROUNDS: bool> Cluster for Nodes<IN_ROUNDS> {
    async fn start(nodes: usize, deliveries: Arc<Deliveries>) -> anyhow::Result<Self> {
        let mut config = Config::default();
        config.events.eager = !IN_ROUNDS;
        let agents = start_all(nodes, |_, builder| builder.config(config.clone())).await?;
        for (n, agent) in agents.iter().enumerate() {
            // The application at each agent takes events as they come.
            let (mut events, deliveries) = (agent.events().subscribe(&[])?, deliveries.clone());
            tokio::spawn(async move {
                while let Some(next) = events.next().await {
                    if let Ok(event) = next {
                        deliveries.delivered(n, &event.payload);
                    }
                }
            });
        }
        Ok(Self { agents, config })
    }

    fn probe_interval(&self) -> Option<Duration> {
        Some(self.config.membership.probe_interval)
    }

    async fn fewest_known(&self) -> anyhow::Result<usize> {
        agents::fewest_known(&self.agents).await
    }

    async fn publish(&self, origin: usize, payload: &str) -> anyhow::Result<()> {
        self.agents[origin].events().publish("bench", payload.as_bytes()).await?;
        Ok(())
    }

    async fn traffic(&self) -> anyhow::Result<Traffic> {
        let (datagrams, datagram_bytes, stream_bytes) = agents::sent(&self.agents).await?;
        Ok(Traffic { datagrams, datagram_bytes, stream_bytes })
    }
}
