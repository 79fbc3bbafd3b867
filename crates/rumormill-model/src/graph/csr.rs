//! A graph as one list of neighbours after another (compressed sparse rows).

use std::sync::OnceLock;

use crate::graph::search::distances;

/// The most nodes of a graph that is not complete: node numbers are 32-bit.
pub const MAX_GRAPH_NODES: u64 = u32::MAX as u64 - 1;

/// Where each node's neighbours begin: as compact as the graph allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Offsets {
    /// All nodes have this many.
    Regular(u32),
    /// Fewer than 2³² neighbours in all.
    Small(Vec<u32>),
    /// More.
    Large(Vec<u64>),
}

/// A graph: the neighbours of each node. Node numbers are 32-bit, offsets are as small as they
/// can be: 4 bytes a neighbour, and 0, 4 or 8 a node.
///
/// ```
/// use rumormill_model::graph::Csr;
/// let triangle = Csr::from_edges(3, &[(0, 1), (1, 2), (2, 0)]);
/// assert_eq!(triangle.neighbours(1), [0, 2]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    nodes: u32,
    offsets: Offsets,
    neighbours: Vec<u32>,
    directed: bool,
    /// Whether it is deep, once that has been computed.
    deep: OnceLock<bool>,
}

impl Csr {
    /// Returns an undirected graph of these edges, each given once, in any order; neighbours are
    /// sorted.
    ///
    /// # Panics
    /// If an edge names a node that is not below `nodes`, or there are more nodes than
    /// [`MAX_GRAPH_NODES`].
    #[must_use]
    pub fn from_edges(nodes: u64, edges: &[(u32, u32)]) -> Self {
        assert!(nodes <= MAX_GRAPH_NODES, "{nodes} nodes are above {MAX_GRAPH_NODES}");
        Self::from_arcs(nodes, edges.iter().flat_map(|&(a, b)| [(a, b), (b, a)]), false)
    }

    /// Returns the graph of these arcs; neighbours are sorted.
    pub(crate) fn from_arcs(
        nodes: u64,
        arcs: impl Iterator<Item = (u32, u32)> + Clone,
        directed: bool,
    ) -> Self {
        // Two passes: degrees, then places. The places are taken in the order of the arcs.
        let mut starts = vec![0u64; nodes as usize + 1];
        arcs.clone().for_each(|(from, _)| starts[from as usize + 1] += 1);
        for v in 0..nodes as usize {
            starts[v + 1] += starts[v];
        }
        let mut next = starts.clone();
        let mut neighbours = vec![0u32; starts[nodes as usize] as usize];
        for (from, to) in arcs {
            let place = &mut next[from as usize];
            neighbours[*place as usize] = to;
            *place += 1;
        }
        for pair in starts.windows(2) {
            neighbours[pair[0] as usize..pair[1] as usize].sort_unstable();
        }
        Self::from_rows(&starts, neighbours, directed)
    }

    /// Returns a graph of rows: node v has the neighbours `neighbours[starts[v]..starts[v + 1]]`.
    /// `directed` means that an edge need not have its opposite.
    ///
    /// # Panics
    /// If the starts do not rise from 0 to the number of neighbours.
    #[must_use]
    pub fn from_rows(starts: &[u64], neighbours: Vec<u32>, directed: bool) -> Self {
        let total = neighbours.len() as u64;
        assert!(starts.first() == Some(&0) && starts.last() == Some(&total), "rows do not fit");
        let nodes = starts.len() - 1;
        let degree = starts.get(1).copied().unwrap_or(0);
        let regular = starts.windows(2).all(|pair| pair[1].checked_sub(pair[0]) == Some(degree));
        let offsets = if regular {
            Offsets::Regular(degree as u32)
        } else if let Ok(small) = starts.iter().map(|&s| u32::try_from(s)).collect() {
            Offsets::Small(small)
        } else {
            Offsets::Large(starts.to_vec())
        };
        Self { nodes: nodes as u32, offsets, neighbours, directed, deep: OnceLock::new() }
    }

    /// Returns a graph in which all nodes have equally many neighbours: node v the v-th `degree` of
    /// them.
    ///
    /// # Panics
    /// If the number of neighbours is not `nodes` times `degree`.
    #[must_use]
    pub fn from_regular(nodes: u64, degree: u32, neighbours: Vec<u32>, directed: bool) -> Self {
        assert_eq!(neighbours.len() as u64, nodes * u64::from(degree), "rows do not fit");
        let (offsets, deep) = (Offsets::Regular(degree), OnceLock::new());
        Self { nodes: nodes as u32, offsets, neighbours, directed, deep }
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        u64::from(self.nodes)
    }

    /// Returns the number of entries in all the lists of neighbours: twice the edges, if not
    /// directed.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.neighbours.len() as u64
    }

    /// Returns whether an edge need not have its opposite.
    #[must_use]
    pub fn directed(&self) -> bool {
        self.directed
    }

    /// Returns how many neighbours all nodes have, if all have equally many.
    #[must_use]
    pub fn regular(&self) -> Option<u32> {
        match self.offsets {
            Offsets::Regular(degree) => Some(degree),
            _ => None,
        }
    }

    /// Returns where a node's neighbours begin and end in [`Self::all_neighbours`].
    #[inline]
    #[must_use]
    pub fn span(&self, node: u32) -> (usize, usize) {
        let v = node as usize;
        match &self.offsets {
            Offsets::Regular(degree) => {
                let degree = *degree as usize;
                (v * degree, v * degree + degree)
            }
            Offsets::Small(starts) => (starts[v] as usize, starts[v + 1] as usize),
            Offsets::Large(starts) => (starts[v] as usize, starts[v + 1] as usize),
        }
    }

    /// Returns the neighbours of a node. Panics if there is no such node.
    #[inline]
    #[must_use]
    pub fn neighbours(&self, node: u32) -> &[u32] {
        let (start, end) = self.span(node);
        &self.neighbours[start..end]
    }

    /// Returns all lists of neighbours, one after another.
    #[must_use]
    pub fn all_neighbours(&self) -> &[u32] {
        &self.neighbours
    }

    /// Returns how many neighbours the best connected node has.
    #[must_use]
    pub fn largest_degree(&self) -> u64 {
        match self.offsets {
            Offsets::Regular(degree) => u64::from(degree),
            _ => (0..self.nodes).map(|v| self.neighbours(v).len() as u64).max().unwrap_or(0),
        }
    }

    /// Returns whether some node is further than 4·log₂ n steps from node 0: a rumor then creeps
    /// rather than doubles. The first call takes the time of a search through the graph.
    #[must_use]
    pub fn is_deep(&self) -> bool {
        *self.deep.get_or_init(|| {
            let mut steps = Vec::new();
            let reached = distances(self.nodes(), |v| self.neighbours(v), 0, &mut steps);
            let farthest = reached.last().map_or(0, |&v| steps[v as usize]);
            farthest > 4 * self.nodes.max(2).ilog2()
        })
    }

    /// Returns the memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let offsets = match &self.offsets {
            Offsets::Regular(_) => 0,
            Offsets::Small(starts) => 4 * starts.len() as u64,
            Offsets::Large(starts) => 8 * starts.len() as u64,
        };
        offsets + 4 * self.entries()
    }
}
