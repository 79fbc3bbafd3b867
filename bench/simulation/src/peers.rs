//! The same questions put to numba and networkx, beside the engines' figures.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use rumormill_sim::rounds::EngineKind;
use serde::Deserialize;

use crate::case::{Case, Figures};

/// What python measured.
#[derive(Deserialize)]
struct Peer {
    peer: String,
    /// The graph: `complete` or `regular`.
    graph: String,
    nodes: u64,
    ns_per_contact: f64,
    note: String,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Makes the virtual environment, if it is not there, and gives its interpreter.
pub(crate) fn install(venv: &Path) -> anyhow::Result<PathBuf> {
    let status = Command::new("sh").arg(folder().join("peers.sh")).arg(venv).status()?;
    if !status.success() {
        bail!("peers.sh could not install the peers");
    }
    Ok(venv.join("bin/python"))
}

/// Measures the peers and prints each beside the engines that answer the same question.
pub(crate) fn compare(
    python: &Path,
    measured: &[(&Case, Figures)],
    times: usize,
    (small, huge): (bool, bool),
) -> anyhow::Result<()> {
    let mut command = Command::new(python);
    command.arg(folder().join("peers.py")).args(["--times", &times.to_string()]);
    if small {
        command.arg("--small");
    }
    if huge {
        command.arg("--huge");
    }
    let output = command.stderr(Stdio::inherit()).output().context("python did not start")?;
    if !output.status.success() {
        bail!("peers.py failed");
    }
    println!("\n{:<10}{:<22}{:>12}  beside it (times as fast)", "peer", "question", "ns/contact");
    for line in String::from_utf8(output.stdout)?.lines() {
        let peer: Peer = serde_json::from_str(line)?;
        let question = format!("{} {:.0e}", peer.graph, peer.nodes as f64);
        print!("{:<10}{question:<22}{:>12.2}  ", peer.peer, peer.ns_per_contact);
        for (case, figures) in measured {
            let graph = if case.graph.random() { "regular" } else { "complete" };
            let same = case.nodes == peer.nodes && graph == peer.graph && case.threads == 1;
            if same && case.engine != EngineKind::Reference {
                let ratio = peer.ns_per_contact / figures.ns_per_contact;
                print!("{} {:.3} ns ({ratio:.0}x)  ", case.engine.name(), figures.ns_per_contact);
            }
        }
        println!("{}", peer.note);
    }
    Ok(())
}
