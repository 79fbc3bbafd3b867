//! The core's one face: a node that a driver feeds and drains.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use foca::Member;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};

use crate::Rng;
use crate::aggregate::{Aggregation, Mode};
use crate::clock::HybridClock;
use crate::config::Config;
use crate::config::range::ConfigError;
use crate::directory::{Directory, Peer};
use crate::host::{Host, Lent};
use crate::identity::{Identity, Name, NodeId, tag};
use crate::join::Joins;
use crate::membership::{MemberState, Membership};
use crate::protocol::{Context, Protocol};
use crate::roster::Roster;
use crate::rumor::EventId;
use crate::stats::Stats;
use crate::time::{Duration, Instant};
use crate::wire::{
    CHANNEL_PATH, CHANNEL_REFUSAL, CHANNEL_STATE, CHANNEL_SWIM, Digests, Envelope, Reader,
    StateMessage, WireError,
};

/// One node of a cluster, without any I/O.
///
/// A driver hands in what happens (`handle_…`) and takes out what should happen (`poll_…`), until
/// each `poll_…` has nothing more; after that it waits for a packet or for the instant of
/// [`Node::poll_timeout`]. Time is a parameter and must not run backwards. Randomness comes from
/// the seed alone: the same calls with the same seed give the same run, bit for bit.
///
/// ```
/// use rumormill_proto::{Config, Identity, Instant, Mode, Name, Node};
///
/// let name = Name::new("a")?;
/// let me = Identity { name, addr: "127.0.0.1:7946".parse()?, incarnation: 1 };
/// let mut node = Node::new(Instant::ZERO, me, Config::default(), 42)?;
/// let requests = Name::new("requests")?;
/// node.set_input(Instant::ZERO, &requests, 5.0, Mode::Live)?;
/// assert_eq!(node.reading(Instant::ZERO, &requests).and_then(|r| r.sum.value), Some(5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Node {
    config: Config,
    cluster: u32,
    rng: Rng,
    clock: HybridClock,
    membership: Membership,
    roster: Roster,
    hosts: Vec<Host>,
    joins: Joins,
    paths: path::Paths,
    doubtful: path::Doubtful,
    next_sync: Instant,
    /// How long after that the next one is due; doubles from [`FIRST_SYNC`] on.
    sync_pause: Duration,
    left: bool,
    stats: Stats,
    told: BTreeMap<WireError, Instant>,
    transmits: VecDeque<Transmit>,
    notices: Vec<Notice>,
    notices_out: VecDeque<Notice>,
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("identity", &self.identity()).finish_non_exhaustive()
    }
}

/// Lends the node's parts to a protocol; a macro, because the host is a part of the node, too.
macro_rules! lend {
    ($node:expr, $now:expr) => {
        Lent {
            now: $now,
            roster: &$node.roster,
            config: &$node.config,
            rng: &mut $node.rng,
            clock: &mut $node.clock,
            stats: &mut $node.stats,
            notices: &mut $node.notices,
        }
    };
}

mod acquaintance;
mod ask;
mod event;
mod figures;
mod members;
mod news;
mod path;
mod settle;
mod state;
mod wall;

#[cfg(test)]
mod tests;

pub use acquaintance::Acquaintance;
pub use event::{Notice, Plane, Transmit};
pub use news::Load;

