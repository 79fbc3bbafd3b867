//! `rumormill agent`: one agent, until a signal.

mod file;
mod group;
mod handler;
mod log;
mod settings;
mod sink;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use rumormill_agent::api::Info;
use rumormill_agent::{Agent, Error, StopReason, Store};
use rumormill_proto::Name;

use crate::agent::handler::Handler;
use crate::agent::log::{Level, Log};
use crate::agent::settings::Settings;
use crate::term::exit::{Exit, Usage};
use crate::term::parse::{Input, Listen};
use crate::term::signal::Signals;
use crate::term::{format, parse};

const EXAMPLES: &str = "\
Examples:
  rumormill agent --name a --set requests=5
  rumormill agent --name b --bind 127.0.0.1:7947 --http 127.0.0.1:7981 \\
                  --join 127.0.0.1:7946 --set requests=10
  rumormill agent --bind 10.0.0.7:7946 --join 10.0.0.5:7946,10.0.0.6:7946 --set queue=12

Then ask: rumormill get requests --wait 10s

Without --data the agent keeps nothing on disk: after a restart it joins again, and its inputs are
those of --set. Its traffic is neither authenticated nor encrypted: keep it on a network
that you trust. Ctrl-C, SIGTERM or SIGHUP (unless nohup started it) makes it leave the cluster
properly; a second Ctrl-C or SIGTERM ends it at once.

Exit codes: 0 left the cluster, 1 failed (a taken port, a taken name), 2 usage.";

/// Run an agent until Ctrl-C or SIGTERM
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A file with every setting below as a key (interval = "200ms") and more; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// The agent's name, unique in the cluster [default: that of --data, or the host's name]
    #[arg(long, value_parser = parse::name)]
    name: Option<Name>,
    /// Where to listen for the other agents, UDP and TCP [default: 127.0.0.1:7946]
    #[arg(long, value_name = "IP:PORT", value_parser = parse::socket)]
    bind: Option<SocketAddr>,
    /// The address that the others reach this agent at, if it is not the one of --bind
    #[arg(long, value_name = "IP:PORT", value_parser = parse::socket)]
    advertise: Option<SocketAddr>,
    /// Where to answer HTTP, for the other verbs and for programs; `off` for nowhere [default:
    /// 127.0.0.1:7980]
    #[arg(long, value_name = "IP:PORT", value_parser = parse::listen)]
    http: Option<Listen>,
    /// Members of the cluster to join, any of them; the names are looked up and asked for as long as
    /// the agent runs
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = parse::host_port)]
    join: Option<Vec<String>>,
    /// An input of this agent, such as requests=5; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::input)]
    set: Vec<Input>,
    /// A directory in which the agent keeps its name, its boot number, its inputs and the replica,
    /// whatever ends it [default: it keeps nothing]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Take up the replica of --data even if it has not been written for longer than deleted keys
    /// are remembered: they may rise again
    #[arg(long)]
    keep_old_kv: bool,
    /// Answer queries of this name with what a command prints; it gets the query's payload on
    /// standard input. No shell reads it, but for NAME='sh -c "…"'. May be given several times
    #[arg(long, value_name = "NAME=COMMAND", value_parser = handler::parse)]
    on_query: Vec<Handler>,
    /// The cluster's name; agents of different clusters ignore each other [default: default]
    #[arg(long)]
    cluster: Option<String>,
    /// The gossip period, 10ms to 60s [default: 200ms]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    interval: Option<Duration>,
    /// About how many peers to exchange with, at least 4 [default: 16]
    #[arg(long, value_name = "N")]
    view_size: Option<usize>,
    /// How often to probe one member [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    probe_interval: Option<Duration>,
    /// How long a direct probe may take [default: 150ms, or half of --probe-interval if less]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    probe_timeout: Option<Duration>,
    /// How long a suspected member has to refute before it is declared dead [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    suspicion_timeout: Option<Duration>,
    /// How often to try members that are held for dead [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    reconnect_interval: Option<Duration>,
    /// How often to exchange the whole membership with one member [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    sync_interval: Option<Duration>,
    /// How far a member's clock may be from this machine's; what is stamped further ahead is refused,
    /// 1s to 1 day [default: 5m]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    max_clock_skew: Option<Duration>,
    /// The length of a round of figures in round mode, 16 to 65536 gossip periods [default: 64]
    #[arg(long, value_name = "PERIODS")]
    round_length: Option<u32>,
    /// The relative width of an enclosure at which a figure counts as converged, 1e-12 to 0.5
    /// [default: 0.000001]
    #[arg(long, value_name = "X")]
    tolerance: Option<f64>,
    /// The seed of the agent's random choices [default: from the system]
    #[arg(long)]
    seed: Option<u64>,
    /// Drop outgoing datagrams with this probability, to see what happens; 0 to below 1 [default:
    /// 0]
    #[arg(long, value_name = "P", value_parser = parse::loss)]
    loss: Option<f64>,
    /// What to log on standard error [default: info]
    #[arg(long, value_name = "LEVEL", value_enum)]
    log: Option<Level>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let settings = Settings::gather(args)?;
    let log = Log::start(settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(serve(&settings, &log));
    runtime.shutdown_timeout(Duration::from_millis(200));
    Ok(log.end(outcome))
}

