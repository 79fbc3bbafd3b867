//! Every node at one instant, as a table.

use rumormill_proto::State;
use rumormill_sim::scenario::{AggregateLine, NodeLine, NodeStatus, Sample, Slice};

use crate::cluster::replay::recording::Recording;
use crate::cluster::timeline::{at as time, mark_line, percent, small, worst};
use crate::term::format::{Align, UNKNOWN, bounds, known, plural, seconds, table};

/// The state at the end of a slice: of all nodes, or of one.
pub(crate) fn at(
    recording: &mut Recording,
    at: usize,
    node: Option<usize>,
) -> anyhow::Result<String> {
    let slice = recording.read(at)?;
    let mut text = format!("{}\n\n", summary(&slice.sample));
    let rows: Vec<usize> = match node {
        Some(node) => vec![node],
        None => (0..slice.nodes.len()).collect(),
    };
    text.push_str(&nodes(&slice, &recording.header.aggregates, &rows).join("\n"));
    text.push('\n');
    let period = recording.header.period;
    if !slice.marks.is_empty() {
        text.push_str(&format!("\nIn the last {period}:\n"));
        slice.marks.iter().for_each(|mark| text.push_str(&mark_line(mark)));
    }
    if let Some(node) = node {
        let said = slice.notices.iter().filter(|notice| notice.node as usize == node);
        said.for_each(|notice| {
            text.push_str(&format!("  {:>9}  {}\n", time(notice.at), notice.text));
        });
    }
    Ok(text)
}

/// The cluster in a line.
pub(crate) fn summary(sample: &Sample) -> String {
    let error = worst(sample, |aggregate| aggregate.worst_error);
    format!(
        "At {}: {} of {} up, {} with the exact member list, worst error {}",
        time(sample.at),
        sample.running,
        plural(sample.nodes as usize, "node"),
        percent(sample.agreed),
        small(error)
    )
}

/// A table of some nodes, its head first.
pub(crate) fn nodes(slice: &Slice, aggregates: &[String], rows: &[usize]) -> Vec<String> {
    let dissemination = slice.nodes.iter().any(|node| node.events + node.keys > 0);
    let mut head = vec![
        ("node", Align::Left),
        ("state", Align::Left),
        ("members", Align::Right),
        ("view", Align::Left),
    ];
    for name in aggregates {
        head.push((name, Align::Right));
        head.push(("", Align::Left));
        head.push(("certified", Align::Right));
        head.push(("at most", Align::Right));
    }
    if dissemination {
        head.extend([("events", Align::Right), ("keys", Align::Right)]);
    }
    let line = |&node: &usize| {
        let line = slice.nodes.get(node)?;
        let mut cells = vec![format!("n{node}"), line.status.name().to_owned()];
        cells.extend(if up(line) {
            // Nodes with the same view hold the same for members.
            [line.members.to_string(), format!("{:04x}", line.roster & 0xffff)]
        } else {
            [UNKNOWN.to_owned(), UNKNOWN.to_owned()]
        });
        cells.extend(line.aggregates.iter().flat_map(aggregate));
        if dissemination {
            cells.extend([line.events.to_string(), line.keys.to_string()]);
        }
        Some(cells)
    };
    let cells: Vec<Vec<String>> = rows.iter().filter_map(line).collect();
    table(&head, &cells)
}

fn up(line: &NodeLine) -> bool {
    matches!(line.status, NodeStatus::Running | NodeStatus::Paused)
}

fn aggregate(line: &AggregateLine) -> [String; 4] {
    let (certified, age) = line.certified.map_or_else(
        || (UNKNOWN.to_owned(), UNKNOWN.to_owned()),
        |c| (bounds(Some(c.lower), Some(c.upper), 8), seconds(c.seconds_ago)),
    );
    let state = line.state.map_or(UNKNOWN, State::name);
    [known(line.value, 8), state.to_owned(), certified, age]
}
