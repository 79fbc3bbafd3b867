//! `rumormill kv`: keys and values that every node stores.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use rumormill_agent::api::{Entry, KeyPage, Update, Written};
use rumormill_proto::{Name, Notice};

use crate::client::event::bytes;
use crate::client::follow::follow;
use crate::client::http::{Client, Path};
use crate::client::line::{line, shown};
use crate::client::reply::Json;
use crate::term::exit::Exit;
use crate::term::format::{left, right};
use crate::term::{exit, format, parse};

/// Write and read keys and values that every node stores
///
/// A write at one node reaches all of them, through partitions and restarts. The latest write of a
/// key wins.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  rumormill kv put flags/new-checkout on
  rumormill kv get flags/new-checkout
  rumormill kv put certs/ca --file ca.pem
  rumormill kv list flags/
  rumormill kv watch flags/
  rumormill kv delete flags/new-checkout")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Write a key
    ///
    /// Returns when the write is on the agent's disk, if the agent has a --data directory.
    Put {
        /// Key; may contain slashes
        #[arg(value_parser = parse::key)]
        key: String,
        /// Value; `-` reads standard input, bytes as they are
        #[arg(required_unless_present = "file")]
        value: Option<String>,
        /// File to read the value from
        #[arg(long, value_name = "FILE", conflicts_with = "value")]
        file: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Print the value of a key, bytes as they are
    Get {
        /// Key
        #[arg(value_parser = parse::key)]
        key: String,
        #[command(flatten)]
        json: Json,
    },
    /// Delete a key
    Delete {
        /// Key
        #[arg(value_parser = parse::key)]
        key: String,
        #[command(flatten)]
        json: Json,
    },
    /// List keys in alphabetical order
    List {
        /// Prefix of the keys; empty for all
        #[arg(default_value = "", value_parser = parse::prefix)]
        prefix: String,
        #[command(flatten)]
        json: Json,
    },
    /// Follow changes until Ctrl-C
    ///
    /// All writes at this agent, each once. Of writes at other agents those that arrive here: the
    /// latest state of a key travels, so a value that is overwritten before it arrives is not
    /// shown. For each key the versions rise, and the last change is always shown. A watcher that
    /// is too slow gets the number of changes that it missed.
    Watch {
        /// Prefix of the keys; empty for all
        #[arg(default_value = "", value_parser = parse::prefix)]
        prefix: String,
        #[command(flatten)]
        json: Json,
    },
}

pub(crate) fn run(client: Client, args: Args) -> anyhow::Result<Exit> {
    match args.what {
        What::Put { key, value, file, json } => {
            let value = match (value, file) {
                (_, Some(file)) => std::fs::read(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?,
                (value, None) => bytes(&value.unwrap_or_default())?,
            };
            say(&client.put_bytes(&path(&key), &value)?, "written", json)
        }
        What::Get { key, json } => get(&client, &key, json),
        What::Delete { key, json } => say(&client.delete(&path(&key))?, "deleted", json),
        What::List { prefix, json } => list(&client, &prefix, json),
        What::Watch { prefix, json } => {
            let path = Path::new("/v1/watch").with("prefix", &prefix);
            follow(client, path, move |event| match event {
                Update::Notice(Notice::Key(change)) if json.json => {
                    Ok(serde_json::to_string(change)?)
                }
                event if json.json => Ok(serde_json::to_string(event)?),
                event => Ok(line(event)),
            })
        }
    }
}

fn path(key: &str) -> Path {
    Path::new("/v1/kv").segment(key)
}

fn say(written: &Written, what: &str, json: Json) -> anyhow::Result<Exit> {
    json.show(written, |written| format!("{} {what}, version {}", written.key, written.version))
}

fn get(client: &Client, key: &str, json: Json) -> anyhow::Result<Exit> {
    let (head, bytes) = client.get_bytes(&path(key))?;
    if json.json {
        let header = |name| {
            let value = head.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().trim_matches('"').to_owned()
        };
        let (version, origin) = (header("etag").parse()?, Name::new(&header("rumormill-origin"))?);
        return exit::finish_json(&Entry { key: key.to_owned(), version, origin, value: bytes });
    }
    exit::print_bytes(&bytes)?;
    Ok(Exit::Done)
}

fn list(client: &Client, prefix: &str, json: Json) -> anyhow::Result<Exit> {
    let mut entries: Vec<Entry> = Vec::new();
    let pages = Path::new("/v1/kv/").with("limit", "10000").with("prefix", prefix);
    let mut path = pages.clone();
    loop {
        let page: KeyPage = client.get(&path, std::time::Duration::from_secs(50))?;
        entries.extend(page.entries);
        match page.next {
            Some(next) => path = pages.clone().with("after", &next),
            None => break,
        }
    }
    json.show(&entries, |entries| {
        let mut lines = format::list(
            entries,
            &[
                left("key", |entry: &Entry| entry.key.clone()),
                right("bytes", |entry| entry.value.len().to_string()),
                left("written by", |entry| entry.origin.to_string()),
                left("value", |entry| shown(&entry.value).chars().take(40).collect()),
            ],
        );
        lines.push(format!("({})", format::plural(entries.len(), "key")));
        lines.join("\n")
    })
}
