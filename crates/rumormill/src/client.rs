//! The verbs that use a running agent, over HTTP.

mod event;
mod explain;
mod follow;
mod get;
pub(crate) mod http;
mod info;
mod inputs;
mod kv;
mod line;
mod members;
mod query;
mod reading;
mod reply;
mod trace;
mod wait;
mod watch;

use clap::Subcommand;
use rumormill_agent::api::{JoinReply, JoinRequest, Status};

use crate::client::http::{Client, Path, Target};
use crate::term::exit::Exit;
use crate::term::{exit, parse};

/// The verbs that use a running agent.
#[derive(Subcommand)]
pub(crate) enum Verb {
    Members(members::Args),
    Set(inputs::SetArgs),
    Unset(inputs::UnsetArgs),
    Get(get::Args),
    Watch(watch::WatchArgs),
    Event(event::Args),
    Monitor(watch::MonitorArgs),
    Query(query::Args),
    Trace(trace::Args),
    Kv(kv::Args),
    Explain(explain::Args),
    Info(info::Args),
    /// Make the agent join a cluster
    ///
    /// Returns at once. The agent keeps the names and tries them for as long as it runs; `members`
    /// and the agent's log show the result.
    #[command(after_help = "Example:\n  rumormill join 10.0.0.5:7946")]
    Join {
        /// Members of the cluster, one or more
        #[arg(required = true, value_name = "HOST:PORT", value_delimiter = ',', value_parser = parse::host_port)]
        addresses: Vec<String>,
    },
    /// Make the agent leave the cluster and exit
    #[command(after_help = "Example:\n  rumormill --agent http://127.0.0.1:7981 leave")]
    Leave,
}

pub(crate) fn run(target: &Target, verb: Verb) -> anyhow::Result<Exit> {
    let client = Client::new(target)?;
    match verb {
        Verb::Members(args) => members::run(&client, &args),
        Verb::Set(args) => inputs::set(&client, &args),
        Verb::Unset(args) => inputs::unset(&client, &args),
        Verb::Get(args) => get::run(client, args),
        Verb::Watch(args) => watch::watch(client, &args),
        Verb::Event(args) => event::run(&client, &args),
        Verb::Monitor(args) => watch::monitor(client, &args),
        Verb::Query(args) => query::run(client, &args),
        Verb::Trace(args) => trace::run(&client, &args),
        Verb::Kv(args) => kv::run(client, args),
        Verb::Explain(args) => explain::run(&client, &args),
        Verb::Info(args) => info::run(&client, &args),
        Verb::Join { addresses } => join(&client, addresses),
        Verb::Leave => leave(&client),
    }
}

fn join(client: &Client, addresses: Vec<String>) -> anyhow::Result<Exit> {
    for address in addresses {
        let reply: JoinReply = client.post(&Path::new("/v1/join"), &JoinRequest { address })?;
        for address in reply.resolved {
            exit::print(&format!("contacting {address} until it answers"))?;
        }
    }
    Ok(Exit::Done)
}

fn leave(client: &Client) -> anyhow::Result<Exit> {
    let reply: Status = client.post(&Path::new("/v1/leave"), &serde_json::Value::Null)?;
    exit::print(&reply.status)?;
    Ok(Exit::Done)
}