impl Node {
    /// A node with all protocols running: aggregates, rumors, queries and the replica.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(now: Instant, me: Identity, config: Config, seed: u64) -> Result<Self, ConfigError> {
        Self::new_in(&Directory::default(), now, me, config, seed)
    }

    /// [`Node::new`], for one of many nodes in this process: they share a directory.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new_in(
        directory: &Directory,
        now: Instant,
        me: Identity,
        config: Config,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        let mut node = Self::bare_in(directory, now, me, config, seed)?;
        node.add_aggregates(now);
        node.add_events(now);
        node.add_kv(now);
        Ok(node)
    }

    /// A node that only keeps the membership, until protocols are added.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn bare(
        now: Instant,
        me: Identity,
        config: Config,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        Self::bare_in(&Directory::default(), now, me, config, seed)
    }

    /// [`Node::bare`], for one of many nodes in this process: they share a directory.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn bare_in(
        directory: &Directory,
        now: Instant,
        me: Identity,
        mut config: Config,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        config.membership.probe_timeout = Some(config.membership.probe_timeout());
        let mut rng = Rng::seed_from_u64(seed);
        let swim_rng = Rng::seed_from_u64(rng.random());
        let me = directory.peer(me);
        Ok(Self {
            cluster: tag(&config.cluster),
            clock: HybridClock::new(now, me.incarnation, config.max_clock_skew),
            membership: Membership::new(me.clone(), &config, swim_rng, directory),
            roster: Roster::new(me),
            hosts: Vec::new(),
            joins: Joins::default(),
            paths: path::Paths::default(),
            doubtful: path::Doubtful::default(),
            next_sync: now + config.membership.sync_interval.mul_f64(rng.random_range(0.5..1.5)),
            sync_pause: config.membership.sync_interval,
            left: false,
            stats: Stats::default(),
            told: BTreeMap::new(),
            transmits: VecDeque::new(),
            notices: Vec::new(),
            notices_out: VecDeque::new(),
            rng,
            config,
        })
    }

    /// Runs another protocol in this node. All nodes of the cluster should run it.
    pub fn add_protocol(&mut self, now: Instant, protocol: Box<dyn Protocol>) {
        let host = Host::new(protocol, lend!(self, now));
        self.hosts.push(host);
        self.settle(now);
    }

    // ------------------------------------------------------------------ what happens

    /// A datagram has arrived. Whatever is in it, the node takes no harm.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.left {
            return;
        }
        match self.datagram(now, from, bytes) {
            Ok(()) => {
                self.stats.datagrams_received += 1;
                self.stats.bytes_received += bytes.len() as u64;
            }
            Err(reason) => self.drop_packet(now, from, reason),
        }
        self.settle(now);
    }

    fn datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), WireError> {
        let (envelope, body) = Envelope::read(self.cluster, bytes)?;
        match envelope.channel {
            CHANNEL_SWIM => self.swim(now, &envelope, body),
            CHANNEL_PATH if body.first().is_some_and(|&kind| kind >= 2) => {
                self.proof_message(now, &envelope, source, body)
            }
            CHANNEL_PATH if self.is_from_a_peer(&envelope) => {
                self.path_message(now, envelope.from, body, bytes.len())
            }
            _ => self.deliver(now, &envelope, body),
        }
    }

    /// A packet of the membership has arrived, mostly as a datagram.
    fn swim(&mut self, now: Instant, envelope: &Envelope, body: &[u8]) -> Result<(), WireError> {
        let mut body = Reader(body);
        let digests = Digests::read(&mut body)?;
        self.membership.handle_datagram(now, envelope.to, body.0, &self.roster)?;
        self.settle(now);
        self.heard_wall(now, envelope.from, digests.wall);
        self.compare(now, envelope, &digests);
        Ok(())
    }

    fn is_from_a_peer(&self, envelope: &Envelope) -> bool {
        envelope.to == self.roster.id() && self.roster.peer(envelope.from).is_some()
    }

    /// Hands a message to the protocol that it is for.
    fn deliver(&mut self, now: Instant, envelope: &Envelope, body: &[u8]) -> Result<(), WireError> {
        if !self.is_from_a_peer(envelope) {
            return Err(WireError::Stranger);
        }
        let host = self.hosts.iter_mut().find(|host| host.tag == envelope.channel);
        let host = host.ok_or(WireError::Channel)?;
        host.receive(lend!(self, now), envelope.from, body)
    }

    /// Tells the protocols whether their digest is the peer's.
    fn compare(&mut self, now: Instant, envelope: &Envelope, digests: &Digests) {
        if !self.is_from_a_peer(envelope) {
            return;
        }
        for host in &mut self.hosts {
            let agrees = host.protocol().digest(now) == digests.get(host.tag);
            host.call(lend!(self, now), |protocol, cx| match agrees {
                true => protocol.agrees(cx, envelope.from),
                false => protocol.differs(cx, envelope.from),
            });
        }
    }

    /// A frame has arrived on the reliable path. Whatever is in it, the node takes no harm.
    pub fn handle_stream(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.left {
            return;
        }
        if let Err(reason) = self.stream(now, bytes) {
            if reason == WireError::Cluster {
                self.refuse(bytes);
            }
            self.drop_packet(now, from, reason);
        }
        self.settle(now);
    }

    fn stream(&mut self, now: Instant, bytes: &[u8]) -> Result<(), WireError> {
        let (envelope, body) = Envelope::read(self.cluster, bytes)?;
        match envelope.channel {
            CHANNEL_STATE if envelope.from == self.roster.id() => self.asked_itself(body),
            CHANNEL_STATE => self.state_message(now, body),
            CHANNEL_REFUSAL => self.refused(body),
            // Too large for the path.
            CHANNEL_SWIM => self.swim(now, &envelope, body),
            _ => self.deliver(now, &envelope, body),
        }
    }

    /// A message on the reliable path could not be delivered to `to`.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr, reason: &str) {
        if let Some(attempts) = self.joins.failed(to) {
            let reason = reason.to_owned();
            self.notices.push(Notice::JoinFailed { addr: to, attempts, reason });
        }
        self.settle(now);
    }

    /// The instant of [`Node::poll_timeout`] has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.left {
            return;
        }
        self.membership.handle_timeout(now, &self.roster);
        self.ask(now);
        if self.next_sync <= now {
            self.sync(now);
        }
        self.test_paths(now);
        // What the membership has found out concerns the protocols before they act.
        self.settle(now);
        for host in &mut self.hosts {
            if host.poll_timeout() <= now {
                host.handle_timeout(lend!(self, now));
            }
        }
        self.settle(now);
    }

    // ------------------------------------------------------------------ what should happen

    /// The next message to send, if there is one.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// When to call [`Node::handle_timeout`]. Changes with every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.left {
            return None;
        }
        let hosts = self.hosts.iter().map(Host::poll_timeout);
        let others =
            [self.membership.poll_timeout(), self.joins.poll_timeout(), self.paths.poll_timeout()];
        hosts.chain(others.into_iter().flatten()).chain([self.next_sync]).min()
    }

    /// The next thing that the user should hear, if there is one.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        let event = self.notices_out.pop_front();
        if event.is_none() {
            // The news of thousands of members took room that is not needed again.
            self.notices_out = VecDeque::new();
        }
        event
    }

    // ------------------------------------------------------------------ the user's verbs

    /// The members that are up, as protocols see them.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Who this node is. Changes when it comes back from having been held for dead.
    pub fn identity(&self) -> &Identity {
        self.roster.me()
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the node has counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The protocol of type `P`, the first that was added, to look at.
    pub fn protocol<P: Protocol>(&self) -> Option<&P> {
        self.hosts.iter().find_map(|host| as_any(host.protocol()).downcast_ref())
    }

    /// Calls the protocol of type `P`, the first that was added, with a context: the way to hand
    /// a user's verb to a protocol. `None` if there is no such protocol.
    pub fn with_protocol<P: Protocol, R>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let result = self.call_protocol(now, f);
        self.settle(now);
        result
    }

    // ------------------------------------------------------------------ inside

    /// The same, but the consequences are not carried on yet.
    fn call_protocol<P: Protocol, R>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let of_type = |host: &Host| as_any(host.protocol()).is::<P>();
        let at = self.hosts.iter().position(of_type)?;
        self.call_host(now, at, f)
    }

    fn call_host<P: Protocol, R>(
        &mut self,
        now: Instant,
        at: usize,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let call = |protocol: &mut dyn Protocol, cx: &mut Context<'_>| {
            (protocol as &mut dyn core::any::Any).downcast_mut().map(|protocol| f(protocol, cx))
        };
        self.hosts[at].call(lend!(self, now), call)
    }
}

fn as_any(protocol: &dyn Protocol) -> &dyn core::any::Any {
    protocol
}
