//! One run of averaging, followed round by round and message by message, while whoever looks on
//! may interfere: lose a message, stop a node, cut the network in two.
//!
//! It is the engine `instant` with something that looks on. A run in which nobody interferes is run
//! `run` of [`simulate`](crate::simulate::average::simulate) on that engine, number by number.
//!
//! ```
//! use std::sync::Arc;
//! use rumormill_model::average::{Aggregate, Averaging, Protocol, Schedule, Values};
//! use rumormill_model::simulate::average::follow::Follow;
//!
//! let two = Averaging {
//!     values: Values::Given(Arc::new([5.0, 10.0])),
//!     schedule: Schedule::Fixed,
//!     aggregate: Aggregate::Sum,
//!     ..Averaging::new(2, Protocol::Spsp)
//! };
//! let mut follow = Follow::new(&two, 0)?;
//! follow.round(&mut |_| {});
//! assert_eq!(follow.held(0).estimate, Some(15.0));
//! assert_eq!(follow.held(1).estimate, Some(15.0));
//! # Ok::<(), rumormill_model::error::Error>(())
//! ```

use std::collections::BTreeSet;

use serde::Serialize;

use crate::average::{Aggregate, Averaging, Protocol as Kind};
use crate::error::{Error, need};
use crate::simulate::average::instant::{Instant, deliver};
use crate::simulate::average::ledger::Ledger;
use crate::simulate::average::measure::Moment;
use crate::simulate::average::protocol::{Content, Message, Protocol};
use crate::simulate::average::push_pull::PushPull;
use crate::simulate::average::push_sum::PushSum;
use crate::simulate::average::state::State;
use crate::simulate::average::values::inputs;
use crate::simulate::average::witness::Witness;
use crate::simulate::stream::{Purpose, Stream};

/// What a node holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Held {
    /// Its value.
    pub value: f64,
    /// Its weight; 1 under protocols without weights.
    pub weight: f64,
    /// What it takes for the answer, value over weight; none without weight.
    pub estimate: Option<f64>,
}

impl Held {
    fn of((value, weight): (f64, f64)) -> Self {
        Self { value, weight, estimate: (weight > 0.0).then(|| value / weight) }
    }
}

/// A message, and what the two nodes hold after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sent {
    /// Which message of the run, from 0.
    pub message: u64,
    /// Who sent it.
    pub from: u32,
    /// To whom.
    pub to: u32,
    /// Whether it answers a push.
    pub reply: bool,
    /// Whether it was lost on its way.
    pub lost: bool,
    /// What it says.
    pub content: Content,
    /// What its sender holds now.
    pub sender: Held,
    /// What the other holds now.
    pub receiver: Held,
}

/// Everything that stands between two nodes, as whoever looks on wants it.
#[derive(Clone, Default)]
struct Interference {
    /// Messages sent so far.
    sent: u64,
    /// Messages to lose, by their numbers.
    lose: BTreeSet<u64>,
    /// The side that each node is on. Empty if the network is whole.
    sides: Vec<bool>,
}

impl Interference {
    fn apart(&self, one: u32, other: u32) -> bool {
        !self.sides.is_empty() && self.sides[one as usize] != self.sides[other as usize]
    }
}

/// The interference, and who wants to see the messages.
struct Looker<'a> {
    interference: &'a mut Interference,
    see: &'a mut dyn FnMut(Sent),
}

impl<P: Protocol> Witness<P> for Looker<'_> {
    fn stops(&mut self, from: u32, to: u32) -> bool {
        let number = self.interference.sent;
        self.interference.sent += 1;
        self.interference.apart(from, to) || self.interference.lose.contains(&number)
    }

    fn severs(&self, one: u32, other: u32) -> bool {
        self.interference.apart(one, other)
    }

    fn passed(
        &mut self,
        protocol: &P,
        from: u32,
        to: u32,
        message: Message<P::Push, P::Reply>,
        lost: bool,
    ) {
        (self.see)(Sent {
            message: self.interference.sent - 1,
            from,
            to,
            reply: matches!(message, Message::Reply(_)),
            lost,
            content: P::content(message),
            sender: Held::of(protocol.state(from)),
            receiver: Held::of(protocol.state(to)),
        });
    }
}

