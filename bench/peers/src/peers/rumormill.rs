//! Our own agents.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rumormill_agent::api::MemberState;
use rumormill_agent::{Agent, News};
use rumormill_proto::Config;

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
            // The application at each agent takes what it is told as it comes.
            let (mut rumors, deliveries) = (agent.rumors(&[])?, deliveries.clone());
            tokio::spawn(async move {
                while let Some(news) = rumors.next().await {
                    if let News::Item(rumor) = news {
                        let payload = rumor.payload.bytes().unwrap_or_default();
                        deliveries.delivered(n, &payload);
                    }
                }
            });
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
        self.agents[origin].publish("news", payload.as_bytes()).await?;
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
