//! `rumormill merge`: the parts of a sweep become its table.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;

use crate::sweep::part::{Part, Shard};
use crate::sweep::table;
use crate::sweep::table::{Column, Value};
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::format::plural;

const EXAMPLES: &str = "\
Examples:
  rumormill merge sweep.*-of-16.part --out sweep.csv
  rumormill merge sweep.*-of-16.part --out sweep.csv --out sweep.parquet

The table is bit for bit the one that a single machine makes of the same sweep. Parts that are
missing, unfinished, repeated or of another sweep are refused by name.";

/// Merge the parts of a sweep into one table
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Part files of `rumormill sweep --shard`, in any order.
    #[arg(required = true, value_name = "PART")]
    parts: Vec<PathBuf>,
    /// File for the table, .csv or .parquet; may be repeated.
    #[arg(long, required = true, value_name = "FILE")]
    out: Vec<PathBuf>,
}

/// Runs `rumormill merge`.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    table::check(&args.out)?;
    let mut parts: Vec<(String, Part)> = Vec::new();
    for path in &args.parts {
        parts.push((path.display().to_string(), Part::read(path)?));
    }
    agree(&parts)?;
    let (columns, rows) = joined(parts.iter().map(|(_, part)| part));
    for path in &args.out {
        table::save(path, &columns, &rows)?;
    }
    let names: Vec<String> = args.out.iter().map(|path| path.display().to_string()).collect();
    let (rows, parts) = (plural(rows.len(), "row"), plural(parts.len(), "part"));
    exit::print(&format!("{rows} of {parts} written to {}", names.join(" and ")))?;
    Ok(Exit::Done)
}

/// Refuses parts that do not make a whole.
fn agree(parts: &[(String, Part)]) -> anyhow::Result<()> {
    let (first, whole) = (&parts[0].0, &parts[0].1.header);
    let mut seen: BTreeMap<usize, &String> = BTreeMap::new();
    for (name, part) in parts {
        let header = &part.header;
        if header.rumormill != whole.rumormill {
            bail!(
                "{name} was made by rumormill {} and {first} by {}: their results may differ; make \
                 all parts with one version",
                header.rumormill,
                whole.rumormill
            );
        }
        if let Some(difference) = header.sweep.difference(&whole.sweep) {
            bail!("{name} belongs to another sweep than {first}: {difference}");
        }
        let Shard { part: number, of } = header.shard;
        if of != whole.shard.of {
            bail!("{name} is part {number} of {of}, but {first} is one of {}", whole.shard.of);
        }
        if let Some(before) = seen.insert(number, name) {
            bail!("{before} and {name} are both part {}; give each part once", header.shard);
        }
    }
    let missing: Vec<String> = (1..=whole.shard.of)
        .filter(|number| !seen.contains_key(number))
        .map(|part| Shard { part, ..whole.shard }.to_string())
        .collect();
    if !missing.is_empty() {
        let (what, verb) = if missing.len() == 1 { ("part", "is") } else { ("parts", "are") };
        bail!("{what} {} {verb} missing", missing.join(", "));
    }
    for (name, part) in parts {
        let left = part.missing().count();
        if left > 0 {
            let shard = part.header.shard;
            bail!(
                "{name} is not finished: {} to go; run `rumormill sweep` with --shard {shard} again \
                 to go on with it",
                plural(left, "cell")
            );
        }
    }
    Ok(())
}

/// Returns the table of what some parts hold, in the order of the cells.
pub(crate) fn joined<'a>(
    parts: impl Iterator<Item = &'a Part> + Clone,
) -> (Vec<Column>, Vec<Vec<Value>>) {
    let head = parts.clone().next().map_or_else(Vec::new, |part| part.header.sweep.head());
    let mut rows = BTreeMap::new();
    for part in parts {
        let sweep = &part.header.sweep;
        rows.extend(part.rows.iter().map(|(&cell, results)| (cell, sweep.row(cell, results))));
    }
    (head, rows.into_values().collect())
}
