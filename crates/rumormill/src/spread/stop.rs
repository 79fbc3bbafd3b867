//! `rumormill predict stop`.

use std::fmt::Write as _;

use crate::graph::args::needed;
use crate::spread::args::SpreadArgs;
use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::short;
use crate::term::parse::count;
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::error::Error;
use rumormill_model::exact::Options;
use rumormill_model::exact::stop::{
    Rule, counter_for_completeness, mean_field_residue, sequential,
};
use rumormill_model::simulate::snapshot::{Estimate, snapshot};
use rumormill_model::spread::{Semantics, Spread};
use rumormill_proto::{Counted, Decided, Stop, Style};
use serde::Serialize;

/// The spread with its stop rule, and how it is answered where no exact law is known.
#[derive(Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    question: SpreadArgs,
    /// Number of runs, if nodes lose interest in synchronous rounds: these are simulated [default:
    /// 1000].
    #[arg(long, value_parser = count)]
    runs: Option<u64>,
    /// Seed of these runs [default: 1].
    #[arg(long, value_parser = count)]
    seed: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    nodes: u64,
    semantics: &'static str,
    residue: Estimate,
    incomplete: Estimate,
    traffic: Estimate,
    mean_delay: Option<Estimate>,
    last_delivery: Option<Estimate>,
    /// Why the last two are missing, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_given: Option<&'static str>,
    mean_field_residue: Option<f64>,
}

/// Why sequential contacts give no times.
const NO_TIMES: &str = "mean delay and last delivery: none, because sequential contacts have no \
                        rounds;\n--semantics synchronous gives them";

/// Runs `rumormill predict stop`.
pub(crate) fn run(args: &StopArgs) -> anyhow::Result<Exit> {
    let spread = args.question.spread(needed(args.question.nodes)?)?;
    let rounds = spread.semantics == Semantics::Synchronous;
    if !(rounds && spread.loses_interest()) && (args.runs.is_some() || args.seed.is_some()) {
        let why = "--runs and --seed are for nodes that lose interest in synchronous rounds; all \
                   other answers are exact";
        return Err(Usage(why.into()).into());
    }
    let report = match spread.stop {
        Some(Stop::Interest { counted, decided, k }) => {
            let plain = Spread {
                stop: spread.stop,
                reset: spread.reset,
                semantics: spread.semantics,
                ..Spread::new(spread.nodes, Style::Push)
            };
            if spread != plain {
                let why = "losing interest is answered for push with fan-out 1 on the complete graph, \
                           without loss and dead nodes; simulate spread --stop simulates the rest";
                return Err(Usage(why.into()).into());
            }
            let rule = match decided {
                Decided::Coin => Rule::Coin(1.0 / f64::from(k)),
                Decided::Counter => Rule::Counter { limit: k, reset: spread.reset },
            };
            spread.check().and_then(|()| interest(args, &spread, rule, counted, k))
        }
        Some(_) => capped(&spread),
        None => {
            let why = "a stop rule is needed: --stop, such as rounds:12 or feedback-counter:3";
            return Err(Usage(why.into()).into());
        }
    };
    let report = report.map_err(|error| refuse(&error))?;
    if args.json {
        return finish_json(&report);
    }
    let mut out = format!("{} nodes, {}\n\n", spread.nodes, report.semantics);
    let mut line = |name: &str, statistic: &Estimate| {
        let error = if statistic.standard_error > 0.0 {
            format!("  +- {:.1e}", statistic.standard_error)
        } else {
            String::new()
        };
        let _ = writeln!(out, "{name:<32}{:>14}{error}", short(statistic.value));
    };
    line("residue (share not informed)", &report.residue);
    line("P(some node is missed)", &report.incomplete);
    line("traffic (contacts per node)", &report.traffic);
    for (name, statistic) in [
        ("mean delay (rounds)", &report.mean_delay),
        ("last delivery (round)", &report.last_delivery),
    ] {
        if let Some(statistic) = statistic {
            line(name, statistic);
        }
    }
    if let Some(why) = report.not_given {
        let _ = writeln!(out, "{why}");
    }
    if let Some(residue) = report.mean_field_residue {
        let _ = writeln!(out, "{:<32}{:>14}", "mean-field residue", short(residue));
        if let Ok(limit) = counter_for_completeness(spread.nodes, 0.01) {
            let _ = writeln!(
                out,
                "\nA fixed counter misses more as nodes are added; to inform all with \
                 probability 0.99,\nk + 1 must be about ln(n/0.01), here k = {limit}."
            );
        }
    }
    finish(&out)
}

