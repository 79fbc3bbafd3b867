//! Distances: how far a node is from the farthest, and the most that any is.

use crate::graph::csr::Csr;
use crate::graph::search::distances;
use crate::graph::topology::Topology;

/// How far a rumor must go from one node: the least rounds of push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Eccentricity {
    /// Steps to the farthest node that can be reached.
    pub steps: u64,
    /// Nodes that can be reached, itself included.
    pub reached: u64,
}

/// The least and the largest eccentricity of any node, or bounds where all would take too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extent {
    /// Bounds of the largest eccentricity, the diameter.
    pub diameter: (u64, u64),
    /// Bounds of the least one, the radius.
    pub radius: (u64, u64),
}

impl Topology {
    /// Returns the eccentricity of a node; edges are followed the way that pushes go.
    #[must_use]
    pub fn eccentricity(&self, node: u64) -> Eccentricity {
        match self {
            Self::Graph(graph) => eccentricity(graph, node as u32, &mut Vec::new()),
            Self::Complete(nodes) => Eccentricity { steps: u64::from(*nodes > 1), reached: *nodes },
        }
    }

    /// Returns radius and diameter, following at most about `work` edges; `None` if some node
    /// cannot reach all others.
    ///
    /// A search from one node bounds the eccentricity of all: in an undirected graph that of w lies
    /// between max(d, e − d) and e + d, where e is that of the node and d their distance (Takes and
    /// Kosters 2011). So a few searches often settle both.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use rumormill_model::graph::GraphKind;
    /// let path = GraphKind::Path.build(10, 0, u64::MAX, &|_| ControlFlow::Continue(()))?;
    /// let extent = path.extent(u64::MAX).expect("it is connected");
    /// assert_eq!((extent.radius, extent.diameter), ((5, 5), (9, 9)));
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    #[must_use]
    pub fn extent(&self, work: u64) -> Option<Extent> {
        let nodes = self.nodes();
        let Self::Graph(csr) = self else {
            let one = u64::from(nodes > 1);
            return Some(Extent { diameter: (one, one), radius: (one, one) });
        };
        let both_ways = !csr.directed();
        let mut bounds = vec![(0u64, u64::MAX); nodes as usize];
        let mut steps = Vec::new();
        let (mut left, cost) = (work, csr.entries() + nodes);
        let mut farthest = true;
        loop {
            let diameter = (largest(&bounds, |b| b.0), largest(&bounds, |b| b.1));
            let radius = (least(&bounds, |b| b.0), least(&bounds, |b| b.1));
            let extent = Extent { diameter, radius };
            let settled = diameter.0 == diameter.1 && radius.0 == radius.1;
            if settled || left < cost && left < work {
                return Some(extent);
            }
            left = left.saturating_sub(cost);
            // In turn a node that may be the farthest out, and one that may be in the middle.
            let open = bounds.iter().enumerate().filter(|(_, (low, high))| low < high);
            let next = if farthest {
                open.max_by_key(|(_, b)| (b.1, b.0))
            } else {
                open.min_by_key(|(_, b)| (b.0, b.1))
            };
            farthest = !farthest;
            let Some((node, _)) = next else { return Some(extent) };
            let found = eccentricity(csr, node as u32, &mut steps);
            if found.reached < nodes {
                return None;
            }
            bounds[node] = (found.steps, found.steps);
            if both_ways {
                for ((low, high), &d) in bounds.iter_mut().zip(&steps) {
                    let d = u64::from(d);
                    *low = (*low).max(d).max(found.steps - d.min(found.steps));
                    *high = (*high).min(found.steps + d);
                }
            }
        }
    }
}

/// Returns the eccentricity of a node, and fills in the steps to all others.
fn eccentricity(graph: &Csr, node: u32, steps: &mut Vec<u32>) -> Eccentricity {
    let reached = distances(graph.nodes(), |v| graph.neighbours(v), node, steps);
    let farthest = reached.last().map_or(0, |&last| steps[last as usize]);
    Eccentricity { steps: farthest.into(), reached: reached.len() as u64 }
}

fn largest(bounds: &[(u64, u64)], part: impl Fn(&(u64, u64)) -> u64) -> u64 {
    bounds.iter().map(part).max().unwrap_or(0)
}

fn least(bounds: &[(u64, u64)], part: impl Fn(&(u64, u64)) -> u64) -> u64 {
    bounds.iter().map(part).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use super::*;
    use crate::graph::kind::{Density, GraphKind};

    /// Returns all distances by Floyd and Warshall.
    fn direct(graph: &Topology) -> Option<(u64, u64)> {
        let n = graph.nodes() as usize;
        let mut d = vec![vec![u64::MAX / 4; n]; n];
        for v in 0..n {
            d[v][v] = 0;
            for slot in 0..graph.degree(v as u64) {
                d[v][graph.neighbour(v as u64, slot) as usize] = 1;
            }
        }
        for k in 0..n {
            for i in 0..n {
                for j in 0..n {
                    d[i][j] = d[i][j].min(d[i][k] + d[k][j]);
                }
            }
        }
        let farthest = d.iter().map(|row| *row.iter().max().expect("a node"));
        let (low, high) = (farthest.clone().min()?, farthest.max()?);
        (high < u64::MAX / 4).then_some((low, high))
    }

    #[test]
    fn extents_are_those_of_all_distances() {
        let go_on = |_| ControlFlow::Continue(());
        let mut connected = 0;
        for seed in 0..12 {
            for kind in [
                GraphKind::RandomRegular { degree: 3 },
                GraphKind::ErdosRenyi(Density::MeanDegree(3.5)),
                GraphKind::BarabasiAlbert { edges: 1 },
                GraphKind::SmallWorld { degree: 4, rewired: 0.2 },
                GraphKind::KOut { degree: 3 },
            ] {
                let graph = kind.build(40, seed, u64::MAX, &go_on).expect("a graph");
                let ours = graph.extent(u64::MAX);
                let exact = direct(&graph);
                let settled = |e: Extent| {
                    assert_eq!((e.radius.0, e.diameter.0), (e.radius.1, e.diameter.1));
                    (e.radius.0, e.diameter.0)
                };
                assert_eq!(ours.map(settled), exact, "{kind} {seed}");
                connected += u32::from(exact.is_some());
                // Little work still bounds them.
                if let (Some(rough), Some((radius, diameter))) = (graph.extent(1), exact) {
                    assert!(rough.diameter.0 <= diameter && diameter <= rough.diameter.1);
                    assert!(rough.radius.0 <= radius && radius <= rough.radius.1);
                }
            }
        }
        assert!(connected > 30, "{connected}");
    }

    #[test]
    fn what_cannot_be_reached_is_not() {
        let graph = Topology::Graph(Arc::new(Csr::from_edges(5, &[(0, 1), (1, 2), (3, 4)])));
        assert_eq!(graph.extent(u64::MAX), None);
        assert_eq!(graph.eccentricity(0), Eccentricity { steps: 2, reached: 3 });
        assert_eq!(Topology::Complete(9).eccentricity(3).steps, 1);
    }
}
