//! What a rumor can reach: components, and the nodes reachable from one.

use rumormill_proto::Style;

use crate::graph::csr::Csr;
use crate::graph::search::Search;
use crate::graph::topology::Topology;

/// How a graph hangs together, edges taken both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connectivity {
    /// The number of components; 1: connected.
    pub components: u64,
    /// Nodes of the largest component.
    pub largest: u64,
    /// Nodes without any neighbour.
    pub isolated: u64,
    /// The sum of the squares of the components' sizes.
    squares: u128,
    nodes: u64,
}

impl Connectivity {
    /// Returns whether every node can be reached from every other.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.components <= 1
    }

    /// Returns the share of the nodes that can be reached from a random node, on average.
    #[must_use]
    pub fn mean_reach(&self) -> f64 {
        self.squares as f64 / (self.nodes as f64).powi(2)
    }
}

impl Topology {
    /// Returns how it hangs together. Takes the time of one pass over the edges, and 5 bytes a
    /// node.
    #[must_use]
    pub fn connectivity(&self) -> Connectivity {
        let nodes = self.nodes();
        let Self::Graph(csr) = self else {
            let squares = u128::from(nodes).pow(2);
            let isolated = u64::from(nodes == 1);
            return Connectivity { components: 1, largest: nodes, isolated, squares, nodes };
        };
        let back = csr.directed().then(|| csr.reversed());
        let mut search = Search::new(nodes);
        let mut all = Connectivity { components: 0, largest: 0, isolated: 0, squares: 0, nodes };
        for node in 0..nodes as u32 {
            if search.seen[node as usize] {
                continue;
            }
            let size = match &back {
                Some(back) => search
                    .run(node, |v| csr.neighbours(v).iter().chain(back.neighbours(v)).copied()),
                None => search.run(node, |v| csr.neighbours(v).iter().copied()),
            };
            all.components += 1;
            all.largest = all.largest.max(size);
            all.isolated += u64::from(size == 1);
            all.squares += u128::from(size).pow(2);
        }
        all
    }

    /// Returns how many nodes a rumor can ever reach from one, itself included, when all live
    /// and calls go in a style. Push-then-pull counts what either way of calling reaches.
    #[must_use]
    pub fn reachable_from(&self, node: u64, style: Style) -> u64 {
        let Self::Graph(csr) = self else { return self.nodes() };
        let mut search = Search::new(csr.nodes());
        let node = node as u32;
        if !csr.directed() || style == Style::Push {
            return search.run(node, |v| csr.neighbours(v).iter().copied());
        }
        let back = csr.reversed();
        match style {
            // A node pulls from its neighbours.
            Style::Pull => search.run(node, |v| back.neighbours(v).iter().copied()),
            _ => search.run(node, |v| csr.neighbours(v).iter().chain(back.neighbours(v)).copied()),
        }
    }
}

impl Csr {
    /// Returns the graph with every edge turned round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let arcs = (0..self.nodes() as u32)
            .flat_map(|v| self.neighbours(v).iter().map(move |&to| (to, v)));
        Self::from_arcs(self.nodes(), arcs, self.directed())
    }
}
