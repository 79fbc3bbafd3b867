//! The command `rumormill`.

use clap::{Parser, Subcommand};

/// Gossip you can run, and predict.
#[derive(Parser)]
#[command(name = "rumormill", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {}
}
