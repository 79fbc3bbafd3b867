//! `rumormill watch`.

use rumormill_proto::Name;

use crate::client::Json;
use crate::client::follow::follow;
use crate::client::http::{Client, Path};
use crate::client::line::line;
use crate::term::exit::Exit;
use crate::term::{exit, parse};

/// Follow a figure, or all that happens, until Ctrl-C
///
/// One line whenever something changes. Without a name: all figures, members that come and go,
/// events, questions and keys.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill watch requests
  rumormill watch --json | jq -c 'select(.event == \"member_down\")'")]
pub(crate) struct Args {
    /// The figure [default: everything]
    #[arg(value_parser = parse::name)]
    name: Option<Name>,
    /// Print each event as one line of JSON
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<Exit> {
    let path = match &args.name {
        Some(name) => Path::new("/v1/watch").with("name", name.as_str()),
        None => Path::new("/v1/watch"),
    };
    let json = args.json.json;
    follow(client, path, move |event| {
        if json { exit::print(&serde_json::to_string(event)?) } else { exit::print(&line(event)) }
    })
}
