//! Push-sum, one-sided (Kempe, Dobra, Gehrke 2003) and symmetric (SPSP; Blasa, Cafiero, Fortino,
//! Di Fatta 2011).
//!
//! Mass travels in the messages: half of a node's value and weight. A message that is lost takes
//! its mass with it. The symmetric form is `rumormill_proto::Spsp`, word for word.

use crate::simulate::average::protocol::{Compensated, Content, Message, Protocol};

/// A value and a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mass {
    pub(super) value: f64,
    pub(super) weight: f64,
}

/// The mass of every node.
#[derive(Clone)]
pub(super) struct PushSum<const SYMMETRIC: bool> {
    masses: Vec<Mass>,
}

impl<const SYMMETRIC: bool> PushSum<SYMMETRIC> {
    /// Starts with weight 1 at each node, for a sum at the first only.
    pub(super) fn new(inputs: &[f64], sum: bool) -> Self {
        let weight = |node: usize| if sum && node > 0 { 0.0 } else { 1.0 };
        let mass = |(node, &value): (usize, &f64)| Mass { value, weight: weight(node) };
        Self { masses: inputs.iter().enumerate().map(mass).collect() }
    }

    /// Keeps half and sends half.
    fn halve(&mut self, node: u32) -> Mass {
        let own = &mut self.masses[node as usize];
        *own = Mass { value: 0.5 * own.value, weight: 0.5 * own.weight };
        *own
    }

    fn add(&mut self, node: u32, mass: Mass) {
        let own = &mut self.masses[node as usize];
        *own = Mass { value: own.value + mass.value, weight: own.weight + mass.weight };
    }
}

impl<const SYMMETRIC: bool> Protocol for PushSum<SYMMETRIC> {
    type Push = Mass;
    type Reply = Mass;

    const ITSELF: bool = !SYMMETRIC;

    fn begin(&mut self, node: u32, _peer: u32) -> Mass {
        self.halve(node)
    }

    fn answer(&mut self, node: u32, _peer: u32, push: Mass) -> Option<Mass> {
        let reply = SYMMETRIC.then(|| self.halve(node));
        self.add(node, push);
        reply
    }

    fn settle(&mut self, node: u32, _peer: u32, reply: Mass) -> bool {
        self.add(node, reply);
        true
    }

    fn raise(&mut self, node: u32, by: f64) {
        self.masses[node as usize].value += by;
    }

    fn state(&self, node: u32) -> (f64, f64) {
        let mass = self.masses[node as usize];
        (mass.value, mass.weight)
    }

    fn carried(message: Message<Mass, Mass>) -> f64 {
        match message {
            Message::Push(mass) | Message::Reply(mass) => mass.value,
        }
    }

    fn content(message: Message<Mass, Mass>) -> Content {
        let (Message::Push(mass) | Message::Reply(mass)) = message;
        Content { value: mass.value, weight: Some(mass.weight), number: None }
    }

    fn excess(&self, up: &dyn Fn(u32) -> bool, inputs: &[f64], carried: f64) -> f64 {
        let mut sum = Compensated::default();
        sum.add(carried);
        let nodes = (0..inputs.len()).filter(|&node| up(node as u32));
        nodes.for_each(|node| sum.extend([self.masses[node].value, -inputs[node]]));
        sum.value()
    }
}
