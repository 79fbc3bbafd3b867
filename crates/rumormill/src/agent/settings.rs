//! The settings of an agent: from flags, then from the configuration file, then the defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use rumormill_proto::{Config, ConfigError, Name};
use tracing_subscriber::filter::LevelFilter;

use crate::agent::Args;
use crate::agent::file::File;
use crate::agent::handler::Handler;
use crate::term::exit::Usage;
use crate::term::parse;
use crate::term::parse::{Input, Listen};

/// The default addresses.
const BIND: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 7946);
const HTTP: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 7980);

/// The settings of an agent.
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
    pub(crate) log: LevelFilter,
    pub(crate) data: Option<PathBuf>,
    pub(crate) keep_old_kv: bool,
    pub(crate) handlers: Vec<Handler>,
}

impl Settings {
    /// Reads the configuration file, if there is one, and lays the flags over it.
    pub(crate) fn gather(args: &Args) -> anyhow::Result<Self> {
        let file = args.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        let File { mut config, agent } = file;
        args.flags.overlay(&mut config);
        if let Err(error) = config.check() {
            return Err(Usage(refusal(args, &error)).into());
        }
        parse::once_each(&args.set)?;
        let mut inputs = agent.inputs().map_err(Usage)?;
        inputs.retain(|input| args.set.iter().all(|flag| flag.name != input.name));
        inputs.extend(args.set.iter().cloned());
        let mut handlers = agent.queries.handlers().map_err(Usage)?;
        handlers.retain(|handler| args.on_query.iter().all(|flag| flag.name != handler.name));
        handlers.extend(args.on_query.iter().cloned());
        Ok(Self {
            name: args.name.clone().or(agent.name),
            bind: args.bind.or(agent.bind).unwrap_or(BIND.into()),
            advertise: args.advertise.or(agent.advertise),
            http: args.http.or(agent.http).unwrap_or(Listen::At(HTTP.into())),
            join: args.join.clone().or(agent.join).unwrap_or_default(),
            inputs,
            config,
            seed: args.seed.or(agent.seed),
            loss: args.loss.or(agent.loss).unwrap_or(0.0),
            log: args.log.or(agent.log).unwrap_or(LevelFilter::INFO),
            data: args.data.clone().or(agent.data),
            keep_old_kv: args.keep_old_kv || agent.keep_old_kv,
            handlers,
        })
    }
}

/// Returns the error of a setting that is out of its range, by its flag or by its key in the file.
fn refusal(args: &Args, error: &ConfigError) -> String {
    // What is refused without the file, too, comes from a flag.
    let mut flags = Config::default();
    args.flags.overlay(&mut flags);
    let by_flag = flags.check().is_err_and(|flag| flag.key == error.key);
    if let Some(path) = args.config.as_ref().filter(|_| !by_flag) {
        return format!("{}: {error}", path.display());
    }
    let flag = |key: &str| format!("--{}", key.rsplit('.').next().unwrap_or(key).replace('_', "-"));
    let other = "membership.probe_interval";
    let limit = error.limit.replace(other, &flag(other));
    format!("{} is {}, but must be {limit}", flag(error.key), error.value)
}

/// Returns the host's name, if it can be the name of a node.
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
