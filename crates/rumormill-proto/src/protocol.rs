//! The trait for a gossip protocol of your own, which the built-in protocols implement, too.

use core::any::Any;

use crate::Rng;
use crate::clock::{HybridClock, Stamp};
use crate::config::Config;
use crate::core::Core;
use crate::identity::{Identity, NodeId};
use crate::membership::roster::Roster;
use crate::notice::Notice;
use crate::stats::Stats;
use crate::time::{Duration, Instant};
use crate::trace;
use crate::transmit::Plane;

/// A gossip protocol, driven by a [`crate::Node`].
///
/// The node calls these methods; a protocol acts through its [`Context`]. It has no socket and no
/// clock, so that the same code runs under an agent, in the virtual network and in a browser.
/// `gen_gossip` (Erlang) is the model: epidemic protocols need [`Protocol::tick`] and
/// [`Protocol::receive`]; round-based ones are [`RoundProtocol`](crate::RoundProtocol)s as well, run
/// by [`Rounds`](crate::Rounds).
///
/// ```
/// use rumormill_proto::{Context, Duration, NodeId, Protocol};
///
/// /// Every node learns the largest number that any node started with.
/// struct Largest(u64);
///
/// impl Protocol for Largest {
///     fn name(&self) -> &str {
///         "largest"
///     }
///     fn period(&self) -> Option<Duration> {
///         Some(Duration::from_millis(200))
///     }
///     fn tick(&mut self, cx: &mut Context<'_>) {
///         if let Some(peer) = cx.random_peer() {
///             cx.send(peer, &self.0.to_be_bytes());
///         }
///     }
///     fn receive(&mut self, _: &mut Context<'_>, _: NodeId, message: &[u8]) {
///         if let Ok(bytes) = message.try_into() {
///             self.0 = self.0.max(u64::from_be_bytes(bytes));
///         }
///     }
/// }
/// ```
pub trait Protocol: Any + Send {
    /// Returns the protocol's name; the same at all nodes, and unlike that of any other protocol.
    fn name(&self) -> &str;

    /// Returns the time between two calls of [`Protocol::tick`]. `None` means no ticks: the protocol
    /// acts on messages, and at the times that it requests with [`Context::wake_at`], so that it costs
    /// nothing while it has nothing to do.
    fn period(&self) -> Option<Duration> {
        None
    }

    /// Handles the start of the node. Called once, before anything else.
    fn start(&mut self, _cx: &mut Context<'_>) {}

    /// Acts once in a period, for example by sending a message to a random peer. The first call comes
    /// at a random point of the first period, so that the nodes' ticks are spread.
    fn tick(&mut self, _cx: &mut Context<'_>) {}

    /// Handles a message of a member. It may contain anything; messages may be lost, duplicated or
    /// reordered.
    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]);

    /// Returns a number that two nodes share exactly when they hold the same; `None` if there is
    /// nothing to compare. It travels in every packet of the membership, so that comparing costs an
    /// idle cluster next to nothing.
    fn digest(&self, _now: Instant) -> Option<u64> {
        None
    }

    /// Handles a membership packet of a peer whose [`Protocol::digest`] differs from this node's.
    fn differs(&mut self, _cx: &mut Context<'_>, _peer: NodeId) {}

    /// Handles a membership packet of a peer whose [`Protocol::digest`] is equal to this node's.
    fn agrees(&mut self, _cx: &mut Context<'_>, _peer: NodeId) {}

    /// Handles the alarm requested with [`Context::wake_at`].
    fn wake(&mut self, _cx: &mut Context<'_>) {}

    /// Handles a peer that is up.
    fn peer_joined(&mut self, _cx: &mut Context<'_>, _peer: &Identity) {}

    /// Handles a peer that has left, or was declared dead. This incarnation does not come back.
    fn peer_expired(&mut self, _cx: &mut Context<'_>, _peer: &Identity) {}

    /// Handles the new incarnation of this node, after the others declared it dead and dropped its
    /// state. [`Context::id`] is the new one.
    fn renewed(&mut self, _cx: &mut Context<'_>) {}
}

/// The interface of the node that a protocol uses while it is called.
pub struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) core: &'a mut Core,
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) wake: &'a mut Option<Instant>,
    pub(crate) name: &'a str,
}

/// The messages that a protocol sends: receiver, path and bytes.
pub(crate) type Outbox = Vec<(NodeId, Plane, Vec<u8>)>;

impl core::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("protocol", &self.name)
            .finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// Returns the present instant.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Returns this node's id.
    pub fn id(&self) -> NodeId {
        self.core.roster.id()
    }

    /// Returns the members that are up.
    pub fn roster(&self) -> &Roster {
        &self.core.roster
    }

    /// Returns the node's settings.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Returns the node's generator of random numbers.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.core.rng
    }

    /// Returns a peer chosen uniformly; `None` if there is none.
    pub fn random_peer(&mut self) -> Option<NodeId> {
        self.core.roster.random_peer(&mut self.core.rng)
    }

    /// Sends a datagram to a peer. It may be lost, repeated or overtaken. Nothing is sent to a node
    /// that is not a peer.
    ///
    /// Messages should have at most [`Config::max_datagram`] − 40 bytes.
    pub fn send(&mut self, to: NodeId, message: &[u8]) {
        self.outbox.push((to, Plane::Datagram, message.to_vec()));
    }

    /// Sends a message of any length to a peer, on the reliable path. It arrives unless one of the two
    /// nodes leaves or dies, or they are cut off from each other, which is not reported.
    pub fn send_stream(&mut self, to: NodeId, message: Vec<u8>) {
        self.outbox.push((to, Plane::Stream, message));
    }

    /// Returns a stamp of cluster time, above every one that this node has made or observed.
    pub fn stamp(&mut self) -> Stamp {
        self.core.clock.stamp(self.now)
    }

    /// Observes another node's stamp, so that this node's next stamp is above it; one that is ahead by
    /// more than a quarter of [`Config::max_clock_skew`] is not followed.
    pub fn observe(&mut self, stamp: Stamp) {
        self.core.clock.observe(self.now, stamp);
    }

    /// Returns the cluster time: milliseconds since 1970 by the fastest clock that this node follows.
    /// It orders writes; elapsed time is measured with [`Context::now`].
    pub fn cluster_millis(&self) -> u64 {
        self.core.clock.millis(self.now)
    }

    /// Returns whether a stamp of another node is at most [`Config::max_clock_skew`] ahead of this
    /// node's time. One that isn't is counted.
    pub fn accepts(&mut self, stamp: Stamp) -> bool {
        let accepted = self.core.clock.accepts(self.now, stamp);
        self.core.stats.stamps_refused += u64::from(!accepted);
        if !accepted {
            trace::stamp_refused(self.core, stamp);
        }
        accepted
    }

    pub(crate) fn clock(&self) -> &HybridClock {
        &self.core.clock
    }

    /// Requests one call of [`Protocol::wake`] at `at` or soon after. A later request replaces an
    /// earlier one; `None` withdraws it.
    pub fn wake_at(&mut self, at: impl Into<Option<Instant>>) {
        *self.wake = at.into();
    }

    /// Reports something to the driver's user, as a [`Notice::Protocol`].
    pub fn emit(&mut self, payload: impl Into<Vec<u8>>) {
        let notice = Notice::Protocol { name: self.name.to_owned(), payload: payload.into() };
        self.core.notices.push(notice);
    }

    pub(crate) fn notify(&mut self, notice: Notice) {
        self.core.notices.push(notice);
    }

    pub(crate) fn stats(&mut self) -> &mut Stats {
        &mut self.core.stats
    }
}
