//! `rumormill agent`: one agent, until a signal.

mod file;
mod flags;
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
use tracing_subscriber::filter::LevelFilter;

use crate::agent::file::{AgentKeys, Settings};
use crate::agent::flags::Flags;
use crate::agent::handler::Handler;
use crate::agent::log::Log;
use crate::term::exit::{Exit, Usage};
use crate::term::parse::{Input, Listen};
use crate::term::signal::Signals;
use crate::term::{format, parse};

const EXAMPLES: &str = "\
Examples:
  rumormill agent --name a --set requests=5
  rumormill agent --name b --bind 127.0.0.1:7947 --http off --join 127.0.0.1:7946 --set requests=10
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
    /// A file with the settings below as keys (interval = "200ms"), and others; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// The agent's name, unique in the cluster [default: that of --data, or the host's name]
    #[arg(long, value_parser = parse::name)]
    name: Option<Name>,
    /// Where to listen for the other agents, UDP and TCP [default: 127.0.0.1:7946]
    #[arg(long, value_name = "IP:PORT", value_parser = parse::socket)]
    bind: Option<SocketAddr>,
    /// The address at which other agents reach this one, if it is not that of --bind
    #[arg(long, value_name = "IP:PORT", value_parser = parse::socket)]
    advertise: Option<SocketAddr>,
    /// Where to answer HTTP, for the other verbs and for programs, or `off` [default:
    /// 127.0.0.1:7980]
    #[arg(long, value_name = "IP:PORT", value_parser = parse::listen)]
    http: Option<Listen>,
    /// Members of the cluster to join; their names are looked up for as long as the agent runs
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',', value_parser = parse::host_port)]
    join: Option<Vec<String>>,
    /// An input of this agent, such as requests=5; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse::input)]
    set: Vec<Input>,
    /// A directory that keeps the agent's name, incarnation, inputs and keys through crashes and
    /// restarts [default: none; the agent keeps nothing]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use the keys in --data even if no agent has written there for longer than deletions are
    /// remembered: deleted keys may come back
    #[arg(long)]
    keep_old_kv: bool,
    /// Answer queries of this topic with the output of a command; its standard input is the query's
    /// payload. It runs without a shell (for one, TOPIC='sh -c "…"'). May be given several times
    #[arg(long, value_name = "TOPIC=COMMAND", value_parser = handler::parse)]
    on_query: Vec<Handler>,
    #[command(flatten)]
    flags: Flags,
    /// The seed of the agent's random choices [default: from the system]
    #[arg(long)]
    seed: Option<u64>,
    /// Drop outgoing datagrams with this probability, as a test; 0 to below 1 [default: 0]
    #[arg(long, value_name = "P", value_parser = parse::loss)]
    loss: Option<f64>,
    /// What to log on standard error: `off`, `error`, `warn`, `info`, `debug` or `trace` [default: info]
    #[arg(long, value_name = "LEVEL", value_parser = log::level)]
    log: Option<LevelFilter>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let settings = settings::gather(args)?;
    let log = Log::start(settings.agent.log)?;
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
        // No other agent knows it yet.
        _ = signals.ended() => return Ok(Exit::Done),
    };
    let life = async {
        match prepare(&settings.agent, &agent).await {
            Ok(info) => log.say(&banner(&settings.agent, &info)),
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
    let Settings { config, agent: settings } = settings;
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
        .config(config.clone())
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
        let (name, handler) = (handler.topic.clone(), handler.clone());
        builder = builder.handle(name.as_str(), move |query| handler.clone().answer(query));
    }
    builder.start().await.with_context(|| format!("agent {name} did not start"))
}

async fn prepare(settings: &AgentKeys, agent: &Agent) -> Result<Info, Error> {
    for Input { name, value } in &settings.inputs {
        agent.aggregates().set(name.as_str(), *value).await?;
    }
    agent.info().await
}

/// The agent has stopped by itself, or on request over HTTP.
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

fn banner(settings: &AgentKeys, info: &Info) -> String {
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
             ENCRYPTED: whoever reaches this port can join, change every aggregate and key, and run \
             the query handlers. Keep it on a network that you trust.",
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
