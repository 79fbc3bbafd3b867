//! `rumormill get`.

use std::time::Duration;

use rumormill_proto::{Name, Reading};

use crate::client::http::{Client, Path};
use crate::client::reading::{block, overview};
use crate::client::reply::Json;
use crate::client::wait::{Goal, wait};
use crate::term::exit::Exit;
use crate::term::signal::until_signal;
use crate::term::{exit, parse};

/// Read an aggregate of the cluster, or all of them
///
/// Prints this agent's estimates of sum, average and count (the number of nodes with an input of this
/// name) now, each with its standard error, and what is certain: bounds that contained the true value
/// at an instant, and how long ago that was at most.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  rumormill get                          all aggregates, a line each
  rumormill get requests                 one aggregate in detail
  rumormill get requests --wait 10s      wait until it has settled
  rumormill get requests --wait 10s --within 1% --members 5
  rumormill get requests --json | jq .sum.value

Exit codes: 0 done, 1 failed (no agent, no such aggregate), 2 usage, 3 not in time,
130 interrupted.")]
pub(crate) struct Args {
    /// Name of the aggregate [default: all]
    #[arg(value_parser = parse::name)]
    name: Option<Name>,
    /// Longest time to wait, at most 1h: for the agent to be there, for the aggregate to be known and to
    /// settle; exits with 3 when it is over
    #[arg(long, value_name = "TIME", value_parser = parse::at_most::<3600>)]
    wait: Option<Duration>,
    /// Wait for this precision of the sum, `1%` or `0.01`, instead of for it to settle: three standard
    /// errors of the estimate now are at most this share of it
    #[arg(long, value_name = "SHARE", value_parser = parse::share, requires = "wait")]
    within: Option<f64>,
    /// Wait until at least this many members are up, this agent included
    #[arg(long, value_name = "COUNT", value_parser = parse::small_count, requires = "wait")]
    members: Option<u32>,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: Client, args: Args) -> anyhow::Result<Exit> {
    until_signal(move || get(&client, &args), |ended| ended)
}

fn get(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    match &args.name {
        Some(name) => {
            let path = Path::new("/v1/aggregates").segment(name.as_str());
            let (reading, missing) = read(client, args, &path, std::slice::from_ref)?;
            args.json.show(&reading, |reading| block(reading).join("\n"))?;
            Ok(outcome(missing))
        }
        None => {
            let path = Path::new("/v1/aggregates");
            let (readings, missing) = read(client, args, &path, Vec::as_slice)?;
            args.json.show(&readings, |readings| match readings.is_empty() {
                true => "no aggregates yet; `rumormill set requests=5` adds an input".to_owned(),
                false => overview(readings).join("\n"),
            })?;
            Ok(outcome(missing))
        }
    }
}

/// Returns what is at `path`: at once, or when its readings meet the goal, or when the time is up, with
/// what is missing then.
fn read<T: serde::de::DeserializeOwned>(
    client: &Client,
    args: &Args,
    path: &Path,
    readings: impl Fn(&T) -> &[Reading],
) -> anyhow::Result<(T, Option<String>)> {
    let look = || client.get(path, Duration::ZERO);
    let Some(time) = args.wait else { return Ok((look()?, None)) };
    let goal = Goal { within: args.within, members: args.members };
    wait(time, look, |value| readings(value).iter().find_map(|reading| goal.missing(reading)))
}

fn outcome(missing: Option<String>) -> Exit {
    match missing {
        None => Exit::Done,
        Some(missing) => {
            exit::note(&format!("rumormill: not in time: {missing}\n"));
            Exit::NotConverged
        }
    }
}
