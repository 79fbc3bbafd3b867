//! Exchanges that take time, so that they overlap: messages are events.

use crate::average::{Averaging, Schedule};
use crate::simulate::average::partners::Partners;
use crate::simulate::average::protocol::{Message, Protocol};
use crate::simulate::average::state::State;
use crate::simulate::average::wheel::{ROUND, Wheel};
use crate::simulate::stream::{Draws, Purpose, Stream};

/// What happens at a time.
enum Event<P: Protocol> {
    /// The node starts an exchange.
    Tick(u32),
    /// A message arrives. `sent` is when the push of its exchange was sent.
    Message { from: u32, to: u32, sent: u64, message: Message<P::Push, P::Reply> },
    /// Patience with the answer to push `seq` is over.
    Resend { node: u32, peer: u32, seq: u32, tries: u32 },
}

/// Runs rounds of exchanges that take time.
pub(super) struct Events<P: Protocol> {
    wheel: Wheel<Event<P>>,
    partners: Partners,
    clock: Draws,
    latency: Draws,
    /// By node, for protocols that resend.
    round_trips: Vec<RoundTrip>,
    /// Rounds that have passed.
    passed: u64,
}

/// The stream of latencies beside that of contacts.
const LATENCY: u64 = 2;

/// Events of an exchange, about: tick, push, reply.
const EVENTS: u64 = 3;

impl<P: Protocol> Events<P> {
    pub(super) fn new(settings: &Averaging, run: u64, state: &State<P>) -> Self {
        let contacts = Stream::new(settings.seed, Purpose::Contacts).child(run);
        let mut clock = Stream::new(settings.seed, Purpose::Order).child(run).draws();
        let nodes = state.population.nodes();
        let mut wheel = Wheel::new(EVENTS * u64::from(nodes));
        if settings.schedule == Schedule::Fixed {
            (0..nodes).for_each(|node| wheel.add(clock.below(ROUND), Event::Tick(node)));
        }
        let resends = if P::RESENDS { nodes as usize } else { 0 };
        Self {
            wheel,
            partners: Partners::new::<P>(&state.population, contacts.child(0).draws()),
            clock,
            latency: contacts.child(LATENCY).draws(),
            round_trips: vec![RoundTrip::default(); resends],
            passed: 0,
        }
    }

    pub(super) fn round(&mut self, state: &mut State<P>) {
        let start = self.passed * ROUND;
        let nodes = state.population.nodes();
        match state.settings.schedule {
            Schedule::Shuffled => {
                // A random moment of the round for each is a random order.
                for node in state.population.all_up() {
                    self.wheel.add(start + self.clock.below(ROUND), Event::Tick(node));
                }
            }
            Schedule::Asynchronous => {
                // Poisson clocks of rate 1 together tick with rate n, each time at a random node.
                let mut time = self.clock.exponential();
                while time < f64::from(nodes) {
                    let at = start + (time / f64::from(nodes) * ROUND as f64) as u64;
                    let node = self.clock.below(u64::from(nodes)) as u32;
                    self.wheel.add(at, Event::Tick(node));
                    time += self.clock.exponential();
                }
            }
            _ => {}
        }
        self.passed += 1;
        while let Some((now, event)) = self.wheel.take_before(start + ROUND) {
            self.handle(state, now, &event);
        }
    }

    /// Returns the mass on its way to nodes that are up.
    pub(super) fn carried(&self, state: &State<P>) -> f64 {
        state.carried(self.wheel.iter().filter_map(|event| match event {
            Event::Message { to, message, .. } => Some((*to, *message)),
            _ => None,
        }))
    }

    fn handle(&mut self, state: &mut State<P>, now: u64, event: &Event<P>) {
        match *event {
            Event::Tick(node) => {
                self.tick(state, now, node);
                if state.settings.schedule == Schedule::Fixed {
                    self.wheel.add(now + ROUND, Event::Tick(node));
                }
            }
            Event::Message { from, to, sent, message } => {
                // Messages of nodes declared dead are ignored.
                if state.population.is_up(to) && !state.population.is_shunned(from) {
                    self.receive(state, now, from, to, sent, message);
                }
            }
            Event::Resend { node, peer, seq, tries } => {
                let current = state.protocol.awaits(node, peer) == Some(seq);
                let useful = state.population.is_up(node) && !state.population.is_shunned(peer);
                if current
                    && useful
                    && let Some(push) = state.protocol.again(node, peer)
                {
                    self.send(state, now, node, peer, now, Message::Push(push));
                    self.watch(state, now, node, peer, tries + 1);
                }
            }
        }
    }

    fn tick(&mut self, state: &mut State<P>, now: u64, node: u32) {
        if !state.population.is_up(node) {
            return;
        }
        let Some(peer) = self.partners.next(node, &state.population, &state.protocol) else {
            return;
        };
        let push = state.protocol.begin(node, peer);
        self.send(state, now, node, peer, now, Message::Push(push));
        self.watch(state, now, node, peer, 0);
    }

    fn receive(
        &mut self,
        state: &mut State<P>,
        now: u64,
        from: u32,
        to: u32,
        sent: u64,
        message: Message<P::Push, P::Reply>,
    ) {
        match message {
            Message::Push(push) => {
                if let Some(reply) = state.protocol.answer(to, from, push) {
                    self.send(state, now, to, from, sent, Message::Reply(reply));
                }
            }
            Message::Reply(reply) => {
                if state.protocol.settle(to, from, reply) && P::RESENDS {
                    self.round_trips[to as usize].measure(now - sent);
                }
            }
        }
    }

    fn send(
        &mut self,
        state: &mut State<P>,
        now: u64,
        from: u32,
        to: u32,
        sent: u64,
        message: Message<P::Push, P::Reply>,
    ) {
        if state.send() {
            return;
        }
        let (low, high) = state.settings.faults.latency;
        let delay = low + (high - low) * self.latency.unit();
        let arrives = now + (delay * ROUND as f64) as u64;
        self.wheel.add(arrives, Event::Message { from, to, sent, message });
    }

    /// Sets a time by which the node's push must be answered.
    fn watch(&mut self, state: &State<P>, now: u64, node: u32, peer: u32, tries: u32) {
        if let Some(seq) = state.protocol.awaits(node, peer) {
            let patience = self.round_trips[node as usize].patience(tries);
            self.wheel.add(now + patience, Event::Resend { node, peer, seq, tries });
        }
    }
}

/// The round-trip time, smoothed, and the patience that follows from it (Jacobson, Karels 1988), as
/// in the core. Each reply tells when its own push was sent, so that all can be measured.
#[derive(Clone, Copy, Debug, Default)]
struct RoundTrip {
    /// Mean and mean deviation in rounds; no mean before the first measurement.
    mean: Option<f32>,
    deviation: f32,
}

impl RoundTrip {
    fn measure(&mut self, time: u64) {
        let sample = time as f32 / ROUND as f32;
        match &mut self.mean {
            None => (self.mean, self.deviation) = (Some(sample), sample / 2.0),
            Some(mean) => {
                let error = sample - *mean;
                *mean += error / 8.0;
                self.deviation += (error.abs() - self.deviation) / 4.0;
            }
        }
    }

    fn patience(&self, tries: u32) -> u64 {
        let patience = self.mean.map_or(0.25, |mean| mean + 4.0 * self.deviation);
        let patience = patience.clamp(0.025, 1.0) * (1 << (tries / 8).min(4)) as f32;
        (f64::from(patience.min(2.0)) * ROUND as f64) as u64
    }
}
