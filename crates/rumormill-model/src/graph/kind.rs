//! The families of graphs, by name, and how each is made.

use std::ops::ControlFlow;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, fits, need};
use crate::graph::csr::{Csr, MAX_GRAPH_NODES};
use crate::graph::pace::Pace;
use crate::graph::topology::{MAX_NODES, Topology};
use crate::graph::{lattice, random, regular};

/// How many edges a random graph of Erdős and Rényi has.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Density {
    /// Each pair is an edge with this probability, in [0, 1].
    Probability(f64),
    /// Each pair is an edge with the probability that gives a node this many neighbours on average.
    MeanDegree(f64),
}

/// A family of graphs.
///
/// Nodes are numbered from 0. The hub of a star or a wheel, an end of a path, a corner of a grid
/// and the root of a tree are node 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum GraphKind {
    /// Every pair of nodes.
    Complete,
    /// A cycle; at least 3 nodes.
    Ring,
    /// A path.
    Path,
    /// A hub, and leaves whose only neighbour is the hub.
    Star,
    /// A hub, and a ring whose nodes are all joined to the hub; at least 4 nodes.
    Wheel,
    /// A square grid with borders; a square number of nodes.
    Grid,
    /// A square grid without borders; a square number of nodes, at least 4.
    Torus,
    /// A binary tree whose levels are full, except perhaps the last.
    Tree,
    /// A hypercube; a power of two nodes.
    Hypercube,
    /// A random graph in which all nodes have this many neighbours; below the number of nodes, and
    /// even if that is odd.
    RandomRegular {
        /// Neighbours of a node.
        degree: u32,
    },
    /// Each pair is an edge or not, independently (Erdős and Rényi 1959, Gilbert 1959).
    ErdosRenyi(Density),
    /// Nodes come one by one, and attach to `edges` nodes that are there, each with probability in
    /// proportion to its neighbours (Barabási and Albert 1999). Starts from a star of
    /// `edges` + 1 nodes.
    BarabasiAlbert {
        /// Edges that each node brings; at least 1, below the number of nodes.
        edges: u32,
    },
    /// A ring in which each node is joined to its `degree` nearest, and each edge's far end is
    /// moved to a random node with probability `rewired` (Watts and Strogatz 1998).
    SmallWorld {
        /// Neighbours of a node at first: even, at least 2, below the number of nodes.
        degree: u32,
        /// The probability that an edge is moved, in [0, 1].
        rewired: f64,
    },
    /// Each node has this many random neighbours, not always mutually: the only directed family.
    KOut {
        /// Neighbours of a node; at least 1, below the number of nodes.
        degree: u32,
    },
    /// A list of edges; [`crate::graph::read_edges`] makes it.
    Listed,
}

/// The families without a parameter, by the name in commands and JSON.
const PLAIN: [(&str, GraphKind); 9] = [
    ("complete", GraphKind::Complete),
    ("ring", GraphKind::Ring),
    ("path", GraphKind::Path),
    ("star", GraphKind::Star),
    ("wheel", GraphKind::Wheel),
    ("grid", GraphKind::Grid),
    ("torus", GraphKind::Torus),
    ("tree", GraphKind::Tree),
    ("hypercube", GraphKind::Hypercube),
];

/// A text that names no graph: what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GraphError(String);

/// Reads the name of a family, and behind a colon its parameters: `random-regular:8`,
/// `small-world:8,0.1`. Parameters that are left out have the defaults 8 (random-regular), 16
/// (erdos-renyi, the mean degree), 4 (barabasi-albert), 8 and 0.1 (small-world) and 20 (k-out).
impl FromStr for GraphKind {
    type Err = GraphError;

    fn from_str(text: &str) -> Result<Self, GraphError> {
        let (name, numbers) = match text.split_once(':') {
            Some((name, numbers)) => (name, Some(numbers)),
            None => (text, None),
        };
        let degree = |usual: u32| numbers.map_or(Ok(usual), |text| number(name, text));
        match name {
            "random-regular" => Ok(Self::RandomRegular { degree: degree(8)? }),
            "barabasi-albert" => Ok(Self::BarabasiAlbert { edges: degree(4)? }),
            "k-out" => Ok(Self::KOut { degree: degree(20)? }),
            "erdos-renyi" => {
                let mean = numbers.map_or(Ok(16.0), |text| number(name, text))?;
                Ok(Self::ErdosRenyi(Density::MeanDegree(mean)))
            }
            "small-world" => {
                let Some(text) = numbers else {
                    return Ok(Self::SmallWorld { degree: 8, rewired: 0.1 });
                };
                let (degree, rewired) = text.split_once(',').ok_or_else(|| {
                    GraphError(format!("{text:?}: small-world needs two numbers, such as 8,0.1"))
                })?;
                let (degree, rewired) = (number(name, degree)?, number(name, rewired)?);
                Ok(Self::SmallWorld { degree, rewired })
            }
            _ => match (PLAIN.iter().find(|(plain, _)| *plain == name), numbers) {
                (Some((_, kind)), None) => Ok(*kind),
                (Some(_), Some(numbers)) => {
                    Err(GraphError(format!("{name} takes no number, but has {numbers:?}")))
                }
                (None, _) => Err(GraphError(format!("there is no such graph; there are {NAMES}"))),
            },
        }
    }
}

