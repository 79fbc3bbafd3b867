//! `rumormill event`.

use std::io::Read;

use anyhow::Context;
use rumormill_agent::api::{PublishRequest, Published};
use rumormill_proto::Name;

use crate::client::Json;
use crate::client::http::{Client, Path};
use crate::term::exit::Exit;
use crate::term::{exit, parse};

/// Tell all nodes news; each gets it once
///
/// Prints the event's id as soon as it is under way: `rumormill trace ID` shows how it spreads.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill event deploy \"v2 started\"
  git log -1 | rumormill event deploy -
  rumormill trace $(rumormill event deploy v2)

Listen with `rumormill monitor`, or GET /v1/watch.")]
pub(crate) struct Args {
    /// What it is about
    #[arg(value_parser = parse::name)]
    name: Name,
    /// What it says; `-` reads standard input, bytes as they are
    #[arg(default_value = "")]
    payload: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let payload = bytes(&args.payload)?;
    let request = PublishRequest { name: args.name.to_string(), payload: payload.into() };
    let told: Published = client.post(&Path::new("/v1/events"), &request)?;
    if args.json.json {
        exit::print_json(&told)?;
    } else {
        exit::print(&told.id)?;
    }
    Ok(Exit::Done)
}

/// The argument's bytes, or those of standard input if it is `-`.
pub(crate) fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    if text != "-" {
        return Ok(text.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}
