//! `rumormill trace`: how an event spread.

mod plot;
mod statistics;

use std::path::PathBuf;
use std::time::Duration;

use rumormill_agent::api::{Info, Trace};
use rumormill_proto::EventId;
use serde::Serialize;

use crate::client::http::{Client, Path};
use crate::client::reply::Json;
use crate::client::trace::statistics::{ByRound, ByTime, Prediction, Spread};
use crate::term::exit::Exit;
use crate::term::format::{self, right};
use crate::term::parse;
use crate::term::start::check_plot;

/// Show how an event spread
///
/// Asks all nodes when they received it. Prints the share of informed nodes by round and by time,
/// the copies for each delivery, and late nodes. Nodes forget an event after events.retention
/// (10 minutes by default).
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill trace 00f3a9c17b24d85e
  rumormill trace 00f3a9c17b24d85e --plot spread.svg
  rumormill trace 00f3a9c17b24d85e --json | jq .spread.milliseconds

Exit codes: 0 all nodes answered and have it, 1 failed, 2 usage, 3 some did not answer or do not
have it.")]
pub(crate) struct Args {
    /// Id of the event, as `rumormill event` printed it
    #[arg(value_parser = parse::event_id)]
    id: EventId,
    /// Longest time to wait for answers, at most 10m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse::at_most::<600>)]
    timeout: Duration,
    /// Draw the share of informed nodes over time to FILE.svg or FILE.png
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Report<'a> {
    trace: &'a Trace,
    spread: &'a Spread,
    prediction: Option<&'a Prediction>,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    if let Some(path) = &args.plot {
        check_plot(path)?;
    }
    let millis = args.timeout.as_millis();
    let id = args.id.to_string();
    let path = Path::new("/v1/trace").segment(&id).with("timeout", &format!("{millis}ms"));
    let trace: Trace = client.get(&path, args.timeout)?;
    let info: Info = client.get(&Path::new("/v1/info"), Duration::ZERO)?;
    let spread = Spread::of(&trace);
    let prediction = Prediction::of(&info, &spread);
    let report = Report { trace: &trace, spread: &spread, prediction: prediction.as_ref().ok() };
    args.json.show(&report, |_| lines(&trace, &spread).join("\n"))?;
    if let Some(path) = &args.plot {
        let title = format!("Event {} among {} nodes", trace.id, spread.nodes);
        let subtitle = match &prediction {
            Ok(prediction) => prediction.words.clone(),
            Err(why) => format!("no exact prediction: {why}"),
        };
        let exact = prediction.map(|prediction| prediction.milliseconds).unwrap_or_default();
        plot::sheet(title, subtitle, &spread.curve(), &exact).save(path)?;
    }
    let whole = trace.answered == trace.expected && trace.missing.is_empty();
    Ok(if whole { Exit::Done } else { Exit::NotConverged })
}

fn lines(trace: &Trace, spread: &Spread) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(record) = trace.informed.first().map(|node| &node.record) {
        lines.push(format!(
            "{} {}, {} from {}: {} of {} nodes have it, {} of {} answered",
            record.topic,
            trace.id,
            format::plural(spread.bytes as usize, "byte"),
            record.origin,
            trace.informed.len(),
            spread.nodes,
            trace.answered,
            trace.expected,
        ));
    }
    lines.extend(format::list(
        &spread.rounds,
        &[
            right("round", |by: &ByRound| by.round.to_string()),
            right("nodes", |by| by.nodes.to_string()),
            right("share", |by| format!("{:.1} %", by.share * 100.0)),
            right("last received after", |by| ms(by.milliseconds)),
        ],
    ));
    lines.push(String::new());
    lines.extend(format::list(
        &spread.milliseconds,
        &[
            right("share", |by: &ByTime| format!("{:.0} %", by.share * 100.0)),
            right("informed after", |by| by.milliseconds.map_or("not reached".to_owned(), ms)),
        ],
    ));
    lines.push(String::new());
    if let Some(copies) = spread.copies_per_delivery {
        lines.push(format!(
            "{} copies for each delivery; {} received it by pull",
            format::number(copies, 3),
            format::plural(spread.pulled, "node"),
        ));
    }
    if !spread.late.is_empty() {
        let late = spread
            .late
            .iter()
            .map(|late| format!("{} ({}, round {})", late.node, ms(late.milliseconds), late.round));
        lines.push(format!("late: {}", late.collect::<Vec<_>>().join(", ")));
    }
    for (what, names) in [
        ("do not have it", &trace.missing),
        ("no answer from", &trace.silent),
        ("rejected by the validator of", &spread.rejected),
    ] {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    }
    lines
}

fn ms(time: f64) -> String {
    format!("{} ms", format::number(time, 4))
}
