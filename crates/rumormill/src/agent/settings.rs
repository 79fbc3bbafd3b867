//! The settings of an agent: those of its file, with its flags laid over them.

use anyhow::Context;
use rumormill_proto::{Config, ConfigError, Name};

use crate::agent::Args;
use crate::agent::file::Settings;
use crate::agent::flags::set;
use crate::term::exit::Usage;
use crate::term::parse;

/// Reads the configuration file, if there is one, and lays the flags over it.
pub(crate) fn gather(args: &Args) -> anyhow::Result<Settings> {
    let file = args.config.as_deref().map(Settings::read).transpose()?;
    let Settings { mut config, mut agent } = file.unwrap_or_default();
    args.flags.overlay(&mut config);
    if let Err(error) = config.check() {
        return Err(Usage(refusal(args, &error)).into());
    }
    set(&mut agent.bind, args.bind.as_ref());
    set(&mut agent.http, args.http.as_ref());
    set(&mut agent.join, args.join.as_ref());
    set(&mut agent.loss, args.loss.as_ref());
    set(&mut agent.log, args.log.as_ref());
    agent.name = args.name.clone().or(agent.name);
    agent.advertise = args.advertise.or(agent.advertise);
    agent.seed = args.seed.or(agent.seed);
    agent.data = args.data.clone().or(agent.data);
    agent.keep_old_kv |= args.keep_old_kv;
    parse::once_each(&args.set)?;
    agent.inputs.retain(|input| args.set.iter().all(|flag| flag.name != input.name));
    agent.inputs.extend(args.set.iter().cloned());
    agent.handlers.retain(|handler| args.on_query.iter().all(|flag| flag.topic != handler.topic));
    agent.handlers.extend(args.on_query.iter().cloned());
    Ok(Settings { config, agent })
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
