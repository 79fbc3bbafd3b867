//! `rumormill get`.

use std::time::{Duration, Instant};

use rumormill_agent::api::NotConverged;
use rumormill_proto::{Name, Reading};

use crate::client::http::{Answer, Client, Path, Refusal};
use crate::client::reading::{block, overview};
use crate::client::reply::Json;
use crate::term::exit::Exit;
use crate::term::parse;

/// Read an aggregate of the cluster, or all of them
///
/// Prints this agent's estimates of sum, average and count (the number of nodes with an input of this
/// name) now, each with its standard error, and what is certain: bounds that contained the true value
/// at an instant, and how long ago that was at most.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill get                          all aggregates, a line each
  rumormill get requests                 one aggregate in detail
  rumormill get requests --wait 10s      wait until it has converged
  rumormill get requests --json | jq .sum.value

Exit codes: 0 done, 1 failed (no agent, no such aggregate), 2 usage, 3 not converged in time.")]
pub(crate) struct Args {
    /// Name of the aggregate [default: all]
    #[arg(value_parser = parse::name)]
    name: Option<Name>,
    /// Longest time to wait for convergence, at most 1h; exits with 3 when it is over
    #[arg(long, value_name = "TIME", value_parser = parse::at_most::<3600>)]
    wait: Option<Duration>,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let Some(name) = &args.name else { return all(client, args) };
    let reading = match args.wait {
        Some(wait) => wait_for(client, name, wait)?,
        None => client.get(&path(name), Duration::ZERO)?,
    };
    args.json.show(&reading, |reading| block(reading).join("\n"))?;
    Ok(exit_of(args, [&reading]))
}

fn all(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let mut readings: Vec<Reading> = client.get(&Path::new("/v1/aggregates"), Duration::ZERO)?;
    if let Some(wait) = args.wait {
        let deadline = Instant::now() + wait;
        for reading in &mut readings {
            let left = deadline.saturating_duration_since(Instant::now());
            *reading = wait_for(client, &reading.name, left)?;
        }
    }
    args.json.show(&readings, |readings| match readings.is_empty() {
        true => "no aggregates yet; `rumormill set requests=5` adds an input".to_owned(),
        false => overview(readings).join("\n"),
    })?;
    Ok(exit_of(args, &readings))
}

/// Returns the converged reading, or the last one when the time is over.
fn wait_for(client: &Client, name: &Name, wait: Duration) -> Answer<Reading> {
    let path = path(name).with("wait", &format!("{}ms", wait.as_millis()));
    match client.get(&path, wait) {
        Err(Refusal::Refused { body, status, message }) => {
            match serde_json::from_str::<NotConverged>(&body) {
                Ok(late) => Ok(late.reading),
                Err(_) => Err(Refusal::Refused { body, status, message }),
            }
        }
        answer => answer,
    }
}

fn path(name: &Name) -> Path {
    Path::new("/v1/aggregates").segment(name.as_str())
}

fn exit_of<'a>(args: &Args, readings: impl IntoIterator<Item = &'a Reading>) -> Exit {
    if args.wait.is_some() && !readings.into_iter().all(|reading| reading.converged) {
        Exit::NotConverged
    } else {
        Exit::Done
    }
}
