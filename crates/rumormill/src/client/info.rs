//! `rumormill info`.

use std::time::Duration;

use rumormill_agent::api::{Info, JoinTarget, NarrowPath};
use serde_json::Value;

use crate::client::http::{Client, Path};
use crate::client::reply::{DIGITS, Json};
use crate::term::exit::Exit;
use crate::term::format;
use crate::term::format::{left, right};

/// Show the agent: addresses, settings, inputs, counters
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  rumormill info\n  rumormill info --json | jq .counters")]
pub(crate) struct Args {
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let info: Info = client.get(&Path::new("/v1/info"), Duration::ZERO)?;
    args.json.show(&info, |info| lines(info).join("\n"))
}

/// Returns the names to join, each with its addresses or its problems.
fn names(info: &Info) -> String {
    let name = |target: &JoinTarget| {
        let resolved: Vec<_> = target.resolved.iter().map(ToString::to_string).collect();
        let shown = if target.problems.is_empty() { &resolved } else { &target.problems };
        format!("{} ({})", target.address, shown.join(", "))
    };
    joined(info.join.iter().map(name), "; ")
}

/// Joins texts; `none` if there are none.
fn joined(texts: impl Iterator<Item = String>, separator: &str) -> String {
    let texts: Vec<_> = texts.collect();
    if texts.is_empty() { "none".to_owned() } else { texts.join(separator) }
}

fn lines(info: &Info) -> Vec<String> {
    let http = info.http_address.map_or_else(|| "off".to_owned(), |http| format!("http://{http}"));
    let inputs = info.inputs.iter().map(|input| format!("{}={}", input.name, input.value));
    let rows = [
        ("name", info.name.to_string()),
        ("cluster", info.cluster.clone()),
        ("address", info.address.to_string()),
        ("http", http),
        ("incarnation", format!("{} (number {})", info.id, info.incarnation)),
        ("version", format!("{}, wire {}", info.version, info.wire_version)),
        ("up for", format::seconds(info.uptime_seconds)),
        ("members up", info.members.to_string()),
        ("joining", if info.joining { "yes, no other member is up" } else { "no" }.to_owned()),
        ("names to join", names(info)),
        ("inputs", joined(inputs, " ")),
        ("query handlers", joined(info.handlers.iter().cloned(), " ")),
        ("data", data(info)),
        (
            "log lines dropped",
            info.log_lines_dropped.map_or("not counted".into(), |n| n.to_string()),
        ),
        ("events", events(info)),
        ("kv", kv(info)),
        ("clock", clock(info)),
        ("narrow paths", narrow(info)),
        ("simulated loss", format!("{} %", format::number(info.loss * 100.0, DIGITS))),
    ];
    let mut rows: Vec<_> = rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    settings("", &serde_json::to_value(&info.settings).unwrap_or_default(), &mut rows);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines: Vec<_> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.push(String::new());
    let counters: Vec<_> = info.counters.each().collect();
    lines.extend(format::list(
        &counters,
        &[
            left("counter", |(name, ..): &(String, String, u64)| name.clone()),
            right("value", |(.., value)| value.to_string()),
            left("meaning", |(_, what, _)| what.clone()),
        ],
    ));
    lines
}

/// Adds the settings by their keys, as they stand in a configuration file.
fn settings(key: &str, value: &Value, rows: &mut Vec<(String, String)>) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                let dot = if key.is_empty() { "" } else { "." };
                settings(&format!("{key}{dot}{name}"), value, rows);
            }
        }
        Value::String(text) => rows.push((key.to_owned(), text.clone())),
        other => rows.push((key.to_owned(), other.to_string())),
    }
}

fn data(info: &Info) -> String {
    let Some(store) = &info.store else {
        return "none: nothing is stored on disk".to_owned();
    };
    match &store.problem {
        Some(problem) => format!("{}: CAN'T BE WRITTEN: {problem}", store.directory),
        None => store.directory.clone(),
    }
}

/// Returns the members that large datagrams do not reach.
fn narrow(info: &Info) -> String {
    let path = |path: &NarrowPath| {
        format!("{} (datagrams of up to {} bytes)", path.member, path.limit_bytes)
    };
    joined(info.narrow_paths.iter().map(path), "; ")
}

fn clock(info: &Info) -> String {
    let clock = &info.clock;
    let own = match clock.correction_millis {
        0 => "right".to_owned(),
        millis => {
            let seconds = format::number(millis as f64 / 1e3, DIGITS);
            format!("WRONG: the agent adds {seconds} s to it")
        }
    };
    let members = format::plural(clock.members_known, "member");
    format!("{own}; too large a difference to {} of {members}", clock.members_skewed)
}

fn events(info: &Info) -> String {
    let load = &info.events;
    let bytes = format::bytes(load.bytes as u64);
    format!("{} kept ({bytes}), {} spreading", load.kept, load.hot)
}

fn kv(info: &Info) -> String {
    let load = &info.kv;
    let (keys, bytes) = (format::plural(load.keys, "key"), format::bytes(load.bytes as u64));
    format!(
        "{keys} ({bytes}), {} deleted but remembered, digest {}, {}",
        load.tombstones,
        format_args!("{:016x}", load.digest),
        match load.members_differing {
            0 => "no member differs for long".to_owned(),
            n => format!("{} DIFFER FOR LONG", format::plural(n, "member")),
        }
    )
}
