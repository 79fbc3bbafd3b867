//! An answer, measured in a process of its own.

use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use rumormill_bench::process::{peak, reset_peak, thread_seconds};
use rumormill_model::graph::{GraphKind, Topology};
use rumormill_model::simulate::average::{self, Averaging, Protocol};
use rumormill_model::simulate::{Job, simulate};
use rumormill_model::spread::Spread;
use serde::{Deserialize, Serialize};

use crate::question::{By, Question, Task, Who};

/// A measurement.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// Contacts made, or nodes times rounds.
    pub(crate) contacts: f64,
    /// Nanoseconds that the processor worked.
    pub(crate) worked: f64,
    /// Nanoseconds on the wall's clock.
    pub(crate) wall: f64,
    /// The most memory on top of the graph's, in bytes: measured, and stated by the engine.
    pub(crate) bytes: Option<f64>,
    pub(crate) stated: Option<f64>,
}

/// A process that measures whenever it is asked to.
pub(crate) struct Contestant {
    process: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    name: String,
}

impl Contestant {
    pub(crate) fn start(question: &Question, by: &By, python: &Path) -> anyhow::Result<Self> {
        let mut command = if by.who.is_peer() {
            let mut command = Command::new(python);
            let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
            command.arg(folder.join("peers.py"));
            // What numba compiles stays with its interpreter, not among the sources.
            if let Some(venv) = python.parent().and_then(Path::parent) {
                command.env("NUMBA_CACHE_DIR", venv.join("numba"));
            }
            let rounds = match question.task {
                Task::Average(rounds) => rounds,
                Task::Spread(_) => 0,
            };
            command.args(["--rounds", &rounds.to_string()]);
            command.args(["--graph", question.graph.name()]);
            command.args(["--degree", &degree(question.graph).to_string()]);
            command.args(["--nodes", &question.nodes.to_string()]);
            command.args(["--runs", &by.runs.to_string(), "--by", by.who.name()]);
            command
        } else {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["--question", &question.name, "--by", by.who.name()]);
            command.args(["--threads", &by.threads.to_string()]);
            command
        };
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (ask, answers) = process.stdin.take().zip(process.stdout.take()).context("no pipes")?;
        let name = format!("{}, {}", question.name, by.who.name());
        Ok(Self { process, ask: Some(ask), answers: BufReader::new(answers), name })
    }

    /// Waits until everything that is not measured is done.
    pub(crate) fn wait(&mut self) -> anyhow::Result<()> {
        self.line().map(drop)
    }

    /// Measures once.
    pub(crate) fn measure(&mut self) -> anyhow::Result<Measurement> {
        // A process that has ended gives no answer.
        if let Some(ask) = &mut self.ask {
            let _ = ask.write_all(b"\n");
        }
        let line = self.line()?;
        serde_json::from_str(&line).with_context(|| format!("{}: {line:?}", self.name))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            bail!("{}: ended with {}", self.name, self.process.wait()?);
        }
        Ok(line)
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        // It ends when its input is closed.
        self.ask = None;
        let _ = self.process.wait();
    }
}

fn degree(graph: GraphKind) -> u32 {
    match graph {
        GraphKind::RandomRegular { degree } | GraphKind::KOut { degree } => degree,
        _ => 0,
    }
}

/// Measures in this process: says when it is ready, and measures once for each line that comes in.
pub(crate) fn answer(question: &Question, by: &By) -> anyhow::Result<()> {
    let go_on = |_| ControlFlow::Continue(());
    let topology = question.graph.build(question.nodes, 1, u64::MAX, &go_on)?;
    println!("ready");
    for (time, line) in std::io::stdin().lock().lines().enumerate() {
        line?;
        let runs = time as u64 * by.runs..(time as u64 + 1) * by.runs;
        let before = reset_peak();
        let (begin, begin_wall) = (thread_seconds(), Instant::now());
        let (contacts, stated) = work(question, by, &topology, runs)?;
        let worked = (thread_seconds() - begin) * 1e9;
        let wall = begin_wall.elapsed().as_nanos() as f64;
        let bytes = before.zip(peak()).map(|(before, after)| after as f64 - before as f64);
        let measured = Measurement { contacts, worked, wall, bytes, stated: Some(stated) };
        println!("{}", serde_json::to_string(&measured)?);
    }
    Ok(())
}

/// Returns the contacts that were made, and the memory that the engine says it takes.
fn work(
    question: &Question,
    by: &By,
    topology: &Topology,
    runs: std::ops::Range<u64>,
) -> anyhow::Result<(f64, f64)> {
    match (question.task, by.who) {
        (Task::Spread(style), Who::Engine(engine)) => {
            let spread = Spread::new(question.nodes, style);
            let job = Job {
                engine: Some(engine),
                threads: by.threads,
                ..Job::new(&spread, topology, runs, 7)
            };
            let summary = simulate(&job, &|_| ControlFlow::Continue(()))?;
            let contacts = summary.messages.mean() * summary.runs as f64;
            Ok((contacts, job.bytes_needed(engine) as f64))
        }
        (Task::Average(rounds), Who::Averaging) => {
            let averaging = Averaging {
                topology: topology.clone(),
                rounds,
                ..Averaging::new(question.nodes, Protocol::PushPull)
            };
            let steps = question.nodes * u64::from(rounds) * (runs.end - runs.start);
            let job = average::Job { threads: by.threads, ..average::Job::new(&averaging, runs) };
            average::simulate(&job, &|_| ControlFlow::Continue(()))?;
            Ok((steps as f64, job.bytes_needed()? as f64))
        }
        (task, who) => bail!("{} does not do {task:?}", who.name()),
    }
}
