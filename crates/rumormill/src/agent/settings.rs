//! What an agent runs with: flags first, then the configuration file, then the defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use rumormill_proto::{AggregateSettings, Config, ConfigError, MembershipSettings, Name};

use crate::agent::Args;
use crate::agent::file::File;
use crate::agent::handler::Handler;
use crate::agent::log::Level;
use crate::term::exit::Usage;
use crate::term::parse;
use crate::term::parse::{Input, Listen};

/// Where agents listen if they are not told otherwise.
const BIND: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 7946);
const HTTP: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 7980);

/// What an agent runs with.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `None`: the name of the data directory, or else the host's.
    pub(crate) name: Option<Name>,
    pub(crate) bind: SocketAddr,
    pub(crate) advertise: Option<SocketAddr>,
    pub(crate) http: Listen,
    pub(crate) join: Vec<String>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) config: Config,
    pub(crate) seed: Option<u64>,
    pub(crate) loss: f64,
    pub(crate) log: Level,
    pub(crate) data: Option<PathBuf>,
    pub(crate) keep_old_replica: bool,
    pub(crate) handlers: Vec<Handler>,
}

impl Settings {
    /// Reads the configuration file, if there is one, and lays the flags over it.
    pub(crate) fn gather(args: &Args) -> anyhow::Result<Self> {
        let file = args.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let config = config(args, &file);
        if let Err(error) = config.check() {
            return Err(Usage(refusal(args, &error)).into());
        }
        parse::once_each(&args.set)?;
        let mut inputs = file.inputs().map_err(Usage)?;
        inputs.retain(|input| args.set.iter().all(|flag| flag.name != input.name));
        inputs.extend(args.set.iter().cloned());
        let mut handlers = file.query.handlers().map_err(Usage)?;
        handlers.retain(|handler| args.on_query.iter().all(|flag| flag.name != handler.name));
        handlers.extend(args.on_query.iter().cloned());
        Ok(Self {
            name: args.name.clone().or_else(|| file.name()),
            bind: args.bind.or_else(|| file.bind()).unwrap_or(BIND.into()),
            advertise: args.advertise.or_else(|| file.advertise()),
            http: args.http.or_else(|| file.http()).unwrap_or(Listen::At(HTTP.into())),
            join: args.join.clone().or_else(|| file.join()).unwrap_or_default(),
            inputs,
            config,
            seed: args.seed.or(file.seed),
            loss: args.loss.or(file.loss).unwrap_or(0.0),
            log: args.log.or_else(|| file.log()).unwrap_or(Level::Info),
            data: args.data.clone().or_else(|| file.data.clone()),
            keep_old_replica: args.keep_old_replica || file.keep_old_replica,
            handlers,
        })
    }
}

fn config(args: &Args, file: &File) -> Config {
    let default = Config::default();
    let (aggregates, membership) = (default.aggregates, default.membership);
    let cluster = args.cluster.clone().or_else(|| file.cluster.clone());
    let interval = args.interval.or_else(|| file.interval());
    let probe_interval = args.probe_interval.or_else(|| file.probe_interval());
    let suspicion = args.suspicion.or_else(|| file.suspicion());
    let reconnect = args.reconnect_interval.or_else(|| file.reconnect_interval());
    let sync = args.sync_interval.or_else(|| file.sync_interval());
    let max_clock_skew = args.max_clock_skew.or_else(|| file.max_clock_skew());
    let round_length = args.round_length.or(file.round_length);
    Config {
        cluster: cluster.unwrap_or(default.cluster),
        interval: interval.unwrap_or(default.interval),
        max_clock_skew: max_clock_skew.unwrap_or(default.max_clock_skew),
        aggregates: AggregateSettings {
            view_size: args.view_size.or(file.view_size).unwrap_or(aggregates.view_size),
            tolerance: args.tolerance.or(file.tolerance).unwrap_or(aggregates.tolerance),
            round_length: round_length.unwrap_or(aggregates.round_length),
            ..aggregates
        },
        membership: MembershipSettings {
            probe_interval: probe_interval.unwrap_or(membership.probe_interval),
            probe_timeout: args.probe_timeout.or_else(|| file.probe_timeout()),
            suspicion_timeout: suspicion.unwrap_or(membership.suspicion_timeout),
            reconnect_interval: reconnect.unwrap_or(membership.reconnect_interval),
            sync_interval: sync.unwrap_or(membership.sync_interval),
        },
        events: file.rumor.config(),
        kv: file.replica.config(),
        ..default
    }
}

/// Says which flag or which key of the file is out of its range.
fn refusal(args: &Args, error: &ConfigError) -> String {
    let flat = error.key.rsplit('.').next().unwrap_or(error.key);
    let key = match flat {
        "suspicion_timeout" => "suspicion",
        _ if error.key.starts_with("events") || error.key.starts_with("kv") => error.key,
        other => other,
    };
    // What is refused without the file, too, comes from a flag.
    let flags = config(args, &File::default()).check().err();
    let by_flag = flags.is_some_and(|flag| flag.key == error.key);
    let by_file = args.config.as_ref().filter(|_| !by_flag);
    if let Some(path) = by_file {
        return format!(
            "{}: {key} is {}, but must be {}",
            path.display(),
            error.value,
            error.limit
        );
    }
    let option = key.replace('_', "-");
    let range = error.limit.replace("membership.probe_interval", "--probe-interval");
    format!("--{option} is {}, but must be {range}", error.value)
}

/// The host's name, made fit to be a node's.
pub(crate) fn host_name() -> anyhow::Result<Name> {
    let read = |path| std::fs::read_to_string(path).ok();
    let text = read("/proc/sys/kernel/hostname")
        .or_else(|| read("/etc/hostname"))
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    Name::new(text.trim())
        .map_err(|error| {
            Usage(format!("the host's name can't be the agent's ({error}); give one with --name"))
        })
        .context("there is no name for the agent")
}
