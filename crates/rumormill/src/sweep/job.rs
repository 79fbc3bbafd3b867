//! What a sweep runs in each cell.

use anyhow::anyhow;
use clap::{ArgMatches, Args as _, FromArgMatches};
use serde::{Deserialize, Serialize};

use super::grid::Setting;
use super::table::{Column, Value};
use crate::exit::Usage;
use crate::simulate::spread;

/// What can be swept: the simulations by their names on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Job {
    #[default]
    Spread,
}

/// How a cell reports and is stopped.
pub(crate) struct Watch<'a> {
    /// Told the share that is done, 0 to 1.
    pub(crate) done: &'a (dyn Fn(f64) + Sync),
    /// Asked whether to give up.
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
}

/// A cell, ready to run.
pub(crate) trait Work: Send + Sync {
    /// Bytes of memory it needs.
    fn memory(&self) -> u64;
    /// Its results, one for each column; `None` if it was stopped.
    fn run(
        &self,
        columns: &[Column],
        threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>>;
}

impl Job {
    /// The name in SWEEP.toml.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
        }
    }

    /// Refuses a key that is no flag of this job.
    pub(crate) fn knows(self, key: &str, table: &str) -> Result<(), Usage> {
        let command = self.flags();
        let flags: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        if flags.contains(&key) {
            return Ok(());
        }
        let name = self.name();
        let why = match key {
            "seed" | "seeds" => format!("[{table}] {key}: seeds stand at the top of the file"),
            _ => format!(
                "[{table}] {key}: simulate {name} has no such setting; it has {}",
                flags.join(", ")
            ),
        };
        Err(Usage(why))
    }

    /// The results to list: those asked for, or the usual ones.
    pub(crate) fn columns(self, wanted: Option<&[String]>) -> Result<Vec<Column>, Usage> {
        let all: Vec<(Column, bool)> = match self {
            Self::Spread => spread::sweep::columns(),
        };
        let Some(wanted) = wanted else {
            return Ok(all.into_iter().filter(|(_, usual)| *usual).map(|(c, _)| c).collect());
        };
        let find = |name: &String| {
            all.iter().find(|(column, _)| column.name == *name).map(|(c, _)| c.clone()).ok_or_else(
                || {
                    let names: Vec<&str> = all.iter().map(|(c, _)| c.name.as_str()).collect();
                    Usage(format!("columns: there is no {name:?}; there are {}", names.join(", ")))
                },
            )
        };
        wanted.iter().map(find).collect()
    }

    /// Checks a cell by the rules of the command line.
    pub(crate) fn prepare(self, settings: &[Setting], seed: u64) -> anyhow::Result<Box<dyn Work>> {
        let args = settings.iter().filter_map(|Setting { key, value }| match value {
            Value::Truth(false) => None,
            Value::Truth(true) => Some(format!("--{key}")),
            value => Some(format!("--{key}={value}")),
        });
        let matches = self.flags().try_get_matches_from(args).map_err(|error| plain(&error))?;
        match self {
            Self::Spread => Ok(Box::new(spread::sweep::Cell::new(read(&matches)?, seed)?)),
        }
    }

    fn flags(self) -> clap::Command {
        let command = clap::Command::new("cell").no_binary_name(true).disable_help_flag(true);
        match self {
            Self::Spread => spread::Settings::augment_args(command),
        }
    }
}

fn read<T: FromArgMatches>(matches: &ArgMatches) -> anyhow::Result<T> {
    T::from_arg_matches(matches).map_err(|error| plain(&error))
}

/// The argument parser's complaint without its advice on usage.
fn plain(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let text = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let text = text.collect::<Vec<_>>().join(" ");
    anyhow!(Usage(text.trim_start_matches("error: ").to_owned()))
}
