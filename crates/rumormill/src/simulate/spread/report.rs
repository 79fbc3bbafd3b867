//! What a simulated spread did: as JSON, as tables, and as a picture.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rumormill_proto::Style;
use rumormill_sim::rounds::{RoundFigures, StopRule, Summary, Topology};
use serde::Serialize;

use super::agreement::Agreement;
use super::exact::Exact;
use super::question::{Pieces, Question};
use super::settings::{broadcast_name, stop_name};
use crate::format::{self, Align, grouped, known, number, plural};
use crate::plot::spread::{Band, Picture};
use crate::predict::spread::{seconds, short};

/// The most rows of a table.
const ROWS: usize = 30;

/// The most finishing rounds listed one by one in JSON.
const LISTED: u64 = 1_000_000;

/// The percentiles of T that are given.
const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// The answer.
#[derive(Serialize)]
pub(crate) struct Report {
    nodes: u64,
    alive: u64,
    goal: u64,
    graph: String,
    /// What can be reached, if the graph is not in one piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<Pieces>,
    /// Null in a broadcast.
    style: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broadcast: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_after: Option<u32>,
    fanout: u32,
    loss: f64,
    targets: &'static str,
    include_self: bool,
    origins: u64,
    origin: Option<u64>,
    stop: String,
    reset: bool,
    semantics: &'static str,
    engine: &'static str,
    seed: u64,
    /// Runs made; fewer than asked if it was interrupted.
    runs: u64,
    runs_asked: u64,
    seconds: f64,
    /// Runs that met the goal.
    finished: u64,
    /// Mean of the rounds until the goal was met, over the runs that met it; null if none did.
    mean: f64,
    variance: f64,
    /// Share of the runs with T > x, for x = 0, 1, ….
    survival: Vec<f64>,
    percentiles: BTreeMap<String, Option<u64>>,
    /// The rounds that the lists below are for.
    rounds: Vec<u64>,
    /// Mean number informed after each.
    informed: Vec<f64>,
    informed_p5: Vec<f64>,
    informed_p95: Vec<f64>,
    /// By what the mean number informed is multiplied from one to the next.
    growth: Vec<f64>,
    growth_p5: Vec<f64>,
    growth_p95: Vec<f64>,
    /// Mean contacts made up to each.
    messages_by_round: Vec<f64>,
    /// Mean contacts in a run, lost ones included.
    messages: f64,
    messages_variance: f64,
    /// Mean share of the living that were never told.
    residue: f64,
    /// Share of runs that left someone untold.
    incomplete: f64,
    exact: Option<ExactReport>,
    /// Why there is no exact figure, or which are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_missing: Option<String>,
    #[serde(skip)]
    known: Exact,
    #[serde(skip)]
    agreement: Agreement,
    #[serde(skip)]
    finishes: Vec<(u64, u64)>,
    #[serde(skip)]
    figures: Vec<RoundFigures>,
    #[serde(skip)]
    title: String,
}

/// The mathematics' own figures.
#[derive(Serialize)]
struct ExactReport {
    mean: Option<f64>,
    variance: Option<f64>,
    survival: Option<Vec<f64>>,
    informed: Option<Vec<f64>>,
    messages: Option<f64>,
    residue: Option<f64>,
    incomplete: Option<f64>,
    /// The chance of finishing rounds at least this far from the law, if it is right.
    p_value: Option<f64>,
    agreement: Agreement,
}

