//! `rumormill event`.

use std::io::Read;

use anyhow::Context;
use rumormill_agent::api::{PublishRequest, Published};
use rumormill_proto::Name;

use crate::client::http::{Client, Path};
use crate::client::reply::Json;
use crate::term::exit::Exit;
use crate::term::parse;

/// Publish an event: every node receives it once
///
/// Prints the event's id as soon as the agent has it. `rumormill trace ID` shows how it spread.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill event deploy \"v2 started\"
  git log -1 | rumormill event deploy -
  rumormill trace $(rumormill event deploy v2)

To receive events: `rumormill monitor`, or GET /v1/watch.")]
pub(crate) struct Args {
    /// Topic of the event
    #[arg(value_parser = parse::name)]
    topic: Name,
    /// Payload; `-` reads standard input, bytes as they are
    #[arg(default_value = "")]
    payload: String,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let payload = bytes(&args.payload)?;
    let request =
        PublishRequest { topic: args.topic.to_string(), payload: payload.as_slice().into() };
    let published: Published = client.post(&Path::new("/v1/events"), &request)?;
    args.json.show(&published, |published| published.id.clone())
}

/// Returns the argument's bytes, or those of standard input if it is `-`.
pub(crate) fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
    if text != "-" {
        return Ok(text.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}
