//! `rumormill simulate average`: nodes exchange values until they agree on their mean.

use std::ops::ControlFlow;
use std::time::Instant;

use rumormill_model::simulate::average::{self, Averaging, Job};

use crate::average::answer::Answer;
use crate::average::args::Settings;
use crate::average::following::{self, FollowingArgs, Length};
use crate::average::text;
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::format::plural;
use crate::term::progress::Progress;
use crate::term::refuse::refuse;
use crate::term::start::{Runs, Start};

const EXAMPLES: &str = "\
Examples:
  rumormill simulate average --nodes 1000 --plot average.png
  rumormill simulate average --nodes 1000 --protocol spsp --loss 0.1 --overlap 0.01..0.1
  rumormill simulate average --nodes 1e6 --protocol push-pull --until 1e-6 --runs 5
  rumormill simulate average --nodes 1e4 --graph random-regular:16 --crash 0.1@20
  rumormill simulate average --values file:disk.csv --protocol push-sum --json
  rumormill simulate average --nodes 30 --changes 1 --budget 100 --runs 4

On the complete graph without faults, the exact factor of a round is printed beside the simulated
one. Ctrl-C prints the result so far.

Exit codes: 0 done, 1 failed, 2 usage, 3 some run did not reach --until, 130 interrupted.";

/// Nodes that exchange values until they agree on their mean.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    common: Runs,
    #[command(flatten)]
    following: FollowingArgs,
    #[command(flatten)]
    length: Length,
}

/// Runs `rumormill simulate average`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    if let Some(question) = args.following.question(&args.settings.average)? {
        return following::run(&question, &args.length, args.settings.runs, &args.common);
    }
    let limit = args.common.machine.limit();
    let make = |observe: &dyn Fn(f64) -> ControlFlow<()>| {
        args.settings.averaging(args.common.seed, limit, observe)
    };
    let (averaging, interrupt) = match args.common.start(make)? {
        Start::Ready(averaging, interrupt) => (averaging, interrupt),
        Start::Stopped(exit) => return Ok(exit),
    };
    let job = Job {
        threads: args.common.machine.threads(),
        memory: limit.saturating_sub(averaging.topology.bytes()),
        ..Job::new(&averaging, 0..args.settings.runs)
    };
    job.check().map_err(|error| refuse(&error))?;
    let progress = Progress::new(args.settings.runs, "runs");
    let started = Instant::now();
    let summary = average::simulate(&job, &|now| {
        progress.set(now.runs_done as f64 + under_way(&averaging, now));
        progress.note(|| format!("round {}: worst node off by {:.1e}", now.round, now.worst_error));
        interrupt.flow()
    })
    .map_err(|error| refuse(&error))?;
    let seconds = started.elapsed().as_secs_f64();
    drop(progress);
    let stopped = interrupt.exit();
    if summary.levels.len() < 2 {
        exit::note(&format!(
            "rumormill: interrupted before the first round of {} was done\n",
            plural(args.settings.runs as usize, "run")
        ));
        return Ok(stopped.unwrap_or(Exit::Failed));
    }
    let answer = Answer::new(&args.settings, &averaging, &job, &summary, seconds);
    args.common.show(&answer, Answer::sheet, text::of)?;
    let missed = answer.missed_goal();
    Ok(stopped.unwrap_or(if missed { Exit::NotConverged } else { Exit::Done }))
}

/// Returns the share done of the run that reports; parallel runs are about as far. With a goal it
/// is unknown.
pub(crate) fn under_way(averaging: &Averaging, now: average::Progress) -> f64 {
    match averaging.until {
        Some(_) => 0.0,
        None => f64::from(now.round) / f64::from(averaging.rounds),
    }
}
