//! Measures the round models: nanoseconds a contact, runs a second, bytes a node, and what a second
//! thread brings; with `--peers` beside numba and networkx, which answer the same questions.
//!
//! Each answer is computed in a process of its own, so that its memory is its own, and
//! they are measured by turns, so that other work on the machine disturbs all alike. Medians are
//! given. A contact is one that the model makes, whether or not an engine had to compute it. On one
//! thread the time is the processor's, so that other work on the machine disturbs it less; on two
//! it is the wall's, and a speed-up is the wall's of one over the wall's of two.

mod measure;
mod question;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Parser;

use measure::{Contestant, Measurement};
use question::{By, Question, Size, Who, questions};
use rumormill_bench::median;
use rumormill_model::simulate::EngineKind;

/// Nanoseconds a contact, runs a second and bytes a node of the round models.
#[derive(Parser)]
struct Args {
    /// Times that each is measured, unless that takes too long.
    #[arg(long, default_value_t = 5)]
    times: usize,
    /// Only the questions whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Leave out the questions that take longer than a few seconds.
    #[arg(long)]
    small: bool,
    /// Measure numba and networkx too, which pip installs: some four minutes. Needs python3 with
    /// venv.
    #[arg(long)]
    peers: bool,
    /// Ask about 10¹⁰ nodes, too: two minutes each time, and 1.3 GB.
    #[arg(long)]
    huge: bool,
    /// Where to keep the virtual environment of the peers.
    #[arg(long, default_value = "target/peers-venv")]
    venv: PathBuf,
    /// Answer a question in this process.
    #[arg(long, hide = true)]
    question: Option<String>,
    #[arg(long, hide = true, requires = "question")]
    by: Option<String>,
    #[arg(long, hide = true, default_value_t = 1)]
    threads: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(name) = &args.question {
        let all = questions()?;
        let question = all.iter().find(|question| question.name == *name);
        let question = question.context("no such question")?;
        let who = args.by.as_deref();
        let mut all = question.by.iter();
        let by = all.find(|by| Some(by.who.name()) == who && by.threads == args.threads);
        return measure::answer(question, by.context("there is no such answer")?);
    }
    let python = if args.peers { install(&args.venv)? } else { PathBuf::new() };
    let largest = match (args.small, args.huge) {
        (_, true) => Size::Huge,
        (false, false) => Size::Large,
        (true, false) => Size::Small,
    };
    println!(
        "{:<23}{:<14}{:>8}{:>12}{:>10}{:>9}{:>12}{:>11}{:>12}{:>8}{:>10}",
        "question",
        "by",
        "threads",
        "ns/contact",
        "to first",
        "runs",
        "ms",
        "runs/s",
        "bytes/node",
        "stated",
        "speed-up"
    );
    for question in &questions()? {
        let named = args.only.as_deref().is_none_or(|only| question.name.contains(only));
        if named && question.size <= largest {
            ask(question, &args, &python)?;
        }
    }
    println!(
        "\nns/contact: of averaging, nanoseconds of a node in a round. ms: of all runs. \
         bytes/node: the most that\nwas resident beside the graph; stated: by the engine, \
         beforehand. Medians, measured by turns."
    );
    Ok(())
}

/// Makes the virtual environment, if it is not there, and gives its interpreter.
fn install(venv: &Path) -> anyhow::Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers.sh");
    let status = Command::new("sh").arg(script).arg(venv).status()?;
    if !status.success() {
        bail!("peers.sh could not install the peers");
    }
    Ok(venv.join("bin/python"))
}

/// Measures all answers to a question by turns, and prints the medians.
fn ask(question: &Question, args: &Args, python: &Path) -> anyhow::Result<()> {
    let all: Vec<&By> = question.by.iter().filter(|by| args.peers || !by.who.is_peer()).collect();
    let start = |by: &&By| Contestant::start(question, by, python);
    let mut contestants = all.iter().map(start).collect::<anyhow::Result<Vec<_>>>()?;
    contestants.iter_mut().try_for_each(Contestant::wait)?;
    let mut measured: Vec<Vec<Measurement>> = vec![Vec::new(); all.len()];
    for time in 0..args.times {
        for ((by, contestant), measured) in all.iter().zip(&mut contestants).zip(&mut measured) {
            if by.times.is_none_or(|most| time < most) {
                measured.push(contestant.measure()?);
            }
        }
    }
    drop(contestants);
    let rows: Vec<Row<'_>> = all.iter().zip(&measured).map(|(by, all)| Row::new(by, all)).collect();
    for row in &rows {
        let one = rows.iter().find(|one| one.by.who == row.by.who && one.by.threads == 1);
        row.print(question, &rows[0], one);
    }
    Ok(())
}

/// Medians of one answer.
struct Row<'a> {
    by: &'a By,
    ns_per_contact: f64,
    /// Nanoseconds of a measurement: the processor's on one thread, the wall's on more.
    spent: f64,
    wall: f64,
    bytes: f64,
    stated: f64,
}

impl<'a> Row<'a> {
    fn new(by: &'a By, measured: &[Measurement]) -> Self {
        let spent = |one: &Measurement| if by.threads == 1 { one.worked } else { one.wall };
        let nothing = f64::NAN;
        Self {
            by,
            ns_per_contact: median(measured.iter().map(|one| spent(one) / one.contacts)),
            spent: median(measured.iter().map(spent)),
            wall: median(measured.iter().map(|one| one.wall)),
            bytes: measured.iter().filter_map(|one| one.bytes).fold(nothing, f64::max),
            stated: measured.iter().filter_map(|one| one.stated).fold(nothing, f64::max),
        }
    }

    fn print(&self, question: &Question, first: &Self, one: Option<&Self>) {
        let Self { by, ns_per_contact, spent, bytes, stated, .. } = self;
        // Among few nodes, and where they are not kept, it is the process that is measured.
        let few = question.nodes < 1_000_000 || by.who == Who::Engine(EngineKind::Count);
        let each = |bytes: f64| match bytes / question.nodes as f64 {
            each if few || each.is_nan() => "-".to_owned(),
            each => short(each),
        };
        let (ratio, speed_up) = match one {
            Some(one) if by.threads > 1 => {
                let a_run = |row: &Self| row.wall / row.by.runs as f64;
                ("-".to_owned(), format!("{:.2}", a_run(one) / a_run(self)))
            }
            _ => (short(ns_per_contact / first.ns_per_contact), "-".to_owned()),
        };
        println!(
            "{:<23}{:<14}{:>8}{:>12}{:>10}{:>9}{:>12}{:>11}{:>12}{:>8}{:>10}  {}",
            &question.name,
            by.who.name(),
            by.threads,
            short(*ns_per_contact),
            ratio,
            by.runs,
            short(spent / 1e6),
            short(by.runs as f64 / spent * 1e9),
            each(*bytes),
            each(*stated),
            speed_up,
            by.note
        );
    }
}

/// Writes about four digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e7 || (size > 0.0 && size < 1e-3) => format!("{value:.2e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
