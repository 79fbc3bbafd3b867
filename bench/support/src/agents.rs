//! Agents on the loopback interface, in this process.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rumormill_agent::proto::MemberState;
use rumormill_agent::{Agent, Builder};

/// The time within which agents must agree.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts one agent, on any port, joined to `first` if there is one; `with` adds to its settings.
///
/// # Errors
/// If it cannot start.
pub async fn start(
    name: &str,
    first: Option<&Agent>,
    with: impl FnOnce(Builder) -> Builder,
) -> anyhow::Result<Agent> {
    let builder = Agent::builder(name)
        .bind(([127, 0, 0, 1], 0).into())
        .join(first.map(|first| first.udp_addr().to_string()));
    with(builder).start().await.with_context(|| format!("agent {name}"))
}

/// Starts the agents `n0`, `n1`, …, all joined to the first.
///
/// # Errors
/// If one cannot start.
pub async fn start_all(
    nodes: usize,
    with: impl Fn(usize, Builder) -> Builder,
) -> anyhow::Result<Vec<Agent>> {
    let mut agents = Vec::new();
    for n in 0..nodes {
        let agent = start(&format!("n{n}"), agents.first(), |builder| with(n, builder)).await?;
        agents.push(agent);
    }
    Ok(agents)
}

/// Returns the fewest live members that an agent knows, itself included.
///
/// # Errors
/// If an agent has stopped.
pub async fn fewest_known(agents: &[Agent]) -> anyhow::Result<usize> {
    let mut fewest = usize::MAX;
    for agent in agents {
        let members = agent.members().await?;
        let alive = members.iter().filter(|member| member.state == MemberState::Alive).count();
        fewest = fewest.min(alive);
    }
    Ok(fewest)
}

/// Waits until every agent knows all of them.
///
/// # Errors
/// If an agent has stopped, or if it takes longer than two minutes.
pub async fn all_known(agents: &[Agent]) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while fewest_known(agents).await? < agents.len() {
        ensure!(Instant::now() < deadline, "the agents did not find each other in {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until every agent's sum of the aggregate is within 1e-6 of the truth.
///
/// # Errors
/// If an agent has stopped, or if it takes longer than two minutes.
pub async fn all_agree(agents: &[Agent], aggregate: &str, truth: f64) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    for agent in agents {
        loop {
            let sum =
                agent.aggregates().get(aggregate).await?.and_then(|reading| reading.sum.value);
            if sum.is_some_and(|sum| (sum / truth - 1.0).abs() <= 1e-6) {
                break;
            }
            ensure!(Instant::now() < deadline, "{sum:?}, not {truth}, after {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

/// Returns the datagrams, their bytes and the bytes of streams that the agents have sent.
///
/// # Errors
/// If an agent has stopped.
pub async fn sent(agents: &[Agent]) -> anyhow::Result<(u64, u64, u64)> {
    let mut total = (0, 0, 0);
    for agent in agents {
        let stats = agent.counters().await?.node;
        total.0 += stats.datagrams_sent;
        total.1 += stats.bytes_sent;
        total.2 += stats.stream_bytes_sent;
    }
    Ok(total)
}
