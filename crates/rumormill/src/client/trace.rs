//! `rumormill trace`: how a rumor has spread.

mod plot;
mod spread;

use std::path::PathBuf;
use std::time::Duration;

use rumormill_agent::api::{Info, Trace};
use rumormill_proto::RumorId;
use serde::Serialize;

use crate::client::Json;
use crate::client::http::{Client, Path};
use crate::client::query::wait;
use crate::client::trace::spread::{Prediction, Spread};
use crate::term::exit::Exit;
use crate::term::format::Align;
use crate::term::start::check_plot;
use crate::term::{exit, format, parse};

/// Show how an event has spread: asks all nodes when they heard of it
///
/// The share of the nodes that knew it, by round and by time; how many copies came for each
/// delivery; and who was late. Rumors are forgotten after rumor.retention (10 minutes by default).
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill trace 00f3a9c17b24d85e
  rumormill trace 00f3a9c17b24d85e --plot spread.svg
  rumormill trace 00f3a9c17b24d85e --json | jq .spread.milliseconds

Exit codes: 0 all nodes have answered and know it, 1 failed, 2 usage, 3 not all have answered or
some don't know it.")]
pub(crate) struct Args {
    /// The event's id, as `rumormill event` printed it
    #[arg(value_parser = parse::rumor_id)]
    id: RumorId,
    /// How long to wait for the nodes' answers, at most 10m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = wait)]
    timeout: Duration,
    /// Draw the share of the nodes that knew it over time, to an SVG or PNG
    #[arg(long, value_name = "FILE.svg")]
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
    if args.json.json {
        let prediction = prediction.as_ref().ok();
        exit::print_json(&Report { trace: &trace, spread: &spread, prediction })?;
    } else {
        exit::print(&lines(&trace, &spread).join("\n"))?;
    }
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
    if let Some(record) = trace.heard.first().map(|heard| &heard.record) {
        lines.push(format!(
            "{} {}, {} from {}: {} of {} know it, {} of {} answered",
            record.name,
            trace.id,
            format::plural(spread.bytes as usize, "byte"),
            record.origin,
            trace.heard.len(),
            spread.nodes,
            trace.answered,
            trace.expected,
        ));
    }
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let head = [
        ("round", Align::Right),
        ("nodes", Align::Right),
        ("share", Align::Right),
        ("last heard after", Align::Right),
    ];
    let row = |by: &spread::ByRound| {
        vec![
            by.round.to_string(),
            by.nodes.to_string(),
            percent(by.share),
            format!("{} ms", format::number(by.milliseconds, 4)),
        ]
    };
    lines.extend(format::table(&head, &spread.rounds.iter().map(row).collect::<Vec<_>>()));
    lines.push(String::new());
    let head = [("share", Align::Right), ("knew it after", Align::Right)];
    let row = |by: &spread::ByTime| {
        let time = by.milliseconds.map_or_else(
            || "not all do".to_owned(),
            |time| format!("{} ms", format::number(time, 4)),
        );
        vec![format!("{:.0} %", by.share * 100.0), time]
    };
    lines.extend(format::table(&head, &spread.milliseconds.iter().map(row).collect::<Vec<_>>()));
    lines.push(String::new());
    if let Some(copies) = spread.copies_per_delivery {
        lines.push(format!(
            "{} copies came for each delivery; {} found it by asking",
            format::number(copies, 3),
            format::plural(spread.pulled, "node"),
        ));
    }
    if !spread.late.is_empty() {
        let late = spread.late.iter().map(|late| {
            let time = format::number(late.milliseconds, 4);
            format!("{} ({time} ms, round {})", late.node, late.round)
        });
        lines.push(format!("late: {}", late.collect::<Vec<_>>().join(", ")));
    }
    for (what, names) in [
        ("don't know it", &trace.missing),
        ("silent", &trace.silent),
        ("stopped it there", &spread.rejected),
    ] {
        if !names.is_empty() {
            lines.push(format!("{what}: {}", names.join(", ")));
        }
    }
    lines
}
