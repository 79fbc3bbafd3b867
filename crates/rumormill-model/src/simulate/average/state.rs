//! The state of one run, what strikes it, and how far it has come.

use crate::average::{Aggregate, Averaging, Strike};
use crate::simulate::average::measure::{Moment, Truth};
use crate::simulate::average::population::Population;
use crate::simulate::average::protocol::{Message, Protocol};
use crate::simulate::stream::{Draws, Purpose, Stream};

/// The nodes of one run under one protocol.
#[derive(Clone)]
pub(super) struct State<P> {
    pub(super) settings: Averaging,
    pub(super) protocol: P,
    pub(super) population: Population,
    /// Messages sent since the last measurement.
    pub(super) messages: u64,
    pub(super) loss: Draws,
    inputs: Vec<f64>,
    /// What the nodes should find out; `None` when it may have changed.
    truth: Option<Truth>,
    strikes: Draws,
    /// Crashed nodes, and the round after which all others know of them.
    unknown: Vec<(u32, Vec<u32>)>,
    /// How much an input rises when it changes.
    step: f64,
}

/// The stream of what goes wrong on the way, and of what strikes nodes.
const LOSS: u64 = 1;
const STRIKES: u64 = 3;

impl<P: Protocol> State<P> {
    pub(super) fn new(settings: &Averaging, run: u64, inputs: Vec<f64>, protocol: P) -> Self {
        let contacts = Stream::new(settings.seed, Purpose::Contacts).child(run);
        let low = inputs.iter().copied().fold(f64::INFINITY, f64::min);
        let high = inputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self {
            settings: settings.clone(),
            protocol,
            population: Population::new(&settings.topology),
            messages: 0,
            loss: contacts.child(LOSS).draws(),
            inputs,
            truth: None,
            strikes: contacts.child(STRIKES).draws(),
            unknown: vec![],
            step: if high > low { high - low } else { 1.0 },
        }
    }

    /// Goes on with other random numbers.
    pub(super) fn reseed(&mut self, contacts: Stream) {
        self.loss = contacts.child(LOSS).draws();
        self.strikes = contacts.child(STRIKES).draws();
    }

    /// Returns a message is sent; whether it gets lost.
    pub(super) fn send(&mut self) -> bool {
        self.messages += 1;
        let loss = self.settings.faults.loss;
        loss > 0.0 && self.loss.chance(loss)
    }

    /// Applies the faults that are due after this many rounds.
    pub(super) fn strike(&mut self, passed: u32) {
        let due = |strikes: &[Strike]| -> Vec<Strike> {
            strikes.iter().copied().filter(|strike| strike.after == passed).collect()
        };
        let (changes, crashes) =
            (due(&self.settings.faults.changes), due(&self.settings.faults.crashes));
        for strike in changes {
            for node in self.struck(strike) {
                self.raise(node, self.step);
            }
        }
        for strike in crashes {
            let dead = self.struck(strike);
            self.crash(dead, passed);
        }
        let (due, later) = self.unknown.drain(..).partition(|&(at, _)| at <= passed);
        self.unknown = later;
        let due: Vec<(u32, Vec<u32>)> = due;
        for node in due.into_iter().flat_map(|(_, dead)| dead) {
            self.population.shun(node);
            for peer in self.protocol.linked(node) {
                if self.population.is_up(peer) {
                    self.protocol.forget(peer, node);
                }
            }
        }
    }

    /// Raises the input of a node.
    pub(super) fn raise(&mut self, node: u32, by: f64) {
        self.inputs[node as usize] += by;
        self.protocol.raise(node, by);
        self.truth = None;
    }

    /// Lets nodes crash after this many rounds; the others notice when detection takes its time.
    pub(super) fn crash(&mut self, nodes: Vec<u32>, passed: u32) {
        nodes.iter().for_each(|&node| self.population.crash(node));
        let detection = self.settings.faults.detection;
        self.unknown.push((passed.saturating_add(detection), nodes));
        self.truth = None;
    }

    /// Chooses nodes that are up at random; one stays up whatever the share.
    fn struck(&mut self, strike: Strike) -> Vec<u32> {
        let mut up: Vec<u32> = self.population.all_up().collect();
        let wanted = (strike.share * f64::from(self.population.nodes())).round().max(1.0) as usize;
        let wanted = if strike.share < 1.0 { wanted.min(up.len() - 1) } else { up.len() };
        for at in 0..wanted {
            let other = at + self.strikes.below((up.len() - at) as u64) as usize;
            up.swap(at, other);
        }
        up.truncate(wanted);
        up
    }

    /// Returns how far the nodes have come; `carried` is the mass on its way to nodes that are up.
    pub(super) fn measure(&mut self, carried: f64) -> Moment {
        let population = &self.population;
        let truth = self.truth.get_or_insert_with(|| {
            let inputs = population.all_up().map(|node| self.inputs[node as usize]);
            Truth::of(inputs, self.settings.aggregate == Aggregate::Sum)
        });
        let states = population.all_up().map(|node| self.protocol.state(node));
        let mut moment = truth.judge(states);
        let excess = self.protocol.excess(&|node| population.is_up(node), &self.inputs, carried);
        moment.mass_lost = excess / truth.inputs;
        moment.messages = std::mem::take(&mut self.messages);
        moment
    }

    /// Returns the sum of the inputs of the nodes that are up.
    pub(super) fn input(&self) -> f64 {
        self.population.all_up().map(|node| self.inputs[node as usize]).sum()
    }

    /// Returns the mass of messages on their way to nodes that are up.
    pub(super) fn carried(
        &self,
        messages: impl Iterator<Item = (u32, Message<P::Push, P::Reply>)>,
    ) -> f64 {
        let arriving = messages.filter(|(to, _)| self.population.is_up(*to));
        arriving.map(|(_, message)| P::carried(message)).sum()
    }
}
