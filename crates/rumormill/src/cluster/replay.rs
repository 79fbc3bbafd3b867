//! `rumormill replay`: steps through a recorded run.

mod node;
mod recording;
mod state;
mod stepper;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use rumormill_sim::scenario::{Slice, Span};
use serde_json::json;

use crate::cluster::replay::recording::Recording;
use crate::cluster::timeline::Timeline;
use crate::term::exit::{Exit, Usage};
use crate::term::{exit, output};

const EXAMPLES: &str = "\
Examples:
  rumormill simulate cluster --partition 10s..30s --record run.trace
  rumormill replay run.trace                    on a terminal: step with the arrow keys
  rumormill replay run.trace | less             elsewhere: the time line
  rumormill replay run.trace --at 12.5s         every node at that time
  rumormill replay run.trace --node n3          what one node went through
  rumormill replay run.trace --json | jq -c 'select(.slice.marks != [])'";

/// Step through a run recorded by `rumormill simulate cluster --record`
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Recording.
    file: PathBuf,
    /// Print the state of all nodes at this time.
    #[arg(long, value_name = "TIME")]
    at: Option<Span>,
    /// Print the notices, the state and the traffic of one node.
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Print JSON: a line for the header, each slice of time and the end.
    #[arg(long)]
    json: bool,
    /// Print the timeline, even on a terminal.
    #[arg(long)]
    plain: bool,
}

/// Runs `rumormill replay`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut recording = Recording::open(&args.file)?;
    let node = args.node.as_deref().map(|name| number(name, &recording)).transpose()?;
    let at = args.at.map(|at| recording.slice_at(at)).transpose()?;
    if args.json {
        return json(&mut recording, at, node);
    }
    match (at, node) {
        (Some(at), node) => {
            let text = state::at(&mut recording, at, node)?;
            exit::print(&text)?;
        }
        (None, Some(node)) => node::run(&mut recording, node)?,
        (None, None) => {
            let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
            if terminal && !args.plain {
                stepper::run(&mut recording)?;
            } else {
                let timeline = Timeline::of(&recording.slices);
                let (head, end) = (recording.head(), recording.end());
                exit::print(&format!("{head}\n{}\n{end}", timeline.text()))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// The number of a node by its name, if the recorded run had it.
fn number(name: &str, recording: &Recording) -> Result<usize, Usage> {
    let all = recording.nodes();
    let number = name.strip_prefix('n').and_then(|digits| digits.parse::<usize>().ok());
    number
        .filter(|&number| number < all)
        .ok_or_else(|| Usage(format!("--node {name}: no such node; nodes are n0 to n{}", all - 1)))
}

/// Prints lines of JSON: the header, slices, the ending; or one slice; of one node, if asked.
fn json(recording: &mut Recording, at: Option<usize>, node: Option<usize>) -> anyhow::Result<Exit> {
    let mut out = std::io::BufWriter::new(output::stdout());
    let mut print = |value: serde_json::Value| -> anyhow::Result<()> {
        exit::printed(writeln!(out, "{value}").and_then(|()| out.flush()))
    };
    let slices = at.map_or(0..recording.slices.len(), |at| at..at + 1);
    if at.is_none() {
        print(json!({ "header": recording.header }))?;
    }
    for at in slices {
        let slice = of_node(recording.read(at)?, node);
        print(json!({ "slice": slice }))?;
    }
    if at.is_none() {
        print(json!({ "ending": recording.ending }))?;
    }
    Ok(Exit::Done)
}

/// What of a slice concerns one node.
fn of_node(mut slice: Slice, node: Option<usize>) -> Slice {
    if let Some(node) = node {
        let number = node as u32;
        slice.nodes = slice.nodes.into_iter().skip(node).take(1).collect();
        slice.notices.retain(|notice| notice.node == number);
        slice.traffic.retain(|packet| packet.from == number || packet.to == number);
    }
    slice
}
