//! `rumormill predict spread`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::graph::args::needed;
use crate::spread::args::SpreadArgs;
use crate::spread::plot_law;
use crate::spread::title::predicted;
use crate::spread::usual;
use crate::term::exit::{Exit, finish, finish_json};
use crate::term::format::{Column, left, list, right, short, short_seconds, two_decimals};
use crate::term::parse::{count, duration};
use crate::term::progress::Progress;
use crate::term::refuse::refuse;
use rumormill_model::error::Error;
use rumormill_model::exact::usual::{Estimate, Ratios, estimates, messages_logistic};
use rumormill_model::exact::{Bound, Distribution, Options};
use rumormill_model::spread::Spread;
use serde::{Serialize, Serializer};

/// The percentiles printed by default.
const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// The spread to predict, and what to print.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    question: SpreadArgs,
    /// Percentile to print in addition, (0, 100); may be repeated.
    #[arg(long, allow_negative_numbers = true)]
    percentile: Vec<f64>,
    /// Print only the probability that this many rounds are not enough.
    #[arg(long, value_parser = count)]
    rounds: Option<u64>,
    /// Time between rounds, such as 200ms; adds times to the output.
    #[arg(long, value_parser = duration)]
    interval: Option<Duration>,
    /// Draw the exact law and the estimates to FILE.svg or FILE.png.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print how long the spread stays between two counts, exactly and in the usual model; at most
    /// 2,500 living nodes.
    #[arg(long, conflicts_with_all = ["percentile", "rounds", "interval", "plot", "curve"])]
    stages: bool,
    /// Print the number informed by round, exactly and as the usual equations have it, up to
    /// --rounds.
    #[arg(long, conflicts_with_all = ["percentile", "interval", "plot"])]
    curve: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    spread: &'a Spread,
    /// As far as it is listed; the mean is null if the spread never finishes.
    #[serde(flatten)]
    law: Distribution,
    /// Both at --rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    rounds: Option<Tails>,
    #[serde(serialize_with = "by_percent")]
    percentiles: Percentiles,
    bounds: BTreeMap<&'static str, &'a Estimate>,
    /// To the time of the logistic equation; of plain push.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratios: Option<Ratios>,
    /// Of plain push.
    #[serde(skip_serializing_if = "Option::is_none")]
    logistic_messages: Option<f64>,
    finishes: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_seconds: Option<f64>,
}

/// Both tails at a round.
#[derive(Serialize)]
struct Tails {
    rounds: u64,
    survival: f64,
    success: f64,
}

/// Percentiles in rising order; one beyond the tail is `None`.
type Percentiles = Vec<(f64, Option<u64>)>;

fn by_percent<S: Serializer>(percentiles: &Percentiles, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(percentiles.iter().map(|(p, rounds)| (p.to_string(), rounds)))
}

impl Args {
    /// Returns the law, as far into the tail as the percentiles and rounds asked for need it.
    fn solve(&self, spread: &Spread) -> Result<Distribution, Error> {
        let tails = self.percentile.iter().map(|p| (100.0 - p) / 100.0).filter(|&t| t > 0.0);
        let floor = tails.fold(1e-15, f64::min);
        let progress = Progress::unbounded();
        let mut observer = |p: rumormill_model::exact::Progress| {
            progress.note(|| format!("round {}: P(not finished) = {}", p.round, short(p.survival)));
        };
        let options = Options {
            floor: Some(floor),
            rounds: self.rounds.unwrap_or(0),
            observer: Some(&mut observer),
            ..Options::default()
        };
        spread.solve_with(options)
    }
}

/// Runs `rumormill predict spread`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let nodes = needed(args.question.nodes)?;
    let spread = args.question.spread(nodes)?;
    if args.stages {
        return usual::stages(&spread, args.json);
    }
    if args.curve {
        return usual::curves(&spread, args.rounds, args.json);
    }
    let answer = spread.has_exact_law().and_then(|()| {
        let exact = args.solve(&spread)?;
        let percents = PERCENTILES.iter().chain(&args.percentile);
        let mut percentiles = percents
            .map(|&p| Ok((p, exact.percentile(p)?)))
            .collect::<Result<Percentiles, Error>>()?;
        percentiles.sort_by(|a, b| a.0.total_cmp(&b.0));
        percentiles.dedup();
        // There are no estimates for a change of style, and --rounds prints none.
        let steady = spread.switches_after().is_none();
        let judged = steady && (args.rounds.is_none() || args.plot.is_some());
        let usual = if judged { estimates(&spread, &exact)? } else { Vec::new() };
        Ok((exact, percentiles, usual))
    });
    let (exact, percentiles, usual) = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(refuse(&error)),
    };
    if let Some(path) = &args.plot {
        if exact.mean.is_infinite() {
            anyhow::bail!("--plot: the spread never finishes, so there is nothing to draw");
        }
        plot_law::sheet(predicted(&spread), &exact, &usual).save(path)?;
    }
    if args.json {
        let listed = ..listed(&exact, args.rounds);
        let (survival, success) = (exact.survival[listed].to_vec(), exact.success[listed].to_vec());
        return finish_json(&Report {
            spread: &spread,
            law: Distribution { survival, success, ..exact.clone() },
            rounds: args.rounds.map(|rounds| {
                let (survival, success) = (exact.survival(rounds), exact.success(rounds));
                Tails { rounds, survival, success }
            }),
            percentiles,
            bounds: usual.iter().map(|e| (e.name, e)).collect(),
            ratios: Ratios::new(&spread, exact.mean),
            logistic_messages: messages_logistic(&spread),
            finishes: exact.mean.is_finite(),
            mean_seconds: args.interval.map(|i| i.as_secs_f64() * exact.mean),
        });
    }
    if let Some(rounds) = args.rounds {
        let p = exact.survival(rounds);
        let time = args.interval.map_or_else(String::new, |i| {
            format!(" ({})", short_seconds(rounds as f64 * i.as_secs_f64()))
        });
        let mut line = format!("P(not finished within {rounds} rounds{time}) = {}\n", short(p));
        if p > 0.5 {
            let _ = writeln!(
                line,
                "P(finished within {rounds} rounds{time}) = {}",
                early(&exact, rounds)
            );
        }
        return finish(&line);
    }
    finish(&text(args, &spread, &exact, &percentiles, &usual))
}

