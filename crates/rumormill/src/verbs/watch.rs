//! `rumormill watch`.

use rumormill_agent::api::{Event, Member, Reading};
use rumormill_proto::Name;

use super::{DIGITS, Json};
use crate::client::{Client, segment};
use crate::exit::{self, Exit};
use crate::format;
use crate::signal::Signals;
use crate::values;

/// Follow a figure, or all that happens, until Ctrl-C
///
/// One line whenever something changes. Without a name: all figures and the members that come and
/// go.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill watch requests
  rumormill watch --json | jq -c 'select(.event == \"member_down\")'")]
pub(crate) struct Args {
    /// The figure [default: everything]
    #[arg(value_parser = values::name)]
    name: Option<Name>,
    /// Print each event as one line of JSON
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<Exit> {
    let path = match &args.name {
        Some(name) => format!("/v1/watch?name={}", segment(name)),
        None => "/v1/watch".to_owned(),
    };
    let json = args.json.json;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        // Reading blocks, so that it has a thread of its own; the process ends without it.
        let follow = tokio::task::spawn_blocking(move || follow(&client, &path, json));
        tokio::select! {
            // To watch until a signal is to be done.
            _ = signals.ended() => Ok(Exit::Done),
            followed = follow => followed?,
        }
    });
    runtime.shutdown_background();
    exit
}

fn follow(client: &Client, path: &str, json: bool) -> anyhow::Result<Exit> {
    client.follow(path, |data| {
        if data.is_empty() {
            return exit::probe();
        }
        let event: Event = serde_json::from_str(data)?;
        if json { exit::print(&serde_json::to_string(&event)?) } else { exit::print(&line(&event)) }
    })?;
    anyhow::bail!("the agent ended the stream; it has probably left the cluster")
}

fn line(event: &Event) -> String {
    let who = |member: &Member| format!("{} ({})", member.name, member.addr);
    match event {
        Event::Aggregate { reading } => reading_line(reading),
        Event::MemberUp { member } => format!("member up: {}", who(member)),
        Event::MemberDown { member } => format!("member down: {}", who(member)),
        Event::Joined { via, members } => {
            format!("joined through {via}: {}", format::plural(*members, "member"))
        }
        Event::JoinFailed { address, attempts, reason } => {
            format!("cannot join through {address} yet: {reason} (attempt {attempts})")
        }
        Event::NameTaken { name, by } => format!("the name {name} is taken by {by}"),
        Event::NameConflict { name, addrs: [one, other] } => {
            format!("two live members are named {name}, at {one} and {other}")
        }
        Event::Renewed { member } => format!("back as a new incarnation: {}", who(member)),
        Event::Dropped { from, reason } => format!("packets from {from} are dropped: {reason}"),
        Event::RoundFinished { round, participants } => {
            format!("round {round} is over: {}", format::plural(*participants, "participant"))
        }
        Event::Protocol { name, text, payload } => match text {
            Some(text) => format!("{name}: {text}"),
            None => format!("{name}: {}", format::plural(payload.len(), "byte")),
        },
        Event::Missed { events } => format!("{events} events came too fast and were missed"),
    }
}

fn reading_line(reading: &Reading) -> String {
    format!(
        "{}: sum {} {}, average {}, count {}, {}{}",
        reading.name,
        format::known(reading.sum.value, DIGITS),
        format::enclosure(reading.sum.lower, reading.sum.upper, DIGITS),
        format::known(reading.average.value, DIGITS),
        format::known(reading.count.value, DIGITS),
        format::plural(reading.members, "member"),
        if reading.converged { ", converged" } else { "" },
    )
}