/// A run of any protocol.
trait Steps {
    fn round(&mut self, passed: u32, looker: &mut Looker<'_>) -> Moment;
    fn resume(&mut self, looker: &mut Looker<'_>);
    fn measure(&mut self) -> Moment;
    fn held(&self, node: u32) -> Held;
    fn is_up(&self, node: u32) -> bool;
    fn input(&self) -> f64;
    fn set_loss(&mut self, loss: f64);
    fn crash(&mut self, nodes: Vec<u32>, passed: u32);
    fn raise(&mut self, node: u32, by: f64);
    fn reseed(&mut self, seed: u64, passed: u32);
    fn copy(&self) -> Box<dyn Steps>;
}

#[derive(Clone)]
struct Exchanges<P: Protocol> {
    state: State<P>,
    instant: Instant<P>,
}

impl<P> Steps for Exchanges<P>
where
    P: Protocol<Push: 'static, Reply: 'static> + Clone + 'static,
{
    fn round(&mut self, passed: u32, looker: &mut Looker<'_>) -> Moment {
        self.state.strike(passed);
        self.instant.round(&mut self.state, looker);
        self.state.measure(0.0)
    }

    fn resume(&mut self, looker: &mut Looker<'_>) {
        for node in 0..self.state.population.nodes() {
            for peer in self.state.protocol.linked(node) {
                let up = self.state.population.is_up(node) && self.state.population.is_up(peer);
                if up && let Some(push) = self.state.protocol.again(node, peer) {
                    deliver(&mut self.state, node, peer, push, looker);
                }
            }
        }
    }

    fn measure(&mut self) -> Moment {
        self.state.measure(0.0)
    }

    fn held(&self, node: u32) -> Held {
        Held::of(self.state.protocol.state(node))
    }

    fn is_up(&self, node: u32) -> bool {
        self.state.population.is_up(node)
    }

    fn input(&self) -> f64 {
        self.state.input()
    }

    fn set_loss(&mut self, loss: f64) {
        self.state.settings.faults.loss = loss;
    }

    fn crash(&mut self, nodes: Vec<u32>, passed: u32) {
        self.state.crash(nodes, passed);
    }

    fn raise(&mut self, node: u32, by: f64) {
        self.state.raise(node, by);
    }

    fn reseed(&mut self, seed: u64, passed: u32) {
        let stream = |purpose| Stream::new(seed, purpose).child(passed.into());
        let contacts = stream(Purpose::Contacts);
        self.instant.reseed(contacts.child(0).draws(), stream(Purpose::Order).draws());
        self.state.reseed(contacts);
    }

    fn copy(&self) -> Box<dyn Steps> {
        Box::new(self.clone())
    }
}

/// A run that is followed.
pub struct Follow {
    steps: Box<dyn Steps>,
    interference: Interference,
    nodes: u32,
    rounds: u32,
    moment: Moment,
}

impl Clone for Follow {
    fn clone(&self) -> Self {
        let Self { steps, interference, .. } = self;
        Self { steps: steps.copy(), interference: interference.clone(), ..*self }
    }
}

impl core::fmt::Debug for Follow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { nodes, rounds, moment, .. } = self;
        f.debug_struct("Follow")
            .field("nodes", nodes)
            .field("rounds", rounds)
            .field("moment", moment)
            .finish_non_exhaustive()
    }
}

impl Follow {
    /// Returns a run at its start: the one with this number.
    ///
    /// # Errors
    /// A setting out of range; messages that take time.
    pub fn new(averaging: &Averaging, run: u64) -> Result<Self, Error> {
        averaging.check()?;
        let (_, high) = averaging.faults.latency;
        need(high == 0.0, "overlap", high, "0: exchanges that overlap cannot be followed")?;
        let inputs = inputs(averaging, run);
        let sum = averaging.aggregate == Aggregate::Sum;
        let mut steps = match averaging.protocol {
            Kind::PushPull => start(averaging, run, PushPull::new(&inputs), inputs),
            Kind::PushSum => start(averaging, run, PushSum::<false>::new(&inputs, sum), inputs),
            Kind::Spsp => start(averaging, run, PushSum::<true>::new(&inputs, sum), inputs),
            Kind::Ledger => start(averaging, run, Ledger::new(&inputs), inputs),
        };
        let moment = steps.measure();
        let nodes = averaging.nodes() as u32;
        Ok(Self { steps, interference: Interference::default(), nodes, rounds: 0, moment })
    }

