//! `rumormill query`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumormill_agent::api::{QueryLine, QueryRequest};
use rumormill_proto::Name;

use crate::client::Json;
use crate::client::event::bytes;
use crate::client::http::{Client, Path};
use crate::client::line::shown;
use crate::term::exit::Exit;
use crate::term::signal::Signals;
use crate::term::{exit, format, parse};

/// Ask all nodes, and gather their answers
///
/// Each answer is printed as it comes, and at the end how many of the nodes have answered. What
/// answers at a node is a handler: `rumormill agent --on-query NAME=COMMAND`, or a program's own.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill query disk
  rumormill query restart web --timeout 30s --json

Exit codes: 0 all have answered, 1 some answers are errors, 2 usage, 3 not all in time, 130
interrupted.")]
pub(crate) struct Args {
    /// What is asked
    #[arg(value_parser = parse::name)]
    name: Name,
    /// What the handlers are given; `-` reads standard input, bytes as they are
    #[arg(default_value = "")]
    payload: String,
    /// How long to wait for answers, at most 10m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = wait)]
    timeout: Duration,
    /// Print each answer, and the end, as one line of JSON
    #[command(flatten)]
    json: Json,
}

/// A duration of at most ten minutes, the agent's limit.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    match parse::duration(text)? {
        long if long > Duration::from_secs(600) => {
            Err(format!("a timeout of {text}; the longest is 10m"))
        }
        wait => Ok(wait),
    }
}

/// How many have answered so far, of how many.
#[derive(Clone, Copy, Default)]
struct Known {
    answered: usize,
    expected: usize,
}

pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<Exit> {
    let request = QueryRequest {
        name: args.name.to_string(),
        payload: bytes(&args.payload)?.into(),
        timeout: Some(format!("{}ms", args.timeout.as_millis())),
    };
    let json = args.json.json;
    let known = Arc::new(Mutex::new(Known::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let telling = Arc::clone(&known);
        let ask = tokio::task::spawn_blocking(move || ask(&client, &request, json, &telling));
        tokio::select! {
            asked = ask => asked?,
            ended = signals.ended() => {
                let known = *known.lock().unwrap_or_else(PoisonError::into_inner);
                if !json {
                    let line = format!("interrupted; {} of {} answered", known.answered, known.expected);
                    // Whoever reads it may have gone, or stand still.
                    let told = tokio::task::spawn_blocking(move || exit::print(&line));
                    tokio::select! {
                        _ = told => {}
                        _ = signals.again() => {}
                    }
                }
                Ok(Exit::from(ended))
            }
        }
    });
    runtime.shutdown_background();
    exit
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
        }
        match words(&line) {
            _ if json => exit::print(text),
            Some(words) => exit::print(&words),
            None => Ok(()),
        }
    })?;
    exit.ok_or_else(|| anyhow::anyhow!("the agent ended before the answers did"))
}

fn words(line: &QueryLine) -> Option<String> {
    match line {
        QueryLine::Asked { .. } => None,
        QueryLine::Answer { from, error: Some(error), .. } => {
            Some(format!("{from}: error: {error}"))
        }
        QueryLine::Answer { from, payload, error: None } => {
            let answer = match (&payload.payload, payload.bytes()) {
                // What a handler has written is shown as it is, but for its last line's end.
                (Some(text), _)
                    if !text.trim_end().contains(|c: char| c.is_control() && c != '\n') =>
                {
                    text.trim_end().replace('\n', &format!("\n{from}: "))
                }
                (_, bytes) => shown(bytes),
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
    }
}
