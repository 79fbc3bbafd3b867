//! The peer that a node picks next.

use crate::simulate::average::population::Population;
use crate::simulate::average::protocol::Protocol;
use crate::simulate::stream::Draws;

/// Chooses the peer of each exchange.
#[derive(Clone)]
pub(super) struct Partners {
    draws: Draws,
    /// For protocols that rotate, on a graph.
    rotation: Option<Rotation>,
}

/// Each node's neighbours in the order in which it turns to them.
#[derive(Clone)]
struct Rotation {
    starts: Vec<u64>,
    order: Vec<u32>,
    /// How many of its row a node has turned to.
    turned: Vec<u32>,
}

/// Draws on the complete graph before a node gives up finding a peer with nothing outstanding.
const TRIES: u32 = 8;

impl Partners {
    pub(super) fn new<P: Protocol>(population: &Population, mut draws: Draws) -> Self {
        let graph = P::ROTATES && population.neighbours(0).is_some();
        let rotation = graph.then(|| {
            let mut starts = vec![0];
            let mut order = vec![];
            for node in 0..population.nodes() {
                let row = order.len();
                order.extend_from_slice(population.neighbours(node).unwrap_or_default());
                draws.shuffle(&mut order[row..]);
                starts.push(order.len() as u64);
            }
            Rotation { starts, order, turned: vec![0; population.nodes() as usize] }
        });
        Self { draws, rotation }
    }

    /// Goes on with other random numbers.
    pub(super) fn reseed(&mut self, draws: Draws) {
        self.draws = draws;
    }

    /// Returns the peer whose turn it is; none if all have something outstanding, or are dead.
    #[inline]
    pub(super) fn next<P: Protocol>(
        &mut self,
        node: u32,
        population: &Population,
        protocol: &P,
    ) -> Option<u32> {
        match &mut self.rotation {
            Some(rotation) => rotation.next(node, &mut self.draws, |peer| {
                !population.is_shunned(peer) && protocol.awaits(node, peer).is_none()
            }),
            None => {
                for _ in 0..TRIES {
                    let peer = population.partner(node, P::ITSELF, &mut self.draws)?;
                    if protocol.awaits(node, peer).is_none() {
                        return Some(peer);
                    }
                }
                None
            }
        }
    }
}

impl Rotation {
    fn next(&mut self, node: u32, draws: &mut Draws, free: impl Fn(u32) -> bool) -> Option<u32> {
        let at = node as usize;
        let row = &mut self.order[self.starts[at] as usize..self.starts[at + 1] as usize];
        let turned = &mut self.turned[at];
        for _ in 0..2 {
            while let Some(&peer) = row.get(*turned as usize) {
                *turned += 1;
                if free(peer) {
                    return Some(peer);
                }
            }
            draws.shuffle(row);
            *turned = 0;
        }
        None
    }
}
