//! `rumormill get`.

use std::time::{Duration, Instant};

use rumormill_agent::api::NotConverged;
use rumormill_proto::{Name, Reading, Statistic};

use crate::client::http::{Answer, Client, Path, Refusal};
use crate::client::reply::{DIGITS, Json};
use crate::term::exit::Exit;
use crate::term::format::{Align, bounds, known, left, right, yes};
use crate::term::{format, parse};

/// Read an aggregate of the cluster, or all of them
///
/// Prints sum, average and count (the number of nodes with an input of this name), each with
/// bounds: the true value at an instant of the last window lay within them.
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

/// Returns a table with a line for each aggregate.
fn overview(readings: &[Reading]) -> Vec<String> {
    format::list(
        readings,
        &[
            left("aggregate", |reading: &Reading| reading.name.to_string()),
            right("sum", |reading| known(reading.sum.value, DIGITS)),
            left("bounds", |reading| bounds(reading.sum.lower, reading.sum.upper, DIGITS)),
            right("average", |reading| known(reading.average.value, DIGITS)),
            right("count", |reading| known(reading.count.value, DIGITS)),
            right("members", |reading| reading.members.to_string()),
            left("converged", |reading| yes(reading.converged)),
        ],
    )
}

/// Returns the lines for one aggregate.
pub(crate) fn block(reading: &Reading) -> Vec<String> {
    let head = [("", Align::Left), ("value", Align::Right), ("bounds", Align::Left)];
    let statistic = |name: &str, statistic: &Statistic| {
        vec![
            format!("  {name}"),
            known(statistic.value, DIGITS),
            bounds(statistic.lower, statistic.upper, DIGITS),
        ]
    };
    let plain = |name: &str, value| vec![format!("  {name}"), known(value, DIGITS)];
    let rows = [
        statistic("sum", &reading.sum),
        statistic("average", &reading.average),
        statistic("count", &reading.count),
        plain("min", reading.min),
        plain("max", reading.max),
        plain("variance", reading.variance),
        plain("standard deviation", reading.standard_deviation),
        plain("standard error of the sum", reading.standard_error),
    ];
    let state = if reading.converged { "converged" } else { "not converged" };
    let round = reading.round.map_or_else(String::new, |round| format!(", round {round}"));
    let mut lines = vec![format!("{} ({}{round}): {state}", reading.name, reading.mode)];
    lines.extend(format::table(&head, &rows));
    lines.push(format!(
        "  {}; last disturbed {}; bounds from {}",
        format::plural(reading.members, "member"),
        format::ago(reading.disturbed),
        format::ago(reading.enclosed),
    ));
    lines.extend(reading.caveats.iter().map(|caveat| format!("  note: {caveat}")));
    lines
}
