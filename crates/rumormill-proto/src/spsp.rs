//! The Symmetric Push-Sum Protocol as its authors give it: the worked example.
//!
//! Blasa, Cafiero, Fortino, Di Fatta, "Symmetric Push-Sum Protocol for decentralised data
//! aggregation" (2011). It is right on a network without loss; it serves as an example, for
//! comparison, and to show the cost of a lost message: mass that is gone for good. A [`crate::Node`]
//! runs the ledgered form, which loses nothing.

use crate::identity::NodeId;
use crate::protocol::{Context, Protocol};
use crate::time::Duration;

/// Symmetric push-sum of one aggregate.
///
/// Each node keeps a value and a weight. In each period it sends half of both to a random peer, which
/// sends half of its own back and adds what it received. At every node, value / weight tends to
/// Σ values / Σ weights: the sum, if one node starts with weight 1 and the others with 0; the
/// average, if all start with 1.
///
/// ```
/// use rumormill_proto::{Duration, Spsp};
/// let node = Spsp::sum(5.0, 1.0, Duration::from_millis(200));
/// assert_eq!(node.estimate(), Some(5.0));
/// ```
#[derive(Clone, Debug)]
pub struct Spsp {
    value: f64,
    weight: f64,
    period: Duration,
}

const PUSH: u8 = 0;
const SYMMETRIC_PUSH: u8 = 1;

impl Spsp {
    /// Creates a node with this input, for a sum: one node has weight 1, the others 0.
    pub fn sum(input: f64, weight: f64, period: Duration) -> Self {
        Self { value: input, weight, period }
    }

    /// Creates a node with this input, for an average.
    pub fn average(input: f64, period: Duration) -> Self {
        Self { value: input, weight: 1.0, period }
    }

    /// Returns the value held.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the weight held.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Returns value / weight; `None` while no weight has arrived.
    pub fn estimate(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.value / self.weight)
    }

    /// Keeps half and sends half.
    fn send_half(&mut self, cx: &mut Context<'_>, to: NodeId, kind: u8) {
        self.value /= 2.0;
        self.weight /= 2.0;
        let mut message = vec![kind];
        message.extend(self.value.to_bits().to_be_bytes());
        message.extend(self.weight.to_bits().to_be_bytes());
        cx.send(to, &message);
    }
}

impl Protocol for Spsp {
    fn name(&self) -> &str {
        "spsp"
    }

    fn period(&self) -> Option<Duration> {
        Some(self.period)
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        if let Some(peer) = cx.random_peer() {
            self.send_half(cx, peer, PUSH);
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        let Ok(message) = <[u8; 17]>::try_from(message) else { return };
        let number = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&message[at..at + 8]);
            f64::from_bits(u64::from_be_bytes(bytes))
        };
        if message[0] == PUSH {
            self.send_half(cx, from, SYMMETRIC_PUSH);
        }
        self.value += number(1);
        self.weight += number(9);
    }
}
