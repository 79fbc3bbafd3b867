//! `rumormill simulate spread`.

use crate::exit::Exit;

/// The spread to simulate.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs `rumormill simulate spread`.
pub(crate) fn run(_: &Args) -> anyhow::Result<Exit> {
    anyhow::bail!("not yet here")
}
