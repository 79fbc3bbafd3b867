//! Graphs on the command line, for all simulations.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rumormill_model::graph::{Density, GraphKind, Repeats, Topology, read_edges};

use crate::term::exit::Usage;
use crate::term::refuse::refuse;

/// What can be written.
const NAMES: &str = "complete, ring, path, star, wheel, grid, torus, tree, hypercube, \
                     random-regular:DEGREE, erdos-renyi:MEAN, barabasi-albert:M, small-world:K,BETA, \
                     k-out:K, file:EDGES or undirected:EDGES";

/// A graph by its name.
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
        let (name, numbers) = match text.split_once(':') {
            Some((name, numbers)) => (name, Some(numbers)),
            None => (text, None),
        };
        let repeats = match name {
            "file" => Some(Repeats::Refuse),
            "undirected" => Some(Repeats::Merge),
            _ => None,
        };
        if let Some(repeats) = repeats {
            let path = numbers.filter(|path| !path.is_empty());
            return path
                .map(|path| Self::File(path.into(), repeats))
                .ok_or_else(|| format!("a file needs its name: {name}:EDGES"));
        }
        let degree = |usual: u32| numbers.map_or(Ok(usual), |text| number(name, text));
        let kind = match name {
            "complete" => GraphKind::Complete,
            "ring" => GraphKind::Ring,
            "path" => GraphKind::Path,
            "star" => GraphKind::Star,
            "wheel" => GraphKind::Wheel,
            "grid" => GraphKind::Grid,
            "torus" => GraphKind::Torus,
            "tree" => GraphKind::Tree,
            "hypercube" => GraphKind::Hypercube,
            "random-regular" => GraphKind::RandomRegular { degree: degree(8)? },
            "barabasi-albert" => GraphKind::BarabasiAlbert { edges: degree(4)? },
            "k-out" => GraphKind::KOut { degree: degree(20)? },
            "erdos-renyi" => {
                let mean = numbers.map_or(Ok(16.0), |text| number(name, text))?;
                GraphKind::ErdosRenyi(Density::MeanDegree(mean))
            }
            "small-world" => {
                let (degree, rewired) = match numbers {
                    None => (8, 0.1),
                    Some(text) => {
                        let (degree, rewired) = text.split_once(',').ok_or_else(|| {
                            format!("{text:?}: small-world needs two numbers, such as 8,0.1")
                        })?;
                        (number(name, degree)?, number(name, rewired)?)
                    }
                };
                GraphKind::SmallWorld { degree, rewired }
            }
            _ => return Err(format!("there is no such graph; there are {NAMES}")),
        };
        match numbers {
            Some(numbers) if parameters(kind).is_none() => {
                Err(format!("{name} takes no number, but has {numbers:?}"))
            }
            _ => Ok(Self::Kind(kind)),
        }
    }
}

fn number<T: FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("{text:?} is not a number that {name} can take"))
}

/// The numbers that stand behind a family's name.
fn parameters(kind: GraphKind) -> Option<String> {
    match kind {
        GraphKind::RandomRegular { degree } | GraphKind::KOut { degree } => {
            Some(degree.to_string())
        }
        GraphKind::BarabasiAlbert { edges } => Some(edges.to_string()),
        GraphKind::ErdosRenyi(Density::MeanDegree(mean) | Density::Probability(mean)) => {
            Some(mean.to_string())
        }
        GraphKind::SmallWorld { degree, rewired } => Some(format!("{degree},{rewired}")),
        _ => None,
    }
}

/// As it is written on the command line.
impl std::fmt::Display for GraphArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path, Repeats::Refuse) => write!(f, "file:{}", path.display()),
            Self::File(path, Repeats::Merge) => write!(f, "undirected:{}", path.display()),
            Self::Kind(kind) => match parameters(*kind) {
                Some(numbers) => write!(f, "{}:{numbers}", kind.name()),
                None => f.write_str(kind.name()),
            },
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

    /// Checks whether there is such a graph, without making it; gives the bytes of memory that
    /// making it takes.
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

    /// Makes the graph, within `memory` bytes. Random ones are a function of the seed.
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
