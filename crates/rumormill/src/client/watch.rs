//! `rumormill watch` and `rumormill monitor`.

use std::time::SystemTime;

use rumormill_agent::api::Update;
use rumormill_proto::Name;
use serde::Serialize;

use crate::client::follow::follow;
use crate::client::http::{Client, Path};
use crate::client::line::line;
use crate::client::reply::Json;
use crate::term::exit::Exit;
use crate::term::parse;

/// Follow an aggregate, or everything, until Ctrl-C
///
/// Prints a line for each change. Without a name: aggregates, members, events, queries and keys.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill watch requests
  rumormill watch --json | jq -c 'select(.kind == \"member_down\")'")]
pub(crate) struct WatchArgs {
    /// Name of the aggregate [default: everything]
    #[arg(value_parser = parse::name)]
    name: Option<Name>,
    #[command(flatten)]
    json: Json,
}

/// Follow events, queries, members and keys until Ctrl-C
///
/// Prints a line for each, with the time at which it was received. For aggregates use `watch`.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill monitor
  rumormill monitor --only event,key
  rumormill monitor --json | jq -c 'select(.kind == \"event\") | [.time, .topic, .payload]'")]
pub(crate) struct MonitorArgs {
    /// Kinds to print: `event`, `query`, `key`, `member_up`, `member_down`, … [default: all]
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parse::kind)]
    only: Vec<String>,
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Stamped<'a> {
    /// When it was received: RFC 3339, UTC.
    time: &'a str,
    #[serde(flatten)]
    update: &'a Update,
}

pub(crate) fn watch(client: Client, args: &WatchArgs) -> anyhow::Result<Exit> {
    let mut path = Path::new("/v1/watch");
    if let Some(name) = &args.name {
        path = path.with("name", name.as_str());
    }
    let json = args.json.json;
    follow(client, path, move |update| match json {
        true => Ok(serde_json::to_string(update)?),
        false => Ok(line(update)),
    })
}

pub(crate) fn monitor(client: Client, args: &MonitorArgs) -> anyhow::Result<Exit> {
    let all = Update::kinds().filter(|kind| *kind != "aggregate");
    let kinds =
        if args.only.is_empty() { all.collect::<Vec<_>>().join(",") } else { args.only.join(",") };
    let json = args.json.json;
    follow(client, Path::new("/v1/watch").with("kinds", &kinds), move |update| {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        match json {
            true => Ok(serde_json::to_string(&Stamped { time: &time, update })?),
            false => Ok(format!("{time}  {}", line(update))),
        }
    })
}