fn exactly(value: f64) -> Estimate {
    Estimate { value, standard_error: 0.0 }
}

/// Answers for nodes that stop one by one, when they lose interest.
fn interest(
    args: &StopArgs,
    spread: &Spread,
    rule: Rule,
    counted: Counted,
    k: u32,
) -> Result<Report, Error> {
    let nodes = spread.nodes;
    let mean_field_residue = Some(mean_field_residue(counted, k.into())?);
    if spread.semantics != Semantics::Synchronous {
        let end = sequential(nodes, rule, counted)?;
        return Ok(Report {
            nodes,
            semantics: "sequential contacts, exact",
            residue: exactly(end.residue),
            incomplete: exactly(end.incomplete),
            traffic: exactly(end.traffic),
            mean_delay: None,
            last_delivery: None,
            not_given: Some(NO_TIMES),
            mean_field_residue,
        });
    }
    let runs = u32::try_from(args.runs.unwrap_or(1000)).unwrap_or(u32::MAX);
    let end = snapshot(nodes, rule, counted, runs, args.seed.unwrap_or(1))?;
    Ok(Report {
        nodes,
        semantics: "synchronous rounds, simulated",
        residue: end.residue,
        incomplete: end.incomplete,
        traffic: end.traffic,
        mean_delay: Some(end.mean_delay),
        last_delivery: Some(end.last_delivery),
        not_given: None,
        mean_field_residue,
    })
}

/// Returns all stop after the same number of rounds: the failure is P(T > rounds).
fn capped(question: &Spread) -> Result<Report, Error> {
    let cap = u64::from(question.last_round());
    let spread = Spread { stop: None, max_rounds: None, ..question.clone() };
    spread.has_exact_law()?;
    // Rounds after which all nodes are almost surely informed change only the traffic.
    let exact = spread.solve_with(Options { floor: Some(1e-40), ..Options::default() })?;
    let last = if exact.mean.is_finite() { exact.survival.len() as u64 - 1 } else { 0 };
    let (asked, cap) = (cap, cap.min(last));
    let means = spread.means(cap, |_, m| m)?;
    let missed = means[cap as usize];
    let alive = spread.alive() as f64;
    // Pull and push-pull nodes cannot know of new events: they all call every round.
    let calls = match spread.style {
        Style::Push => {
            // Up to a cap that is never reached all informed nodes go on calling.
            let on = (asked - cap) as f64 * (alive - missed);
            means[..cap as usize].iter().map(|m| alive - m).sum::<f64>() + on
        }
        _ => alive * asked as f64,
    };
    // Delivered in round t: the fall of the mean number missed.
    let delays: f64 =
        means.windows(2).enumerate().map(|(t, w)| (t + 1) as f64 * (w[0] - w[1])).sum();
    Ok(Report {
        nodes: spread.nodes,
        semantics: "synchronous rounds up to a cap, exact",
        residue: exactly(missed / alive),
        incomplete: exactly(exact.survival(asked)),
        traffic: exactly(spread.picks() as f64 * calls / alive),
        mean_delay: (means[0] > missed).then(|| exactly(delays / (means[0] - missed))),
        last_delivery: Some(exactly(spread.last_delivery(cap)?)),
        not_given: None,
        mean_field_residue: None,
    })
}
