//! Many real agents in one process: how long until all agree, and what they cost at rest.

use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser;
use rumormill_agent::Builder;
use rumormill_bench::agents::{all_agree, all_known, sent, start_all};
use rumormill_bench::process::{processor_seconds, resident};
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

const AGGREGATE: &str = "requests";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let before = resident().unwrap_or(0);
    let config = Config { interval: Duration::from_millis(args.interval), ..Config::default() };
    let with = |n, builder: Builder| {
        builder.config(config.clone()).loss(args.loss).incarnation(1 + n as u64)
    };
    let agents = start_all(args.nodes, with).await?;
    let started = Instant::now();
    all_known(&agents).await?;
    println!("{:>6.1} s until all {} know each other", started.elapsed().as_secs_f64(), args.nodes);

    let mut truth = 0.0;
    for (n, agent) in agents.iter().enumerate() {
        let input = (n * 7 % 100) as f64;
        truth += input;
        agent.aggregates().set(AGGREGATE, input).await?;
    }
    let started = Instant::now();
    all_agree(&agents, AGGREGATE, truth).await?;
    println!("{:>6.1} s until all are within 1e-6 of the sum", started.elapsed().as_secs_f64());
    for agent in &agents {
        let reading = agent.aggregates().wait(AGGREGATE, Duration::from_secs(60)).await?;
        ensure!(reading.certified.is_some_and(|certified| certified.sum.encloses(truth)));
    }
    println!("{:>6.1} s until all have converged", started.elapsed().as_secs_f64());

    // By then the membership sends no more about the joins.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let (cpu, traffic, at) = (processor_seconds(), sent(&agents).await?, Instant::now());
    tokio::time::sleep(Duration::from_secs(args.rest)).await;
    let seconds = at.elapsed().as_secs_f64() * args.nodes as f64;
    let after = sent(&agents).await?;
    let bytes = |(_, datagrams, streams)| datagrams + streams;
    let memory = resident().unwrap_or(0).saturating_sub(before) as f64 / 1024.0;
    println!("at rest, with one live aggregate, per agent:");
    println!("{:>9.3} ms of CPU a second", 1000.0 * (processor_seconds() - cpu) / seconds);
    println!("{:>9.1} packets a second", (after.0 - traffic.0) as f64 / seconds);
    println!("{:>9.0} bytes a second", (bytes(after) - bytes(traffic)) as f64 / seconds);
    println!("{:>9.0} KiB of memory", memory / args.nodes as f64);
    for agent in &agents {
        agent.kill().await;
    }
    Ok(())
}
