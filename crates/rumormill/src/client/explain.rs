//! `rumormill explain`.

use std::time::Duration;

use rumormill_proto::{AnchorLine, ComponentLine, Explanation, LinkLine, Name};

use crate::client::http::{Client, Path};
use crate::client::reading::block;
use crate::client::reply::{DIGITS, Json};
use crate::term::exit::Exit;
use crate::term::format::{known, left, list, number, right, yes};
use crate::term::parse;

/// Show the state behind an aggregate: mass, anchors, links
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  rumormill explain requests")]
pub(crate) struct Args {
    /// Name of the aggregate
    #[arg(value_parser = parse::name)]
    name: Name,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let path = Path::new("/v1/aggregates").segment(args.name.as_str()).then("explain");
    let explanation: Explanation = client.get(&path, Duration::ZERO)?;
    args.json.show(&explanation, |explanation| lines(explanation).join("\n"))
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = block(&explanation.reading);
    let mut section = |title: String, rows: Vec<String>| {
        lines.push(String::new());
        lines.push(title);
        lines.extend(rows.into_iter().map(|row| format!("  {row}")));
    };
    let input = match explanation.input {
        Some(input) => number(input, DIGITS),
        None => "none: this agent has no input of this name".to_owned(),
    };
    section(format!("input here: {input}"), Vec::new());
    section(
        "mass here (mass = input + taken - given):".to_owned(),
        list(
            &explanation.components,
            &[
                left("component", |component: &ComponentLine| component.component.to_string()),
                right("input", |component| number(component.input, DIGITS)),
                right("taken", |component| number(component.taken, DIGITS)),
                right("given", |component| number(component.given, DIGITS)),
                right("mass", |component| number(component.mass, DIGITS)),
                right("in units of 2^-192", |component| component.units.clone()),
            ],
        ),
    );
    let nodes = known(explanation.nodes, DIGITS);
    section(
        format!(
            "anchors (each adds a mass of 1, of which each of N nodes has 1/N; median N: {nodes}):"
        ),
        list(
            &explanation.anchors,
            &[
                left("anchor", |anchor: &AnchorLine| anchor.name.to_string()),
                left("incarnation", |anchor| anchor.id.to_string()),
                right("share here", |anchor| number(anchor.mass, DIGITS)),
                right("N by this anchor", |anchor| known(anchor.nodes, DIGITS)),
            ],
        ),
    );
    section(
        "links:".to_owned(),
        list(
            &explanation.links,
            &[
                left("peer", |link: &LinkLine| link.name.to_string()),
                left("address", |link| link.addr.to_string()),
                left("accepted", |link| yes(link.linked)),
                left("awaits answer", |link| yes(link.outstanding)),
                right("exchanges", |link| link.exchanges.to_string()),
                right("net value taken", |link| number(link.net, DIGITS)),
            ],
        ),
    );
    let window = &explanation.window;
    let text = format!(
        "window {} is {}: reached by {} of {} members",
        window.number, window.phase, window.reached, window.of
    );
    section(text, Vec::new());
    lines
}
