//! `rumormill sweep`: a simulation over a grid of settings and seeds, as a table.

mod axis;
mod grid;
pub(crate) mod job;
pub(crate) mod merge;
mod part;
pub(crate) mod results;
mod source;
pub(crate) mod table;
mod team;
pub(crate) mod work;

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::sweep::grid::Grid;
use crate::sweep::part::{Header, Journal, Shard};
use crate::sweep::table::{Column, Kind, Value};
use crate::sweep::work::Work;
use crate::term::exit::{Exit, Usage};
use crate::term::format::{Align, plural};
use crate::term::signal::Interrupt;
use crate::term::{exit, format, machine};

/// The most rows that are shown on the terminal.
const SHOWN: usize = 40;

const EXAMPLES: &str = "\
A sweep:
  job = \"spread\"                     # or average, or cluster
  seeds = 3                          # or a list: [7, 8, 9]
  [settings]                         # the flags of `rumormill simulate` with that job
  runs = 1000
  loss = 0.1
  [grid]                             # all combinations of these
  nodes = { from = 100, to = 1e6, factor = 10 }
  style = [\"push\", \"push-pull\"]

Examples:
  rumormill sweep sweep.toml                          writes sweep.csv
  rumormill sweep sweep.toml --out a.parquet --out a.csv
  rumormill sweep sweep.toml --shard 3/16             writes sweep.3-of-16.part
  rumormill merge sweep.*-of-16.part --out sweep.csv

Finished cells are stored in a .part file: after Ctrl-C, a crash or kill -9 the same command
continues.

Exit codes: 0 done, 1 failed, 2 usage, 130 interrupted.";

/// Simulate a grid of settings and seeds, and write a table
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Sweep file.
    #[arg(value_name = "SWEEP.toml")]
    sweep: PathBuf,
    /// File for the table, .csv or .parquet; may be repeated [default: the sweep's name with .csv].
    #[arg(long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Part of the cells to compute, such as 3/16, for `rumormill merge`.
    #[arg(long, value_name = "PART/OF", value_parser = part::shard, conflicts_with = "out")]
    shard: Option<Shard>,
    /// File for finished cells [default: the sweep's name with .part].
    #[arg(long, value_name = "FILE")]
    part: Option<PathBuf>,
    #[command(flatten)]
    machine: machine::Machine,
}

/// Runs `rumormill sweep`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let sweep = Grid::read(&args.sweep)?;
    let out =
        if args.out.is_empty() { vec![args.sweep.with_extension("csv")] } else { args.out.clone() };
    table::check(&out)?;
    let path = args.part.clone().unwrap_or_else(|| match args.shard {
        None => args.sweep.with_extension("part"),
        Some(Shard { part, of }) => args.sweep.with_extension(format!("{part}-of-{of}.part")),
    });
    let cells = prepared(&sweep, shard).map_err(|error| within(&args.sweep, &error))?;

    team::check(&args.machine, &cells)?;

    let interrupt = Interrupt::listen()?;
    let header = Header { rumormill: env!("CARGO_PKG_VERSION").to_owned(), shard, sweep };
    let (mut journal, mut part) = Journal::open(&path, &header)?;
    let before = part.rows.len();
    if before > 0 {
        exit::note(&format!(
            "rumormill: {} of {} cells are already in {}\n",
            before,
            cells.len(),
            path.display()
        ));
    }
    let left: Vec<(usize, Box<dyn Work>)> =
        cells.into_iter().filter(|(cell, _)| !part.rows.contains_key(cell)).collect();
    let columns = &header.sweep.columns;
    team::work(&args.machine, columns, &left, before, &interrupt, &mut |cell, row| {
        journal.add(cell, row.clone())?;
        part.rows.insert(cell, row);
        Ok(())
    })?;

    let (columns, rows) = merge::joined([&part].into_iter());
    if part.missing().next().is_some() {
        let say = format!(
            "\n{} of {} cells are done and stored in {}; the same command continues.",
            part.rows.len(),
            part.rows.len() + part.missing().count(),
            path.display()
        );
        exit::print(&(shown(&columns, &rows) + &say))?;
        return Ok(interrupt.exit().unwrap_or(Exit::Failed));
    }
    if args.shard.is_some() {
        let cells = plural(part.rows.len(), "cell");
        exit::print(&format!("part {shard} is done: {cells} in {}", path.display()))?;
        return Ok(Exit::Done);
    }
    for path in &out {
        table::save(path, &columns, &rows)?;
    }
    // The table has all that was kept.
    drop(journal);
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    let names: Vec<String> = out.iter().map(|path| path.display().to_string()).collect();
    let rows_written = plural(rows.len(), "row");
    exit::print(&format!(
        "{}\n{rows_written} written to {}",
        shown(&columns, &rows),
        names.join(" and ")
    ))?;
    Ok(Exit::Done)
}

/// An error in the file, by the file's name.
fn within(path: &Path, error: &anyhow::Error) -> anyhow::Error {
    Usage(format!("{}: {error:#}", path.display())).into()
}

/// The cells of a part, each checked.
fn prepared(sweep: &Grid, shard: Shard) -> anyhow::Result<Vec<(usize, Box<dyn Work>)>> {
    // All cells are checked, so that every part of a wrong sweep says the same.
    let mut cells = Vec::new();
    for cell in 0..sweep.cells() {
        let (settings, seed) = sweep.cell(cell);
        let work = sweep.job.prepare(&settings, seed).map_err(|error| {
            let settings: Vec<String> =
                settings.iter().map(|s| format!("{} = {}", s.key, s.value)).collect();
            anyhow::anyhow!("with {}: {error:#}", settings.join(", "))
        })?;
        if shard.has(cell) {
            cells.push((cell, work));
        }
    }
    Ok(cells)
}

/// The table for people: its first rows.
fn shown(columns: &[Column], rows: &[Vec<Value>]) -> String {
    let head: Vec<(&str, Align)> = columns
        .iter()
        .map(|column| {
            let text = column.kind == Kind::Text;
            (column.name.as_str(), if text { Align::Left } else { Align::Right })
        })
        .collect();
    let cell = |value: &Value| match value {
        Value::Real(x) => format::number(*x, 6),
        Value::Missing => format::UNKNOWN.to_owned(),
        other => other.to_string(),
    };
    let body: Vec<Vec<String>> =
        rows.iter().take(SHOWN).map(|row| row.iter().map(cell).collect()).collect();
    let mut text = format::table(&head, &body).join("\n") + "\n";
    if rows.len() > SHOWN {
        text += &format!("({SHOWN} of {} rows)\n", rows.len());
    }
    text
}
