//! Push-pull averaging: both take the mean (Jelasity, Montresor, Babaoglu 2005).
//!
//! Only values travel. If an exchange completes at only one of the two, or one takes part in
//! another one meanwhile, the sum of the values changes for good.

use crate::simulate::average::protocol::{Compensated, Content, Message, Protocol};

/// The value of every node.
#[derive(Clone)]
pub(super) struct PushPull {
    values: Vec<f64>,
}

impl PushPull {
    pub(super) fn new(inputs: &[f64]) -> Self {
        Self { values: inputs.to_vec() }
    }

    fn meet(&mut self, node: u32, theirs: f64) {
        let own = &mut self.values[node as usize];
        *own = 0.5 * (*own + theirs);
    }
}

impl Protocol for PushPull {
    type Push = f64;
    type Reply = f64;

    fn begin(&mut self, node: u32, _peer: u32) -> f64 {
        self.values[node as usize]
    }

    fn answer(&mut self, node: u32, _peer: u32, push: f64) -> Option<f64> {
        let before = self.values[node as usize];
        self.meet(node, push);
        Some(before)
    }

    fn settle(&mut self, node: u32, _peer: u32, reply: f64) -> bool {
        self.meet(node, reply);
        true
    }

    fn raise(&mut self, node: u32, by: f64) {
        self.values[node as usize] += by;
    }

    fn state(&self, node: u32) -> (f64, f64) {
        (self.values[node as usize], 1.0)
    }

    fn content(message: Message<f64, f64>) -> Content {
        let (Message::Push(value) | Message::Reply(value)) = message;
        Content { value, weight: None, number: None }
    }

    fn excess(&self, up: &dyn Fn(u32) -> bool, inputs: &[f64], _carried: f64) -> f64 {
        let mut sum = Compensated::default();
        let nodes = (0..inputs.len()).filter(|&node| up(node as u32));
        nodes.for_each(|node| sum.extend([self.values[node], -inputs[node]]));
        sum.value()
    }
}