impl Report {
    pub(crate) fn new(question: &Question, summary: &Summary, seconds: f64) -> Self {
        let (settings, model) = (&question.settings, &question.model);
        let figures = summary.by_round();
        let bands = summary.quantiles(&[0.05, 0.95]);
        let growths = summary.growth_quantiles(&[0.05, 0.95]);
        let last = figures.last().map_or(0, |figure| figure.round);
        let known = Exact::of(question, last);
        let agreement = Agreement::of(summary, &known, question.last_round());
        let exact = (known.law.is_some() || known.residue.is_some()).then(|| ExactReport {
            mean: known.law.as_ref().map(|law| law.mean),
            variance: known.law.as_ref().map(|law| law.variance),
            survival: known.law.as_ref().map(|law| law.survival.clone()),
            informed: (!known.informed.is_empty()).then(|| known.informed.clone()),
            messages: known.messages,
            residue: known.residue,
            incomplete: known.incomplete,
            p_value: agreement.finishing.map(|test| test.p_value),
            agreement: agreement.clone(),
        });
        let percentiles = PERCENTILES.map(|p| (p.to_string(), summary.percentile(p / 100.0)));
        Self {
            nodes: summary.nodes,
            alive: summary.alive,
            goal: summary.goal,
            graph: settings.graph.to_string(),
            pieces: question.pieces(),
            style: question.broadcast.is_none().then(|| model.style.name()),
            broadcast: question.broadcast.as_ref().map(|way| broadcast_name(way.kind)),
            pull_after: (model.style == Style::PushThenPull).then_some(model.switch_after),
            fanout: model.fanout,
            loss: model.loss,
            targets: model.targets.name(),
            include_self: model.include_self,
            origins: model.origins,
            origin: settings.origin,
            stop: stop_name(model.stop),
            reset: matches!(model.stop, StopRule::Interest { reset: true, .. }),
            semantics: model.semantics.name(),
            engine: question.engine(),
            seed: question.seed,
            runs: summary.runs,
            runs_asked: settings.runs,
            seconds,
            finished: summary.runs - summary.unfinished(),
            mean: summary.mean(),
            variance: summary.variance(),
            survival: summary.survival(LISTED),
            percentiles: percentiles.into_iter().collect(),
            rounds: figures.iter().map(|figure| figure.round).collect(),
            informed: figures.iter().map(|figure| figure.informed).collect(),
            informed_p5: bands.iter().map(|band| band[0]).collect(),
            informed_p95: bands.iter().map(|band| band[1]).collect(),
            growth: summary.growth(),
            growth_p5: growths.iter().map(|band| band[0]).collect(),
            growth_p95: growths.iter().map(|band| band[1]).collect(),
            messages_by_round: figures.iter().map(|figure| figure.sent).collect(),
            messages: summary.messages.mean(),
            messages_variance: summary.messages.variance(),
            residue: summary.residue_share(),
            incomplete: summary.incomplete(),
            exact,
            exact_missing: known.missing.clone(),
            title: title(question, summary),
            known,
            agreement,
            finishes: summary.finished.iter().collect(),
            figures,
        }
    }