/// The graphs there are, as they are written.
const NAMES: &str = "complete, ring, path, star, wheel, grid, torus, tree, hypercube, \
                     random-regular:DEGREE, erdos-renyi:MEAN, barabasi-albert:M, \
                     small-world:K,BETA, k-out:K, file:EDGES or undirected:EDGES";

fn number<T: FromStr>(name: &str, text: &str) -> Result<T, GraphError> {
    let wrong = |_| GraphError(format!("{text:?} is not a number that {name} can take"));
    text.trim().parse().map_err(wrong)
}

impl GraphKind {
    /// Returns the name in commands and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RandomRegular { .. } => "random-regular",
            Self::ErdosRenyi(_) => "erdos-renyi",
            Self::BarabasiAlbert { .. } => "barabasi-albert",
            Self::SmallWorld { .. } => "small-world",
            Self::KOut { .. } => "k-out",
            _ => {
                let plain = PLAIN.iter().find(|(_, kind)| *kind == self);
                plain.map_or("list of edges", |(name, _)| name)
            }
        }
    }

    /// Returns the name with its parameters, as it is read.
    #[must_use]
    pub fn text(self) -> String {
        let name = self.name();
        match self {
            Self::RandomRegular { degree: number }
            | Self::KOut { degree: number }
            | Self::BarabasiAlbert { edges: number } => format!("{name}:{number}"),
            Self::ErdosRenyi(Density::MeanDegree(x) | Density::Probability(x)) => {
                format!("{name}:{x}")
            }
            Self::SmallWorld { degree, rewired } => format!("{name}:{degree},{rewired}"),
            _ => name.to_owned(),
        }
    }

    /// Checks whether such a graph exists on this many nodes.
    ///
    /// # Errors
    /// A parameter out of range; or no such graph, with the nearest that exists.
    pub fn check(self, nodes: u64) -> Result<(), Error> {
        let most = if self == Self::Complete { MAX_NODES } else { MAX_GRAPH_NODES };
        need((1..=most).contains(&nodes), "nodes", nodes, format!("1 to {most}"))?;
        let none = |advice: String| Err(Error::NoGraph { graph: self.to_string(), nodes, advice });
        let at_least = |least: u64| {
            if nodes >= least { Ok(()) } else { none(format!("it takes at least {least}")) }
        };
        let below_nodes = |name, degree: u32, least: u32| {
            let range = format!("{least} to {}, below the number of nodes", nodes - 1);
            need(degree >= least && u64::from(degree) < nodes, name, degree, range)
        };
        match self {
            Self::Complete | Self::Path | Self::Star | Self::Tree => Ok(()),
            Self::Ring => at_least(3),
            Self::Wheel => at_least(4),
            Self::Grid | Self::Torus => {
                if self == Self::Torus {
                    at_least(4)?;
                }
                let side = nodes.isqrt();
                if side * side == nodes {
                    return Ok(());
                }
                let (low, high) = (side * side, (side + 1) * (side + 1));
                none(format!("it takes a square number, such as {low} or {high}"))
            }
            Self::Hypercube => {
                if nodes.is_power_of_two() {
                    return Ok(());
                }
                let high = nodes.next_power_of_two();
                none(format!("it takes a power of two, such as {} or {high}", high / 2))
            }
            Self::RandomRegular { degree } => {
                below_nodes("degree", degree, 0)?;
                if nodes % 2 == 1 && degree % 2 == 1 {
                    let sizes = format!("{} or {} nodes", nodes - 1, nodes + 1);
                    return none(format!(
                        "{nodes} times {degree} ends cannot be paired; take {sizes}, or an even degree"
                    ));
                }
                let ends = nodes * u64::from(degree);
                let range = format!("at most 2^32 ends in all, not {ends}");
                need(ends < 1 << 32, "degree", degree, range)
            }
            Self::ErdosRenyi(Density::Probability(p)) => {
                need((0.0..=1.0).contains(&p), "edge probability", p, "from 0 to 1")
            }
            Self::ErdosRenyi(Density::MeanDegree(degree)) => {
                let most = (nodes - 1) as f64;
                let range = format!("from 0 to {most}, the number of others");
                need((0.0..=most).contains(&degree), "mean degree", degree, range)
            }
            Self::BarabasiAlbert { edges } => below_nodes("edges", edges, 1),
            Self::SmallWorld { degree, rewired } => {
                below_nodes("degree", degree, 2)?;
                need(degree % 2 == 0, "degree", degree, "even")?;
                need((0.0..=1.0).contains(&rewired), "rewired", rewired, "from 0 to 1")
            }
            Self::KOut { degree } => below_nodes("degree", degree, 1),
            Self::Listed => none("it is read, not made".to_owned()),
        }
    }

    /// Returns about how many neighbours a node has, on average.
    #[must_use]
    pub fn mean_degree(self, nodes: u64) -> f64 {
        match self {
            Self::Complete => nodes.saturating_sub(1) as f64,
            _ => self.entries(nodes) / nodes.max(1) as f64,
        }
    }

    /// Returns about how many entries all lists of neighbours have together.
    fn entries(self, nodes: u64) -> f64 {
        let n = nodes as f64;
        match self {
            Self::Complete | Self::Listed => 0.0,
            Self::Ring | Self::Path | Self::Star | Self::Tree => 2.0 * n,
            Self::Wheel | Self::Grid | Self::Torus => 4.0 * n,
            Self::Hypercube => n * f64::from(nodes.ilog2()),
            Self::RandomRegular { degree } | Self::KOut { degree } => n * f64::from(degree),
            Self::ErdosRenyi(density) => n * (n - 1.0) * density.probability(nodes),
            Self::BarabasiAlbert { edges } => 2.0 * n * f64::from(edges),
            Self::SmallWorld { degree, .. } => n * f64::from(degree),
        }
    }

    /// Returns about the most memory that making it takes, in bytes; what stays is less.
    #[must_use]
    pub fn bytes_needed(self, nodes: u64) -> u64 {
        let (n, entries) = (nodes as f64, self.entries(nodes));
        let bytes = match self {
            Self::Complete => 0.0,
            // The ends, shuffled, beside the neighbours.
            Self::RandomRegular { .. } => 8.0 * entries,
            Self::KOut { .. } | Self::Ring | Self::Torus | Self::Hypercube => 4.0 * entries,
            // A list of edges beside the rows.
            Self::ErdosRenyi(_) => 8.0 * entries + 4.0 * entries.sqrt() + 20.0 * n,
            Self::BarabasiAlbert { .. } => 12.0 * entries + 20.0 * n,
            // A list in memory of its own for each node.
            Self::SmallWorld { .. } => 12.0 * entries + 60.0 * n,
            _ => 4.0 * entries + 12.0 * n,
        };
        bytes as u64
    }

    /// Makes the graph. Random ones are a function of kind, nodes and seed.
    ///
    /// `observe` gets the share that is done now and then, and may give up.
    ///
    /// # Errors
    /// As [`Self::check`]; if it takes more than `memory` bytes; or if the observer gave up.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use rumormill_model::graph::GraphKind;
    /// let go_on = |_share: f64| ControlFlow::Continue(());
    /// let graph = GraphKind::RandomRegular { degree: 4 }.build(100, 7, u64::MAX, &go_on)?;
    /// assert_eq!((graph.nodes(), graph.degree(99)), (100, 4));
    /// let error = GraphKind::RandomRegular { degree: 3 }.build(5, 7, u64::MAX, &go_on);
    /// assert!(error.unwrap_err().to_string().contains("take 4 or 6 nodes"));
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn build(
        self,
        nodes: u64,
        seed: u64,
        memory: u64,
        observe: &dyn Fn(f64) -> ControlFlow<()>,
    ) -> Result<Topology, Error> {
        self.check(nodes)?;
        fits(self.bytes_needed(nodes), memory, || format!("a {self} of {nodes} nodes"))?;
        let pace = Pace::new(observe);
        let csr: Csr = match self {
            Self::Complete => return Ok(Topology::Complete(nodes)),
            Self::Ring => lattice::ring(nodes),
            Self::Path => lattice::path(nodes),
            Self::Star => lattice::star(nodes),
            Self::Wheel => lattice::wheel(nodes),
            Self::Grid => lattice::grid(nodes.isqrt()),
            Self::Torus => lattice::torus(nodes.isqrt()),
            Self::Tree => lattice::tree(nodes),
            Self::Hypercube => lattice::hypercube(nodes),
            Self::RandomRegular { degree } => regular::random_regular(nodes, degree, seed, pace)?,
            Self::ErdosRenyi(density) => {
                random::erdos_renyi(nodes, density.probability(nodes), seed, pace)?
            }
            Self::BarabasiAlbert { edges } => random::barabasi_albert(nodes, edges, seed, pace)?,
            Self::SmallWorld { degree, rewired } => {
                random::small_world(nodes, degree, rewired, seed, pace)?
            }
            Self::KOut { degree } => random::k_out(nodes, degree, seed, pace)?,
            Self::Listed => unreachable!("refused by `check`"),
        };
        Ok(Topology::Graph(Arc::new(csr)))
    }
}

impl core::fmt::Display for GraphKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::RandomRegular { degree } => write!(f, "random {degree}-regular graph"),
            Self::ErdosRenyi(_) => f.write_str("random graph of Erdős and Rényi"),
            Self::BarabasiAlbert { .. } => f.write_str("random graph of Barabási and Albert"),
            Self::SmallWorld { .. } => f.write_str("small world"),
            Self::KOut { degree } => write!(f, "random {degree}-out graph"),
            _ => f.write_str(self.name()),
        }
    }
}

impl Density {
    /// Returns the probability of an edge.
    #[must_use]
    pub fn probability(self, nodes: u64) -> f64 {
        match self {
            Self::Probability(p) => p,
            Self::MeanDegree(_) if nodes < 2 => 0.0,
            Self::MeanDegree(degree) => degree / (nodes - 1) as f64,
        }
    }
}
