//! Seconds from SIGKILL of one agent's process to a correct sum at all others.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use rumormill_bench::agents::{all_agree, start, start_all};
use rumormill_bench::median;

/// Seconds from SIGKILL of a process to a correct sum everywhere else.
#[derive(Parser)]
struct Args {
    /// Sizes of the cluster, the victim included.
    #[arg(long, default_value = "5,50", value_delimiter = ',')]
    nodes: Vec<usize>,
    /// Kills at each size; the median and the extremes are printed.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Be the victim: join this address, and wait to be killed.
    #[arg(long, hide = true)]
    victim: Option<String>,
}

const AGGREGATE: &str = "requests";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(first) = args.victim {
        let agent = start("victim", None, |builder| builder.join([first])).await?;
        agent.aggregates().set(AGGREGATE, 1000.0).await?;
        println!("ready");
        agent.stopped().await;
        return Ok(());
    }
    println!("{:>6} {:>8} {:>8} {:>8} {:>10}", "nodes", "shortest", "median", "longest", "noticed");
    for &n in &args.nodes {
        let mut runs = Vec::new();
        for _ in 0..args.runs {
            runs.push(kill_one(n).await?);
        }
        runs.sort_by(|a, b| a.1.total_cmp(&b.1));
        let noticed = median(runs.iter().map(|run| run.0));
        let middle = runs.len() / 2;
        println!(
            "{n:>6} {:>7.1}s {:>7.1}s {:>7.1}s {:>9.1}s",
            runs[0].1,
            runs[middle].1,
            runs[runs.len() - 1].1,
            noticed
        );
    }
    Ok(())
}

/// Seconds until all survivors have noticed the death, and until all their sums are right.
async fn kill_one(nodes: usize) -> anyhow::Result<(f64, f64)> {
    let agents = start_all(nodes - 1, |_, builder| builder).await?;
    let mut truth = 0.0;
    for (n, agent) in agents.iter().enumerate() {
        agent.aggregates().set(AGGREGATE, n as f64 + 1.0).await?;
        truth += n as f64 + 1.0;
    }
    let mut victim = spawn(&agents[0].udp_addr().to_string())?;
    all_agree(&agents, AGGREGATE, truth + 1000.0).await?;
    // SIGKILL: no goodbye.
    victim.kill()?;
    victim.wait()?;
    let killed = Instant::now();
    for agent in &agents {
        while agent.info().await?.members >= nodes {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let noticed = killed.elapsed().as_secs_f64();
    all_agree(&agents, AGGREGATE, truth).await?;
    let done = killed.elapsed().as_secs_f64();
    for agent in &agents {
        agent.kill().await;
    }
    Ok((noticed, done))
}

/// Starts this program again as the victim.
fn spawn(first: &str) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut victim = command.args(["--victim", first]).stdout(Stdio::piped()).spawn()?;
    let stdout = victim.stdout.take().context("no stdout")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(line.trim() == "ready", "the victim said {line:?}");
    Ok(victim)
}
