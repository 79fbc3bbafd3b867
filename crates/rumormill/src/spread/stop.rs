//! `rumormill predict stop`.

use std::fmt::Write as _;

use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::short;
use crate::term::parse::{count, word};
use crate::term::refuse::refuse;
use clap::{Args, ValueEnum};
use rumormill_model::error::Error;
use rumormill_model::exact::Options;
use rumormill_model::exact::stop::{
    Rule, counter_for_completeness, mean_field_residue, sequential,
};
use rumormill_model::simulate::snapshot::snapshot;
use rumormill_model::spread::Spread;
use rumormill_proto::{Counted, Style};
use serde::Serialize;

/// The stop rule, and the semantics of rounds.
#[derive(Args)]
pub(crate) struct StopArgs {
    /// Number of nodes.
    #[arg(long, value_parser = count)]
    nodes: u64,
    /// A node stops after this many contacts that count.
    #[arg(long, value_parser = count, group = "rule")]
    counter: Option<u64>,
    /// A node stops with this probability after a contact that counts, (0, 1].
    #[arg(long, group = "rule", allow_negative_numbers = true)]
    coin: Option<f64>,
    /// All nodes stop after this many rounds of --style.
    #[arg(long, value_parser = count, group = "rule")]
    round_cap: Option<u64>,
    /// Every contact counts, not only one with an informed node.
    #[arg(long, conflicts_with = "round_cap")]
    blind: bool,
    /// A contact that informs a node sets the counter back to zero.
    #[arg(long, conflicts_with_all = ["coin", "round_cap"])]
    reset: bool,
    /// State that a contact sees: after the contact before it, or at the round's start.
    #[arg(long, value_enum, conflicts_with = "round_cap")]
    semantics: Option<Semantics>,
    /// Runs of the simulation, with --semantics snapshot [default: 1000].
    #[arg(long, value_parser = count, requires = "semantics")]
    runs: Option<u64>,
    /// Seed of the simulation, with --semantics snapshot [default: 1].
    #[arg(long, value_parser = count, requires = "semantics")]
    seed: Option<u64>,
    /// Which nodes call, with --round-cap [default: push].
    #[arg(long, value_parser = word::<Style>, conflicts_with_all = ["counter", "coin"])]
    style: Option<Style>,
    /// Partners that a caller picks each round, with --round-cap [default: 1].
    #[arg(long, value_parser = count, conflicts_with_all = ["counter", "coin"])]
    fanout: Option<u64>,
    /// Probability that a contact is lost, with --round-cap, [0, 1] [default: 0].
    #[arg(long, conflicts_with_all = ["counter", "coin"], allow_negative_numbers = true)]
    loss: Option<f64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Semantics {
    /// One contact after another: exact.
    Sequential,
    /// All contacts of a round see its start: simulated, with standard errors.
    Snapshot,
}

#[derive(Serialize)]
struct Statistic {
    value: f64,
    /// Zero if exact.
    standard_error: f64,
}

#[derive(Serialize)]
struct Report {
    nodes: u64,
    semantics: &'static str,
    residue: Statistic,
    incomplete: Statistic,
    traffic: Statistic,
    mean_delay: Option<Statistic>,
    last_delivery: Option<Statistic>,
    /// Why the last two are missing, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_given: Option<&'static str>,
    mean_field_residue: Option<f64>,
}

/// Why sequential contacts give no times.
const NO_TIMES: &str = "mean delay and last delivery: none, because sequential contacts have no \
                        rounds;\n--semantics snapshot gives them";

/// Runs `rumormill predict stop`.
pub(crate) fn run(args: &StopArgs) -> anyhow::Result<Exit> {
    let semantics = args.semantics.unwrap_or(Semantics::Sequential);
    if semantics == Semantics::Sequential && (args.runs.is_some() || args.seed.is_some()) {
        let why = "--runs and --seed need --semantics snapshot";
        return Err(Usage(why.into()).into());
    }
    let report = match (args.counter, args.coin, args.round_cap) {
        (Some(limit), _, _) => {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            deactivation(args, Rule::Counter { limit, reset: args.reset }, f64::from(limit))
        }
        (_, Some(p), _) => deactivation(args, Rule::Coin(p), 1.0 / p),
        (_, _, Some(cap)) => capped(args, cap),
        _ => {
            return Err(
                Usage("a stop rule is needed: --counter, --coin or --round-cap".into()).into()
            );
        }
    };
    let report = match report {
        Ok(report) => report,
        Err(error) => return Err(refuse(&error)),
    };
    if args.json {
        return finish_json(&report);
    }
    let mut out = format!("{} nodes, {}\n\n", args.nodes, report.semantics);
    let mut line = |name: &str, statistic: &Statistic| {
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
        if let Ok(limit) = counter_for_completeness(args.nodes, 0.01) {
            let _ = writeln!(
                out,
                "\nA fixed counter misses more as nodes are added; to inform all with \
                 probability 0.99,\nk + 1 must be about ln(n/0.01), here k = {limit}."
            );
        }
    }
    finish(&out)
}

fn deactivation(args: &StopArgs, rule: Rule, k: f64) -> Result<Report, Error> {
    let counted = if args.blind { Counted::Blind } else { Counted::Feedback };
    rule.check()?;
    let mean_field_residue = Some(mean_field_residue(counted, k)?);
    let exact = |value| Statistic { value, standard_error: 0.0 };
    if args.semantics != Some(Semantics::Snapshot) {
        let end = sequential(args.nodes, rule, counted)?;
        return Ok(Report {
            nodes: args.nodes,
            semantics: "sequential contacts, exact",
            residue: exact(end.residue),
            incomplete: exact(end.incomplete),
            traffic: exact(end.traffic),
            mean_delay: None,
            last_delivery: None,
            not_given: Some(NO_TIMES),
            mean_field_residue,
        });
    }
    let runs = u32::try_from(args.runs.unwrap_or(1000)).unwrap_or(u32::MAX);
    let end = snapshot(args.nodes, rule, counted, runs, args.seed.unwrap_or(1))?;
    let statistic = |(value, standard_error)| Statistic { value, standard_error };
    Ok(Report {
        nodes: args.nodes,
        semantics: "snapshot rounds, simulated",
        residue: statistic(end.residue),
        incomplete: statistic(end.incomplete),
        traffic: statistic(end.traffic),
        mean_delay: Some(statistic(end.mean_delay)),
        last_delivery: Some(statistic(end.last_delivery)),
        not_given: None,
        mean_field_residue,
    })
}

/// All stop after `cap` rounds: the failure is P(T > cap).
fn capped(args: &StopArgs, cap: u64) -> Result<Report, Error> {
    let spread = Spread {
        fanout: args.fanout.unwrap_or(1),
        loss: args.loss.unwrap_or(0.0) + 0.0,
        ..Spread::new(args.nodes, args.style.unwrap_or(Style::Push))
    };
    // Rounds after which all know, as good as surely, change nothing but the traffic.
    let exact = spread.solve_with(Options { floor: Some(1e-40), ..Options::default() })?;
    let last = if exact.mean.is_finite() { exact.survival.len() as u64 - 1 } else { 0 };
    let (asked, cap) = (cap, cap.min(last));
    let means = spread.means(cap, |_, m| m)?;
    let missed = means[cap as usize];
    let alive = spread.alive() as f64;
    // Pull and push-pull nodes do not know of new events: they all call every round.
    let calls = match spread.style {
        Style::Push => {
            // After a cap that is never reached all that can ever know call on.
            let on = (asked - cap) as f64 * (alive - missed);
            means[..cap as usize].iter().map(|m| alive - m).sum::<f64>() + on
        }
        _ => alive * asked as f64,
    };
    let exactly = |value| Statistic { value, standard_error: 0.0 };
    // Delivered in round t: the fall of the mean number missed.
    let delays: f64 =
        means.windows(2).enumerate().map(|(t, w)| (t + 1) as f64 * (w[0] - w[1])).sum();
    Ok(Report {
        nodes: args.nodes,
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
