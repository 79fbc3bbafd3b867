//! Exchanges that take no time: the reference.
//!
//! Nodes act one after another, each exchange done before the next begins. That is also the limit
//! of messages that are fast beside the period; a protocol that resends what is not answered then
//! does so within the same turn.

use crate::average::{Averaging, Schedule};
use crate::simulate::average::partners::Partners;
use crate::simulate::average::protocol::Protocol;
use crate::simulate::average::state::State;
use crate::simulate::stream::{Draws, Purpose, Stream};

/// Runs rounds of exchanges that take no time.
pub(super) struct Instant<P: Protocol> {
    partners: Partners,
    /// The order of turns.
    clock: Draws,
    order: Vec<u32>,
    /// Pushes of a synchronous round.
    pushes: Vec<(u32, u32, P::Push)>,
}

impl<P: Protocol> Instant<P> {
    pub(super) fn new(settings: &Averaging, run: u64, state: &State<'_, P>) -> Self {
        let contacts = Stream::new(settings.seed, Purpose::Contacts).child(run).child(0);
        let ordered = matches!(settings.schedule, Schedule::Shuffled | Schedule::Matching);
        Self {
            partners: Partners::new::<P>(&state.population, contacts.draws()),
            clock: Stream::new(settings.seed, Purpose::Order).child(run).draws(),
            order: if ordered { (0..state.population.nodes()).collect() } else { vec![] },
            pushes: vec![],
        }
    }

    pub(super) fn round(&mut self, state: &mut State<'_, P>) {
        let nodes = state.population.nodes();
        match state.settings.schedule {
            Schedule::Shuffled => {
                self.clock.shuffle(&mut self.order);
                for at in 0..self.order.len() {
                    self.turn(state, self.order[at]);
                }
            }
            Schedule::Fixed => (0..nodes).for_each(|node| self.turn(state, node)),
            Schedule::RandomPair => {
                for _ in 0..nodes {
                    let node = self.clock.below(u64::from(nodes)) as u32;
                    self.turn(state, node);
                }
            }
            Schedule::Asynchronous => {
                // Poisson clocks of rate 1 together tick with rate n, each time at a random node.
                let mut time = self.clock.exponential();
                while time < f64::from(nodes) {
                    let node = self.clock.below(u64::from(nodes)) as u32;
                    self.turn(state, node);
                    time += self.clock.exponential();
                }
            }
            Schedule::Matching => self.matching(state),
            Schedule::Synchronous => self.synchronous(state),
        }
    }

    fn turn(&mut self, state: &mut State<'_, P>, node: u32) {
        if !state.population.is_up(node) {
            return;
        }
        if let Some(peer) = self.partners.next(node, &state.population, &state.protocol) {
            exchange(state, node, peer);
        }
    }

    /// Pairs nodes in a random order on the complete graph; on others each node in a random order
    /// with a random neighbour that is still free.
    fn matching(&mut self, state: &mut State<'_, P>) {
        self.clock.shuffle(&mut self.order);
        let population = &state.population;
        let mut free: Vec<bool> =
            (0..population.nodes()).map(|node| !population.is_shunned(node)).collect();
        if population.neighbours(0).is_none() {
            let open: Vec<u32> =
                self.order.iter().copied().filter(|&node| free[node as usize]).collect();
            open.chunks_exact(2).for_each(|pair| exchange(state, pair[0], pair[1]));
            return;
        }
        for at in 0..self.order.len() {
            let node = self.order[at];
            if !free[node as usize] {
                continue;
            }
            let neighbours = state.population.neighbours(node).unwrap_or_default();
            let open: Vec<u32> =
                neighbours.iter().copied().filter(|&peer| free[peer as usize]).collect();
            if !open.is_empty() {
                let peer = open[self.clock.below(open.len() as u64) as usize];
                free[node as usize] = false;
                free[peer as usize] = false;
                exchange(state, node, peer);
            }
        }
    }

    /// Returns all push on their states at the round's start, then all pushes arrive.
    fn synchronous(&mut self, state: &mut State<'_, P>) {
        let mut pushes = std::mem::take(&mut self.pushes);
        for node in 0..state.population.nodes() {
            if !state.population.is_up(node) {
                continue;
            }
            if let Some(peer) = self.partners.next(node, &state.population, &state.protocol) {
                pushes.push((node, peer, state.protocol.begin(node, peer)));
            }
        }
        for (node, peer, push) in pushes.drain(..) {
            if !state.send() && state.population.is_up(peer) {
                state.protocol.answer(peer, node, push);
            }
        }
        self.pushes = pushes;
    }
}

/// Makes one exchange, whatever of it arrives.
#[inline]
fn exchange<P: Protocol>(state: &mut State<'_, P>, node: u32, peer: u32) {
    if !state.population.is_up(node) {
        return;
    }
    let mut push = state.protocol.begin(node, peer);
    loop {
        let lost = state.send();
        if !state.population.is_up(peer) {
            return;
        }
        if !lost
            && let Some(reply) = state.protocol.answer(peer, node, push)
            && !state.send()
        {
            state.protocol.settle(node, peer, reply);
        }
        match state.protocol.again(node, peer) {
            Some(again) => push = again,
            None => return,
        }
    }
}
