//! `rumormill agent`: one agent, until a signal.

mod log;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rumormill_agent::api::Info;
use rumormill_agent::{Agent, Error, StopReason};
use rumormill_proto::{Config, Name};

use crate::exit::{self, Exit, Usage};
use crate::format;
use crate::signal::Signals;
use crate::values::{self, Input, Listen};
use log::Level;

const EXAMPLES: &str = "\
Examples:
  rumormill agent --name a --set requests=5
  rumormill agent --name b --bind 127.0.0.1:7947 --http 127.0.0.1:7981 \\
                  --join 127.0.0.1:7946 --set requests=10
  rumormill agent --bind 10.0.0.7:7946 --join 10.0.0.5:7946,10.0.0.6:7946 --set queue=12

Then ask: rumormill get requests --wait 10s

The agent keeps nothing on disk: after a restart it is a new incarnation, which joins again and
sets its inputs again. Its traffic is neither authenticated nor encrypted: keep it on a network
that you trust. Ctrl-C or SIGTERM makes it leave the cluster properly; a second one ends it at
once.

Exit codes: 0 left the cluster, 1 failed (a taken port, a taken name), 2 usage.";

/// Run an agent until Ctrl-C or SIGTERM
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The agent's name, unique in the cluster [default: the host's name]
    #[arg(long, value_parser = values::name)]
    name: Option<Name>,
    /// Where to listen for the other agents, UDP and TCP
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7946", value_parser = values::socket)]
    bind: SocketAddr,
    /// The address that the others reach this agent at, if it is not the one of --bind
    #[arg(long, value_name = "IP:PORT", value_parser = values::socket)]
    advertise: Option<SocketAddr>,
    /// Where to answer HTTP, for the other verbs and for programs; `off` for nowhere
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7980", value_parser = values::listen)]
    http: Listen,
    /// Members of the cluster to join, any of them; asked again until they answer
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = values::host_port)]
    join: Vec<String>,
    /// An input of this agent, such as requests=5; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = values::input)]
    set: Vec<Input>,
    /// The cluster's name; agents of different clusters ignore each other
    #[arg(long, default_value = "default")]
    cluster: String,
    /// The gossip period, 10ms to 60s
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = values::duration)]
    interval: Duration,
    /// About how many peers to exchange with, at least 4
    #[arg(long, value_name = "N", default_value_t = Config::default().view_size)]
    view_size: usize,
    /// How often to probe one member
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = values::duration)]
    probe_interval: Duration,
    /// How long a direct probe may take [default: 150ms, or half of --probe-interval if less]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    probe_timeout: Option<Duration>,
    /// How long a suspected member has to refute before it is declared dead
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = values::duration)]
    suspicion: Duration,
    /// How often to try members that are held for dead
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = values::duration)]
    reconnect_interval: Duration,
    /// How often to exchange the whole membership with one member
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = values::duration)]
    sync_interval: Duration,
    /// The length of a round of figures in round mode, 16 to 65536 gossip periods
    #[arg(long, value_name = "PERIODS", default_value_t = Config::default().round_length)]
    round_length: u32,
    /// The relative width of an enclosure at which a figure counts as converged, 1e-12 to 0.5
    #[arg(long, value_name = "X", default_value_t = Config::default().tolerance)]
    tolerance: f64,
    /// The seed of the agent's random choices [default: from the system]
    #[arg(long)]
    seed: Option<u64>,
    /// Drop outgoing datagrams with this probability, to see what happens; 0 to below 1
    #[arg(long, value_name = "P", default_value = "0", value_parser = values::loss)]
    loss: f64,
    /// What to log on standard error
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Info)]
    log: Level,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    log::start(args.log);
    let name = match &args.name {
        Some(name) => name.clone(),
        None => host_name()?,
    };
    values::once_each(&args.set)?;
    let config = config(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(serve(args, &name, config));
    runtime.shutdown_timeout(Duration::from_millis(200));
    exit
}

fn config(args: &Args) -> Result<Config, Usage> {
    let default = Config::default();
    let timeout = default.probe_timeout.min(args.probe_interval / 2);
    let config = Config {
        cluster: args.cluster.clone(),
        interval: args.interval,
        view_size: args.view_size,
        probe_interval: args.probe_interval,
        probe_timeout: args.probe_timeout.unwrap_or(timeout),
        suspicion_timeout: args.suspicion,
        reconnect_interval: args.reconnect_interval,
        sync_interval: args.sync_interval,
        round_length: args.round_length,
        tolerance: args.tolerance,
        ..default
    };
    match config.check() {
        Ok(()) => Ok(config),
        Err(error) => {
            let option = match error.setting {
                "suspicion_timeout" => "suspicion".to_owned(),
                other => other.replace('_', "-"),
            };
            let range = error.range.replace("probe_interval", "--probe-interval");
            Err(Usage(format!("--{option} is {}, but must be {range}", error.value)))
        }
    }
}

