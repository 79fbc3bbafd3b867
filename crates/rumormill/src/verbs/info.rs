//! `rumormill info`.

use std::time::Duration;

use rumormill_agent::api::Info;

use super::{DIGITS, Json};
use crate::client::Client;
use crate::exit::{self, Exit};
use crate::format::{self, Align};

/// Show the agent itself: addresses, settings, inputs, counters
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  rumormill info\n  rumormill info --json | jq .counters")]
pub(crate) struct Args {
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let info: Info = client.get("/v1/info", Duration::ZERO)?;
    if args.json.json {
        exit::print_json(&info)?;
    } else {
        exit::print(&lines(&info).join("\n"))?;
    }
    Ok(Exit::Done)
}

fn lines(info: &Info) -> Vec<String> {
    let config = &info.config;
    let ms = |ms: f64| format!("{} ms", format::number(ms, DIGITS));
    let http = info.http_address.map_or_else(|| "off".to_owned(), |http| format!("http://{http}"));
    let inputs = info.inputs.iter().map(|input| format!("{}={}", input.name, input.value));
    let inputs = inputs.collect::<Vec<_>>().join(" ");
    let rows = [
        ("name", info.name.clone()),
        ("cluster", info.cluster.clone()),
        ("address", info.address.to_string()),
        ("http", http),
        ("incarnation", format!("{} (boot {})", info.id, info.boot)),
        ("version", format!("{}, wire {}", info.version, info.wire_version)),
        ("up for", format::seconds(info.uptime_seconds)),
        ("members up", info.members.to_string()),
        ("joining", if info.joining { "yes, until it is answered" } else { "no" }.to_owned()),
        ("inputs", if inputs.is_empty() { "none".to_owned() } else { inputs }),
        ("loss on purpose", format!("{} %", format::number(info.loss * 100.0, DIGITS))),
        ("interval", ms(config.interval_ms)),
        ("view size", config.view_size.to_string()),
        ("probe interval", ms(config.probe_interval_ms)),
        ("probe timeout", ms(config.probe_timeout_ms)),
        ("suspicion", ms(config.suspicion_timeout_ms)),
        ("reconnect interval", ms(config.reconnect_interval_ms)),
        ("sync interval", ms(config.sync_interval_ms)),
        ("round length", format!("{} periods", config.round_length_periods)),
        ("tolerance", format::number(config.tolerance, DIGITS)),
        ("largest datagram", format!("{} bytes", config.max_datagram_bytes)),
    ];
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines: Vec<_> =
        rows.iter().map(|(name, value)| format!("{name:width$}  {value}")).collect();
    lines.push(String::new());
    let head = [("counter", Align::Left), ("value", Align::Right), ("what it counts", Align::Left)];
    let row = |(name, what, value): (&str, &str, u64)| {
        vec![name.to_owned(), value.to_string(), what.to_owned()]
    };
    lines.extend(format::table(&head, &info.counters.each().map(row).collect::<Vec<_>>()));
    lines
}
