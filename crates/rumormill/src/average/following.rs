//! Averages of inputs that move, with event-triggered exchange: the flags, what is predicted, and what
//! is simulated.

use std::time::Duration;

use clap::Args;
use rumormill_model::average::following::Following;
use rumormill_model::exact::average::lag::{Lag, lag};
use rumormill_model::simulate::average::following::{Job, simulate};
use rumormill_proto::show_duration;
use serde::Serialize;

use crate::average::args::{AverageArgs, When};
use crate::graph::args::needed;
use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::grouped;
use crate::term::parse::duration;
use crate::term::refuse::refuse;
use crate::term::start::Runs;

/// What makes the inputs move, and the budget that follows them.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Moving inputs")]
pub(crate) struct FollowingArgs {
    /// Changes of every node's input in a second, each node at its own phase: how far behind is a
    /// reading? With event-triggered exchange, as agents run it.
    #[arg(
        long,
        value_name = "RATE",
        allow_negative_numbers = true,
        conflicts_with_all = ["protocol", "graph", "aggregate", "values", "loss", "overlap", "crash", "change"]
    )]
    changes: Option<f64>,
    /// Share of its base within which an input is redrawn, uniformly, (0, 1).
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, allow_negative_numbers = true)]
    amplitude: f64,
    /// The most exchanges that a node starts in a second (`aggregates.max_exchanges`).
    #[arg(long, value_name = "RATE", default_value_t = 100.0, allow_negative_numbers = true)]
    budget: f64,
    /// Gossip period; the gap between exchanges after news is a twentieth of it.
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration)]
    interval: Duration,
    /// Number of peers of a node (`aggregates.view_size`).
    #[arg(long, value_name = "N", default_value_t = 16)]
    view_size: u64,
    /// Time that a message takes.
    #[arg(long, value_name = "TIME", default_value = "200us", value_parser = duration)]
    latency: Duration,
}

impl FollowingArgs {
    /// Returns the question, if inputs move.
    ///
    /// # Errors
    /// If no number of nodes is given, or another schedule.
    pub(crate) fn question(&self, average: &AverageArgs) -> anyhow::Result<Option<Following>> {
        let Some(changes) = self.changes else { return Ok(None) };
        if let Some(When::Rounds(schedule)) = average.schedule {
            let why = format!(
                "--schedule is {schedule}, but inputs that move (--changes) are followed by \
                 event-triggered exchange alone"
            );
            return Err(Usage(why).into());
        }
        Ok(Some(Following {
            changes,
            amplitude: self.amplitude,
            budget: self.budget,
            interval: self.interval.as_secs_f64(),
            view_size: self.view_size,
            latency: self.latency.as_secs_f64(),
            ..Following::new(needed(average.nodes)?)
        }))
    }
}

#[derive(Serialize)]
struct Prediction<'a> {
    #[serde(flatten)]
    question: &'a Following,
    #[serde(flatten)]
    lag: Lag,
}

/// Prints the lag by the formula.
pub(crate) fn predict(question: &Following, json: bool) -> anyhow::Result<Exit> {
    let lag = lag(question).map_err(|error| refuse(&error))?;
    if json {
        return finish_json(&Prediction { question, lag });
    }
    let how = if lag.broadcast > 0.0 {
        "every change goes to all peers at once; exchanges of pairs do the rest"
    } else {
        "changes come too fast for the budget: exchanges of pairs alone spread them"
    };
    let limit = if lag.saturated { ", limited by the budget" } else { "" };
    finish(&format!(
        "{}\n\nlag                          {}\nerror of the sum, rms        {}\nexchanges a node and second  {:.1}{limit}\n\n{how}\n",
        title(question),
        time(lag.lag),
        share(lag.rms),
        lag.exchanges,
    ))
}

/// How long to simulate.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Moving inputs")]
pub(crate) struct Length {
    /// Seconds of each run whose readings count.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    time: Duration,
}

/// The result of a simulation, beside the prediction.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    job: &'a Job,
    runs: u64,
    lag: f64,
    rms: f64,
    mean_error: f64,
    error_p99: f64,
    exchanges: f64,
    broadcast: Option<f64>,
    predicted: Lag,
}

/// Simulates, and prints what it showed beside the formula.
pub(crate) fn run(
    question: &Following,
    length: &Length,
    runs: u64,
    common: &Runs,
) -> anyhow::Result<Exit> {
    let job = Job {
        seconds: length.time.as_secs_f64(),
        runs: 0..runs,
        seed: common.seed,
        threads: common.machine.threads(),
        ..Job::new(question)
    };
    common.no_plot("of moving inputs")?;
    let summary = simulate(&job).map_err(|error| refuse(&error))?;
    let predicted = lag(question).map_err(|error| refuse(&error))?;
    let answer = Answer {
        job: &job,
        runs,
        lag: summary.lag(question),
        rms: summary.rms(),
        mean_error: summary.error.statistic().mean().unwrap_or(0.0),
        error_p99: summary.error.quantile(0.99).unwrap_or(0.0),
        exchanges: summary.exchanges.mean().unwrap_or(0.0),
        broadcast: summary.broadcast.mean(),
        predicted,
    };
    if common.json {
        return finish_json(&answer);
    }
    let row = |name: &str, simulated: String, predicted: String| {
        format!("{name:28}{simulated:>12}{predicted:>12}\n")
    };
    let none = || "-".to_owned();
    let mut text = format!(
        "{}\n{} of {}, seed {}\n\n",
        title(question),
        crate::term::format::plural(runs as usize, "run"),
        show_duration(length.time),
        common.seed
    );
    text += &row("", "simulated".into(), "predicted".into());
    text += &row("lag", time(answer.lag), time(predicted.lag));
    text += &row("error of the sum, rms", share(answer.rms), share(predicted.rms));
    text += &row("  mean", share(answer.mean_error), none());
    text += &row("  99th percentile", share(answer.error_p99), none());
    let exchanges = |rate: f64| format!("{rate:.1}");
    text += &row(
        "exchanges a node and second",
        exchanges(answer.exchanges),
        exchanges(predicted.exchanges),
    );
    text += &row(
        "changes broadcast",
        answer.broadcast.map_or_else(none, |share| format!("{:.0} %", 100.0 * share)),
        format!("{:.0} %", 100.0 * predicted.broadcast),
    );
    finish(&text)
}

fn title(question: &Following) -> String {
    format!(
        "{} nodes with {} peers each, every input redrawn within ±{} % {} times a second,\nevent-triggered \
         exchange, at most {} exchanges a node and second, latency {}",
        grouped(question.nodes),
        question.degree(),
        digits(100.0 * question.amplitude),
        digits(question.changes),
        digits(question.budget),
        time(question.latency),
    )
}

/// Writes a number without the noise of its last digits.
fn digits(x: f64) -> String {
    let rounded = (x * 1e9).round() / 1e9;
    format!("{rounded}")
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.3} ms", 1e3 * seconds) } else { format!("{seconds:.3} s") }
}

fn share(share: f64) -> String {
    format!("{:.4} %", 100.0 * share)
}
