//! Many real agents in one process: how long until all agree, and what they cost at rest.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use rumormill_agent::Agent;
use rumormill_agent::api::MemberState;
use rumormill_proto::Config;

/// Real agents over UDP in one process: seconds to agreement, CPU, bytes and memory of each.
#[derive(Parser)]
struct Args {
    /// Agents.
    #[arg(long, default_value_t = 200)]
    nodes: usize,
    /// The gossip period in milliseconds.
    #[arg(long, default_value_t = 200)]
    interval: u64,
    /// Seconds to measure at rest, once all agree.
    #[arg(long, default_value_t = 20)]
    rest: u64,
    /// Probability that an agent drops a datagram instead of sending it.
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
}

const FIGURE: &str = "requests";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let before = memory();
    let agents = start(&args).await?;
    let started = Instant::now();
    let everyone = |agents: Vec<Agent>, n: usize| async move {
        for agent in &agents {
            while agent.members().await?.iter().filter(|m| m.state == MemberState::Alive).count()
                < n
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        anyhow::Ok(())
    };
    everyone(agents.clone(), args.nodes).await?;
    println!("{:>6.1} s until all {} know each other", started.elapsed().as_secs_f64(), args.nodes);

    let mut truth = 0.0;
    for (n, agent) in agents.iter().enumerate() {
        let input = (n * 7 % 100) as f64;
        truth += input;
        agent.aggregates().set(FIGURE, input).await?;
    }
    let started = Instant::now();
    agreed(&agents, |sum| (sum / truth - 1.0).abs() <= 1e-6).await?;
    println!("{:>6.1} s until all are within 1e-6 of the sum", started.elapsed().as_secs_f64());
    for agent in &agents {
        let reading = agent.aggregates().wait(FIGURE, Duration::from_secs(60)).await?;
        ensure!(reading.sum.lower <= Some(truth) && Some(truth) <= reading.sum.upper);
    }
    println!("{:>6.1} s until all say converged", started.elapsed().as_secs_f64());

    // What spread the news of the members has died down after a while.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let (cpu, traffic, at) = (cpu(), traffic(&agents).await?, Instant::now());
    tokio::time::sleep(Duration::from_secs(args.rest)).await;
    let seconds = at.elapsed().as_secs_f64() * args.nodes as f64;
    let after = self::traffic(&agents).await?;
    println!("at rest, with one live figure, per agent:");
    println!("{:>9.3} ms of CPU a second", 1000.0 * (self::cpu() - cpu) / seconds);
    println!("{:>9.1} packets a second", (after.0 - traffic.0) as f64 / seconds);
    println!("{:>9.0} bytes a second", (after.1 - traffic.1) as f64 / seconds);
    println!("{:>9.0} KiB of memory", (memory() - before) / args.nodes as f64);
    for agent in &agents {
        agent.kill().await;
    }
    Ok(())
}

async fn start(args: &Args) -> anyhow::Result<Vec<Agent>> {
    let config = Config { interval: Duration::from_millis(args.interval), ..Config::default() };
    let mut agents: Vec<Agent> = Vec::new();
    for n in 0..args.nodes {
        let mut builder = Agent::builder(&format!("n{n}"))
            .bind(([127, 0, 0, 1], 0).into())
            .config(config.clone())
            .loss(args.loss)
            .incarnation(1 + n as u64);
        if let Some(first) = agents.first() {
            builder = builder.join([first.udp_addr().to_string()]);
        }
        agents.push(builder.start().await.with_context(|| format!("agent {n}"))?);
    }
    Ok(agents)
}

/// Waits until every agent's sum is as asked for.
async fn agreed(agents: &[Agent], right: impl Fn(f64) -> bool) -> anyhow::Result<()> {
    for agent in agents {
        loop {
            let reading = agent.aggregates().get(FIGURE).await?;
            if reading.and_then(|reading| reading.sum.value).is_some_and(&right) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

/// Datagrams and bytes sent so far, streams included in the bytes.
async fn traffic(agents: &[Agent]) -> anyhow::Result<(u64, u64)> {
    let mut total = (0, 0);
    for agent in agents {
        let stats = agent.stats().await?;
        total.0 += stats.datagrams_sent;
        total.1 += stats.bytes_sent + stats.stream_bytes_sent;
    }
    Ok(total)
}

/// Seconds of CPU that this process has used; Linux counts in hundredths.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Resident memory of this process in KiB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}
