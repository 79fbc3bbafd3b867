//! `rumormill predict stop`.

use std::fmt::Write as _;

use crate::graph::args::needed;
use crate::spread::args::SpreadArgs;
use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::short;
use crate::term::parse::count;
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::compare::ending::Ending;
use rumormill_model::exact::stop::counter_for_completeness;
use rumormill_model::simulate::snapshot::Estimate;
use rumormill_model::spread::Semantics;

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

/// Runs `rumormill predict stop`.
pub(crate) fn run(args: &StopArgs) -> anyhow::Result<Exit> {
    let spread = args.question.spread(needed(args.question.nodes)?)?;
    let rounds = spread.semantics == Semantics::Synchronous;
    if !(rounds && spread.loses_interest()) && (args.runs.is_some() || args.seed.is_some()) {
        let why = "--runs and --seed are for nodes that lose interest in synchronous rounds; all \
                   other answers are exact";
        return Err(Usage(why.into()).into());
    }
    if spread.loses_interest() && !Ending::answers(&spread) {
        let why = "losing interest is answered for push with fan-out 1 on the complete graph, \
                   without loss and dead nodes; simulate spread --stop simulates the rest";
        return Err(Usage(why.into()).into());
    }
    if spread.stop.is_none() {
        let why = "a stop rule is needed: --stop, such as rounds:12 or feedback-counter:3";
        return Err(Usage(why.into()).into());
    }
    let report = Ending::new(&spread, args.runs.unwrap_or(1000), args.seed.unwrap_or(1));
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
