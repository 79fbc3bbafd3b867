//! `rumormill members`.

use std::time::Duration;

use rumormill_agent::api::{Member, MemberState};

use crate::client::Json;
use crate::client::http::{Client, Path};
use crate::term::exit::Exit;
use crate::term::format::Align;
use crate::term::{exit, format};

/// List the members of the cluster, as the agent sees them
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  rumormill members\n  rumormill members --all --json")]
pub(crate) struct Args {
    /// Show the dead and the departed, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let mut members: Vec<Member> = client.get(&Path::new("/v1/members"), Duration::ZERO)?;
    if args.json.json {
        // Whatever the API gives; a program can choose for itself.
        exit::print_json(&members)?;
        return Ok(Exit::Done);
    }
    let down = |member: &Member| member.state == MemberState::Down;
    let hidden = if args.all { 0 } else { members.iter().filter(|member| down(member)).count() };
    members.retain(|member| args.all || !down(member));
    let head = [
        ("name", Align::Left),
        ("address", Align::Left),
        ("state", Align::Left),
        ("boot", Align::Right),
        ("", Align::Left),
    ];
    let row = |member: &Member| {
        vec![
            member.name.clone(),
            member.addr.to_string(),
            member.state.to_string(),
            member.boot.to_string(),
            if member.me { "this agent".to_owned() } else { String::new() },
        ]
    };
    let rows: Vec<_> = members.iter().map(row).collect();
    let mut lines = format::table(&head, &rows);
    if hidden > 0 {
        lines.push(format!("({hidden} dead or departed; --all shows them)"));
    }
    exit::print(&lines.join("\n"))?;
    Ok(Exit::Done)
}
