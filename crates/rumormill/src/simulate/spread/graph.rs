//! Graphs on the command line.

use rumormill_sim::rounds::Topology;

use crate::exit::Usage;

/// A graph by its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum GraphArg {
    Complete,
}

impl std::str::FromStr for GraphArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "complete" => Ok(Self::Complete),
            _ => Err("must be complete".into()),
        }
    }
}

impl GraphArg {
    /// Makes the graph.
    pub(crate) fn build(&self, nodes: Option<u64>, _seed: u64) -> anyhow::Result<Topology> {
        let Some(nodes) = nodes else {
            return Err(Usage("--nodes is needed: how many nodes the graph has".into()).into());
        };
        Ok(Topology::Complete(nodes))
    }
}

impl std::fmt::Display for GraphArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("complete")
    }
}
