//! What a sweep asks for: SWEEP.toml, and the cells that it makes.
//!
//! The keys are the flags of the job that is swept, so that a sweep can say whatever the command
//! line can, and is checked by the same rules.

use std::collections::BTreeSet;

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use toml::Value as Toml;

use super::job::Job;
use super::table::{Column, Kind, Value};
use crate::exit::Usage;

/// The most cells of a sweep: all are checked before the first one runs.
const MAX_CELLS: usize = 1_000_000;

/// A key and what it is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: Value,
}

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
    /// Reads a sweep.
    ///
    /// # Errors
    /// If a key is unknown or a value makes no sense; says which.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let written: Written =
            toml::from_str(text).map_err(|error| Usage(error.to_string().trim_end().to_owned()))?;
        let job = written.job;
        let mut axes = Vec::new();
        for (key, value) in &written.grid {
            job.knows(key, "grid")?;
            if written.settings.contains_key(key) {
                return Err(Usage(format!("{key} is both in [settings] and in [grid]")).into());
            }
            let values = several(&format!("[grid] {key}"), value)?;
            axes.push(Axis { key: key.clone(), kind: kind(&values), values: alike(values) });
        }
        let mut settings = Vec::new();
        for (key, value) in &written.settings {
            job.knows(key, "settings")?;
            let value = one(&format!("[settings] {key}"), value)?;
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
            Some(list) => several("seeds", list)?
                .into_iter()
                .map(|value| match value {
                    Value::Whole(n) if n >= 0 => Ok(n as u64),
                    other => Err(Usage(format!("seeds: {other} is not a whole number from 0"))),
                })
                .collect::<Result<_, _>>()?,
        };
        let columns = job.columns(written.columns.as_deref())?;
        let grid = Self { job, settings, axes, seeds, columns };
        let lengths = grid.axes.iter().map(|axis| axis.values.len()).chain([grid.seeds.len()]);
        let cells = lengths.clone().try_fold(1usize, usize::checked_mul);
        if cells.is_none_or(|cells| cells > MAX_CELLS) {
            let product = lengths.map(|length| length.to_string()).collect::<Vec<_>>().join(" x ");
            return Err(Usage(format!("{product} cells; at most {MAX_CELLS} are allowed")).into());
        }
        Ok(grid)
    }

    /// How many cells there are.
    pub(crate) fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.values.len()).product::<usize>() * self.seeds.len()
    }

    /// The settings of a cell: those of all, then one of each axis, then the seed.
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

    /// The columns of the whole table: settings, axes, seed, results.
    pub(crate) fn head(&self) -> Vec<Column> {
        let settings = self
            .settings
            .iter()
            .map(|setting| Column::new(&setting.key, kind(std::slice::from_ref(&setting.value))));
        let axes = self.axes.iter().map(|axis| Column::new(&axis.key, axis.kind));
        let seed = [Column::new("seed", Kind::Whole)];
        settings.chain(axes).chain(seed).chain(self.columns.iter().cloned()).collect()
    }

    /// A row of the whole table.
    pub(crate) fn row(&self, cell: usize, results: &[Value]) -> Vec<Value> {
        let (settings, seed) = self.cell(cell);
        let settings = settings.into_iter().map(|setting| setting.value);
        settings.chain([Value::whole(seed)]).chain(results.iter().cloned()).collect()
    }

    /// The first difference from another sweep, in words.
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
            [job].into_iter().chain(settings).chain(axes).chain(rest).collect()
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

fn listed(values: &[Value]) -> String {
    let shown: Vec<String> = values.iter().take(6).map(ToString::to_string).collect();
    let more = if values.len() > shown.len() {
        format!(", … ({} values)", values.len())
    } else {
        String::new()
    };
    format!("[{}{more}]", shown.join(", "))
}

/// A single value.
fn one(what: &str, value: &Toml) -> Result<Value, Usage> {
    match value {
        Toml::String(text) => Ok(Value::text(text)),
        Toml::Integer(n) => Ok(Value::Whole(*n)),
        // 1e6 is how people write a million.
        Toml::Float(x) if x.fract() == 0.0 && x.abs() < 1e15 => Ok(Value::Whole(*x as i64)),
        Toml::Float(x) if x.is_finite() => Ok(Value::Real(*x)),
        Toml::Boolean(yes) => Ok(Value::Truth(*yes)),
        other => Err(Usage(format!(
            "{what} = {other}: must be one number, text, or truth value; lists belong in [grid]"
        ))),
    }
}

/// What a range may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: f64,
    to: f64,
    step: Option<f64>,
    factor: Option<f64>,
}

