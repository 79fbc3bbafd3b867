//! Which nodes are up, which are known to be dead, and which peer a node picks.

use crate::graph::topology::Topology;
use crate::simulate::stream::Draws;

/// The nodes of one run.
#[derive(Clone)]
pub(super) struct Population {
    topology: Topology,
    nodes: u32,
    /// Nodes that have crashed. Empty as long as none has.
    down: Vec<bool>,
    /// Those of them that all others know of. Empty as long as none is known.
    known: Vec<bool>,
    shunned: u32,
}

/// Draws of a neighbour before all are looked at for one that is not shunned.
const TRIES: u32 = 8;

impl Population {
    pub(super) fn new(topology: &Topology) -> Self {
        let nodes = topology.nodes() as u32;
        Self { topology: topology.clone(), nodes, down: vec![], known: vec![], shunned: 0 }
    }

    /// Returns how many nodes there are, crashed ones included.
    pub(super) fn nodes(&self) -> u32 {
        self.nodes
    }

    #[inline]
    pub(super) fn is_up(&self, node: u32) -> bool {
        self.down.is_empty() || !self.down[node as usize]
    }

    /// Returns whether the node is known to have crashed.
    #[inline]
    pub(super) fn is_shunned(&self, node: u32) -> bool {
        !self.known.is_empty() && self.known[node as usize]
    }

    /// Returns the nodes that are up, in order.
    pub(super) fn all_up(&self) -> impl Iterator<Item = u32> + Clone {
        (0..self.nodes).filter(|&node| self.is_up(node))
    }

    /// Returns the neighbours of a node; `None` on the complete graph.
    pub(super) fn neighbours(&self, node: u32) -> Option<&[u32]> {
        match &self.topology {
            Topology::Complete(_) => None,
            Topology::Graph(graph) => Some(graph.neighbours(node)),
        }
    }

    /// Returns the node crashes.
    pub(super) fn crash(&mut self, node: u32) {
        self.down.resize(self.nodes as usize, false);
        self.down[node as usize] = true;
    }

    /// Returns all others learn that the node has crashed.
    pub(super) fn shun(&mut self, node: u32) {
        self.known.resize(self.nodes as usize, false);
        self.shunned += u32::from(!self.known[node as usize]);
        self.known[node as usize] = true;
    }

    /// Returns a random node to turn to, by its number alone: each neighbour that is not shunned is
    /// equally likely, on the complete graph `node` itself too if `itself`.
    #[inline]
    pub(super) fn partner(&self, node: u32, itself: bool, draws: &mut Draws) -> Option<u32> {
        match &self.topology {
            Topology::Complete(_) => {
                if self.nodes - self.shunned < 2 {
                    return itself.then_some(node);
                }
                loop {
                    let others = u64::from(self.nodes - 1);
                    let peer = if itself {
                        draws.below(others + 1) as u32
                    } else {
                        let peer = draws.below(others) as u32;
                        peer + u32::from(peer >= node)
                    };
                    if !self.is_shunned(peer) {
                        return Some(peer);
                    }
                }
            }
            Topology::Graph(graph) => {
                let neighbours = graph.neighbours(node);
                self.among(neighbours, draws)
            }
        }
    }

    fn among(&self, neighbours: &[u32], draws: &mut Draws) -> Option<u32> {
        if neighbours.is_empty() {
            return None;
        }
        let mut draw = |bound: usize| draws.below(bound as u64) as usize;
        for _ in 0..TRIES {
            let peer = neighbours[draw(neighbours.len())];
            if !self.is_shunned(peer) {
                return Some(peer);
            }
        }
        let open: Vec<u32> =
            neighbours.iter().copied().filter(|&peer| !self.is_shunned(peer)).collect();
        (!open.is_empty()).then(|| open[draw(open.len())])
    }
}
