//! Random regular graphs: ends paired at random, and what is not simple mended by switches.
//!
//! The pairing model (Bollobás 1980) pairs the n·d ends uniformly. Loops and double edges, about
//! (d−1)/2 and (d²−1)/4 of them whatever n, are mended by switching each with a random other edge
//! (`McKay` and Wormald 1990). The law is uniform over the simple graphs up to O(d⁴/n). A graph of
//! degree above half is the complement of one below.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::graph::csr::Csr;
use crate::graph::pace::Pace;
use crate::simulate::stream::{Draws, Purpose, Stream};

pub(super) fn random_regular(
    nodes: u64,
    degree: u32,
    seed: u64,
    pace: Pace<'_>,
) -> Result<Csr, Error> {
    let co_degree = (nodes - 1) as u32 - degree;
    if co_degree < degree {
        let few = random_regular(nodes, co_degree, seed, pace)?;
        return Ok(complement(&few, degree));
    }
    let stream = Stream::new(seed, Purpose::Graph);
    for attempt in 0.. {
        let mut draws = stream.child(attempt).draws();
        let mut pairing = Pairing::draw(nodes, degree, &mut draws, pace)?;
        if pairing.mend(&mut draws) {
            return Ok(Csr::from_regular(nodes, degree, pairing.neighbours(pace)?, false));
        }
    }
    unreachable!("attempts go on until one is mended")
}

fn complement(graph: &Csr, degree: u32) -> Csr {
    let n = graph.nodes() as u32;
    let mut all = Vec::with_capacity(n as usize * degree as usize);
    for v in 0..n {
        let not = graph.neighbours(v);
        all.extend((0..n).filter(|w| *w != v && not.binary_search(w).is_err()));
    }
    Csr::from_regular(n.into(), degree, all, false)
}

/// Ends 0..n·d, of which end e belongs to node e/d, and the end that each is paired with.
struct Pairing {
    degree: u32,
    mate: Vec<u32>,
}

impl Pairing {
    fn draw(nodes: u64, degree: u32, draws: &mut Draws, pace: Pace<'_>) -> Result<Self, Error> {
        let ends = nodes * u64::from(degree);
        let mut order: Vec<u32> = (0..ends as u32).collect();
        for i in (1..ends).rev() {
            order.swap(i as usize, draws.below(i + 1) as usize);
            pace.at(ends - i, ends, (0.0, 0.5))?;
        }
        let mut mate = vec![0; ends as usize];
        for (i, pair) in order.chunks_exact(2).enumerate() {
            mate[pair[0] as usize] = pair[1];
            mate[pair[1] as usize] = pair[0];
            pace.at(i as u64, ends / 2, (0.5, 0.9))?;
        }
        Ok(Self { degree, mate })
    }

    fn node(&self, end: u32) -> u32 {
        end / self.degree
    }

    /// Returns the far ends of a node's edges.
    fn row(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        let first = node as usize * self.degree as usize;
        self.mate[first..first + self.degree as usize].iter().map(|&end| self.node(end))
    }

    /// Returns how many edges join two nodes, a loop counted once.
    fn edges(&self, a: u32, b: u32) -> usize {
        let ends = self.row(a).filter(|&w| w == b).count();
        if a == b { ends / 2 } else { ends }
    }

    fn is_bad(&self, end: u32) -> bool {
        let (a, b) = (self.node(end), self.node(self.mate[end as usize]));
        a == b || self.edges(a, b) > 1
    }

    /// Switches loops and double edges away; false if it got stuck, as it may among few nodes.
    fn mend(&mut self, draws: &mut Draws) -> bool {
        let ends = self.mate.len() as u64;
        // An edge is bad if it is in a bad row: one pass in order, not one for each end.
        let mut bad: BTreeSet<u32> = BTreeSet::new();
        let mut row = Vec::new();
        for node in 0..(ends / u64::from(self.degree.max(1))) as u32 {
            row.clear();
            row.extend(self.row(node));
            row.sort_unstable();
            if row.binary_search(&node).is_ok() || row.windows(2).any(|pair| pair[0] == pair[1]) {
                let first = node * self.degree;
                bad.extend((first..first + self.degree).filter(|&end| self.is_bad(end)));
            }
        }
        let mut tries = 1000 + 100 * bad.len();
        while let Some(&a) = bad.first() {
            if !self.is_bad(a) {
                bad.remove(&a);
                continue;
            }
            if tries == 0 {
                return false;
            }
            tries -= 1;
            // a–b and c–d become a–c and b–d, if both are new and no loops.
            let c = draws.below(ends) as u32;
            let (b, d) = (self.mate[a as usize], self.mate[c as usize]);
            let [na, nb, nc, nd] = [a, b, c, d].map(|end| self.node(end));
            let clash = na == nc || nb == nd || self.edges(na, nc) > 0 || self.edges(nb, nd) > 0;
            // The two new edges must not be each other's double either.
            if clash || (na, nc) == (nd, nb) || (na, nc) == (nb, nd) || c == b {
                continue;
            }
            for (x, y) in [(a, c), (b, d)] {
                self.mate[x as usize] = y;
                self.mate[y as usize] = x;
            }
        }
        true
    }

    fn neighbours(self, pace: Pace<'_>) -> Result<Vec<u32>, Error> {
        let degree = self.degree.max(1);
        let mut all = self.mate;
        let ends = all.len() as u64;
        for (node, row) in all.chunks_exact_mut(degree as usize).enumerate() {
            for end in row.iter_mut() {
                *end /= degree;
            }
            row.sort_unstable();
            pace.at(node as u64 * u64::from(degree), ends, (0.9, 1.0))?;
        }
        Ok(all)
    }
}
