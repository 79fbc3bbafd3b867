//! Scenarios as files.

use std::path::Path;

use anyhow::Context;
use rumormill_sim::scenario::Scenario;

use super::Args;
use crate::exit::Usage;

/// Reads a scenario. What it says is not checked yet.
pub(crate) fn read(path: &Path) -> anyhow::Result<Scenario> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the scenario {}", path.display()))?;
    // The error shows the line, and points at the place.
    let wrong = |error| Usage(format!("{}: {error}", path.display()));
    Ok(toml::from_str(&text).map_err(wrong)?)
}

/// A scenario as the text of a file.
pub(crate) fn text(scenario: &Scenario) -> anyhow::Result<String> {
    toml::to_string(scenario).context("cannot write the scenario")
}

/// What errors about the scenario begin with.
pub(crate) fn prefix(args: &Args) -> String {
    args.scenario.as_deref().map_or_else(String::new, |path| format!("{}: ", path.display()))
}