    /// Plays a round, and shows each message of it. Returns how far the nodes have come.
    pub fn round(&mut self, see: &mut dyn FnMut(Sent)) -> Moment {
        let looker = &mut Looker { interference: &mut self.interference, see };
        self.moment = self.steps.round(self.rounds, looker);
        self.rounds += 1;
        self.moment
    }

    /// Returns how many rounds were played.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Returns how far the nodes have come.
    #[must_use]
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// Returns what a node, below [`Self::nodes`], holds.
    #[must_use]
    pub fn held(&self, node: u32) -> Held {
        self.steps.held(node)
    }

    /// Returns whether a node has not crashed.
    #[must_use]
    pub fn is_up(&self, node: u32) -> bool {
        self.steps.is_up(node)
    }

    /// Returns the sum of the inputs of the nodes that are up.
    #[must_use]
    pub fn input(&self) -> f64 {
        self.steps.input()
    }

    /// Returns the sum of what the nodes that are up hold: value and weight.
    #[must_use]
    pub fn total(&self) -> Held {
        let up = (0..self.nodes).filter(|&node| self.is_up(node)).map(|node| self.held(node));
        Held::of(up.fold((0.0, 0.0), |sum, held| (sum.0 + held.value, sum.1 + held.weight)))
    }

    /// Loses messages by their numbers in the run, from 0 in the order in which they are sent.
    pub fn lose(&mut self, messages: impl IntoIterator<Item = u64>) {
        self.interference.lose.extend(messages);
    }

    /// Sets the probability that a message is lost.
    ///
    /// # Errors
    /// If it is not in [0, 1).
    pub fn set_loss(&mut self, loss: f64) -> Result<(), Error> {
        need((0.0..1.0).contains(&loss), "loss", loss, "from 0 to below 1")?;
        self.steps.set_loss(loss);
        Ok(())
    }

    /// Lets nodes crash. The others notice when detection has taken its time.
    ///
    /// # Errors
    /// If there is no such node, or none would be left.
    pub fn crash(&mut self, nodes: &[u32]) -> Result<(), Error> {
        nodes.iter().try_for_each(|&node| self.exists(node))?;
        let dying: BTreeSet<u32> = nodes.iter().copied().filter(|&n| self.is_up(n)).collect();
        let up = (0..self.nodes).filter(|&node| self.is_up(node)).count();
        let most = format!("below the {up} that are up: one has to stay");
        need(dying.len() < up, "the number of nodes that crash", dying.len(), most)?;
        if !dying.is_empty() {
            self.steps.crash(dying.into_iter().collect(), self.rounds);
            self.moment = Moment { messages: self.moment.messages, ..self.steps.measure() };
        }
        Ok(())
    }

    /// Raises the input of a node.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn raise(&mut self, node: u32, by: f64) -> Result<(), Error> {
        self.exists(node)?;
        self.steps.raise(node, by);
        self.moment = Moment { messages: self.moment.messages, ..self.steps.measure() };
        Ok(())
    }

    /// Cuts the network in two: nothing passes between a node for which `side` is true and one for
    /// which it is not. The nodes do not know.
    pub fn cut(&mut self, side: impl Fn(u32) -> bool) {
        self.interference.sides = (0..self.nodes).map(side).collect();
    }

    /// Heals the cut. Protocols that send again what is not answered do so at once.
    pub fn heal(&mut self, see: &mut dyn FnMut(Sent)) {
        self.interference.sides.clear();
        self.steps.resume(&mut Looker { interference: &mut self.interference, see });
        self.moment = Moment { messages: self.moment.messages, ..self.steps.measure() };
    }

    /// Returns whether the network is cut in two.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        !self.interference.sides.is_empty()
    }

    /// Goes on with the random numbers of another seed.
    pub fn reseed(&mut self, seed: u64) {
        self.steps.reseed(seed, self.rounds);
    }

    fn exists(&self, node: u32) -> Result<(), Error> {
        need(node < self.nodes, "node", node, format!("0 to {}", self.nodes - 1))
    }
}

/// Returns a run of a protocol at its start.
fn start<P>(averaging: &Averaging, run: u64, protocol: P, inputs: Vec<f64>) -> Box<dyn Steps>
where
    P: Protocol<Push: 'static, Reply: 'static> + Clone + 'static,
{
    let state = State::new(averaging, run, inputs, protocol);
    Box::new(Exchanges { instant: Instant::new(averaging, run, &state), state })
}

#[cfg(test)]
mod tests;