    /// Tables for people.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, self.how());
        if let Some(pieces) = &self.pieces {
            let _ = writeln!(
                out,
                "The graph is not in one piece: {} components, the largest of {} nodes. A rumor can \
                 reach {} % of the nodes{}.",
                grouped(pieces.components),
                grouped(pieces.largest),
                number(100.0 * pieces.reachable, 4),
                if self.origin.is_none() { " on average" } else { "" }
            );
        }
        out.push('\n');
        out += &self.summary_table();
        out += &self.finishing_table();
        out += &self.rounds_table();
        out
    }

    /// How it was done, in a line.
    fn how(&self) -> String {
        let runs = plural_runs(self.runs);
        let asked = if self.runs < self.runs_asked {
            format!(" of {}, interrupted", grouped(self.runs_asked))
        } else {
            String::new()
        };
        format!(
            "{runs}{asked}, seed {}, engine {}, {}",
            self.seed,
            self.engine,
            seconds(self.seconds)
        )
    }

    fn summary_table(&self) -> String {
        let law = self.known.law.as_ref();
        let p = |p: Option<f64>| p.map_or_else(String::new, |p| format!("{p:.3}"));
        let none = String::new;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |name: &str, seen: String, exact: Option<String>, test: String| {
            rows.push(vec![name.to_owned(), seen, exact.unwrap_or_else(none), test]);
        };
        let figure = |x: f64| if x.is_nan() { format::UNKNOWN.to_owned() } else { number(x, 7) };
        let exactly = |x: Option<f64>| x.filter(|x| x.is_finite()).map(figure);
        if self.finished > 0 {
            let mean = law.map(|law| law.mean);
            row("mean rounds", figure(self.mean), exactly(mean), p(self.agreement.mean));
            let deviation = law.map(|law| law.variance.sqrt());
            let seen = figure(self.variance.sqrt());
            row("standard deviation", seen, exactly(deviation), p(self.agreement.variance));
        }
        for percent in PERCENTILES {
            let seen = self.percentiles.get(&percent.to_string()).copied().flatten();
            let exact = law.and_then(|law| law.percentile(percent).ok().flatten());
            if self.finished > 0 {
                let seen = seen.map_or_else(|| format::UNKNOWN.to_owned(), grouped);
                row(&format!("{percent}th percentile"), seen, exact.map(grouped), none());
            }
        }
        let test = p(self.agreement.messages);
        row("messages", figure(self.messages), exactly(self.known.messages), test);
        let per_node = |messages: f64| messages / self.alive as f64;
        let exact = exactly(self.known.messages.map(per_node));
        row("per node", figure(per_node(self.messages)), exact, none());
        let residue = self.known.residue.map(short);
        let test = p(self.agreement.residue);
        row("residue (share never told)", short(self.residue), residue, test);
        let incomplete = self.known.incomplete.map(short);
        let test = p(self.agreement.incomplete);
        row("runs that miss someone", short(self.incomplete), incomplete, test);
        if self.finished < self.runs {
            let share = 1.0 - self.finished as f64 / self.runs as f64;
            row(
                "runs short of the goal",
                short(share),
                none_if(law.is_none(), || law.map(|law| short(law.survival(u64::MAX)))),
                none(),
            );
        }
        let exact = rows.iter().any(|row| !row[2].is_empty());
        let head = [
            ("", Align::Left),
            ("simulated", Align::Right),
            ("exact", Align::Right),
            ("p-value", Align::Right),
        ];
        let head = if exact { &head[..] } else { &head[..2] };
        let mut out = format::table(head, &rows).join("\n") + "\n";
        if let Some(test) = self.agreement.finishing {
            let _ = writeln!(
                out,
                "goodness of fit of the finishing rounds: chi^2 = {:.2} on {}, p = {:.3}",
                test.chi_square,
                plural(test.degrees as usize, "degree"),
                test.p_value
            );
        }
        if let Some(why) = &self.known.missing {
            let _ = writeln!(out, "({why})");
        }
        out
    }

    fn finishing_table(&self) -> String {
        if self.finishes.is_empty() {
            let goal = grouped(self.goal);
            return format!("\nNo run came to the goal that {goal} nodes know.\n");
        }
        let runs = self.runs as f64;
        let law = self.known.law.as_ref().filter(|law| law.mean.is_finite());
        let exact = self.known.finishing();
        let (first, last) = (self.finishes[0].0, self.finishes[self.finishes.len() - 1].0);
        let width = (last - first + 1).div_ceil(ROWS as u64);
        let mut left = self.runs;
        let mut rows = Vec::new();
        let mut seen = self.finishes.iter().peekable();
        let mut from = first;
        while from <= last {
            let to = (from + width - 1).min(last);
            let mut count = 0;
            while let Some((_, times)) = seen.next_if(|(round, _)| *round <= to) {
                count += times;
            }
            left -= count;
            let label = if from == to {
                grouped(from)
            } else {
                format!("{}-{}", grouped(from), grouped(to))
            };
            let mut row = vec![label, grouped(count), short(count as f64 / runs)];
            if law.is_some() {
                let cells = (from as usize).min(exact.len())..(to as usize + 1).min(exact.len());
                row.push(short(exact[cells].iter().sum()));
            }
            row.push(short(left as f64 / runs));
            if let Some(law) = law {
                row.push(short(law.survival(to)));
            }
            rows.push(row);
            from = to + 1;
        }
        let mut head =
            vec![("round", Align::Right), ("runs", Align::Right), ("share", Align::Right)];
        if law.is_some() {
            head.push(("exact", Align::Right));
        }
        head.push(("P(T > round)", Align::Right));
        if law.is_some() {
            head.push(("exact", Align::Right));
        }
        format!("\nFinishing rounds\n{}\n", format::table(&head, &rows).join("\n"))
    }

    fn rounds_table(&self) -> String {
        let head = [
            ("round", Align::Right),
            ("mean", Align::Right),
            ("exact", Align::Right),
            ("5 %", Align::Right),
            ("95 %", Align::Right),
            ("growth", Align::Right),
            ("messages", Align::Right),
        ];
        let exact = !self.known.informed.is_empty();
        let step = self.figures.len().div_ceil(ROWS).max(1);
        let last = self.figures.len() - 1;
        let shown = (0..=last).filter(|at| at % step == 0 || *at == last);
        let mut before: Option<f64> = None;
        let rows: Vec<Vec<String>> = shown
            .map(|at| {
                let figure = &self.figures[at];
                let growth = before.map(|before| figure.informed / before);
                before = Some(figure.informed);
                let exact = self.known.informed.get(figure.round as usize).copied();
                let mut row = vec![grouped(figure.round), number(figure.informed, 6)];
                row.push(known(exact, 6));
                row.push(number(self.informed_p5[at], 6));
                row.push(number(self.informed_p95[at], 6));
                row.push(growth.map_or_else(String::new, |x| number(x, 4)));
                row.push(number(figure.sent, 6));
                row
            })
            .collect();
        let without = |cells: Vec<String>| -> Vec<String> {
            cells.into_iter().enumerate().filter(|(at, _)| *at != 2).map(|(_, c)| c).collect()
        };
        let lines = if exact {
            format::table(&head, &rows)
        } else {
            let head: Vec<_> =
                head.into_iter().enumerate().filter(|(at, _)| *at != 2).map(|(_, h)| h).collect();
            format::table(&head, &rows.into_iter().map(without).collect::<Vec<_>>())
        };
        format!("\nInformed nodes\n{}\n", lines.join("\n"))
    }

    /// The sheet of three.
    pub(crate) fn picture(&self) -> Picture {
        let round = |round: u64| u32::try_from(round).unwrap_or(u32::MAX);
        let runs = self.runs as f64;
        // What comes after nearly all runs have ended would only press the rest together.
        let end = self.percentiles.get("99.9").copied().flatten().unwrap_or(u64::MAX);
        let figures = self.figures.iter().enumerate().filter(|(_, f)| f.round <= end);
        let informed: Vec<(u32, Band)> = figures
            .map(|(at, figure)| {
                let band = Band {
                    mean: figure.informed,
                    low: self.informed_p5[at],
                    high: self.informed_p95[at],
                };
                (round(figure.round), band)
            })
            .collect();
        let growth = (1..informed.len())
            .map(|at| {
                let (mean, low, high) = (self.growth[at], self.growth_p5[at], self.growth_p95[at]);
                (informed[at].0, Band { mean, low, high })
            })
            .collect();
        Picture {
            title: self.title.clone(),
            subtitle: self.how(),
            alive: self.alive as f64,
            informed,
            exact_informed: (0..).zip(self.known.informed.iter().copied()).collect(),
            finished: self
                .finishes
                .iter()
                .map(|&(at, times)| (round(at), times as f64 / runs))
                .collect(),
            exact_finished: (0..).zip(self.known.finishing()).collect(),
            unfinished: 1.0 - self.finished as f64 / runs,
            growth,
            growth_limit: (self.style == Some("push")).then_some(f64::from(self.fanout) + 1.0),
        }
    }
}

