//! `rumormill kv`: the map that every node stores.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use rumormill_agent::api::{Entry, Event, KeyPage, Written};

use crate::client::Json;
use crate::client::event::bytes;
use crate::client::follow::follow;
use crate::client::http::{Client, Path};
use crate::client::line::{line, shown};
use crate::term::exit::Exit;
use crate::term::format::Align;
use crate::term::{exit, format, parse};

/// Keys and values that every node stores
///
/// Written at any node, equal at all of them soon after, through partitions and restarts. Of two
/// writes to one key the later one stays.
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
    /// Returns when the write is on the agent's disk, if it has a --data directory.
    Put {
        /// The key; may hold slashes
        #[arg(value_parser = parse::key)]
        key: String,
        /// What it shall hold; `-` reads standard input, bytes as they are
        #[arg(required_unless_present = "file")]
        value: Option<String>,
        /// Take the bytes of this file
        #[arg(long, value_name = "FILE", conflicts_with = "value")]
        file: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Write what a key holds to standard output, bytes as they are
    Get {
        /// The key
        #[arg(value_parser = parse::key)]
        key: String,
        /// Print JSON with the version and who wrote it; values that are not text in base64
        #[command(flatten)]
        json: Json,
    },
    /// Delete a key
    Delete {
        /// The key
        #[arg(value_parser = parse::key)]
        key: String,
        #[command(flatten)]
        json: Json,
    },
    /// List keys in order
    List {
        /// Only keys that begin so; empty for all
        #[arg(default_value = "", value_parser = parse::prefix)]
        prefix: String,
        /// Print JSON; values that are not text in base64
        #[command(flatten)]
        json: Json,
    },
    /// Follow changes until Ctrl-C
    ///
    /// All writes at this agent, each once. Of writes at other agents those that arrive here: the
    /// latest state of a key travels, so a value that is overwritten before it arrives is not
    /// shown. For each key the versions rise, and the last change is always shown. A watcher that
    /// is too slow is told how many changes it has missed.
    Watch {
        /// Only keys that begin so; empty for all
        #[arg(default_value = "", value_parser = parse::prefix)]
        prefix: String,
        /// Print each change as one line of JSON
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
                Event::Key(change) if json.json => exit::print(&serde_json::to_string(change)?),
                event if json.json => exit::print(&serde_json::to_string(event)?),
                event => exit::print(&line(event)),
            })
        }
    }
}

fn path(key: &str) -> Path {
    Path::new("/v1/kv").segment(key)
}

fn say(written: &Written, what: &str, json: Json) -> anyhow::Result<Exit> {
    if json.json {
        exit::print_json(written)?;
    } else {
        exit::print(&format!("{} {what}, version {}", written.key, written.version))?;
    }
    Ok(Exit::Done)
}

fn get(client: &Client, key: &str, json: Json) -> anyhow::Result<Exit> {
    let (head, bytes) = client.get_bytes(&path(key))?;
    if json.json {
        let header = |name| {
            let value = head.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().trim_matches('"').to_owned()
        };
        exit::print_json(&Entry {
            key: key.to_owned(),
            version: header("etag"),
            origin: header("rumormill-origin"),
            value: bytes.into(),
        })?;
        return Ok(Exit::Done);
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
    if json.json {
        exit::print_json(&entries)?;
        return Ok(Exit::Done);
    }
    let head = [
        ("key", Align::Left),
        ("bytes", Align::Right),
        ("written by", Align::Left),
        ("value", Align::Left),
    ];
    let row = |entry: &Entry| {
        let bytes = entry.value.bytes();
        let long = bytes.as_ref().map_or(0, Vec::len);
        let value: String = shown(bytes).chars().take(40).collect();
        vec![entry.key.clone(), long.to_string(), entry.origin.clone(), value]
    };
    let mut lines = format::table(&head, &entries.iter().map(row).collect::<Vec<_>>());
    lines.push(format!("({})", format::plural(entries.len(), "key")));
    exit::print(&lines.join("\n"))?;
    Ok(Exit::Done)
}
