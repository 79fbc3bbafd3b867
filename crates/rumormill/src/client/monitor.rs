//! `rumormill monitor`.

use std::time::SystemTime;

use rumormill_agent::api::Event;
use serde::Serialize;

use crate::client::Json;
use crate::client::follow::follow;
use crate::client::http::{Client, Path};
use crate::client::line::line;
use crate::term::exit::Exit;
use crate::term::{exit, parse};

/// Follow what happens: events, queries, members that come and go, keys that change; until Ctrl-C
///
/// One line for each, with the time at which it was heard. Figures are what `watch` follows.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill monitor
  rumormill monitor --only rumor,key
  rumormill monitor --json | jq -c 'select(.event == \"rumor\") | [.time, .name, .payload]'")]
pub(crate) struct Args {
    /// Only these kinds: `rumor`, `query`, `key`, `member_up`, `member_down`, `catch_up` …
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = parse::kind)]
    only: Vec<String>,
    /// Print each as one line of JSON
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Stamped<'a> {
    /// When it was heard: RFC 3339, UTC.
    time: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<Exit> {
    let all = Event::KINDS.into_iter().filter(|kind| *kind != "aggregate");
    let kinds =
        if args.only.is_empty() { all.collect::<Vec<_>>().join(",") } else { args.only.join(",") };
    let json = args.json.json;
    follow(client, Path::new("/v1/watch").with("events", &kinds), move |event| {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        if json {
            exit::print(&serde_json::to_string(&Stamped { time: &time, event })?)
        } else {
            exit::print(&format!("{time}  {}", line(event)))
        }
    })
}
