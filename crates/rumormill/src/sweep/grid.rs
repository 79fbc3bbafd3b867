//! What a sweep asks for: SWEEP.toml, and the cells that it makes.
//!
//! The keys are the flags of the job that is swept, so that a sweep can say whatever the command
//! line can, and is checked by the same rules.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Value as Toml;

use crate::sweep::axis::{MAX_CELLS, alike, kind, listed, one, several};
use crate::sweep::job::Job;
use crate::sweep::source::Source;
use crate::sweep::table::{Column, Kind, Value};
use crate::sweep::work::Setting;
use crate::term::exit::Usage;

/// A key and all that it is set to, one after another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Axis {
    pub(crate) key: String,
    pub(crate) kind: Kind,
    pub(crate) values: Vec<Value>,
}

/// A sweep: a grid of settings, and seeds.
///
/// Cells are numbered from 0; the seed changes fastest, then the last axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grid {
    pub(crate) job: Job,
    /// What is the same in every cell.
    pub(crate) settings: Vec<Setting>,
    pub(crate) axes: Vec<Axis>,
    pub(crate) seeds: Vec<u64>,
    /// The results to list.
    pub(crate) columns: Vec<Column>,
    /// The files that settings name.
    #[serde(default)]
    pub(crate) sources: Vec<Source>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    job: Job,
    #[serde(default)]
    settings: toml::Table,
    #[serde(default)]
    grid: toml::Table,
    seeds: Option<Toml>,
    columns: Option<Vec<String>>,
}