async fn serve(args: &Args, name: &Name, config: Config) -> anyhow::Result<Exit> {
    let mut builder = Agent::builder(name.as_str()).bind(args.bind).config(config).loss(args.loss);
    if let Listen::At(addr) = args.http {
        builder = builder.http(Some(addr));
    }
    builder = builder.join(args.join.iter().cloned());
    if let Some(advertise) = args.advertise {
        builder = builder.advertise(advertise);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    let mut signals = Signals::listen()?;
    let agent = builder.start().await.with_context(|| format!("agent {name} did not start"))?;
    match prepare(args, &agent).await {
        Ok(info) => exit::print(&banner(args, &info))?,
        // It may have been refused already.
        Err(Error::Stopped(reason)) => return ended(&reason),
        Err(error) => return Err(Usage(error.to_string()).into()),
    }
    tokio::select! {
        reason = agent.stopped() => ended(&reason),
        _ = signals.ended() => {
            tracing::info!("leaving the cluster; a second signal ends the agent at once");
            tokio::select! {
                () = agent.leave() => Ok(Exit::Done),
                _ = signals.ended() => Ok(Exit::Failed),
            }
        }
    }
}

async fn prepare(args: &Args, agent: &Agent) -> Result<Info, Error> {
    for Input { name, value } in &args.set {
        agent.set(name.as_str(), *value).await?;
    }
    agent.info().await
}

/// The agent has stopped by itself, or because it was told to over HTTP.
fn ended(reason: &StopReason) -> anyhow::Result<Exit> {
    match reason {
        StopReason::Left => Ok(Exit::Done),
        StopReason::NameTaken { name, by } => Err(anyhow!(
            "the cluster has a live member named {name} already, at {by}; choose another name \
             with --name, or wait until that one is down"
        )),
        other => Err(anyhow!("the agent has stopped: {other}")),
    }
}

fn banner(args: &Args, info: &Info) -> String {
    let mut lines = vec![
        format!("rumormill agent {} of cluster {:?}", info.name, info.cluster),
        format!("  peers   {} (UDP and TCP)", info.address),
        match info.http_address {
            Some(http) => format!("  http    http://{http}"),
            None => "  http    off: the other verbs can't reach it".to_owned(),
        },
    ];
    if !info.inputs.is_empty() {
        let inputs = info.inputs.iter().map(|input| format!("{}={}", input.name, input.value));
        lines.push(format!("  inputs  {}", inputs.collect::<Vec<_>>().join(" ")));
    }
    if !args.join.is_empty() {
        lines.push(format!("  joins   {}", args.join.join(", ")));
    }
    lines.push("  data    none: it keeps nothing on disk".to_owned());
    if args.loss > 0.0 {
        let percent = format::number(args.loss * 100.0, 6);
        lines.push(format!("  loss    drops {percent} % of its datagrams on purpose"));
    }
    let open = |addr: SocketAddr| !addr.ip().is_loopback();
    if open(args.bind) {
        lines.push(format!(
            "WARNING: {} is not loopback, and the agents' traffic is NOT AUTHENTICATED and NOT \
             ENCRYPTED: whoever reaches this port can join and change every figure. Keep it on a \
             network that you trust.",
            args.bind
        ));
    }
    if let Some(http) = info.http_address.filter(|&http| open(http)) {
        lines.push(format!(
            "WARNING: {http} is not loopback, and HTTP is NOT AUTHENTICATED: whoever reaches this \
             port can set inputs and stop the agent."
        ));
    }
    lines.join("\n")
}

/// The host's name, made fit to be a node's.
fn host_name() -> anyhow::Result<Name> {
    let read = |path| std::fs::read_to_string(path).ok();
    let text = read("/proc/sys/kernel/hostname")
        .or_else(|| read("/etc/hostname"))
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    Name::new(text.trim()).map_err(|error| {
        Usage(format!("the host's name can't be the agent's ({error}); give one with --name"))
            .into()
    })
}
