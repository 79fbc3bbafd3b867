//! The result of a run of plain SPSP.

use serde::Serialize;

use crate::demo::Settings;
use crate::demo::judge::relative;
use crate::demo::screen::{Line, Tone};
use crate::term::format;
use crate::term::format::Align;

const DIGITS: usize = 8;

/// The whole run: the JSON document of `demo --protocol spsp --json`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    protocol: &'static str,
    nodes: usize,
    seed: u64,
    interval_seconds: f64,
    loss: f64,
    /// The sums of the values and the weights of all nodes at the start.
    pub(crate) truth: Totals,
    /// These sums after each round.
    pub(crate) rounds: Vec<Round>,
    /// The states of the nodes at the end, with nothing in flight.
    pub(crate) states: Vec<NodeState>,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
    /// Whether every node's estimate is within 1e-6 of the true sum.
    estimates_right: bool,
    /// Whether values and weights still add up to the truth, to 1e-6.
    conserved: bool,
    /// Both.
    pub(crate) right: bool,
    pub(crate) interrupted: bool,
}

/// The values and weights of all nodes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Totals {
    pub(crate) value: f64,
    pub(crate) weight: f64,
}

impl Totals {
    pub(crate) fn of(states: &[NodeState]) -> Self {
        Self {
            value: states.iter().map(|state| state.value).sum(),
            weight: states.iter().map(|state| state.weight).sum(),
        }
    }
}

/// The totals after a round.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Round {
    pub(crate) round: u64,
    #[serde(flatten)]
    pub(crate) totals: Totals,
}

/// The state of a node.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeState {
    pub(crate) name: String,
    pub(crate) input: f64,
    pub(crate) value: f64,
    pub(crate) weight: f64,
    pub(crate) estimate: Option<f64>,
}

impl NodeState {
    /// Returns whether value and weight are the same to the last bit.
    pub(crate) fn same_mass(&self, other: &Self) -> bool {
        (self.value.to_bits(), self.weight.to_bits())
            == (other.value.to_bits(), other.weight.to_bits())
    }

    fn error(&self, truth: f64) -> f64 {
        self.estimate.map_or(f64::INFINITY, |estimate| relative(estimate, truth))
    }
}

impl Report {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            protocol: "spsp",
            nodes: settings.nodes,
            seed: settings.seed,
            interval_seconds: settings.interval.as_secs_f64(),
            loss: settings.loss,
            truth: Totals::default(),
            rounds: Vec::new(),
            states: Vec::new(),
            messages: 0,
            bytes: 0,
            seconds: 0.0,
            estimates_right: false,
            conserved: false,
            right: false,
            interrupted: false,
        }
    }

    /// Compares the end with the truth.
    pub(crate) fn conclude(&mut self, tolerance: f64) {
        let totals = Totals::of(&self.states);
        let all_there = self.states.len() == self.nodes;
        let right = |state: &NodeState| state.error(self.truth.value) <= tolerance;
        self.estimates_right = all_there && self.states.iter().all(right);
        self.conserved = relative(totals.value, self.truth.value) <= tolerance
            && relative(totals.weight, self.truth.weight) <= tolerance;
        self.right = self.estimates_right && self.conserved;
    }

    /// Summarizes a round in one line.
    pub(crate) fn summary(&self, totals: &Totals) -> String {
        let share = |total: f64, truth: f64| format!("{:.2} %", 100.0 * total / truth);
        let estimates = self.states.iter().filter_map(|state| state.estimate);
        let (low, high) = (estimates.clone().reduce(f64::min), estimates.clone().reduce(f64::max));
        format!(
            "values add up to {} of {} ({}), weights to {} of 1; estimates of the sum {} to {}",
            format::number(totals.value, DIGITS),
            format::number(self.truth.value, DIGITS),
            share(totals.value, self.truth.value),
            format::number(totals.weight, DIGITS),
            format::known(low, DIGITS),
            format::known(high, DIGITS),
        )
    }

    /// Returns a table of the states, of at most `rows` nodes.
    pub(crate) fn table(&self, rows: usize) -> Vec<Line> {
        let head = [
            ("node", Align::Left),
            ("input", Align::Right),
            ("value", Align::Right),
            ("weight", Align::Right),
            ("value/weight", Align::Right),
        ];
        let row = |state: &NodeState| {
            vec![
                state.name.clone(),
                format::number(state.input, DIGITS),
                format::number(state.value, DIGITS),
                format::number(state.weight, DIGITS),
                format::known(state.estimate, DIGITS),
            ]
        };
        let totals = Totals::of(&self.states);
        let mut cells: Vec<_> = self.states.iter().take(rows).map(row).collect();
        if self.states.len() > rows {
            cells.push(vec![format!("… and {} more", self.states.len() - rows)]);
        }
        cells.push(vec![
            "all".to_owned(),
            format::number(self.truth.value, DIGITS),
            format::number(totals.value, DIGITS),
            format::number(totals.weight, DIGITS),
        ]);
        cells.push(vec![
            "truth".to_owned(),
            String::new(),
            format::number(self.truth.value, DIGITS),
            format::number(self.truth.weight, DIGITS),
            format::number(self.truth.value, DIGITS),
        ]);
        let lines = format::table(&head, &cells).into_iter().enumerate();
        lines
            .map(|(at, text)| Line::row(text, if at == 0 { Tone::Faint } else { Tone::Plain }))
            .collect()
    }

    /// Returns the last lines of the demo.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::new("", Tone::Plain)];
        lines.extend(self.table(20));
        let rounds = self.rounds.last().map_or(0, |last| last.round);
        lines.push(Line::new(
            format!(
                "{rounds} rounds, {:.1} s, {} messages ({}), failure detection included",
                self.seconds,
                self.messages,
                format::bytes(self.bytes)
            ),
            Tone::Faint,
        ));
        lines.extend(self.verdict());
        lines
    }

    fn verdict(&self) -> Vec<Line> {
        let bad = |text: String| Line::new(text, Tone::Bad);
        let sum = format::number(self.truth.value, DIGITS);
        if self.interrupted {
            return vec![bad("Interrupted: this is the result so far.".to_owned())];
        }
        if self.right {
            let mut text = format!("Every node computes {sum}, which is right.");
            if self.loss > 0.0 {
                text.push_str(" By chance, no message with mass was lost.");
            }
            return vec![Line::new(text, Tone::Good)];
        }
        let totals = Totals::of(&self.states);
        let error =
            self.states.iter().map(|state| state.error(self.truth.value)).fold(0.0, f64::max);
        let mut lines = Vec::new();
        if !self.conserved {
            lines.push(bad(format!(
                "Plain SPSP is WRONG here: each lost message loses its mass. What remains: {} of \
                 the value {sum}, {} of the weight 1.",
                format::number(totals.value, DIGITS),
                format::number(totals.weight, DIGITS),
            )));
        }
        lines.push(if self.estimates_right {
            bad(format!(
                "The estimates are still {sum}: the losses came after the nodes agreed, and took \
                 value and weight in proportion. After the next change they will be wrong."
            ))
        } else {
            bad(format!("The worst estimate of the sum {sum} is off by {:.2} %.", 100.0 * error))
        });
        if self.loss > 0.0 {
            let Self { nodes, loss, .. } = self;
            lines.push(Line::new(
                format!("With a ledger, SPSP is right under the same loss: rumormill demo --nodes {nodes} --loss {loss}"),
                Tone::Plain,
            ));
        }
        lines
    }
}
