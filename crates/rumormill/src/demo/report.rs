//! The results of the demo, as text and as JSON.

use std::net::SocketAddr;

use serde::Serialize;

use crate::demo::Settings;
use crate::demo::agents::Traffic;
use crate::demo::judge::{NodeReading, Truth, worst};
use crate::demo::screen::{Line, Tone};
use crate::term::format;
use crate::term::format::Align;

/// The whole run: the JSON document of `demo --json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) protocol: &'static str,
    /// The agents started at first.
    pub(crate) nodes: usize,
    pub(crate) seed: u64,
    pub(crate) interval_seconds: f64,
    pub(crate) loss: f64,
    /// What happened, in order.
    pub(crate) acts: Vec<Act>,
    /// Datagrams that were dropped at their senders' sockets because of `--loss`.
    pub(crate) datagrams_lost: u64,
    /// Whether all acts were played and every node was right and converged in each.
    pub(crate) right: bool,
    /// Whether a signal ended it early.
    pub(crate) interrupted: bool,
    /// The agents' HTTP addresses, with `--keep`.
    pub(crate) http: Vec<Http>,
}

/// The HTTP address of an agent.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Http {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

/// An act: something happens, and the demo waits until all nodes are right again.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Act {
    /// `start`, `change`, `kill` or `add`.
    pub(crate) act: &'static str,
    /// What happened, in words.
    pub(crate) what: String,
    pub(crate) truth: Truth,
    /// Whether every live node was right and converged in the end.
    pub(crate) settled: bool,
    /// The seconds until every node knew the new number of members; `null` if never.
    pub(crate) noticed_seconds: Option<f64>,
    /// Its duration.
    pub(crate) seconds: f64,
    /// The same in gossip periods, rounded up.
    pub(crate) rounds: u64,
    /// The traffic of all nodes meanwhile.
    #[serde(flatten)]
    pub(crate) traffic: Traffic,
    /// The largest relative error of sum, average and count; `null` while a node has no values.
    pub(crate) worst_relative_error: Option<f64>,
    /// The last reading of each node.
    pub(crate) readings: Vec<NodeReading>,
}

impl Act {
    pub(crate) fn new(act: &'static str, what: String, truth: Truth) -> Self {
        Self {
            act,
            what,
            truth,
            settled: false,
            noticed_seconds: None,
            seconds: 0.0,
            rounds: 0,
            traffic: Traffic::default(),
            worst_relative_error: None,
            readings: Vec::new(),
        }
    }

    pub(crate) fn update(&mut self, readings: Vec<NodeReading>) {
        self.settled = !readings.is_empty() && readings.iter().all(NodeReading::settled);
        self.worst_relative_error = worst(&readings).and_then(|reading| reading.relative_error);
        let noticed = readings.iter().all(|reading| reading.members == self.truth.count);
        if !noticed {
            self.noticed_seconds = None;
        } else if self.noticed_seconds.is_none() {
            self.noticed_seconds = Some(self.seconds);
        }
        self.readings = readings;
    }

    fn wrong(&self) -> usize {
        self.readings.iter().filter(|reading| !reading.settled()).count()
    }

    /// Returns the result and its cost in one line.
    pub(crate) fn verdict(&self) -> Line {
        let cost = format!(
            "{} rounds, {:.1} s, {} messages ({})",
            self.rounds,
            self.seconds,
            self.traffic.messages,
            format::bytes(self.traffic.bytes),
        );
        if self.settled {
            let n = self.readings.len();
            let nodes = if n == 1 { "the only node".to_owned() } else { format!("all {n} nodes") };
            Line::new(format!("right at {nodes} after {cost}"), Tone::Good)
        } else {
            let text = format!(
                "NOT right at {} of {} nodes after {cost}",
                self.wrong(),
                self.readings.len()
            );
            Line::new(text, Tone::Bad)
        }
    }
}

