//! Scenarios as files.

use std::path::Path;

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rumormill_sim::scenario::Scenario;
use rumormill_sim::scenario::random::Random;

use crate::cluster::args::Args;
use crate::cluster::flags::Flags;
use crate::term::exit::Usage;
use crate::term::read;

/// Reads a scenario. What it says is not checked yet.
pub(crate) fn read(path: &Path) -> anyhow::Result<Scenario> {
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

/// Returns the scenario of one seed: of the file or drawn at random, changed by the flags.
pub(crate) fn seeded(args: &Args, seed: u64) -> anyhow::Result<Scenario> {
    let mut scenario = if args.random {
        let mut scenario = Random::new(seed).scenario();
        args.flags.apply(&mut scenario)?;
        scenario
    } else {
        assemble(args.scenario.as_deref(), &args.flags)?
    };
    scenario.seed = seed;
    Ok(scenario)
}

/// Returns the seed of the first run.
pub(crate) fn first_seed(args: &Args) -> anyhow::Result<u64> {
    match (args.flags.seed(), args.random) {
        (Some(seed), _) => Ok(seed),
        (None, true) => Ok(0),
        (None, false) => Ok(assemble(args.scenario.as_deref(), &args.flags)?.seed),
    }
}

/// A scenario as the text of a file.
pub(crate) fn text(scenario: &Scenario) -> anyhow::Result<String> {
    toml::to_string(scenario).context("cannot write the scenario")
}

/// Returns the place on the page that runs a scenario: what stands behind the page's address.
pub(crate) fn link(scenario: &Scenario) -> anyhow::Result<String> {
    let text = serde_json::to_string(scenario).context("cannot write the scenario")?;
    Ok(format!("#/record?scenario={}", BASE64_URL_SAFE_NO_PAD.encode(text)))
}

/// What errors about the scenario begin with.
pub(crate) fn prefix(args: &Args) -> String {
    args.scenario.as_deref().map_or_else(String::new, |path| format!("{}: ", path.display()))
}