fn none_if<T>(nothing: bool, value: impl FnOnce() -> Option<T>) -> Option<T> {
    if nothing { None } else { value() }
}

fn plural_runs(runs: u64) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{} runs", grouped(runs)) }
}

/// What was simulated, in a line.
fn title(question: &Question, summary: &Summary) -> String {
    let model = &question.model;
    if let Some(broadcast) = &question.broadcast {
        let (nodes, way) = (grouped(summary.nodes), broadcast_name(broadcast.kind));
        let dead = summary.nodes - summary.alive;
        let dead = if dead > 0 { format!(", {} dead", grouped(dead)) } else { String::new() };
        return format!("{nodes} nodes, {way} broadcast, loss {}{dead}", broadcast.loss);
    }
    let graph = match question.topology {
        Topology::Complete(_) => "complete graph".to_owned(),
        Topology::Graph(_) => question.settings.graph.to_string(),
    };
    let mut text = format!("{} nodes, {graph}, {}", grouped(summary.nodes), model.style.name());
    if model.style == Style::PushThenPull {
        let _ = write!(text, " after round {}", model.switch_after);
    }
    let _ = write!(text, ", fan-out {}, loss {}", model.fanout, model.loss);
    if model.origins > 1 {
        let _ = write!(text, ", {} origins", grouped(model.origins));
    }
    if summary.alive < summary.nodes {
        let _ = write!(text, ", {} dead", grouped(summary.nodes - summary.alive));
    }
    if summary.goal < summary.alive {
        let _ = write!(text, ", until {} know", grouped(summary.goal));
    }
    if model.stop != StopRule::Never {
        let reset = matches!(model.stop, StopRule::Interest { reset: true, .. });
        let reset = if reset { " with reset" } else { "" };
        let _ = write!(text, ", stop {}{reset}", stop_name(model.stop));
    }
    let _ = write!(text, ", {} rounds", model.semantics);
    text
}
