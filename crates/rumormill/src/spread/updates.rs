//! Several updates in quick succession: a rumor for each, or exchanges of all differences.

use clap::Args;
use rumormill_model::compare::updates::{UpdatesCost, as_rumors};
use rumormill_model::simulate::{Updates, Way};
use serde::Serialize;

use crate::spread::question::{Question, under_way};
use crate::term::exit::Exit;
use crate::term::format::{Align, grouped, known, number};
use crate::term::parse::{count, small_count};
use crate::term::progress::Progress;
use crate::term::refuse::refuse;
use crate::term::signal::Interrupt;
use crate::term::{exit, format};

/// The updates, and the bytes of messages.
#[derive(Args, Clone, Debug)]
pub(crate) struct Flags {
    /// Number of updates, 1..=64: compares a rumor for each with exchanges of all differences.
    #[arg(long, value_parser = small_count, value_name = "M", conflicts_with_all = ["plot", "broadcast"])]
    updates: Option<u32>,
    /// Rounds between two updates.
    #[arg(long, value_parser = small_count, default_value = "0", requires = "updates")]
    spacing: u32,
    /// Bytes of an update.
    #[arg(long, value_parser = count, default_value = "100", requires = "updates")]
    payload: u64,
    /// Bytes of a message without updates.
    #[arg(long, value_parser = count, default_value = "40", requires = "updates")]
    overhead: u64,
    /// Bytes of the digest that every exchange sends.
    #[arg(long, value_parser = count, default_value = "200", requires = "updates")]
    digest: u64,
}

impl Flags {
    /// Returns the updates asked for, if any are.
    pub(crate) fn several(&self, question: &Question) -> anyhow::Result<Option<Updates>> {
        let Some(updates) = self.updates else { return Ok(None) };
        let updates = Updates {
            spacing: self.spacing,
            header: self.overhead,
            payload: self.payload,
            digest: self.digest,
            memory: question.memory,
            ..Updates::new(question.spread.clone(), updates)
        };
        for way in [Way::Rumors, Way::Exchange] {
            let checked = updates.check(&question.topology, way, question.threads);
            checked.map_err(|error| refuse(&error))?;
        }
        Ok(Some(updates))
    }
}

/// The answer.
#[derive(Serialize)]
struct Report {
    nodes: u64,
    graph: String,
    style: &'static str,
    updates: u32,
    spacing: u32,
    seed: u64,
    runs_asked: u64,
    rumors: UpdatesCost,
    exchange: UpdatesCost,
}

/// Makes the runs, both ways, and prints them side by side.
pub(crate) fn run(
    updates: &Updates,
    question: &Question,
    interrupt: &Interrupt,
    json: bool,
) -> anyhow::Result<Exit> {
    let runs = question.settings.runs;
    let progress = Progress::new(2 * runs, "runs");
    let go = |way: Way, before: u64| {
        let observe = |now: rumormill_model::simulate::Progress| {
            progress.set((before + now.runs_done) as f64 + under_way(now).min(0.99));
            interrupt.flow()
        };
        let (topology, threads) = (&question.topology, question.threads);
        let summary = updates.simulate(topology, way, 0..runs, question.seed, threads, &observe);
        summary.map_err(|error| refuse(&error))
    };
    let rumors = go(Way::Rumors, 0)?;
    let exchange = go(Way::Exchange, runs)?;
    drop(progress);
    let report = Report {
        nodes: question.topology.nodes(),
        graph: question.settings.spread.graph.to_string(),
        style: question.spread.style.name(),
        updates: updates.updates,
        spacing: updates.spacing,
        seed: question.seed,
        runs_asked: runs,
        rumors: UpdatesCost::new(&rumors, as_rumors(updates)),
        exchange: UpdatesCost::new(&exchange, None),
    };
    if json {
        exit::print_json(&report)?;
    } else {
        exit::print(&report.text(question))?;
    }
    Ok(interrupt.exit().unwrap_or(Exit::Done))
}

impl Report {
    fn text(&self, question: &Question) -> String {
        let head = [("", Align::Left), ("as rumors", Align::Right), ("in exchanges", Align::Right)];
        let ways = [&self.rumors, &self.exchange];
        let row = |name: &str, value: &dyn Fn(&UpdatesCost) -> String| {
            std::iter::once(name.to_owned()).chain(ways.map(value)).collect::<Vec<String>>()
        };
        let mean = |x: f64| known(Some(x).filter(|x| x.is_finite()), 6);
        let nodes = self.nodes as f64;
        let mut rows = vec![
            row("runs", &|way| grouped(way.runs)),
            row("mean rounds until all are equal", &|way| mean(way.mean)),
            row("standard deviation", &|way| mean(way.variance.sqrt())),
            row("messages per node", &|way| mean(way.messages / nodes)),
            row("bytes per node", &|way| mean(way.bytes / nodes)),
            row("copies of updates per node", &|way| mean(way.copies / nodes)),
        ];
        if self.rumors.exact_mean.is_some() {
            rows.insert(2, row("exact mean", &|way| way.exact_mean.map_or_else(String::new, mean)));
        }
        if self.rumors.p_value.is_some() {
            let p = |way: &UpdatesCost| way.p_value.map_or_else(String::new, |p| format!("{p:.3}"));
            rows.insert(3, row("p-value", &p));
        }
        let apart = match self.spacing {
            0 => "at once".to_owned(),
            1 => "one in each round".to_owned(),
            rounds => format!("{rounds} rounds apart"),
        };
        format!(
            "{} updates, {apart}, among {} nodes, {}, {}, fan-out {}, loss {}; seed {}\n\n{}\n",
            self.updates,
            grouped(self.nodes),
            self.graph,
            self.style,
            question.spread.fanout,
            number(question.spread.loss, 6),
            self.seed,
            format::table(&head, &rows).join("\n")
        )
    }
}
