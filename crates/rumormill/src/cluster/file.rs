//! Scenarios as files.

use std::path::Path;

use anyhow::Context;
use rumormill_sim::scenario::Scenario;

use crate::cluster::args::Args;
use crate::cluster::flags::Flags;
use crate::term::exit::Usage;
use crate::term::read;

/// Reads a scenario. What it says is not checked yet.
fn read(path: &Path) -> anyhow::Result<Scenario> {
    let text = read::read(path)?;
    // The error shows the line, and points at the place.
    let wrong = |error| Usage(format!("{}: {error}", path.display()));
    Ok(toml::from_str(&text).map_err(wrong)?)
}

/// The scenario that a file and flags amount to. What they say is not checked yet.
pub(crate) fn assemble(path: Option<&Path>, flags: &Flags) -> anyhow::Result<Scenario> {
    let mut scenario = path.map_or_else(|| Ok(Scenario::default()), read)?;
    flags.apply(&mut scenario)?;
    Ok(scenario)
}

/// A scenario as the text of a file.
pub(crate) fn text(scenario: &Scenario) -> anyhow::Result<String> {
    toml::to_string(scenario).context("cannot write the scenario")
}

/// What errors about the scenario begin with.
pub(crate) fn prefix(args: &Args) -> String {
    args.scenario.as_deref().map_or_else(String::new, |path| format!("{}: ", path.display()))
}
