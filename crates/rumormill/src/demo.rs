//! `rumormill demo`: a cluster of real agents in one process.

mod acts;
mod agents;
mod gate;
mod judge;
mod report;
mod screen;
mod spsp;
mod stage;
mod view;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use rumormill_proto::{Config, MembershipSettings};

use crate::term::exit::{Exit, Usage};
use crate::term::parse;
use crate::term::signal::Signals;

const EXAMPLES: &str = "\
Examples:
  rumormill demo                          five agents on loopback
  rumormill demo --nodes 200              two hundred
  rumormill demo --loss 0.2               a fifth of the datagrams dropped
  rumormill demo --keep                   keep running; ask with `rumormill --agent URL get`
  rumormill demo --protocol spsp --nodes 2              plain SPSP: 5 and 10 become 15
  rumormill demo --protocol spsp --nodes 2 --loss 0.1   plain SPSP is wrong under loss

Exit codes: 0 every node was right each time, 1 some node was wrong, 2 usage, 130 Ctrl-C.";

/// Watch a cluster agree on its sum, and stay right
///
/// Starts real agents in this process, each with its own UDP socket on loopback and an input. Then
/// an input changes, a node is killed, and a node joins. After each step the demo waits until all
/// nodes are right again, and prints the true values, the nodes' errors, and the rounds, messages
/// and seconds that it took.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Agents to start, 2 to 500 [default: 5; 2 with spsp]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=500))]
    nodes: Option<u16>,
    /// Protocol of the agents
    #[arg(long, value_enum, default_value_t = Kind::Ledger)]
    protocol: Kind,
    /// Gossip period, 10ms to 60s
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse::duration)]
    interval: Duration,
    /// Probability that an agent drops a datagram instead of sending it, [0, 1)
    #[arg(long, value_name = "P", default_value = "0", value_parser = parse::loss)]
    loss: f64,
    /// Seed of the inputs and of the agents' random choices [default: from the clock]
    #[arg(long)]
    seed: Option<u64>,
    /// Keep the agents running until Ctrl-C, and print their HTTP addresses
    #[arg(long)]
    keep: bool,
    /// Print only one JSON document, at the end
    #[arg(long)]
    json: bool,
}

/// What the agents run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// SPSP with a ledger, as agents run it: right under loss, crashes and change
    Ledger,
    /// Plain SPSP: right without loss, wrong with it
    Spsp,
}

/// The flags, with defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    nodes: usize,
    interval: Duration,
    loss: f64,
    seed: u64,
    incarnation: u64,
    keep: bool,
    json: bool,
    config: Config,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let settings = settings(args)?;
    allow_open_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::spawn(give_up(Signals::listen()?));
        match args.protocol {
            Kind::Ledger => acts::run(&settings, &mut signals).await,
            Kind::Spsp => spsp::run(&settings, &mut signals).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    exit
}

/// Ends the process some time after a second signal: the demo itself may be waiting for a terminal or
/// a pipe that nobody reads.
async fn give_up(mut signals: Signals) {
    let first = signals.ended().await;
    signals.again().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    std::process::exit(first.code().into());
}

fn settings(args: &Args) -> anyhow::Result<Settings> {
    let default = if args.protocol == Kind::Spsp { 2 } else { 5 };
    let nodes = usize::from(args.nodes.unwrap_or(default));
    let config = config(args.interval, nodes);
    config.check().map_err(|error| Usage(format!("--{error}")))?;
    if args.keep && args.protocol == Kind::Spsp {
        let why = "--keep needs --protocol ledger: plain SPSP has no aggregates to read";
        return Err(Usage(why.to_owned()).into());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let incarnation = u64::try_from(now.as_millis()).unwrap_or(u64::MAX / 2);
    Ok(Settings {
        nodes,
        interval: args.interval,
        loss: args.loss,
        seed: args.seed.unwrap_or(incarnation % 1_000_000),
        incarnation,
        keep: args.keep,
        json: args.json,
        config,
    })
}

/// Raises the limit of open files to the hard limit: hundreds of agents need more sockets than the usual
/// 1024. If it is too low, the agent that finds no socket fails.
fn allow_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Returns the settings: failure detection is faster with a short gossip period, so that all acts are
/// short; many agents on few cores keep the defaults.
fn config(interval: Duration, nodes: usize) -> Config {
    let default = Config::default();
    let scale = (interval.as_secs_f64() / default.interval.as_secs_f64()).min(1.0);
    if nodes > 50 {
        return Config { interval, ..default };
    }
    let usual = &default.membership;
    let scaled = |default: Duration, floor| {
        default.mul_f64(scale).max(Duration::from_millis(floor)).min(default)
    };
    Config {
        membership: MembershipSettings {
            probe_interval: scaled(usual.probe_interval, 100),
            probe_timeout: Some(scaled(usual.probe_timeout(), 40)),
            suspicion_timeout: scaled(usual.suspicion_timeout, 400),
            ..MembershipSettings::default()
        },
        interval,
        ..Config::default()
    }
}
