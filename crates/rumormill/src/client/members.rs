//! `rumormill members`.

use std::time::Duration;

use rumormill_proto::{Member, MemberState};

use crate::client::http::{Client, Path};
use crate::client::reply::Json;
use crate::term::exit::{Exit, finish, finish_json};
use crate::term::format::{left, list, right};

/// List the cluster's members as the agent knows them
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  rumormill members\n  rumormill members --all --json")]
pub(crate) struct Args {
    /// Show members that left or were declared dead, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let mut members: Vec<Member> = client.get(&Path::new("/v1/members"), Duration::ZERO)?;
    if args.json.json {
        // All that the API returns; a program can filter it.
        return finish_json(&members);
    }
    let before = members.len();
    members.retain(|member| args.all || member.state != MemberState::Down);
    let mut lines = list(
        &members,
        &[
            left("name", |member: &Member| member.identity.name.to_string()),
            left("address", |member| member.identity.addr.to_string()),
            left("state", |member| member.state.to_string()),
            right("incarnation", |member| member.identity.incarnation.to_string()),
            left("", |member| if member.me { "this agent".to_owned() } else { String::new() }),
        ],
    );
    let hidden = before - members.len();
    if hidden > 0 {
        lines.push(format!("({hidden} left or declared dead; --all shows them)"));
    }
    finish(&lines.join("\n"))
}
