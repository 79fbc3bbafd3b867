//! What an exchange is, to the engines that run it message by message.

use serde::Serialize;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Content {
    /// Under push-sum and SPSP the mass that travels. Under push-pull, and in a push of the ledger,
    /// what the sender holds. In a reply of the ledger all that its sender ever took from the
    /// other.
    pub value: f64,
    /// The weight that travels with it, where nodes have weights.
    pub weight: Option<f64>,
    /// The number of the push, or of the push that is answered, where pushes are numbered.
    pub number: Option<u32>,
}

/// A protocol of averaging: the states of all nodes, and what messages do to them.
///
/// An exchange is [`begin`](Self::begin) at the node that starts it, [`answer`](Self::answer) at
/// its peer and, if that replies, [`settle`](Self::settle) back at the first. Any message may be
/// lost on the way.
pub(super) trait Protocol {
    type Push: Copy;
    type Reply: Copy;

    /// Whether what is not answered is sent again.
    const RESENDS: bool = false;

    /// Whether a node turns to its neighbours in rotation, each once in a random order, rather than
    /// to a random one each time. Used on graphs; on the complete graph it makes no difference.
    const ROTATES: bool = false;

    /// Whether a node may turn to itself on the complete graph.
    const ITSELF: bool = false;

    /// Returns the node starts an exchange with the peer.
    fn begin(&mut self, node: u32, peer: u32) -> Self::Push;

    /// Returns the node gets a push from the peer.
    fn answer(&mut self, node: u32, peer: u32, push: Self::Push) -> Option<Self::Reply>;

    /// Returns the node gets the peer's reply; true if it was awaited.
    fn settle(&mut self, node: u32, peer: u32, reply: Self::Reply) -> bool;

    /// Returns the number of the node's push that still awaits the peer's answer.
    fn awaits(&self, _node: u32, _peer: u32) -> Option<u32> {
        None
    }

    /// Returns that push, to be sent again.
    fn again(&self, _node: u32, _peer: u32) -> Option<Self::Push> {
        None
    }

    /// Returns the node learns that the peer is dead.
    fn forget(&mut self, _node: u32, _peer: u32) {}

    /// Returns the peers that this node has books on.
    fn linked(&self, _node: u32) -> Vec<u32> {
        vec![]
    }

    /// Returns the node's input rises by so much.
    fn raise(&mut self, node: u32, by: f64);

    /// Returns the node's value and weight: their ratio is its estimate.
    fn state(&self, node: u32) -> (f64, f64);

    /// Returns the mass that a message carries.
    fn carried(_message: Message<Self::Push, Self::Reply>) -> f64 {
        0.0
    }

    /// Returns what a message says.
    fn content(message: Message<Self::Push, Self::Reply>) -> Content;

    /// Returns the mass above that of the inputs: of nodes for which `up` is true, on its way
    /// between them (`carried`, and what is booked but not yet answered), less their inputs.
    fn excess(&self, up: &dyn Fn(u32) -> bool, inputs: &[f64], carried: f64) -> f64;
}

/// A message of either kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Message<P, R> {
    Push(P),
    Reply(R),
}

/// Sums without losing what is small (Neumaier 1974).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compensated {
    sum: f64,
    rest: f64,
}

impl Compensated {
    pub(super) fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        self.rest +=
            if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.rest
    }
}

impl Extend<f64> for Compensated {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, terms: I) {
        terms.into_iter().for_each(|x| self.add(x));
    }
}
