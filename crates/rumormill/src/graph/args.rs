//! A graph as a flag: a family by its name, or a file of edges.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rumormill_model::graph::kind::GraphError;
use rumormill_model::graph::{GraphKind, Repeats, Topology, read_edges};

use crate::term::exit::Usage;
use crate::term::refuse::refuse;

/// A graph.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum GraphArg {
    /// One of a family.
    Kind(GraphKind),
    /// A list of edges.
    File(PathBuf, Repeats),
}

impl FromStr for GraphArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let repeats = match text.split_once(':') {
            Some(("file", _)) => Repeats::Refuse,
            Some(("undirected", _)) => Repeats::Merge,
            _ => {
                return text.parse().map(Self::Kind).map_err(|error: GraphError| error.to_string());
            }
        };
        match text.split_once(':') {
            Some((_, path)) if !path.is_empty() => Ok(Self::File(path.into(), repeats)),
            _ => Err(format!("a file needs its name: {text}EDGES")),
        }
    }
}

/// As it is written on the command line.
impl std::fmt::Display for GraphArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, Repeats::Refuse) => write!(f, "file:{}", path.display()),
            Self::File(path, Repeats::Merge) => write!(f, "undirected:{}", path.display()),
            Self::Kind(kind) => f.write_str(&kind.text()),
        }
    }
}

impl GraphArg {
    /// Returns the family.
    pub(crate) fn kind(&self) -> GraphKind {
        match self {
            Self::Kind(kind) => *kind,
            Self::File(..) => GraphKind::Listed,
        }
    }

    /// Checks that the graph exists, without making it, and returns the bytes of memory that making
    /// it takes.
    ///
    /// # Errors
    /// What is wrong, by the name of its flag.
    pub(crate) fn check(&self, nodes: Option<u64>) -> anyhow::Result<u64> {
        match self {
            Self::Kind(kind) => {
                let nodes = needed(nodes)?;
                kind.check(nodes).map_err(|error| refuse(&error))?;
                Ok(kind.bytes_needed(nodes))
            }
            Self::File(path, _) => match std::fs::metadata(path) {
                // Text has at least four bytes to an edge, which takes 28 while it is read; and the
                // text itself.
                Ok(file) => Ok(file.len() * 8),
                Err(error) => {
                    Err(Usage(format!("--graph: cannot read {}: {error}", path.display())).into())
                }
            },
        }
    }

    /// Makes the graph within `memory` bytes. Random graphs are a function of the seed.
    ///
    /// # Errors
    /// What is wrong, by the name of its flag; or the observer gave up.
    pub(crate) fn build(
        &self,
        nodes: Option<u64>,
        seed: u64,
        memory: u64,
        observe: &dyn Fn(f64) -> ControlFlow<()>,
    ) -> anyhow::Result<Topology> {
        match self {
            Self::Kind(kind) => {
                kind.build(needed(nodes)?, seed, memory, observe).map_err(|error| refuse(&error))
            }
            Self::File(path, repeats) => {
                let name = path.display();
                let file = File::open(path)
                    .map_err(|error| Usage(format!("--graph: cannot read {name}: {error}")))?;
                let csr = read_edges(file, nodes, *repeats, memory)
                    .map_err(|error| refuse(&error).context(format!("--graph {self}")))?;
                Ok(Topology::Graph(Arc::new(csr)))
            }
        }
    }
}

pub(crate) fn needed(nodes: Option<u64>) -> Result<u64, Usage> {
    nodes.ok_or_else(|| Usage("--nodes is needed: how many nodes there are, such as 1000".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_are_written_as_they_are_read() {
        for text in [
            "complete",
            "torus",
            "random-regular:3",
            "erdos-renyi:2.5",
            "barabasi-albert:2",
            "small-world:4,0.25",
            "k-out:20",
            "file:a:b.txt",
            "undirected:a:b.txt",
        ] {
            assert_eq!(text.parse::<GraphArg>().map(|g| g.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(
            "random-regular".parse::<GraphArg>().map(|g| g.to_string()).as_deref(),
            Ok("random-regular:8")
        );
        for (bad, word) in [
            ("cube", "there are complete"),
            ("ring:3", "takes no number"),
            ("random-regular:x", "\"x\""),
            ("small-world:8", "two numbers"),
            ("file:", "name"),
        ] {
            let error = bad.parse::<GraphArg>().expect_err(bad);
            assert!(error.contains(word), "{bad}: {error}");
        }
    }
}