/// A list or a range.
fn several(what: &str, value: &Toml) -> anyhow::Result<Vec<Value>> {
    let values = match value {
        Toml::Array(list) => {
            list.iter().map(|value| one(what, value)).collect::<Result<Vec<_>, _>>()?
        }
        Toml::Table(table) => {
            let range: Range = table.clone().try_into().map_err(|error| {
                anyhow!(Usage(format!("{what}: {}", error.to_string().trim_end())))
            })?;
            range.values(what)?
        }
        _ => {
            let why = format!(
                "{what} = {value}: must be a list such as [1, 2], or a range such as \
                 {{ from = 1, to = 8 }} or {{ from = 10, to = 1e6, factor = 10 }}"
            );
            return Err(Usage(why).into());
        }
    };
    if values.is_empty() {
        return Err(Usage(format!("{what} is empty, so there is nothing to do")).into());
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = values.iter().find(|value| !seen.insert(value.to_string())) {
        return Err(Usage(format!("{what} has {twice} twice")).into());
    }
    Ok(values)
}

impl Range {
    fn values(&self, what: &str) -> Result<Vec<Value>, Usage> {
        let Self { from, to, step, factor } = *self;
        let count = match (step, factor) {
            (Some(_), Some(_)) => {
                return Err(Usage(format!("{what}: give step or factor, not both")));
            }
            (None, Some(factor)) if factor > 1.0 && from > 0.0 && to >= from => {
                (to / from).ln() / factor.ln()
            }
            (None, Some(factor)) => {
                return Err(Usage(format!(
                    "{what}: from {from} to {to} by factor {factor}; needs a factor above 1, and \
                     0 < from <= to"
                )));
            }
            (step, None) if step.unwrap_or(1.0) > 0.0 && to >= from => {
                (to - from) / step.unwrap_or(1.0)
            }
            (step, None) => {
                return Err(Usage(format!(
                    "{what}: from {from} to {to} by step {}; needs a step above 0, and from <= to",
                    step.unwrap_or(1.0)
                )));
            }
        };
        // The end counts, but for rounding.
        let count = (count + 1e-9).floor();
        if count >= MAX_CELLS as f64 {
            return Err(Usage(format!("{what} has {count} values; at most {MAX_CELLS}")));
        }
        let number = |x: f64| {
            // 0.1 · 3 is written 0.3.
            let x = format!("{x:.12e}").parse().unwrap_or(x);
            if f64::fract(x) == 0.0 && x.abs() < 1e15 {
                Value::Whole(x as i64)
            } else {
                Value::Real(x)
            }
        };
        let values = (0..=count as i32).map(|i| match factor {
            Some(factor) => number(from * factor.powi(i)),
            None => number(from + f64::from(i) * step.unwrap_or(1.0)),
        });
        Ok(values.collect())
    }
}

/// The kind that holds all of these values.
fn kind(values: &[Value]) -> Kind {
    let all = |kind| values.iter().all(|value| value.is(kind));
    [Kind::Truth, Kind::Whole, Kind::Real].into_iter().find(|&kind| all(kind)).unwrap_or(Kind::Text)
}

/// The values as their common kind has them: numbers among texts become texts.
fn alike(values: Vec<Value>) -> Vec<Value> {
    let kind = kind(&values);
    let fit = |value: Value| if value.is(kind) { value } else { Value::text(value.to_string()) };
    values.into_iter().map(fit).collect()
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
    fn ranges_include_their_end_and_lose_no_digits() {
        let axis = |range: &str| {
            let table: toml::Table = toml::from_str(&format!("x = {range}")).expect("TOML");
            several("x", &table["x"]).map(|values| listed(&values)).map_err(|e| e.to_string())
        };
        assert_eq!(axis("{ from = 0, to = 0.3, step = 0.1 }"), Ok("[0, 0.1, 0.2, 0.3]".into()));
        assert_eq!(axis("{ from = 1, to = 10, factor = 3 }"), Ok("[1, 3, 9]".into()));
        for (bad, word) in [
            ("{ from = 2, to = 1 }", "from <= to"),
            ("{ from = 1, to = 2, step = 0 }", "step above 0"),
            ("{ from = 0, to = 2, factor = 2 }", "0 < from"),
            ("{ from = 1, to = 2, by = 2 }", "by"),
            ("[]", "empty"),
            ("[1, 1]", "twice"),
            ("5", "list"),
        ] {
            let error = axis(bad).expect_err(bad);
            assert!(error.contains(word), "{bad}: {error}");
        }
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