async fn serve(settings: &Settings, log: &Log) -> anyhow::Result<Exit> {
    // First of all: one that comes while the agent starts ends it in good order, too.
    let mut signals = Signals::listen()?;
    let agent = tokio::select! {
        started = start(settings, log) => started?,
        // No other agent has heard of it yet.
        _ = signals.ended() => return Ok(Exit::Done),
    };
    let life = async {
        match prepare(settings, &agent).await {
            Ok(info) => log.say(&banner(settings, &info)),
            // It may have been refused already.
            Err(Error::Stopped(reason)) => return ended(&reason),
            Err(error) => return Err(Usage(error.to_string()).into()),
        }
        ended(&agent.stopped().await)
    };
    tokio::select! {
        ended = life => ended,
        _ = signals.ended() => {
            tracing::info!("leaving the cluster; a second signal ends the agent at once");
            tokio::select! {
                () = agent.leave() => Ok(Exit::Done),
                _ = signals.again() => Ok(Exit::Failed),
            }
        }
    }
}

async fn start(settings: &Settings, log: &Log) -> anyhow::Result<Agent> {
    let store = match settings.data.clone() {
        // Reading a large one takes a while.
        Some(dir) => Some(tokio::task::spawn_blocking(|| Store::open(dir)).await??),
        None => None,
    };
    let kept = store.as_ref().and_then(|store| store.name().cloned());
    let name = match settings.name.clone().or(kept) {
        Some(name) => name,
        None => settings::host_name()?,
    };
    let mut builder = Agent::builder(name.as_str())
        .bind(settings.bind)
        .config(settings.config.clone())
        .loss(settings.loss)
        .join(settings.join.iter().cloned())
        .log_lines_dropped(log.dropped());
    if let Listen::At(addr) = settings.http {
        builder = builder.http(Some(addr));
    }
    if let Some(advertise) = settings.advertise {
        builder = builder.advertise(advertise);
    }
    if let Some(seed) = settings.seed {
        builder = builder.seed(seed);
    }
    if let Some(store) = store {
        builder = builder.store(store).keep_old_kv(settings.keep_old_kv);
    }
    for handler in &settings.handlers {
        let (name, handler) = (handler.name.clone(), handler.clone());
        builder = builder.handle(name.as_str(), move |query| handler.clone().answer(query));
    }
    builder.start().await.with_context(|| format!("agent {name} did not start"))
}

async fn prepare(settings: &Settings, agent: &Agent) -> Result<Info, Error> {
    for Input { name, value } in &settings.inputs {
        agent.aggregates().set(name.as_str(), *value).await?;
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

fn banner(settings: &Settings, info: &Info) -> String {
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
    if !settings.join.is_empty() {
        lines.push(format!("  joins   {}", settings.join.join(", ")));
    }
    lines.push(match &settings.data {
        Some(dir) => format!("  data    {}", dir.display()),
        None => "  data    none: it keeps nothing on disk (--data DIR)".to_owned(),
    });
    if settings.loss > 0.0 {
        let percent = format::number(settings.loss * 100.0, 6);
        lines.push(format!("  loss    drops {percent} % of its datagrams on purpose"));
    }
    let open = |addr: SocketAddr| !addr.ip().is_loopback();
    if open(settings.bind) {
        lines.push(format!(
            "WARNING: {} is not loopback, and the agents' traffic is NOT AUTHENTICATED and NOT \
             ENCRYPTED: whoever reaches this port can join, change every figure and key, and have the \
             query handlers run. Keep it on a network that you trust.",
            settings.bind
        ));
    }
    if let Some(http) = info.http_address.filter(|&http| open(http)) {
        lines.push(format!(
            "WARNING: {http} is not loopback, and HTTP is NOT AUTHENTICATED: whoever reaches this \
             port can set inputs and keys, ask queries, and stop the agent."
        ));
    }
    lines.join("\n")
}
