//! A node: the state machine that a driver feeds and drains.

use core::net::SocketAddr;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, VecDeque};

use crate::Rng;
use crate::clock::HybridClock;
use crate::codec::{
    CHANNEL_PATH, CHANNEL_REFUSAL, CHANNEL_STATE, CHANNEL_SWIM, Envelope, Reader, WireError,
};
use crate::config::Config;
use crate::config::range::ConfigError;
use crate::core::Core;
use crate::host::Host;
use crate::identity::{Identity, tag};
use crate::membership::Membership;
use crate::membership::digests::Digests;
use crate::membership::directory::Directory;
use crate::membership::join::Joins;
use crate::membership::messages::StateMessage;
use crate::membership::roster::Roster;
use crate::node::path::Paths;
use crate::notice::Notice;
use crate::protocol::{Context, Protocol};
use crate::stats::Stats;
use crate::time::{Duration, Instant};
use crate::trace;
use crate::transmit::Transmit;

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
/// node.aggregates_mut().set(Instant::ZERO, &requests, 5.0, Mode::Live)?;
/// assert_eq!(node.aggregates().get(Instant::ZERO, &requests).and_then(|r| r.sum.value), Some(5.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Node {
    /// The state that protocols borrow.
    core: Core,
    /// The tag of the cluster's name.
    cluster: u32,
    membership: Membership,
    hosts: Vec<Host>,
    joins: Joins,
    paths: Paths,
    /// Messages on the reliable path of members that were declared dead, each with a deadline, until
    /// an answer by datagram proves that they can be members.
    doubtful: BTreeMap<u64, (Instant, StateMessage)>,
    next_sync: Instant,
    /// The pause after that; doubles from one second on.
    sync_pause: Duration,
    left: bool,
    /// When a dropped packet was last reported, for each reason.
    reported: BTreeMap<WireError, Instant>,
    transmits: VecDeque<Transmit>,
    /// The notices that the driver has yet to take.
    notices: VecDeque<Notice>,
}

pub(crate) mod aggregates;
mod ask;
pub(crate) mod events;
pub(crate) mod initial;
pub(crate) mod kv;
mod membership;
mod path;
mod probe;
pub(crate) mod queries;
mod settle;
pub(crate) mod summary;
mod sync;
mod wall;

#[cfg(test)]
mod tests;

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Node").field("identity", &self.identity()).finish_non_exhaustive()
    }
}

impl Node {
    /// Creates a node with all protocols: aggregates, events, queries, and keys and values.
    ///
    /// # Errors
    /// Fails if a setting is out of its range.
    pub fn new(now: Instant, me: Identity, config: Config, seed: u64) -> Result<Self, ConfigError> {
        Self::new_in(&Directory::default(), now, me, config, seed)
    }

    /// Creates a node as [`Node::new`] does, for one of many nodes in this process: they share a
    /// directory.
    ///
    /// # Errors
    /// Fails if a setting is out of its range.
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

    /// Creates a node that only keeps the membership, until protocols are added.
    ///
    /// # Errors
    /// Fails if a setting is out of its range.
    pub fn bare(
        now: Instant,
        me: Identity,
        config: Config,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        Self::bare_in(&Directory::default(), now, me, config, seed)
    }