impl Grid {
    /// Reads a sweep, and looks at the files that its settings name.
    ///
    /// # Errors
    /// As [`Self::parse`]; or if a file cannot be read.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let text = crate::term::read::read(path)?;
        let within = |error: anyhow::Error| Usage(format!("{name}: {error:#}"));
        let mut grid = Self::parse(&text).map_err(within)?;
        grid.sources = grid.look_at_sources().map_err(within)?;
        Ok(grid)
    }

    /// Returns the files that settings name, in the order of their names.
    fn look_at_sources(&self) -> anyhow::Result<Vec<Source>> {
        let settings = self.settings.iter().map(|setting| (&setting.key, &setting.value));
        let axes = self.axes.iter();
        let axes = axes.flat_map(|axis| axis.values.iter().map(move |value| (&axis.key, value)));
        let mut files: Vec<&str> =
            settings.chain(axes).filter_map(|(key, value)| self.job.file(key, value)).collect();
        files.sort_unstable();
        files.dedup();
        files.into_iter().map(Source::look).collect()
    }

    /// Reads a sweep.
    ///
    /// # Errors
    /// If a key is unknown or a value makes no sense, with the key.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let written: Written =
            toml::from_str(text).map_err(|error| Usage(error.to_string().trim_end().to_owned()))?;
        let job = written.job;
        let mut axes = Vec::new();
        for (key, value) in &written.grid {
            let repeats = job.knows(key, "grid")?;
            if written.settings.contains_key(key) {
                return Err(Usage(format!("{key} is both in [settings] and in [grid]")).into());
            }
            let values = several(&format!("[grid] {key}"), value, repeats)?;
            axes.push(Axis { key: key.clone(), kind: kind(&values), values: alike(values) });
        }
        let mut settings = Vec::new();
        for (key, value) in &written.settings {
            let repeats = job.knows(key, "settings")?;
            let value = one(&format!("[settings] {key}"), value, repeats)?;
            settings.push(Setting { key: key.clone(), value });
        }
        let seeds = match &written.seeds {
            None => vec![1],
            Some(Toml::Integer(n)) if (1..=MAX_CELLS as i64).contains(n) => {
                (1..=*n as u64).collect()
            }
            Some(Toml::Integer(n)) => {
                let why = format!("seeds = {n}: as a number, it is how many: 1..={MAX_CELLS}");
                return Err(Usage(why).into());
            }
            Some(list) => several("seeds", list, false)?
                .into_iter()
                .map(|value| match value {
                    Value::Whole(n) if n >= 0 => Ok(n as u64),
                    other => Err(Usage(format!("seeds: {other} is not a whole number from 0"))),
                })
                .collect::<Result<_, _>>()?,
        };
        let columns = job.columns(written.columns.as_deref())?;
        let grid = Self { job, settings, axes, seeds, columns, sources: Vec::new() };
        let head = grid.head();
        let twice = head
            .iter()
            .enumerate()
            .find(|(at, column)| head[..*at].iter().any(|before| before.name == column.name));
        if let Some((_, Column { name, .. })) = twice {
            let why =
                format!("columns: {name} would be there twice; it is a setting, or listed twice");
            return Err(Usage(why).into());
        }
        let lengths = grid.axes.iter().map(|axis| axis.values.len()).chain([grid.seeds.len()]);
        let cells = lengths.clone().try_fold(1usize, usize::checked_mul);
        if cells.is_none_or(|cells| cells > MAX_CELLS) {
            let product = lengths.map(|length| length.to_string()).collect::<Vec<_>>().join(" x ");
            return Err(Usage(format!("{product} cells; at most {MAX_CELLS} are allowed")).into());
        }
        Ok(grid)
    }

    /// Returns how many cells there are.
    pub(crate) fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).product::<usize>() * self.seeds.len()
    }

    /// Returns the settings of a cell: those of all, then one of each axis, then the seed.
    pub(crate) fn cell(&self, number: usize) -> (Vec<Setting>, u64) {
        let (mut rest, seed) = (number / self.seeds.len(), self.seeds[number % self.seeds.len()]);
        let mut chosen = Vec::with_capacity(self.axes.len());
        for axis in self.axes.iter().rev() {
            let value = axis.values[rest % axis.values.len()].clone();
            chosen.push(Setting { key: axis.key.clone(), value });
            rest /= axis.values.len();
        }
        let chosen = chosen.into_iter().rev();
        (self.settings.iter().cloned().chain(chosen).collect(), seed)
    }

    /// Returns the columns of the whole table: settings, axes, seed, results.
    pub(crate) fn head(&self) -> Vec<Column> {
        let settings = self
            .settings
            .iter()
            .map(|setting| Column::new(&setting.key, kind(std::slice::from_ref(&setting.value))));
        let axes = self.axes.iter().map(|axis| Column::new(&axis.key, axis.kind));
        let seed = [Column::new("seed", Kind::Whole)];
        settings.chain(axes).chain(seed).chain(self.columns.iter().cloned()).collect()
    }

    /// Returns a row of the whole table.
    pub(crate) fn row(&self, cell: usize, results: &[Value]) -> Vec<Value> {
        let (settings, seed) = self.cell(cell);
        let settings = settings.into_iter().map(|setting| setting.value);
        settings.chain([Value::whole(seed)]).chain(results.iter().cloned()).collect()
    }

    /// Returns the first difference from another sweep, in words.
    pub(crate) fn difference(&self, from: &Self) -> Option<String> {
        let keys = |grid: &Self| -> Vec<(String, String)> {
            let settings = grid
                .settings
                .iter()
                .map(|setting| (format!("[settings] {}", setting.key), setting.value.to_string()));
            let axes =
                grid.axes.iter().map(|axis| (format!("[grid] {}", axis.key), listed(&axis.values)));
            let seeds: Vec<Value> = grid.seeds.iter().map(|&seed| Value::whole(seed)).collect();
            let columns: Vec<&str> = grid.columns.iter().map(|c| c.name.as_str()).collect();
            let job = ("job".to_owned(), grid.job.name().to_owned());
            let rest =
                [("seeds".to_owned(), listed(&seeds)), ("columns".to_owned(), columns.join(", "))];
            let sources = grid.sources.iter();
            let sources = sources.map(|file| (format!("the file {}", file.name), file.to_string()));
            [job].into_iter().chain(settings).chain(axes).chain(rest).chain(sources).collect()
        };
        let (here, there) = (keys(self), keys(from));
        for (key, value) in &here {
            match there.iter().find(|(name, _)| name == key) {
                None => return Some(format!("{key} was not in it")),
                Some((_, old)) if old != value => {
                    return Some(format!("{key} was {old} and is now {value}"));
                }
                Some(_) => {}
            }
        }
        if let Some((key, _)) = there.iter().find(|(key, _)| !here.iter().any(|(k, _)| k == key)) {
            return Some(format!("{key} was in it and is not now"));
        }
        (self != from).then(|| "its keys stood in another order".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWEEP: &str = "seeds = 2\n[settings]\nloss = 0.1\nstyle = 'push'\n[grid]\n\
                         nodes = { from = 10, to = 1e3, factor = 10 }\nfanout = { from = 1, to = 2 }\n";

    #[test]
    fn cells_are_all_combinations_in_a_fixed_order() {
        let grid = Grid::parse(SWEEP).expect("a sweep");
        assert_eq!(grid.cells(), 12);
        let key = |cell| {
            let (settings, seed) = grid.cell(cell);
            let values: Vec<String> = settings.iter().map(|s| s.value.to_string()).collect();
            format!("{} {seed}", values.join(" "))
        };
        assert_eq!(key(0), "0.1 push 10 1 1");
        assert_eq!(key(1), "0.1 push 10 1 2");
        assert_eq!(key(2), "0.1 push 10 2 1");
        assert_eq!(key(11), "0.1 push 1000 2 2");
    }

    #[test]
    fn a_change_is_named() {
        let grid = Grid::parse(SWEEP).expect("a sweep");
        let other = |from, to| Grid::parse(&SWEEP.replace(from, to)).expect("a sweep");
        assert_eq!(grid.difference(&grid), None);
        let change = other("loss = 0.1", "loss = 0.2").difference(&grid);
        assert_eq!(change.as_deref(), Some("[settings] loss was 0.1 and is now 0.2"));
        let change = other("seeds = 2", "seeds = 3").difference(&grid);
        assert_eq!(change.as_deref(), Some("seeds was [1, 2] and is now [1, 2, 3]"));
        let change = other("loss = 0.1\n", "").difference(&grid);
        assert_eq!(change.as_deref(), Some("[settings] loss was in it and is not now"));
    }

    #[test]
    fn columns_have_the_kind_of_their_values() {
        let sweep = "[grid]\nnodes = [10, 1e3]\nloss = [0, 0.5]\nstyle = ['push', 'pull']";
        let grid = Grid::parse(sweep).expect("a sweep");
        let kinds: Vec<Kind> = grid.axes.iter().map(|axis| axis.kind).collect();
        assert_eq!(kinds, [Kind::Whole, Kind::Real, Kind::Text]);
    }
}
