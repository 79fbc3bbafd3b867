//! Rounds that all nodes go through together, for protocols that work in rounds.

use std::collections::BTreeSet;

use crate::codec::{Reader, WireError, Write};
use crate::identity::{Identity, NodeId};
use crate::numbering::{Numbering, Place};
use crate::protocol::{Context, Protocol};
use crate::time::{Duration, Instant};

/// Periods without a message after which a node that is in no round begins the first one.
const SILENCE: u32 = 8;

/// A protocol that works in rounds. [`Rounds`] runs it in a node.
///
/// All nodes go through the same rounds: a node that receives a message of a later round follows,
/// unless no peer can have got that far; then it follows only at the end of its round, and if half of
/// the peers that it has messages of are there. [`Protocol::receive`] gets only messages of the node's
/// own round, and
/// [`Protocol::tick`] is called only once the first round has begun.
///
/// ```
/// use rumormill_proto::{
///     Config, Context, Duration, Identity, Instant, Name, Node, NodeId, Protocol, RoundProtocol,
///     Rounds,
/// };
///
/// /// In each round every node counts the messages that it receives.
/// #[derive(Default)]
/// struct Heard(usize);
///
/// impl Protocol for Heard {
///     fn name(&self) -> &str {
///         "heard"
///     }
///     fn period(&self) -> Option<Duration> {
///         Some(Duration::from_millis(200))
///     }
///     fn tick(&mut self, cx: &mut Context<'_>) {
///         if let Some(peer) = cx.random_peer() {
///             cx.send(peer, b"here");
///         }
///     }
///     fn receive(&mut self, _: &mut Context<'_>, _: NodeId, _: &[u8]) {
///         self.0 += 1;
///     }
/// }
///
/// impl RoundProtocol for Heard {
///     fn round_length(&self) -> u32 {
///         16
///     }
///     fn round_started(&mut self, _: &mut Context<'_>, _round: u64, _newcomer: bool) {
///         self.0 = 0;
///     }
/// }
///
/// let me = Identity { name: Name::new("a")?, addr: "127.0.0.1:7946".parse()?, incarnation: 1 };
/// let mut node = Node::bare(Instant::ZERO, me, Config::default(), 42)?;
/// node.add_protocol(Instant::ZERO, Box::new(Rounds::new(Heard::default())));
/// assert_eq!(node.protocol::<Rounds<Heard>>().map(|rounds| rounds.get().0), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait RoundProtocol: Protocol {
    /// Returns the length of a round in periods. So [`Protocol::period`] must not be `None`.
    fn round_length(&self) -> u32;

    /// Handles the start of a round. A `newcomer` came in while it was running: it may relay, but its
    /// own contribution should wait for the next round.
    fn round_started(&mut self, _cx: &mut Context<'_>, _round: u64, _newcomer: bool) {}

    /// Handles the end of a round in which this node took part from the start. `participants` counts
    /// the nodes, this one included, that were members from its beginning to its end.
    fn round_finished(&mut self, _cx: &mut Context<'_>, _round: u64, _participants: usize) {}
}

/// Runs a [`RoundProtocol`] as a [`Protocol`]: numbers its messages by rounds, and follows the
/// rounds of the other nodes.
#[derive(Clone, Debug)]
pub struct Rounds<P> {
    protocol: P,
    length: u32,
    /// The current round, and those of the peers.
    numbering: Numbering,
    /// Periods since it began, or before the first.
    periods: u32,
    newcomer: bool,
    /// The number of nodes that have been members since it began.
    present: usize,
    /// The members that have joined since.
    came: BTreeSet<NodeId>,
}

impl<P: RoundProtocol> Rounds<P> {
    /// Wraps a protocol, for [`Node::add_protocol`](crate::Node::add_protocol).
    pub fn new(protocol: P) -> Self {
        Self {
            length: protocol.round_length().max(1),
            protocol,
            numbering: Numbering::new(Instant::ZERO),
            periods: 0,
            newcomer: false,
            present: 0,
            came: BTreeSet::new(),
        }
    }

    /// Returns the protocol.
    pub fn get(&self) -> &P {
        &self.protocol
    }

    /// Returns the protocol, to change without a context.
    pub fn get_mut(&mut self) -> &mut P {
        &mut self.protocol
    }

    /// Calls the protocol: what it sends belongs to the current round.
    pub fn call<R>(
        &mut self,
        cx: &mut Context<'_>,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> R {
        let sent = cx.outbox.len();
        let result = f(&mut self.protocol, cx);
        let mut prefix = Vec::new();
        prefix.put_varint(u128::from(self.numbering.current));
        for (.., message) in &mut cx.outbox[sent..] {
            message.splice(0..0, prefix.iter().copied());
        }
        result
    }

    fn enter(&mut self, cx: &mut Context<'_>, number: u64, newcomer: bool) {
        let (finished, participants) = (self.numbering.current, self.present);
        if finished > 0 && !self.newcomer && number == finished.saturating_add(1) {
            self.call(cx, |p, cx| p.round_finished(cx, finished, participants));
        }
        self.numbering.enter(cx.now(), number);
        self.periods = 0;
        self.newcomer = newcomer;
        self.present = cx.roster().len();
        self.came.clear();
        self.call(cx, |p, cx| p.round_started(cx, number, newcomer));
    }

    /// Follows a peer that is in the round `theirs`; returns whether its message belongs to this
    /// node's round.
    fn follow(&mut self, cx: &mut Context<'_>, from: NodeId, theirs: u64) -> bool {
        let mine = self.numbering.current;
        // Without ticks no round ends.
        let length = self.protocol.period().map_or(Duration::MAX, |period| period * self.length);
        match self.numbering.meet(cx.now(), from, theirs, length) {
            Place::Same => true,
            Place::Earlier => false,
            Place::TooFar => {
                cx.stats().refused_jumps += 1;
                false
            }
            Place::Later(next) => {
                // Nodes that wait for the first round are no newcomers to it.
                self.enter(cx, next, next != mine + 1);
                next == theirs
            }
        }
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<(), WireError> {
        let mut reader = Reader(bytes);
        let theirs = reader.varint64()?;
        if self.follow(cx, from, theirs) {
            self.call(cx, |protocol, cx| protocol.receive(cx, from, reader.0));
        }
        Ok(())
    }
}

impl<P: RoundProtocol> Protocol for Rounds<P> {
    fn name(&self) -> &str {
        self.protocol.name()
    }

    fn period(&self) -> Option<Duration> {
        self.protocol.period()
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.numbering = Numbering::new(cx.now());
        self.call(cx, P::start);
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.periods += 1;
        let over = if self.numbering.current == 0 { SILENCE } else { self.length };
        if self.periods > over {
            let (next, newcomer) = self.numbering.next();
            self.enter(cx, next, newcomer);
        }
        if self.numbering.current > 0 {
            self.call(cx, P::tick);
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        if self.message(cx, from, message).is_err() {
            cx.stats().dropped_malformed += 1;
        }
    }

    fn digest(&self, now: Instant) -> Option<u64> {
        self.protocol.digest(now)
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.call(cx, |protocol, cx| protocol.differs(cx, peer));
    }

    fn agrees(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.call(cx, |protocol, cx| protocol.agrees(cx, peer));
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.call(cx, P::wake);
    }

    fn peer_joined(&mut self, cx: &mut Context<'_>, peer: &Identity) {
        if self.numbering.current > 0 {
            self.came.insert(peer.id());
        }
        self.call(cx, |protocol, cx| protocol.peer_joined(cx, peer));
    }

    fn peer_expired(&mut self, cx: &mut Context<'_>, peer: &Identity) {
        self.numbering.forget(peer.id());
        if !self.came.remove(&peer.id()) {
            self.present = self.present.saturating_sub(1);
        }
        self.call(cx, |protocol, cx| protocol.peer_expired(cx, peer));
    }

    fn renewed(&mut self, cx: &mut Context<'_>) {
        self.call(cx, P::renewed);
    }
}
