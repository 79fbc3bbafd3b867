//! Exchanges that take no time: the reference.
//!
//! Nodes act one after another, each exchange done before the next begins. That is also the limit
//! of messages that are fast beside the period; a protocol that resends what is not answered then
//! does so within the same turn.

use crate::average::{Averaging, Schedule};
use crate::simulate::average::partners::Partners;
use crate::simulate::average::protocol::{Message, Protocol};
use crate::simulate::average::state::State;
use crate::simulate::average::witness::Witness;
use crate::simulate::stream::{Draws, Purpose, Stream};

/// Runs rounds of exchanges that take no time.
#[derive(Clone)]
pub(super) struct Instant<P: Protocol> {
    partners: Partners,
    /// The order of turns.
    clock: Draws,
    order: Vec<u32>,
    /// Pushes of a synchronous round.
    pushes: Vec<(u32, u32, P::Push)>,
}

impl<P: Protocol> Instant<P> {
    pub(super) fn new(settings: &Averaging, run: u64, state: &State<P>) -> Self {
        let contacts = Stream::new(settings.seed, Purpose::Contacts).child(run).child(0);
        let ordered = matches!(settings.schedule, Schedule::Shuffled | Schedule::Matching);
        Self {
            partners: Partners::new::<P>(&state.population, contacts.draws()),
            clock: Stream::new(settings.seed, Purpose::Order).child(run).draws(),
            order: if ordered { (0..state.population.nodes()).collect() } else { vec![] },
            pushes: vec![],
        }
    }

    /// Goes on with other random numbers.
    pub(super) fn reseed(&mut self, contacts: Draws, clock: Draws) {
        self.partners.reseed(contacts);
        self.clock = clock;
    }

    pub(super) fn round(&mut self, state: &mut State<P>, witness: &mut impl Witness<P>) {
        let nodes = state.population.nodes();
        match state.settings.schedule {
            Schedule::Shuffled => {
                self.clock.shuffle(&mut self.order);
                for at in 0..self.order.len() {
                    self.turn(state, self.order[at], witness);
                }
            }
            Schedule::Fixed => (0..nodes).for_each(|node| self.turn(state, node, witness)),
            Schedule::RandomPair => {
                for _ in 0..nodes {
                    let node = self.clock.below(u64::from(nodes)) as u32;
                    self.turn(state, node, witness);
                }
            }
            Schedule::Asynchronous => {
                // Poisson clocks of rate 1 together tick with rate n, each time at a random node.
                let mut time = self.clock.exponential();
                while time < f64::from(nodes) {
                    let node = self.clock.below(u64::from(nodes)) as u32;
                    self.turn(state, node, witness);
                    time += self.clock.exponential();
                }
            }
            Schedule::Matching => self.matching(state, witness),
            Schedule::Synchronous => self.synchronous(state, witness),
        }
    }

    fn turn(&mut self, state: &mut State<P>, node: u32, witness: &mut impl Witness<P>) {
        if !state.population.is_up(node) {
            return;
        }
        if let Some(peer) = self.partners.next(node, &state.population, &state.protocol) {
            exchange(state, node, peer, witness);
        }
    }

    /// Pairs nodes in a random order on the complete graph; on others each node in a random order
    /// with a random neighbour that is still free.
    fn matching(&mut self, state: &mut State<P>, witness: &mut impl Witness<P>) {
        self.clock.shuffle(&mut self.order);
        let population = &state.population;
        let mut free: Vec<bool> =
            (0..population.nodes()).map(|node| !population.is_shunned(node)).collect();
        if population.neighbours(0).is_none() {
            let open: Vec<u32> =
                self.order.iter().copied().filter(|&node| free[node as usize]).collect();
            open.chunks_exact(2).for_each(|pair| exchange(state, pair[0], pair[1], witness));
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
                exchange(state, node, peer, witness);
            }
        }
    }

    /// Returns all push on their states at the round's start, then all pushes arrive.
    fn synchronous(&mut self, state: &mut State<P>, witness: &mut impl Witness<P>) {
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
            let stopped = state.send() | witness.stops(node, peer);
            let lost = stopped || !state.population.is_up(peer);
            if !lost {
                state.protocol.answer(peer, node, push);
            }
            witness.passed(&state.protocol, node, peer, Message::Push(push), lost);
        }
        self.pushes = pushes;
    }
}

/// Makes one exchange, whatever of it arrives.
#[inline]
pub(super) fn exchange<P: Protocol>(
    state: &mut State<P>,
    node: u32,
    peer: u32,
    witness: &mut impl Witness<P>,
) {
    if state.population.is_up(node) {
        let push = state.protocol.begin(node, peer);
        deliver(state, node, peer, push, witness);
    }
}

/// Sends a push, and again what is not answered, for as long as the peer can be reached.
#[inline]
pub(super) fn deliver<P: Protocol>(
    state: &mut State<P>,
    node: u32,
    peer: u32,
    mut push: P::Push,
    witness: &mut impl Witness<P>,
) {
    loop {
        let stopped = state.send() | witness.stops(node, peer);
        let lost = stopped || !state.population.is_up(peer);
        let reply = if lost { None } else { state.protocol.answer(peer, node, push) };
        witness.passed(&state.protocol, node, peer, Message::Push(push), lost);
        if let Some(reply) = reply {
            let lost = state.send() | witness.stops(peer, node);
            if !lost {
                state.protocol.settle(node, peer, reply);
            }
            witness.passed(&state.protocol, peer, node, Message::Reply(reply), lost);
        }
        if !state.population.is_up(peer) || witness.severs(node, peer) {
            return;
        }
        match state.protocol.again(node, peer) {
            Some(again) => push = again,
            None => return,
        }
    }
}
