//! Nanoseconds a contact on a random regular graph: the CSR engine beside a plain loop, in one run.
//!
//! A contact is one that the model makes, whether or not the engine had to work it. On one thread
//! the time is the processor's, so that others at work on the machine disturb it less.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::Instant;

use clap::Parser;
use rumormill_proto::Style;
use rumormill_sim::rounds::stream::{Purpose, Stream};
use rumormill_sim::rounds::{Csr, EngineKind, GraphKind, Job, SpreadModel, Topology, simulate};

/// Nanoseconds a contact on a random regular graph.
#[derive(Parser)]
struct Args {
    /// Nodes.
    #[arg(long, default_value_t = 1_000_000)]
    nodes: u64,
    /// Neighbours of a node.
    #[arg(long, default_value_t = 8)]
    degree: u32,
    /// push, pull or push-pull.
    #[arg(long, default_value = "push")]
    style: Style,
    /// Fan-out.
    #[arg(long, default_value_t = 1)]
    fanout: u32,
    /// Probability that a contact is lost.
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// Runs of the engine each time.
    #[arg(long, default_value_t = 1)]
    runs: u64,
    /// Times that each is measured; medians are given.
    #[arg(long, default_value_t = 7)]
    times: usize,
    /// Threads for the engine.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Leave the plain loop out.
    #[arg(long)]
    alone: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let kind = GraphKind::RandomRegular { degree: args.degree };
    let begin = Instant::now();
    let topology = kind.build(args.nodes, 1, u64::MAX, &|_| ControlFlow::Continue(()))?;
    println!("{kind} of {} nodes, made in {:.2} s", args.nodes, begin.elapsed().as_secs_f64());
    let model =
        SpreadModel { fanout: args.fanout, loss: args.loss, ..SpreadModel::new(args.style) };
    let (mut engine, mut plain) = (Vec::new(), Vec::new());
    for time in 0..args.times as u64 {
        let runs = time * args.runs..(time + 1) * args.runs;
        let job = Job {
            engine: Some(EngineKind::Csr),
            threads: args.threads,
            ..Job::new(&model, &topology, runs, 7)
        };
        let begin = now(args.threads);
        let summary = simulate(&job, &|_| ControlFlow::Continue(()))?;
        let contacts = summary.messages.mean() * summary.runs as f64;
        engine.push((now(args.threads) - begin) / contacts);
        if let Topology::Graph(csr) = &topology
            && !args.alone
            && args.style == Style::Push
            && args.fanout == 1
        {
            let begin = now(1);
            let contacts = push(csr, args.loss, time);
            plain.push((now(1) - begin) / contacts as f64);
        }
    }
    println!("{:<14}{:>8.2} ns a contact", "csr engine", median(&mut engine));
    if !plain.is_empty() {
        println!("{:<14}{:>8.2} ns a contact", "plain loop", median(&mut plain));
    }
    Ok(())
}

/// Nanoseconds: of this thread's work where Linux tells them, else of the wall clock.
fn now(threads: usize) -> f64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    let wall = BEGIN.get_or_init(Instant::now).elapsed().as_nanos() as f64;
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let worked = stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    if threads > 1 { wall } else { worked.unwrap_or(wall) }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Push as one would write it: those who know, one after another in the order they heard, call a
/// random neighbour.
fn push(csr: &Csr, loss: f64, run: u64) -> u64 {
    let mut draws = Stream::new(7, Purpose::Values).child(run).draws();
    let n = csr.nodes() as usize;
    let mut knows = vec![false; n];
    let mut informed = vec![draws.below(n as u64) as u32];
    knows[informed[0] as usize] = true;
    let mut contacts = 0;
    while informed.len() < n {
        for i in 0..informed.len() {
            let row = csr.neighbours(informed[i]);
            let target = row[draws.below(row.len() as u64) as usize];
            contacts += 1;
            if !knows[target as usize] && !(loss > 0.0 && draws.chance(loss)) {
                knows[target as usize] = true;
                informed.push(target);
            }
        }
    }
    black_box(contacts)
}
