//! One spreading curve four ways: theory, round model, virtual network and real agents.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use rumormill_bench_curve::plot::Picture;
use rumormill_bench_curve::{Curve, Exact, Setting, agents, round_model, virtual_network};
use rumormill_plot::sheet::check;

/// How many nodes are informed of an event after each round, by the theory, the round model, the
/// real protocol in a virtual network, and real agents on the loopback interface. Fails if they
/// differ by more than chance explains.
#[derive(Parser)]
struct Args {
    /// Nodes.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(2..=256))]
    nodes: u32,
    /// Others that a node tells in each round.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    fanout: u32,
    /// Rounds.
    #[arg(long, default_value_t = 18, value_parser = clap::value_parser!(u32).range(2..=1000))]
    rounds: u32,
    /// Runs of the round model.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..1_000_000))]
    runs: u64,
    /// Events in the virtual network.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..))]
    virtual_events: u32,
    /// Events among the agents.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    agent_events: u32,
    /// The length of the agents' rounds in milliseconds.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    interval: u64,
    /// The seed of the round model and of the virtual network.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw all four to this file, .svg or .png.
    #[arg(long)]
    plot: Option<PathBuf>,
}

/// How many standard errors chance explains: one comparison in 1.7 million is
/// further away.
const Z: f64 = 5.0;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(path) = &args.plot {
        check(path)?;
    }
    let setting = Setting { nodes: args.nodes, fanout: args.fanout, rounds: args.rounds };
    let interval = Duration::from_millis(args.interval);
    let exact = Exact::new(setting)?;
    let model = round_model(setting, args.runs, args.seed)?;
    let progress = |who: &'static str, of: u32| {
        move |done: u32| {
            let mut out = std::io::stderr();
            if out.is_terminal() {
                let end = if done == of { "\r\x1b[K" } else { "" };
                let _ = write!(out, "\r{who}: {done} of {of} events{end}");
            }
        }
    };
    let done = progress("virtual network", args.virtual_events);
    let network = virtual_network(setting, args.virtual_events, args.seed, done)?;
    let done = progress("agents", args.agent_events);
    let real = agents(setting, args.agent_events, interval, done).await?;

    let curves =
        [("round model", &model.curve), ("virtual network", &network), ("agents", &real.curve)];
    table(&exact, &curves);
    println!(
        "agents: rounds of {interval:?}, {} events left out because one of their rounds took \
         more than half of that; otherwise {:.1} ms at most",
        real.out_of_step,
        real.widest.as_secs_f64() * 1000.0
    );
    let mut wrong = Vec::new();
    for (name, curve) in curves {
        wrong.extend(curve.beyond(&exact, Z).iter().map(|beyond| format!("{name}, {beyond}")));
    }
    if let Some(path) = &args.plot {
        let (network, agents) = (network.clone(), real.curve.clone());
        Picture { setting, exact, model: model.clone(), network, agents }.sheet().save(path)?;
    }
    ensure!(wrong.is_empty(), "not the same curve: {}", wrong.join("; "));
    println!("the same curve: nothing is further from the exact one than {Z} standard errors");
    Ok(())
}

/// Prints the mean number informed, by round, and its distance from the exact one in its own
/// standard errors.
fn table(exact: &Exact, curves: &[(&str, &Curve)]) {
    print!("{:>5} {:>9}", "", "theory");
    for (name, _) in curves {
        print!(" | {name:>18}");
    }
    print!("\n{:>5} {:>9}", "round", "exact");
    for (_, curve) in curves {
        print!(" | {:>8} {:>9}", format!("of {}", curve.events), "errors");
    }
    println!();
    for (round, mean) in exact.informed.iter().enumerate() {
        print!("{round:>5} {mean:>9.4}");
        for (_, curve) in curves {
            let (measured, error) = (curve.informed[round], exact.errors(curve.events)[round]);
            // Beyond this fewer than one event in all would miss one node.
            let distance = if error * curve.events as f64 > 0.5 {
                format!("{:+.2}", (measured - mean) / error)
            } else {
                String::new()
            };
            print!(" | {measured:>8.4} {distance:>9}");
        }
        println!();
    }
}