/// Returns the length of the listed part of the survival: to the first value below 1e-15, or to
/// --rounds.
fn listed(exact: &Distribution, rounds: Option<u64>) -> usize {
    let all = exact.survival.len();
    let end = exact.survival.iter().position(|&p| p < 1e-15).map_or(all, |i| i + 1);
    let asked = rounds.and_then(|r| usize::try_from(r).ok()).map_or(0, |r| r.saturating_add(1));
    end.max(asked).min(all)
}

/// What a round leaves out of the law at most, with room to spare.
const LEFT_OUT: f64 = 1e-35;

/// Returns P(T <= rounds), which has digits even where it is small.
fn early(exact: &Distribution, rounds: u64) -> String {
    let p = exact.success(rounds);
    if exact.bound == Bound::Compared && p < exact.error {
        format!("at most {:.1e}", exact.error)
    } else if exact.bound == Bound::Proved && rounds > 0 && p < LEFT_OUT * rounds as f64 {
        format!("at most {:.1e}", LEFT_OUT * rounds as f64)
    } else {
        short(p)
    }
}

fn text(
    args: &Args,
    spread: &Spread,
    exact: &Distribution,
    percentiles: &Percentiles,
    usual: &[Estimate],
) -> String {
    let mut out = predicted(spread) + " (synchronous rounds, complete graph)\n\n";
    if exact.mean.is_infinite() {
        out += "Never finishes: every contact is lost.\n";
        return out;
    }
    if exact.mean == 0.0 {
        out += "Finished at the start: the goal is met before the first round.\n";
        return out;
    }
    let time = |rounds: f64| {
        args.interval
            .map_or_else(String::new, |i| format!("   {}", short_seconds(rounds * i.as_secs_f64())))
    };
    let mut line = |name: &str, value: String, rounds: Option<f64>| {
        let _ = writeln!(out, "{name:<22}{value:>18}{}", rounds.map_or_else(String::new, &time));
    };
    line("mean rounds", format!("{:.9}", exact.mean), Some(exact.mean));
    let deviation = exact.standard_deviation();
    line("standard deviation", format!("{deviation:.9}"), Some(deviation));
    for (p, rounds) in percentiles {
        let value = rounds.map_or_else(|| "beyond the tail".to_owned(), |r| r.to_string());
        line(&format!("{p}th percentile"), value, rounds.map(|r| r as f64));
    }
    line("expected messages", two_decimals(exact.messages), None);
    line("per node", format!("{:.3}", exact.messages / spread.alive() as f64), None);
    if let Some(usual) = messages_logistic(spread) {
        line("by logistic equation", two_decimals(usual), None);
    }
    line("error below", format!("{:.1e}, {}", exact.error, exact.bound.name()), None);
    if exact.error > 1e-12 && spread.coverage < 1.0 {
        out.push_str("(fewer digits than for --coverage 1: the law falls steeply at this goal)\n");
    }
    out += "\n   x   P(not finished within x rounds)\n";
    let last = listed(exact, None);
    let first = exact.survival.iter().position(|&p| p < 1.0 - 1e-4).unwrap_or(0).saturating_sub(1);
    let step = (last - first).div_ceil(40).max(1);
    for x in (first..last).step_by(step) {
        let _ = writeln!(out, "{x:>4}   {:<20}{}", short(exact.survival[x]), time(x as f64));
    }
    if !usual.is_empty() {
        out += "\nUsual estimates, compared with the exact law\n";
        fn rounds(x: Option<f64>) -> String {
            x.map_or_else(|| "-".to_owned(), |x| format!("{x:.3}"))
        }
        let columns: [Column<'_, Estimate>; 6] = [
            left("estimate", |e| e.name.to_owned()),
            left("verdict", |e| e.verdict.to_string()),
            right("mean", |e| rounds(e.mean)),
            right("99 %", |e| rounds(e.p99)),
            right("error", |e| match e.survival {
                Some(_) => format!("{:.4} P", e.largest_error),
                None => format!("{:.3} r", e.largest_error),
            }),
            left("formula", |e| e.formula.to_owned()),
        ];
        out += &(list(usual, &columns).join("\n") + "\n");
        out +=
            "(error in P: largest distance from the exact law; in r: rounds from the exact mean)\n";
    }
    out
}
