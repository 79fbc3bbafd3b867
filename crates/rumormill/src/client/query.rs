//! `rumormill query`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumormill_agent::api::{QueryLine, QueryRequest};
use rumormill_proto::Name;

use crate::client::event::bytes;
use crate::client::http::{Client, Path};
use crate::client::line::shown;
use crate::client::reply::Json;
use crate::term::exit::Exit;
use crate::term::signal::until_signal;
use crate::term::{exit, format, parse};

/// Ask all nodes and collect their answers
///
/// Prints each answer as it arrives, and at the end the number of nodes that answered. A node
/// answers with a handler: `rumormill agent --on-query TOPIC=COMMAND`, or a program's own.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill query disk
  rumormill query restart web --timeout 30s --json

Exit codes: 0 all answered, 1 some answered with an error, 2 usage, 3 some did not answer in time,
130 interrupted.")]
pub(crate) struct Args {
    /// Topic of the query, which selects the handlers
    #[arg(value_parser = parse::name)]
    topic: Name,
    /// Payload for the handlers; `-` reads standard input, bytes as they are
    #[arg(default_value = "")]
    payload: String,
    /// Longest time to wait for answers, at most 10m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse::at_most::<600>)]
    timeout: Duration,
    #[command(flatten)]
    json: Json,
}

/// Nodes that answered so far, and nodes asked.
#[derive(Clone, Copy, Default)]
struct Known {
    answered: usize,
    expected: usize,
}

pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<Exit> {
    let request = QueryRequest {
        topic: args.topic.to_string(),
        payload: bytes(&args.payload)?.as_slice().into(),
        timeout: Some(format!("{}ms", args.timeout.as_millis())),
    };
    let json = args.json.json;
    let known = Arc::new(Mutex::new(Known::default()));
    let counts = Arc::clone(&known);
    let ask = move || ask(&client, &request, json, &counts);
    until_signal(ask, move |ended| {
        let Known { answered, expected } = *known.lock().unwrap_or_else(PoisonError::into_inner);
        if !json {
            let _ = exit::print(&format!("interrupted; {answered} of {expected} answered"));
        }
        ended
    })
}

fn ask(
    client: &Client,
    request: &QueryRequest,
    json: bool,
    known: &Mutex<Known>,
) -> anyhow::Result<Exit> {
    let mut exit = None;
    client.post_for_lines(&Path::new("/v1/queries"), request, |text| {
        let line: QueryLine = serde_json::from_str(text)?;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        match &line {
            QueryLine::Asked { expected, .. } => known.expected = *expected,
            QueryLine::Answer { .. } => known.answered += 1,
            QueryLine::Finished { answered, expected, errors, .. } => {
                exit = Some(match errors {
                    _ if answered < expected => Exit::NotConverged,
                    0 => Exit::Done,
                    _ => Exit::Failed,
                });
            }
            _ => {}
        }
        match words(&line) {
            _ if json => exit::print(text),
            Some(words) => exit::print(&words),
            None => Ok(()),
        }
    })?;
    exit.ok_or_else(|| anyhow::anyhow!("the agent ended before all answers had arrived"))
}

fn words(line: &QueryLine) -> Option<String> {
    match line {
        QueryLine::Answer { from, error: Some(error), .. } => {
            Some(format!("{from}: error: {error}"))
        }
        QueryLine::Answer { from, payload, error: None } => {
            let answer = match str::from_utf8(payload) {
                // Shown as the handler wrote it, without the last newline.
                Ok(text) if !text.trim_end().contains(|c: char| c.is_control() && c != '\n') => {
                    text.trim_end().replace('\n', &format!("\n{from}: "))
                }
                _ => shown(payload),
            };
            Some(format!("{from}: {answer}"))
        }
        QueryLine::Finished { answered, expected, errors, silent } => {
            let mut words = format!("{answered} of {expected} answered");
            if *errors > 0 {
                words += &format!(", {} with an error", format::plural(*errors, "node"));
            }
            if !silent.is_empty() {
                words += &format!("; silent: {}", silent.join(", "));
            }
            Some(words)
        }
        _ => None,
    }
}
