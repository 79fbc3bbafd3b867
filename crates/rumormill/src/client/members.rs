//! `rumormill members`.

use std::time::Duration;

use rumormill_agent::api::{Compared, Comparison};
use rumormill_proto::{Member, MemberState};

use crate::client::http::{Client, Path};
use crate::client::reply::Json;
use crate::term::exit::{Exit, finish, finish_json};
use crate::term::format::{left, list, right};

/// List the cluster's members as the agent knows them
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  rumormill members\n  rumormill members --all --json\n  rumormill members --compare"
)]
pub(crate) struct Args {
    /// Show members that left or were declared dead, too
    #[arg(long)]
    all: bool,
    /// Ask all members which members and keys they hold, and show who differs
    #[arg(long, conflicts_with = "all")]
    compare: bool,
    #[command(flatten)]
    json: Json,
}

pub(crate) fn run(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    if args.compare {
        return compare(client, args);
    }
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

/// How long the members may take to answer.
const ANSWERS: Duration = Duration::from_secs(5);

/// Shows what the members hold, as digests: who has the same holds the same.
fn compare(client: &Client, args: &Args) -> anyhow::Result<Exit> {
    let found: Comparison = client.get(&Path::new("/v1/compare"), ANSWERS)?;
    if args.json.json {
        return finish_json(&found);
    }
    let Comparison { expected, answered, nodes, silent } = found;
    let mut lines = list(
        &nodes,
        &[
            left("name", |one: &Compared| one.node.clone()),
            right("members", |one| one.summary.members.to_string()),
            left("digest", |one| format!("{:016x}", one.summary.members_digest)),
            right("keys", |one| one.summary.keys.to_string()),
            left("digest", |one| format!("{:016x}", one.summary.keys_digest)),
        ],
    );
    let same = |digest: fn(&Compared) -> u64| {
        let first = nodes.first().map(digest);
        if nodes.iter().all(|one| Some(digest(one)) == first) { "the same" } else { "different" }
    };
    let members = same(|one| one.summary.members_digest);
    let keys = same(|one| one.summary.keys_digest);
    lines.push(format!("{answered} of {expected} answered: {members} members, {keys} keys"));
    if !silent.is_empty() {
        lines.push(format!("no answer from {}", silent.join(", ")));
    }
    finish(&lines.join("\n"))
}