impl Report {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            protocol: "ledger",
            nodes: settings.nodes,
            seed: settings.seed,
            interval_seconds: settings.interval.as_secs_f64(),
            loss: settings.loss,
            acts: Vec::new(),
            datagrams_lost: 0,
            right: false,
            interrupted: false,
            http: Vec::new(),
        }
    }

    /// Returns the last lines of the demo, for a terminal of this width.
    pub(crate) fn lines(&self, columns: usize) -> Vec<Line> {
        let rows: Vec<_> = self.acts.iter().map(row).collect();
        let mut lines = vec![Line::new("", Tone::Plain)];
        let table = table(&rows);
        let tones = self.acts.iter().map(|act| if act.settled { Tone::Good } else { Tone::Bad });
        if table.iter().all(|line| line.chars().count() <= columns) {
            let tones = [Tone::Faint].into_iter().chain(tones);
            lines.extend(table.into_iter().zip(tones).map(|(text, tone)| Line::row(text, tone)));
        } else {
            lines.extend(rows.iter().zip(tones).flat_map(|(row, tone)| paragraph(row, tone)));
        }
        if self.loss > 0.0 {
            let text = format!(
                "{} datagrams were dropped on purpose (--loss {}).",
                self.datagrams_lost, self.loss
            );
            lines.push(Line::new(text, Tone::Plain));
        }
        lines.push(Line::new("Messages and bytes include failure detection.", Tone::Faint));
        lines.push(match (self.interrupted, self.right) {
            (true, _) => Line::new("Interrupted: this is the result so far.", Tone::Bad),
            (_, true) => Line::new("Every node was right each time.", Tone::Good),
            (_, false) => {
                let text = format!("Some node was WRONG. To repeat: --seed {}", self.seed);
                Line::new(text, Tone::Bad)
            }
        });
        lines
    }
}

/// The time of an act in which some node stayed wrong.
const NOT_YET: &str = "not yet right";

/// Returns the cells of an act in the table at the end.
fn row(act: &Act) -> [String; 11] {
    const DIGITS: usize = 8;
    let agreed = act.readings.len() - act.wrong();
    let error = match act.worst_relative_error {
        None => format::UNKNOWN.to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(error) => format!("{error:.1e}"),
    };
    // A change of an input does not change the members.
    let noticed = act.noticed_seconds.filter(|_| act.act != "change");
    [
        act.what.clone(),
        format::number(act.truth.sum, DIGITS),
        format::number(act.truth.average, DIGITS),
        act.truth.count.to_string(),
        format!("{agreed} of {}", act.readings.len()),
        error,
        noticed.map_or_else(|| format::UNKNOWN.to_owned(), |s| format!("{s:.1} s")),
        if act.settled { format!("{:.1} s", act.seconds) } else { NOT_YET.to_owned() },
        act.rounds.to_string(),
        act.traffic.messages.to_string(),
        format::bytes(act.traffic.bytes),
    ]
}

fn table(rows: &[[String; 11]]) -> Vec<String> {
    let left = ["what happened", "true sum", "average", "count", "right nodes", "worst error"];
    let right = ["noticed", "right after", "rounds", "messages", "bytes"];
    let titles = left.into_iter().chain(right).enumerate();
    let align = |at| if at == 0 { Align::Left } else { Align::Right };
    let head: Vec<_> = titles.map(|(at, title)| (title, align(at))).collect();
    format::table(&head, &rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>())
}

/// Returns the same in lines for a narrow terminal.
fn paragraph(row: &[String; 11], tone: Tone) -> [Line; 3] {
    let [what, sum, average, count, right, error, noticed, after, rounds, messages, bytes] = row;
    let after = if after == NOT_YET { after.clone() } else { format!("right after {after}") };
    let noticed = match noticed.as_str() {
        format::UNKNOWN => String::new(),
        noticed => format!("noticed after {noticed}, "),
    };
    let truth = format!("sum {sum}, average {average}, count {count}");
    let cost = format!("{rounds} rounds, {messages} messages, {bytes}");
    [
        Line::new(what.as_str(), Tone::Title),
        Line::new(format!("  true: {truth}; {right} nodes right, worst error {error}"), tone),
        Line::new(format!("  {noticed}{after}: {cost}"), Tone::Plain),
    ]
}