    /// Creates a node as [`Node::bare`] does, for one of many nodes in this process: they share a
    /// directory.
    ///
    /// # Errors
    /// Fails if a setting is out of its range.
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
            membership: Membership::new(me.clone(), &config, swim_rng, directory),
            hosts: Vec::new(),
            joins: Joins::default(),
            paths: Paths::default(),
            doubtful: BTreeMap::new(),
            next_sync: now + config.membership.sync_interval.mul_f64(rng.random_range(0.5..1.5)),
            sync_pause: config.membership.sync_interval,
            left: false,
            reported: BTreeMap::new(),
            transmits: VecDeque::new(),
            notices: VecDeque::new(),
            core: Core {
                clock: HybridClock::new(now, me.incarnation, config.max_clock_skew),
                roster: Roster::new(me),
                expected: None,
                met: false,
                stats: Stats::default(),
                notices: Vec::new(),
                rng,
                config,
            },
        })
    }

    /// Adds a protocol to this node. All nodes of the cluster should run it.
    pub fn add_protocol(&mut self, now: Instant, protocol: Box<dyn Protocol>) {
        let host = Host::new(protocol, now, &mut self.core);
        self.hosts.push(host);
        self.settle(now);
    }

    /// Handles a datagram, which may contain anything.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.left {
            return;
        }
        let _span = trace::packet(&self.core, "datagram", from, bytes);
        match self.datagram(now, from, bytes) {
            Ok(()) => {
                self.core.stats.datagrams_received += 1;
                self.core.stats.bytes_received += bytes.len() as u64;
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

    /// Handles a packet of the membership, which mostly arrives as a datagram.
    fn swim(&mut self, now: Instant, envelope: &Envelope, body: &[u8]) -> Result<(), WireError> {
        let mut body = Reader(body);
        let digests = Digests::read(&mut body)?;
        self.membership.handle_datagram(now, envelope.to, body.0, &self.core.roster)?;
        self.settle(now);
        self.observe_wall(now, envelope.from, digests.wall);
        self.compare(now, envelope, &digests);
        Ok(())
    }

    fn is_from_a_peer(&self, envelope: &Envelope) -> bool {
        envelope.to == self.core.roster.id() && self.core.roster.peer(envelope.from).is_some()
    }

    /// Hands a message to its protocol.
    fn deliver(&mut self, now: Instant, envelope: &Envelope, body: &[u8]) -> Result<(), WireError> {
        if !self.is_from_a_peer(envelope) {
            return Err(WireError::Stranger);
        }
        let host = self.hosts.iter_mut().find(|host| host.tag == envelope.channel);
        let host = host.ok_or(WireError::Channel)?;
        host.receive(now, &mut self.core, envelope.from, body);
        Ok(())
    }

    /// Compares the digests of the protocols with those of a peer.
    fn compare(&mut self, now: Instant, envelope: &Envelope, digests: &Digests) {
        if !self.is_from_a_peer(envelope) {
            return;
        }
        for host in &mut self.hosts {
            let agrees = host.protocol().digest(now) == digests.get(host.tag);
            host.call(now, &mut self.core, |protocol, cx| match agrees {
                true => protocol.agrees(cx, envelope.from),
                false => protocol.differs(cx, envelope.from),
            });
        }
    }

    /// Handles a frame of the reliable path, which may contain anything.
    pub fn handle_stream(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.left {
            return;
        }
        let _span = trace::packet(&self.core, "stream", from, bytes);
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
            CHANNEL_STATE if envelope.from == self.core.roster.id() => self.own_request(body),
            CHANNEL_STATE => self.state_message(now, body),
            CHANNEL_REFUSAL => self.refused(body),
            // Too large for the path.
            CHANNEL_SWIM => self.swim(now, &envelope, body),
            _ => self.deliver(now, &envelope, body),
        }
    }

    /// Handles the failure to deliver a message on the reliable path to `to`.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr, reason: &str) {
        if let Some(attempts) = self.joins.failed(to) {
            let reason = reason.to_owned();
            self.core.notices.push(Notice::JoinFailed { addr: to, attempts, reason });
        }
        self.settle(now);
    }

    /// Handles the instant of [`Node::poll_timeout`]. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.left {
            return;
        }
        let _span = trace::timer(&self.core);
        self.membership.handle_timeout(now, &self.core.roster);
        self.ask(now);
        if self.next_sync <= now {
            self.sync(now);
        }
        self.test_paths(now);
        // Changes of the membership reach the protocols before they act.
        self.settle(now);
        for host in &mut self.hosts {
            if host.poll_timeout().is_some_and(|due| due <= now) {
                host.handle_timeout(now, &mut self.core);
            }
        }
        self.settle(now);
    }

    /// Returns the next message to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Returns when to call [`Node::handle_timeout`]. Changes with every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.left {
            return None;
        }
        let hosts = self.hosts.iter().filter_map(Host::poll_timeout);
        let others =
            [self.membership.poll_timeout(), self.joins.poll_timeout(), self.paths.poll_timeout()];
        hosts.chain(others.into_iter().flatten()).chain([self.next_sync]).min()
    }

    /// Returns the next notice.
    pub fn poll_notice(&mut self) -> Option<Notice> {
        let notice = self.notices.pop_front();
        if notice.is_none() {
            // The notices of thousands of members took room that is not needed again.
            self.notices = VecDeque::new();
        }
        notice
    }

    /// Returns the members that are up, as protocols see them.
    pub fn roster(&self) -> &Roster {
        &self.core.roster
    }

    /// Returns this node's identity. It changes when the node comes back after being declared dead.
    pub fn identity(&self) -> &Identity {
        self.core.roster.me()
    }

    /// Returns the settings in force.
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Returns the node's counters.
    pub fn stats(&self) -> &Stats {
        &self.core.stats
    }

    /// Returns the protocol of type `P`, the first that was added.
    pub fn protocol<P: Protocol>(&self) -> Option<&P> {
        self.hosts.iter().find_map(|host| host.get())
    }

    /// Calls the protocol of type `P`, the first that was added, with a context. Returns `None` if
    /// there is no such protocol.
    pub fn with_protocol<P: Protocol, R>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let result = self.call_protocol(now, f);
        self.settle(now);
        result
    }

    /// Calls a protocol, without settling the consequences yet.
    fn call_protocol<P: Protocol, R>(
        &mut self,
        now: Instant,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let host = self.hosts.iter_mut().find(|host| host.get::<P>().is_some())?;
        host.call_as(now, &mut self.core, f)
    }

    /// Returns the protocol of type `P`, to change without a context.
    fn protocol_mut<P: Protocol>(&mut self) -> Option<&mut P> {
        self.hosts.iter_mut().find_map(Host::get_mut)
    }
}
