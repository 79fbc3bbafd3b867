//! `rumormill simulate spread`: the spread of an event in rounds, on any graph, many times.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::spread::args::Settings;
use crate::spread::question::{Question, under_way};
use crate::spread::report::Report;
use crate::spread::updates;
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::format::plural;
use crate::term::progress::Progress;
use crate::term::start::{Runs, Start};

const EXAMPLES: &str = "\
Examples:
  rumormill simulate spread --nodes 64 --runs 10000 --plot spread.png
  rumormill simulate spread --nodes 1e6 --style push-pull --loss 0.1
  rumormill simulate spread --nodes 1e5 --graph random-regular:8 --semantics sequential
  rumormill simulate spread --nodes 1000 --stop feedback-counter:2 --reset
  rumormill simulate spread --nodes 1000 --loss 0.1 --broadcast acknowledged
  rumormill simulate spread --nodes 1000 --style push-pull --updates 20
  rumormill simulate spread --graph file:links.txt --json

On the complete graph, in synchronous rounds, exact values are printed beside the simulated ones.
Ctrl-C prints the result so far.";

/// Spread of an event in rounds, on any graph
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    updates: updates::Flags,
    #[command(flatten)]
    common: Runs,
}

/// Runs `rumormill simulate spread`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let machine = (args.common.machine.threads(), args.common.machine.limit());
    let make = |observe: &dyn Fn(f64) -> ControlFlow<()>| {
        Question::new(&args.settings, args.common.seed, machine, observe)
    };
    let (question, interrupt) = match args.common.start(make)? {
        Start::Ready(question, interrupt) => (question, interrupt),
        Start::Stopped(exit) => return Ok(exit),
    };
    if let Some(updates) = args.updates.several(&question)? {
        return updates::run(&updates, &question, &interrupt, args.common.json);
    }
    let progress = Progress::new(args.settings.runs, "runs");
    let started = Instant::now();
    let summary = question.answer(&|now| {
        progress.set(now.runs_done as f64 + under_way(now));
        progress.note(|| format!("round {} of a run: {} informed", now.round, now.informed));
        interrupt.flow()
    })?;
    let seconds = started.elapsed().as_secs_f64();
    drop(progress);
    let stopped = interrupt.exit();
    if summary.runs == 0 {
        anyhow::ensure!(stopped.is_some(), "no run was made");
        exit::note(&format!(
            "rumormill: interrupted before the first of {} was done\n",
            plural(args.settings.runs as usize, "run")
        ));
        return Ok(stopped.unwrap_or(Exit::Failed));
    }
    let report = Report::new(&question, &summary, seconds);
    args.common.show(&report, Report::sheet, Report::text)?;
    Ok(stopped.unwrap_or(Exit::Done))
}
