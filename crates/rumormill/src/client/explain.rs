//! `rumormill explain`.

use std::time::Duration;

use rumormill_agent::api::{Anchor, Component, Explanation, Link};
use rumormill_proto::Name;

use crate::client::get::{block, yes};
use crate::client::http::{Client, Path};
use crate::client::{DIGITS, Json};
use crate::term::exit::Exit;
use crate::term::format::Align;
use crate::term::{exit, format, parse};

/// Show what a figure rests on: mass, links, anchors
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  rumormill explain requests")]
pub(crate) struct Args {
    /// The figure
    #[arg(value_parser = parse::name)]
    name: Name,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let path = Path::new("/v1/aggregates").segment(args.name.as_str()).then("explain");
    let explanation: Explanation = client.get(&path, Duration::ZERO)?;
    if args.json.json {
        exit::print_json(&explanation)?;
    } else {
        exit::print(&lines(&explanation).join("\n"))?;
    }
    Ok(Exit::Done)
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = block(&explanation.reading);
    let mut section = |title: String, rows: Vec<String>| {
        lines.push(String::new());
        lines.push(title);
        lines.extend(rows.into_iter().map(|row| format!("  {row}")));
    };
    let input = match explanation.input {
        Some(input) => format::number(input, DIGITS),
        None => "none: this agent does not report the figure".to_owned(),
    };
    section(format!("input here: {input}"), Vec::new());
    section(
        "mass here (mass = input + taken - given, always):".to_owned(),
        components(&explanation.components),
    );
    let nodes = format::known(explanation.nodes, DIGITS);
    section(
        format!("anchors (each put in 1, and every node holds 1/N of it; their median: {nodes}):"),
        anchors(&explanation.anchors),
    );
    section("links:".to_owned(), links(&explanation.links));
    let window = &explanation.window;
    let text = format!(
        "window {} is {}: {} of {} members got that far",
        window.number, window.phase, window.reached, window.of
    );
    section(text, Vec::new());
    lines
}

fn components(components: &[Component]) -> Vec<String> {
    let head = [
        ("component", Align::Left),
        ("input", Align::Right),
        ("taken", Align::Right),
        ("given", Align::Right),
        ("mass", Align::Right),
        ("in units of 2^-192", Align::Right),
    ];
    let row = |component: &Component| {
        vec![
            component.component.clone(),
            format::number(component.input, DIGITS),
            format::number(component.taken, DIGITS),
            format::number(component.given, DIGITS),
            format::number(component.mass, DIGITS),
            component.units.clone(),
        ]
    };
    format::table(&head, &components.iter().map(row).collect::<Vec<_>>())
}

fn anchors(anchors: &[Anchor]) -> Vec<String> {
    let head = [
        ("anchor", Align::Left),
        ("incarnation", Align::Left),
        ("share here", Align::Right),
        ("so N is", Align::Right),
    ];
    let row = |anchor: &Anchor| {
        vec![
            anchor.name.clone(),
            anchor.id.clone(),
            format::number(anchor.mass, DIGITS),
            format::known(anchor.nodes, DIGITS),
        ]
    };
    format::table(&head, &anchors.iter().map(row).collect::<Vec<_>>())
}

fn links(links: &[Link]) -> Vec<String> {
    let head = [
        ("peer", Align::Left),
        ("address", Align::Left),
        ("accepted", Align::Left),
        ("awaits answer", Align::Left),
        ("exchanges", Align::Right),
        ("net value taken", Align::Right),
    ];
    let row = |link: &Link| {
        vec![
            link.name.clone(),
            link.addr.to_string(),
            yes(link.linked).to_owned(),
            yes(link.outstanding).to_owned(),
            link.exchanges.to_string(),
            format::number(link.net, DIGITS),
        ]
    };
    format::table(&head, &links.iter().map(row).collect::<Vec<_>>())
}
