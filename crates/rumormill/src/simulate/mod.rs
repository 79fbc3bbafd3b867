//! `rumormill simulate`: models of gossip, run many times.
//!
//! What all simulations share is here and in `crate::progress`, `crate::signal` and
//! `crate::plot`; each simulation is a file of its own.

pub(crate) mod average;
pub(crate) mod cluster;
pub(crate) mod graph;
mod input;
pub(crate) mod spread;
mod start;

use clap::Subcommand;

use crate::exit::Exit;

/// What to simulate.
#[derive(Subcommand)]
pub(crate) enum Simulate {
    /// A rumor in rounds, on any graph.
    Spread(Box<spread::Args>),
    /// Nodes that exchange what they hold until they agree on its mean.
    Average(Box<average::Args>),
    Cluster(Box<cluster::Args>),
}

/// Runs `rumormill simulate`.
pub(crate) fn run(what: &Simulate) -> anyhow::Result<Exit> {
    match what {
        Simulate::Spread(args) => spread::run(args),
        Simulate::Average(args) => average::run(args),
        Simulate::Cluster(args) => cluster::run(args),
    }
}
