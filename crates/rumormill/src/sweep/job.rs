//! What a sweep runs in each cell.

use anyhow::anyhow;
use clap::{ArgAction, ArgMatches, Args as _, FromArgMatches};
use serde::{Deserialize, Serialize};

use crate::average::sweep as average;
use crate::cluster::sweep as cluster;
use crate::spread::args::Settings;
use crate::spread::sweep as spread;
use crate::sweep::results;
use crate::sweep::table::{Column, Value};
use crate::sweep::work::{Setting, Work};
use crate::term::exit::Usage;

/// What can be swept: the simulations by their names on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Job {
    #[default]
    Spread,
    Average,
    Cluster,
}

impl Job {
    /// Returns the name in SWEEP.toml.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Average => "average",
            Self::Cluster => "cluster",
        }
    }

    /// Refuses a key that this job does not have; returns whether it may be given several times.
    pub(crate) fn knows(self, key: &str, table: &str) -> Result<bool, Usage> {
        let name = self.name();
        if matches!(key, "seed" | "seeds") {
            return Err(Usage(format!("[{table}] {key}: seeds stand at the top of the file")));
        }
        let command = self.flags();
        if let Some(flag) = command.get_arguments().find(|flag| flag.get_long() == Some(key)) {
            return Ok(matches!(flag.get_action(), ArgAction::Append));
        }
        let hidden = |flag: &&str| *flag != "seed" && *flag != SET;
        let flags = command.get_arguments().filter_map(clap::Arg::get_long).filter(hidden);
        let flags: Vec<&str> = flags.collect();
        // What is no flag may be a key of the scenario: that is found out when it is made.
        if self == Self::Cluster && key != "runs" && cluster::in_scenario(key) {
            return Ok(false);
        }
        let advice = match (self, key) {
            (Self::Cluster, "runs") => "; each seed is one run",
            (Self::Cluster, _) => ", and the keys of a scenario, such as \"node.events.fanout\"",
            _ => "",
        };
        Err(Usage(format!(
            "[{table}] {key}: simulate {name} has no such setting; it has {}{advice}",
            flags.join(", ")
        )))
    }

    /// Returns the file that a setting names, if it names one.
    pub(crate) fn file<'a>(self, key: &str, value: &'a Value) -> Option<&'a str> {
        let Value::Text(text) = value else { return None };
        match (self, key) {
            (Self::Cluster, "scenario") => Some(text),
            (Self::Spread | Self::Average, "graph" | "values") => {
                text.strip_prefix("file:").or_else(|| text.strip_prefix("undirected:"))
            }
            _ => None,
        }
    }

    /// Returns the results to list: those asked for, or the usual ones.
    pub(crate) fn columns(self, wanted: Option<&[String]>) -> Result<Vec<Column>, Usage> {
        let all: Vec<(Column, bool)> = match self {
            Self::Spread => results::columns(&spread::RESULTS),
            Self::Average => results::columns(&average::RESULTS),
            Self::Cluster => results::columns(&cluster::RESULTS),
        };
        let Some(wanted) = wanted else {
            return Ok(all.into_iter().filter(|(_, usual)| *usual).map(|(c, _)| c).collect());
        };
        let names = || all.iter().map(|(c, _)| c.name.as_str()).collect::<Vec<&str>>().join(", ");
        if wanted.is_empty() {
            let why = "columns is empty; available are";
            return Err(Usage(format!("{why} {}", names())));
        }
        let find = |name: &String| {
            let found = all.iter().find(|(column, _)| column.name == *name).map(|(c, _)| c.clone());
            found.ok_or_else(|| {
                Usage(format!("columns: there is no {name:?}; available are {}", names()))
            })
        };
        wanted.iter().map(find).collect()
    }

    /// Checks a cell by the rules of the command line.
    pub(crate) fn prepare(self, settings: &[Setting], seed: u64) -> anyhow::Result<Box<dyn Work>> {
        let command = self.flags();
        let is_flag = |key: &str| command.get_arguments().any(|flag| flag.get_long() == Some(key));
        let mut args: Vec<String> = Vec::new();
        for Setting { key, value } in settings {
            match value {
                value if !is_flag(key) => args.push(format!("--{SET}={key}={value}")),
                Value::Truth(false) => {}
                Value::Truth(true) => args.push(format!("--{key}")),
                Value::Several(values) => {
                    args.extend(values.iter().map(|value| format!("--{key}={value}")));
                }
                value => args.push(format!("--{key}={value}")),
            }
        }
        let matches = command.try_get_matches_from(args).map_err(|error| plain(&error))?;
        Ok(match self {
            Self::Spread => Box::new(spread::Cell::new(read(&matches)?, seed)?),
            Self::Average => Box::new(average::Cell::new(read(&matches)?, seed)?),
            Self::Cluster => Box::new(cluster::Cell::new(&read(&matches)?, seed)?),
        })
    }

    fn flags(self) -> clap::Command {
        let command = clap::Command::new("cell").no_binary_name(true).disable_help_flag(true);
        match self {
            Self::Spread => Settings::augment_args(command),
            Self::Average => crate::average::args::Settings::augment_args(command),
            Self::Cluster => cluster::Settings::augment_args(command),
        }
    }
}

/// The flag that sets a key of a scenario.
const SET: &str = "set";

fn read<T: FromArgMatches>(matches: &ArgMatches) -> anyhow::Result<T> {
    T::from_arg_matches(matches).map_err(|error| plain(&error))
}

/// Returns the argument parser's complaint without its advice on usage.
fn plain(error: &clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let text = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let text = text.collect::<Vec<_>>().join(" ");
    anyhow!(Usage(text.trim_start_matches("error: ").to_owned()))
}
