//! Rounds until every node's estimate is within 1e-3, 1e-6, 1e-9 of the truth, in the virtual
//! network: for the real protocol core.

use std::time::Instant as WallClock;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use rand::{RngExt, SeedableRng};
use rumormill_proto::{
    AggregateSettings, Config, Duration, MembershipSettings, Name, Overlap, Rng,
};
use rumormill_sim::{Latency, Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

/// Rounds until every node's estimate is right to a relative error, in the virtual network.
#[derive(Parser)]
struct Args {
    /// Nodes.
    #[arg(long, default_value_t = 1000)]
    nodes: usize,
    /// Peers a node exchanges with; `mesh` for all.
    #[arg(long, default_value = "16", value_delimiter = ',')]
    view: Vec<String>,
    /// Probabilities that a datagram is lost.
    #[arg(long, default_value = "0,0.1,0.25", value_delimiter = ',')]
    loss: Vec<f64>,
    /// The range of the one-way latency, in gossip periods.
    #[arg(long, default_value = "0.01,0.1", value_delimiter = ',')]
    latency: Vec<f64>,
    /// Runs, each with a seed of its own; the median is printed.
    #[arg(long, default_value_t = 3)]
    runs: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Decline pushes while one's own is outstanding, which makes exchanges atomic.
    #[arg(long)]
    decline: bool,
}

const PERIOD: Duration = Duration::from_secs(1);
const TARGETS: [f64; 3] = [1e-3, 1e-6, 1e-9];
const MOST_ROUNDS: usize = 400;

/// The results of one run, in rounds; `None` if it did not get there.
#[derive(Default)]
struct Run {
    average: [Option<f64>; 3],
    sum: [Option<f64>; 3],
    converged: Option<f64>,
    /// The fraction of (node, round) at which |sum − truth| was within the spread.
    covered: f64,
    outside: u64,
    enclosures: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    ensure!(args.latency.len() == 2, "--latency takes two numbers");
    println!(
        "{} nodes, inputs uniform on (0, 1), one-way latency {}–{} periods, {} runs; medians of \
         the rounds until the worst node is right to",
        args.nodes, args.latency[0], args.latency[1], args.runs
    );
    println!(
        "{:>6} {:>5} | {:^20} | {:^20} | {:>9} {:>7} {:>11} {:>6}",
        "view", "loss", "average", "sum", "converged", "3σ held", "enclosures", "wall"
    );
    println!(
        "{:>6} {:>5} | {:>6} {:>6} {:>6} | {:>6} {:>6} {:>6} | {:>9} {:>7} {:>11} {:>6}",
        "", "", "1e-3", "1e-6", "1e-9", "1e-3", "1e-6", "1e-9", "all", "", "wrong/all", "s"
    );
    for view in &args.view {
        for &loss in &args.loss {
            let started = WallClock::now();
            let runs: Vec<Run> = (0..args.runs)
                .map(|run| measure(&args, view, loss, args.seed + run))
                .collect::<Result<_, _>>()?;
            let cell = |of: &dyn Fn(&Run) -> Option<f64>| median(runs.iter().map(of).collect());
            print!("{view:>6} {loss:>5}");
            for which in [|run: &Run| run.average, |run: &Run| run.sum] {
                print!(" |");
                for target in 0..3 {
                    print!(" {:>6}", cell(&|run| which(run)[target]));
                }
            }
            let covered = runs.iter().map(|run| run.covered).sum::<f64>() / runs.len() as f64;
            let outside: u64 = runs.iter().map(|run| run.outside).sum();
            let enclosures: u64 = runs.iter().map(|run| run.enclosures).sum();
            println!(
                " | {:>9} {:>6.2}% {:>11} {:>6.1}",
                cell(&|run| run.converged),
                100.0 * covered,
                format!("{outside}/{enclosures}"),
                started.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}

fn median(mut values: Vec<Option<f64>>) -> String {
    values.sort_by(|a, b| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY)));
    values[values.len() / 2].map_or("never".into(), |rounds| format!("{rounds:.0}"))
}

fn measure(args: &Args, view: &str, loss: f64, seed: u64) -> anyhow::Result<Run> {
    let view_size = match view {
        "mesh" => args.nodes,
        number => number.parse().context("--view takes numbers or `mesh`")?,
    };
    // Failure detection is not what is measured: probes are rare, and nobody is suspected.
    let config = Config {
        interval: PERIOD,
        aggregates: AggregateSettings {
            view_size,
            overlap: if args.decline { Overlap::Decline } else { Overlap::Answer },
            ..AggregateSettings::default()
        },
        membership: MembershipSettings {
            probe_interval: PERIOD * 3600,
            probe_timeout: Some(PERIOD * 1000),
            suspicion_timeout: PERIOD * 3600,
            sync_interval: PERIOD * 36000,
            ..MembershipSettings::default()
        },
        ..Config::default()
    };
    let quiet = Link { loss: 0.0, ..Link::default() };
    let mut net = VirtualNetwork::new(NetworkConfig {
        seed,
        link: quiet,
        digest: false,
        keep_events: false,
        count_reordering: false,
        ..NetworkConfig::default()
    })?;
    let nodes: Vec<NodeIndex> = (0..args.nodes)
        .map(|n| net.add_node(NodeSpec::named(&format!("n{n}"))?.config(config.clone())))
        .collect::<Result<_, _>>()?;
    if !net.form(&nodes, net.now() + PERIOD * 600) {
        bail!("the membership did not settle within 600 periods");
    }
    let latency =
        Latency::Uniform(PERIOD.mul_f64(args.latency[0]), PERIOD.mul_f64(args.latency[1]));
    net.set_link(Link { latency, loss, ..quiet })?;
    let mut rng = Rng::seed_from_u64(seed);
    let inputs: Vec<f64> = nodes.iter().map(|_| rng.random_range(0.0..1.0)).collect();
    let truth: f64 = inputs.iter().sum();
    for (&node, &input) in nodes.iter().zip(&inputs) {
        net.set(node, "x", input)?;
    }
    let name = Name::new("x")?;
    let mut run = Run::default();
    let (mut covered, mut spreads) = (0u64, 0u64);
    for round in 1..=MOST_ROUNDS {
        net.run_for(PERIOD);
        let (mut worst_average, mut worst_sum, mut all) = (0f64, 0f64, true);
        for (index, node) in net.running() {
            let reading = node.aggregates().get(net.local_now(index), &name);
            let Some(reading) = reading else {
                (worst_average, worst_sum, all) = (f64::INFINITY, f64::INFINITY, false);
                continue;
            };
            let error = |value: Option<f64>, truth: f64| {
                value.map_or(f64::INFINITY, |value| (value / truth - 1.0).abs())
            };
            worst_sum = worst_sum.max(error(reading.sum.value, truth));
            worst_average =
                worst_average.max(error(reading.average.value, truth / args.nodes as f64));
            all &= reading.converged;
            if let Some(certified) = reading.certified {
                run.enclosures += 1;
                run.outside += u64::from(!certified.sum.encloses(truth));
            }
            if let (Some(deviation), Some(sum)) = (reading.sum.standard_error, reading.sum.value)
                && 3.0 * deviation > 1e-9 * truth
            {
                spreads += 1;
                covered += u64::from((sum - truth).abs() <= 3.0 * deviation);
            }
        }
        for (n, target) in TARGETS.iter().enumerate() {
            let note = |slot: &mut Option<f64>, worst: f64| {
                if slot.is_none() && worst <= *target {
                    *slot = Some(round as f64);
                }
            };
            note(&mut run.average[n], worst_average);
            note(&mut run.sum[n], worst_sum);
        }
        if all {
            run.converged.get_or_insert(round as f64);
        }
        if all && run.sum[2].is_some() {
            break;
        }
    }
    run.covered = covered as f64 / spreads.max(1) as f64;
    Ok(run)
}
