//! `rumormill simulate cluster`: the real protocol, in the virtual network.

use std::fs::File;
use std::io::BufWriter;

use anyhow::Context;
use rumormill_sim::scenario::{Scenario, ScenarioRun};
use rumormill_sim::trace::{Ending, Header, TraceWriter};

use crate::cluster::args::{Args, Seen};
use crate::cluster::timeline::Timeline;
use crate::cluster::{file, many, plot, shorten, verdict};
use crate::term::exit;
use crate::term::exit::{Exit, Usage};
use crate::term::progress::Progress;
use crate::term::signal::Interrupt;
use crate::term::start::check_plot;

/// Runs `rumormill simulate cluster`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut scenario = file::seeded(args, file::first_seed(args)?)?;
    scenario.check().map_err(|error| Usage(format!("{}{error}", file::prefix(args))))?;
    if let Some(path) = &args.plot {
        check_plot(path)?;
    }
    if args.print {
        exit::print(&file::text(&scenario)?)?;
        return Ok(Exit::Done);
    }
    check_memory(args, &scenario)?;
    let interrupt = Interrupt::listen().context("cannot listen for Ctrl-C")?;
    let many = match args.runs {
        1 => None,
        runs => {
            // A file is read once, and a random scenario drawn for each seed.
            let of_seed = |seed| match args.random {
                true => file::seeded(args, seed),
                false => Ok(Scenario { seed, ..scenario.clone() }),
            };
            Some(many::run(scenario.seed, &of_seed, runs, args.threads(), &interrupt)?)
        }
    };
    if let Some(worst) = many.as_ref().and_then(many::Many::worst) {
        scenario = match args.random {
            true => file::seeded(args, worst.seed)?,
            false => Scenario { seed: worst.seed, ..scenario },
        };
    }
    let seen = look(&scenario, args.record.as_deref(), &interrupt)?;
    let shrunk = match &seen.outcome.failure {
        Some(_) if args.shrink > 0 => shorten::run(&scenario, args.shrink, &interrupt)?,
        _ => None,
    };
    if let Some(path) = &args.plot {
        plot::sheet(&seen).save(path)?;
    }
    let shortest = shrunk.as_ref().map(|shrunk| file::text(&shrunk.scenario)).transpose()?;
    if let (Some(path), Some(text)) = (&args.shrunk, &shortest) {
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let report = verdict::Report { seen: &seen, many: many.as_ref(), shrunk, shortest, args };
    if args.json {
        exit::print_json(&report.json()?)?;
    } else {
        let mut text = report.head();
        // Interrupted before all nodes had started: there is nothing to show but a summary.
        if seen.slices.is_empty() && !seen.complete {
            text.push_str("Interrupted before the nodes were ready.\n");
        } else {
            let timeline = Timeline::of(&seen.slices);
            text = format!("{text}\n{}\n{}", timeline.text(), report.text());
        }
        exit::print(&text)?;
    }
    Ok(match interrupt.exit() {
        Some(exit) => exit,
        None if seen.outcome.failure.is_some() => Exit::Failed,
        None => Exit::Done,
    })
}

/// About the bytes of memory that a run takes, with half as much again as was measured. Nodes that
/// begin knowing each other share what they know; while nodes join, each has a list of its own.
pub(crate) fn bytes_needed(scenario: &Scenario) -> u64 {
    let nodes = u64::from(scenario.nodes);
    if scenario.starts_formed() { nodes * 64_000 } else { nodes * (100_000 + 600 * nodes) }
}

/// Refuses a cluster that does not fit.
fn check_memory(args: &Args, scenario: &Scenario) -> Result<(), Usage> {
    let (nodes, at_once) = (u64::from(scenario.nodes), args.threads() as u64);
    let what = match at_once {
        1 => format!("a cluster of {nodes} nodes"),
        runs => format!("{runs} parallel clusters of {nodes} nodes"),
    };
    args.machine.check(&what, at_once * bytes_needed(scenario))
}

/// Makes one run, recorded if asked.
fn look(
    scenario: &Scenario,
    record: Option<&std::path::Path>,
    interrupt: &Interrupt,
) -> anyhow::Result<Seen> {
    let mut run = match record {
        Some(_) => ScenarioRun::detailed(scenario),
        None => ScenarioRun::new(scenario),
    }
    .map_err(|error| Usage(error.to_string()))?;
    let mut trace = match record {
        Some(path) => {
            let cannot = || format!("cannot write {}", path.display());
            let out = BufWriter::new(File::create(path).with_context(cannot)?);
            let header = Header::of(&run, scenario, file::text(scenario)?);
            Some((TraceWriter::new(out, &header).with_context(cannot)?, cannot))
        }
        None => None,
    };
    let mut slices = Vec::new();
    let mut complete = true;
    begin(&mut run, scenario.nodes, interrupt);
    let end = scenario.duration.0.as_secs_f64();
    let progress = Progress::new(end.ceil() as u64, "virtual seconds");
    loop {
        if interrupt.raised() {
            complete = false;
            break;
        }
        let Some(mut slice) = run.advance() else { break };
        let now = slice.sample.at.seconds();
        progress.set(now.min(end));
        if now > end {
            progress.note(|| format!("calm for {:.1} s", now - end));
        }
        if let Some((trace, cannot)) = &mut trace {
            trace.write(&slice).with_context(*cannot)?;
            // The file has them now.
            (slice.nodes, slice.notices, slice.traffic) = Default::default();
        }
        slices.push(slice);
    }
    let outcome = run.outcome();
    if let Some((trace, cannot)) = trace {
        trace.finish(&Ending::of(&outcome, complete)).with_context(cannot)?;
    }
    Ok(Seen { scenario: scenario.clone(), slices, outcome, complete })
}

/// Starts the nodes; thousands of them take a while.
fn begin(run: &mut ScenarioRun, nodes: u32, interrupt: &Interrupt) {
    let progress = Progress::new(nodes.into(), "nodes ready");
    while !interrupt.raised()
        && let Some(share) = run.start()
    {
        progress.set(share * f64::from(nodes));
    }
}
