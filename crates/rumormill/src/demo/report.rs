//! What the demo has found, for people and for programs.

use std::net::SocketAddr;

use serde::Serialize;

use crate::demo::Settings;
use crate::demo::cluster::Traffic;
use crate::demo::judge::{Said, Truth, worst};
use crate::demo::screen::{Line, Tone};
use crate::term::format;
use crate::term::format::Align;

/// The whole run: the JSON document of `demo --json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) protocol: &'static str,
    /// How many agents were started at first.
    pub(crate) nodes: usize,
    pub(crate) seed: u64,
    pub(crate) interval_seconds: f64,
    pub(crate) loss: f64,
    /// What happened, in order.
    pub(crate) acts: Vec<Act>,
    /// Datagrams that were dropped at their senders' sockets because a loss was asked for.
    pub(crate) datagrams_lost: u64,
    /// Whether all acts were played and every node was right and converged in each.
    pub(crate) right: bool,
    /// Whether a signal ended it early.
    pub(crate) interrupted: bool,
    /// With `--keep`: where the agents answer.
    pub(crate) http: Vec<Http>,
}

/// Where one agent answers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Http {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
}

/// One act: something happens, and the cluster comes right.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Act {
    /// `start`, `change`, `kill` or `add`.
    pub(crate) act: &'static str,
    /// What happened, in words.
    pub(crate) what: String,
    pub(crate) truth: Truth,
    /// Whether every live node came to be right and converged.
    pub(crate) settled: bool,
    /// After how many seconds every node knew the new number of members; `null` if never.
    pub(crate) noticed_seconds: Option<f64>,
    /// How long it took.
    pub(crate) seconds: f64,
    /// The same in gossip periods, rounded up.
    pub(crate) rounds: u64,
    /// What was sent meanwhile, by all nodes together.
    #[serde(flatten)]
    pub(crate) traffic: Traffic,
    /// The largest relative error of sum, average and count; `null` while a node knows nothing.
    pub(crate) worst_relative_error: Option<f64>,
    /// What each node said at the end.
    pub(crate) said: Vec<Said>,
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
            said: Vec::new(),
        }
    }

    pub(crate) fn hear(&mut self, said: Vec<Said>) {
        self.settled = !said.is_empty() && said.iter().all(Said::settled);
        self.worst_relative_error = worst(&said).and_then(|said| said.relative_error);
        let noticed = said.iter().all(|said| said.members == self.truth.count);
        if !noticed {
            self.noticed_seconds = None;
        } else if self.noticed_seconds.is_none() {
            self.noticed_seconds = Some(self.seconds);
        }
        self.said = said;
    }

    fn wrong(&self) -> usize {
        self.said.iter().filter(|said| !said.settled()).count()
    }

    /// In one line: did it come right, and what did that take?
    pub(crate) fn verdict(&self) -> Line {
        let cost = format!(
            "{} rounds, {:.1} s, {} messages ({})",
            self.rounds,
            self.seconds,
            self.traffic.messages,
            format::bytes(self.traffic.bytes),
        );
        if self.settled {
            let n = self.said.len();
            let nodes = if n == 1 { "the one node".to_owned() } else { format!("all {n} nodes") };
            Line::new(format!("right at {nodes} after {cost}"), Tone::Good)
        } else {
            let text =
                format!("NOT right at {} of {} nodes after {cost}", self.wrong(), self.said.len());
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

    /// The end of the demo for people, fit for so many columns.
    pub(crate) fn lines(&self, columns: usize) -> Vec<Line> {
        let rows: Vec<_> = self.acts.iter().map(Row::of).collect();
        let mut lines = vec![Line::new("", Tone::Plain)];
        let table = Row::table(&rows);
        let tones = self.acts.iter().map(|act| if act.settled { Tone::Good } else { Tone::Bad });
        if table.iter().all(|line| line.chars().count() <= columns) {
            let tones = [Tone::Faint].into_iter().chain(tones);
            lines.extend(table.into_iter().zip(tones).map(|(text, tone)| Line::row(text, tone)));
        } else {
            lines.extend(rows.iter().zip(tones).flat_map(|(row, tone)| row.paragraph(tone)));
        }
        if self.loss > 0.0 {
            let text = format!(
                "{} datagrams were dropped on purpose (--loss {}).",
                self.datagrams_lost, self.loss
            );
            lines.push(Line::new(text, Tone::Plain));
        }
        lines.push(Line::new(
            "Messages and bytes are all that the nodes sent, failure detection included.",
            Tone::Faint,
        ));
        lines.push(match (self.interrupted, self.right) {
            (true, _) => Line::new("Interrupted: this is what was known so far.", Tone::Bad),
            (_, true) => Line::new("Every node was right each time.", Tone::Good),
            (_, false) => {
                let text = format!("Some node was WRONG. Again with: --seed {}", self.seed);
                Line::new(text, Tone::Bad)
            }
        });
        lines
    }
}

/// What stands for the time of an act in which some node stayed wrong.
const NOT_YET: &str = "not yet right";

/// What is told of an act at the end.
struct Row {
    what: String,
    sum: String,
    average: String,
    count: String,
    said: String,
    error: String,
    noticed: String,
    right: String,
    rounds: String,
    messages: String,
    bytes: String,
}

impl Row {
    fn of(act: &Act) -> Self {
        const DIGITS: usize = 8;
        let agreed = act.said.len() - act.wrong();
        Self {
            what: act.what.clone(),
            sum: format::number(act.truth.sum, DIGITS),
            average: format::number(act.truth.average, DIGITS),
            count: act.truth.count.to_string(),
            said: format!("right by {agreed} of {}", act.said.len()),
            error: act.worst_relative_error.map_or_else(
                || format::UNKNOWN.to_owned(),
                |error| if error == 0.0 { "0".to_owned() } else { format!("{error:.1e}") },
            ),
            noticed: act
                .noticed_seconds
                // The members are the same then.
                .filter(|_| act.act != "change")
                .map_or_else(|| format::UNKNOWN.to_owned(), |s| format!("{s:.1} s")),
            right: if act.settled { format!("{:.1} s", act.seconds) } else { NOT_YET.to_owned() },
            rounds: act.rounds.to_string(),
            messages: act.traffic.messages.to_string(),
            bytes: format::bytes(act.traffic.bytes),
        }
    }

    fn table(rows: &[Self]) -> Vec<String> {
        let head = [
            ("what happened", Align::Left),
            ("true sum", Align::Right),
            ("average", Align::Right),
            ("count", Align::Right),
            ("said", Align::Left),
            ("worst error", Align::Right),
            ("noticed", Align::Right),
            ("right", Align::Right),
            ("rounds", Align::Right),
            ("messages", Align::Right),
            ("bytes", Align::Right),
        ];
        let cells = |row: &Self| {
            let Self { what, sum, average, count, said, error, noticed, right, .. } = row;
            let cost = [&row.rounds, &row.messages, &row.bytes];
            let cells = [what, sum, average, count, said, error, noticed, right];
            cells.into_iter().chain(cost).cloned().collect()
        };
        format::table(&head, &rows.iter().map(cells).collect::<Vec<Vec<_>>>())
    }

    /// The same in lines that a narrow terminal has room for.
    fn paragraph(&self, tone: Tone) -> [Line; 3] {
        let Self { what, sum, average, count, said, error, noticed, right, .. } = self;
        let Self { rounds, messages, bytes, .. } = self;
        let after = if right == NOT_YET { right.clone() } else { format!("right after {right}") };
        let noticed = match noticed.as_str() {
            format::UNKNOWN => String::new(),
            noticed => format!("noticed after {noticed}, "),
        };
        [
            Line::new(what.as_str(), Tone::Title),
            Line::new(
                format!(
                    "  true: sum {sum}, average {average}, count {count}; {said}, worst error {error}"
                ),
                tone,
            ),
            Line::new(
                format!("  {noticed}{after}: {rounds} rounds, {messages} messages, {bytes}"),
                Tone::Plain,
            ),
        ]
    }
}
