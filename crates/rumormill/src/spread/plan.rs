//! `rumormill plan`: the cheapest settings that meet a target.

use std::fmt::Write as _;
use std::time::Duration;

use crate::spread::args::NodesAndLoss;
use crate::term::exit::{Exit, finish, finish_json};
use crate::term::format::{left, list, right};
use crate::term::parse::{count, duration};
use crate::term::progress::Progress;
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::exact::plan::{Plan, Target, plans};
use rumormill_proto::{EventSettings, Stop, show_duration};

/// The target.
#[derive(Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    among: NodesAndLoss,
    /// Time within which all nodes must be informed, such as 3s.
    #[arg(long, value_parser = duration)]
    deadline: Duration,
    /// Allowed probability that some node is not, [1e-15, 1).
    #[arg(long, allow_negative_numbers = true)]
    failure: f64,
    /// Shortest time between rounds; at least a round trip.
    #[arg(long, value_parser = duration, default_value = "10ms")]
    min_interval: Duration,
    /// Largest fan-out to consider, 1..=64; above 8 only some are tried.
    #[arg(long, value_parser = count, default_value = "8")]
    max_fanout: u64,
    /// Bytes of an event.
    #[arg(long, value_parser = count, default_value = "256")]
    payload: u64,
    /// Bytes of a message without events: headers of all layers, and the digest.
    #[arg(long, value_parser = count, default_value = "60")]
    overhead: u64,
    /// Number of settings to list; 0 lists all.
    #[arg(long, value_parser = count, default_value = "10")]
    top: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `rumormill plan`.
pub(crate) fn run(args: &PlanArgs) -> anyhow::Result<Exit> {
    let target = Target {
        min_interval: args.min_interval.as_secs_f64(),
        max_fanout: args.max_fanout,
        payload: args.payload,
        overhead: args.overhead,
        ..Target::new(args.among.nodes, args.among.loss, args.deadline.as_secs_f64(), args.failure)
    };
    let progress = Progress::unbounded();
    let found = plans(&target, &mut |done, of| {
        progress.note(|| format!("{done} of {of} settings computed"));
    });
    drop(progress);
    let found = match found {
        Ok(found) => found,
        Err(error) => return Err(refuse(&error)),
    };
    let keep = if args.top == 0 { found.len() } else { args.top as usize };
    let rows = &found[..keep.min(found.len())];
    if args.json {
        return finish_json(&rows);
    }
    let mut out = table(args, rows, found.len());
    if let Some(best) = found.first() {
        out += &events(best)?;
    }
    finish(&out)
}

fn table(args: &PlanArgs, rows: &[Plan], of: usize) -> String {
    let mut out = format!(
        "{} nodes, loss {}: all informed within {:?}, except with probability {:e}\n\n",
        args.among.nodes, args.among.loss, args.deadline, args.failure
    );
    let lines = list(
        rows,
        &[
            left("style", |plan| plan.style.name().to_owned()),
            right("fan-out", |plan| plan.fanout.to_string()),
            right("interval", |plan| show_duration(interval(plan.interval))),
            right("round cap", |plan| plan.rounds.to_string()),
            right("failure", |plan| format!("{:.2e}", plan.failure)),
            right("mean time", |plan| format!("{:.2} s", plan.mean_time)),
            right("msgs/node", |plan| format!("{:.2}", plan.messages)),
            right("bytes/node", |plan| format!("{:.0}", plan.bytes)),
        ],
    );
    out += &(lines.join("\n") + "\n");
    if rows.len() < of {
        let _ = writeln!(
            out,
            "({} of {of} settings that meet the target; --top 0 lists all)",
            rows.len()
        );
    }
    out
}

/// Returns the settings of a plan as the table `[events]` of an agent's configuration: what differs
/// from the default.
fn events(best: &Plan) -> anyhow::Result<String> {
    let usual = EventSettings::default();
    let style = best.style;
    let settings = EventSettings {
        style,
        fanout: u32::try_from(best.fanout)?,
        stop: Stop::Rounds(u32::try_from(best.rounds)?),
        interval: interval(best.interval),
        // An agent pulls at intervals of their own.
        pull_interval: if style.pulls() { interval(best.interval) } else { usual.pull_interval },
        ..usual
    };
    let usual = toml::Table::try_from(EventSettings::default())?;
    let mut table = toml::Table::try_from(settings)?;
    table.retain(|key, value| usual.get(key) != Some(value));
    Ok(format!("\n# the cheapest settings, for an agent's configuration file\n[events]\n{table}"))
}

/// Returns an interval rounded down to what an agent's configuration writes shortly.
fn interval(seconds: f64) -> Duration {
    if seconds >= 1e-3 {
        Duration::from_millis((seconds * 1e3 + 1e-6) as u64)
    } else {
        Duration::from_micros((seconds * 1e6) as u64)
    }
}
