//! One node through the run: what it said, and what it knew whenever that changed.

use std::io::{self, Write};

use rumormill_proto::State;
use rumormill_sim::scenario::{Fate, Moment, NodeLine, Slice};

use crate::cluster::replay::recording::Recording;
use crate::cluster::timeline::{at as time, sign};
use crate::term::format::{bounds, known};
use crate::term::{exit, output};

/// Prints what a node went through.
pub(crate) fn run(recording: &mut Recording, node: usize) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(output::stdout());
    let mut last = None;
    for at in 0..recording.slices.len() {
        let slice = recording.read(at)?;
        let text = slice_lines(&slice, &recording.header.aggregates, node, &mut last);
        exit::printed(out.write_all(text.as_bytes()))?;
    }
    exit::printed(out.flush())
}

/// What happened around the node in a slice, and how it stands if that is new.
fn slice_lines(
    slice: &Slice,
    aggregates: &[String],
    node: usize,
    last: &mut Option<String>,
) -> String {
    // What the scenario did, and what the node said, in the order of time.
    let mut lines: Vec<(Moment, String)> = Vec::new();
    for mark in &slice.marks {
        lines.push((mark.at, format!("{} {:>9}  {}\n", sign(mark.tone), time(mark.at), mark.text)));
    }
    for notice in slice.notices.iter().filter(|notice| notice.node as usize == node) {
        lines.push((notice.at, format!("  {:>9}    {}\n", time(notice.at), notice.text)));
    }
    lines.sort_by_key(|line| line.0);
    let mut text: String = lines.into_iter().map(|line| line.1).collect();
    let Some(line) = slice.nodes.get(node) else { return text };
    let state = state(line, aggregates);
    if last.as_ref() != Some(&state) {
        let packets = packets(slice, node);
        text.push_str(&format!("  {:>9}  n{node}: {state}; {packets}\n", time(slice.sample.at)));
        *last = Some(state);
    }
    text
}

/// A node's state in a line.
fn state(line: &NodeLine, aggregates: &[String]) -> String {
    let mut parts = vec![line.status.name().to_owned()];
    if line.members > 0 {
        parts.push(format!("{} members", line.members));
        for (name, aggregate) in aggregates.iter().zip(&line.aggregates) {
            let value = known(aggregate.value, 8);
            let state = aggregate.state.map_or("unknown", State::name);
            let certified = aggregate.certified.map_or_else(String::new, |certified| {
                let bounds = bounds(Some(certified.lower), Some(certified.upper), 8);
                format!(", certified {bounds}")
            });
            parts.push(format!("{name} {value} {state}{certified}"));
        }
    }
    parts.join(", ")
}

/// What the node sent and got in the slice.
fn packets(slice: &Slice, node: usize) -> String {
    let number = node as u32;
    let got = |fate| matches!(fate, Fate::Delivered | Fate::StreamDelivered);
    let mine = slice.traffic.iter();
    let (mut came, mut went, mut vanished) = (0, 0, 0);
    for packet in mine {
        came += u32::from(packet.to == number && got(packet.fate));
        went += u32::from(packet.from == number && got(packet.fate));
        vanished += u32::from(packet.from == number && !got(packet.fate));
    }
    format!("{came} packets in, {went} out, {vanished} not delivered")
}
