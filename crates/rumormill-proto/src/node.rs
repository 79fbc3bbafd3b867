//! The core's one face: a node that a driver feeds and drains.

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use foca::Member;
use rand::seq::IteratorRandom;
use rand::{RngExt, SeedableRng};

use crate::Rng;
use crate::aggregate::{Aggregation, Explanation, InputError, Mode, Reading};
use crate::clock::{HybridClock, Stamp};
use crate::config::{Config, ConfigError};
use crate::directory::{Directory, Peer};
use crate::host::{Host, Lent};
use crate::identity::{Identity, Name, NodeId, tag};
use crate::join::Joins;
use crate::membership::{Change, MemberState, Membership};
use crate::protocol::{Context, Protocol};
use crate::replica::KeyChange;
use crate::roster::Roster;
use crate::rumor::{Rumor, RumorId};
use crate::stats::Stats;
use crate::time::{Duration, Instant};
use crate::wire::{
    CHANNEL_STATE, CHANNEL_SWIM, Digests, Envelope, Reader, StateMessage, WireError,
};

/// A kind of foreign packet is told of at most this often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// As one datagram: it may be lost, repeated or overtaken.
    Datagram,
    /// Reliably, whatever its length, as one frame of a stream. The driver tells
    /// [`Node::handle_unreachable`] when it can't deliver.
    Stream,
}

/// A message that the driver should send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// To whom.
    pub to: SocketAddr,
    /// How.
    pub plane: Plane,
    /// What.
    pub bytes: Vec<u8>,
}

/// What the user should hear.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A member is up.
    MemberUp(Identity),
    /// A member has left or was declared dead.
    MemberDown(Identity),
    /// The cluster that `via` belongs to has let this node in.
    Joined {
        /// The address that was asked.
        via: SocketAddr,
        /// How many members are up now, this node included.
        members: usize,
    },
    /// An address has not answered. The node tries again by itself, less and less often.
    JoinFailed {
        /// The address that was asked.
        addr: SocketAddr,
        /// How often it has been asked.
        attempts: u32,
        /// What went wrong.
        reason: String,
    },
    /// The cluster refused this node: a live member at `by` has its name. It doesn't try again.
    NameTaken {
        /// The name.
        name: Name,
        /// Where the member is that has it.
        by: SocketAddr,
    },
    /// Two live members have the same name. Figures count both.
    NameConflict {
        /// The name.
        name: Name,
        /// The addresses of the two.
        addrs: [SocketAddr; 2],
    },
    /// The others held this node for dead; it goes on as this new incarnation.
    Renewed(Identity),
    /// A foreign packet was dropped. Told at most once in ten seconds for each reason.
    Dropped {
        /// Where it came from.
        from: SocketAddr,
        /// What was wrong with it.
        reason: WireError,
    },
    /// A rumor has arrived, or was published here. Each is heard once.
    Rumor(Rumor),
    /// A question has arrived, or was asked here; [`Node::answer`] answers it.
    Query {
        /// The question: its topic and payload. Its id names it.
        question: Rumor,
        /// How long an answer is waited for.
        timeout: Duration,
    },
    /// A node has answered a question that this node asked.
    Answer {
        /// The question.
        query: RumorId,
        /// Who answers.
        from: Name,
        /// What it says.
        payload: Vec<u8>,
    },
    /// All have answered, or the time is up.
    QueryFinished {
        /// The question.
        query: RumorId,
        /// How many nodes have answered.
        answered: usize,
        /// How many were members when it was asked, this one included.
        expected: usize,
    },
    /// A key has changed here.
    Key(KeyChange),
    /// This node is taking over what it lacks of the replica from `from`.
    CatchUp {
        /// From whom.
        from: Name,
        /// How many entries this node holds now, tombstones included.
        have: u64,
        /// How many it will hold, as far as that is known.
        total: u64,
    },
    /// A round of the figures in round mode is over; [`Node::reading`] has the results.
    RoundFinished {
        /// The round's number.
        round: u64,
        /// How many nodes were members from its beginning to its end.
        participants: usize,
    },
    /// A user's protocol said something with [`Context::emit`].
    Protocol {
        /// The protocol's name.
        name: String,
        /// What it said.
        payload: Vec<u8>,
    },
}

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
/// let me = Identity { name, addr: "127.0.0.1:7946".parse()?, boot: 1 };
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
    next_sync: Instant,
    /// How long after that the next one is due; doubles from [`FIRST_SYNC`] on.
    sync_pause: Duration,
    left: bool,
    stats: Stats,
    told: BTreeMap<WireError, Instant>,
    transmits: VecDeque<Transmit>,
    events: Vec<Event>,
    events_out: VecDeque<Event>,
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
            events: &mut $node.events,
        }
    };
}

mod news;
mod state;

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
        let live = Aggregation::new(Mode::Live, &config);
        let rounds = Aggregation::new(Mode::Round, &config);
        let mut node = Self::bare_in(directory, now, me, config, seed)?;
        node.add_protocol(now, Box::new(live));
        node.add_protocol(now, Box::new(rounds));
        node.add_news(now);
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
        config: Config,
        seed: u64,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut rng = Rng::seed_from_u64(seed);
        let swim_rng = Rng::seed_from_u64(rng.random());
        let me = directory.peer(me);
        Ok(Self {
            cluster: tag(&config.cluster),
            clock: HybridClock::new(now, me.boot),
            membership: Membership::new(me.clone(), &config, swim_rng, directory),
            roster: Roster::new(me),
            hosts: Vec::new(),
            joins: Joins::default(),
            next_sync: now + config.sync_interval.mul_f64(rng.random_range(0.5..1.5)),
            sync_pause: config.sync_interval,
            left: false,
            stats: Stats::default(),
            told: BTreeMap::new(),
            transmits: VecDeque::new(),
            events: Vec::new(),
            events_out: VecDeque::new(),
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
        match self.datagram(now, bytes) {
            Ok(()) => {
                self.stats.datagrams_received += 1;
                self.stats.bytes_received += bytes.len() as u64;
            }
            Err(reason) => self.drop_packet(now, from, reason),
        }
        self.settle(now);
    }

    fn datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), WireError> {
        let (envelope, body) = Envelope::read(self.cluster, bytes)?;
        if envelope.channel == CHANNEL_SWIM {
            let mut body = Reader(body);
            let digests = Digests::read(&mut body)?;
            self.membership.handle_datagram(now, envelope.to, body.0, &self.roster)?;
            self.settle(now);
            self.compare(now, &envelope, &digests);
            return Ok(());
        }
        self.deliver(now, &envelope, body)
    }

    /// Hands a message to the protocol that it is for.
    fn deliver(&mut self, now: Instant, envelope: &Envelope, body: &[u8]) -> Result<(), WireError> {
        if envelope.to != self.roster.id() || self.roster.peer(envelope.from).is_none() {
            return Err(WireError::Stranger);
        }
        let host = self.hosts.iter_mut().find(|host| host.tag == envelope.channel);
        let host = host.ok_or(WireError::Channel)?;
        host.receive(lend!(self, now), envelope.from, body)
    }

    /// Tells the protocols whose digest is another than the peer's.
    fn compare(&mut self, now: Instant, envelope: &Envelope, digests: &Digests) {
        if envelope.to != self.roster.id() || self.roster.peer(envelope.from).is_none() {
            return;
        }
        for host in &mut self.hosts {
            if host.protocol().digest(now) != digests.get(host.tag) {
                host.call(lend!(self, now), |protocol, cx| protocol.differs(cx, envelope.from));
            }
        }
    }

    /// A frame has arrived on the reliable path. Whatever is in it, the node takes no harm.
    pub fn handle_stream(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) {
        if self.left {
            return;
        }
        if let Err(reason) = self.stream(now, bytes) {
            self.drop_packet(now, from, reason);
        }
        self.settle(now);
    }

    fn stream(&mut self, now: Instant, bytes: &[u8]) -> Result<(), WireError> {
        let (envelope, body) = Envelope::read(self.cluster, bytes)?;
        if envelope.channel != CHANNEL_STATE {
            return self.deliver(now, &envelope, body);
        }
        self.state_message(now, body)
    }

    /// A message on the reliable path could not be delivered to `to`.
    pub fn handle_unreachable(&mut self, now: Instant, to: SocketAddr, reason: &str) {
        if let Some(attempts) = self.joins.failed(to) {
            let reason = reason.to_owned();
            self.events.push(Event::JoinFailed { addr: to, attempts, reason });
        }
        self.settle(now);
    }

    /// The instant of [`Node::poll_timeout`] has come. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.left {
            return;
        }
        self.membership.handle_timeout(now, &self.roster);
        for attempt in self.joins.due(now) {
            if let Some(attempts) = attempt.unanswered {
                let (addr, reason) = (attempt.addr, "no answer".to_owned());
                self.events.push(Event::JoinFailed { addr, attempts, reason });
            }
            let message = self.exchange(now, attempt.token, true, true);
            self.send_state_to(attempt.addr, NodeId(0), &message);
        }
        if self.next_sync <= now {
            self.sync(now);
        }
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
        let others = [self.membership.poll_timeout(), self.joins.poll_timeout()];
        hosts.chain(others.into_iter().flatten()).chain([self.next_sync]).min()
    }

    /// The next thing that the user should hear, if there is one.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events_out.pop_front();
        if event.is_none() {
            // The news of thousands of members took room that is not needed again.
            self.events_out = VecDeque::new();
        }
        event
    }

    // ------------------------------------------------------------------ the user's verbs

    /// Takes over what another node in this process knows of the membership, itself included, as if
    /// it had been told on the reliable path. A cluster whose nodes know each other from the start
    /// needs no joining: so the virtual network begins large runs.
    pub fn meet(&mut self, now: Instant, other: &Node) {
        if self.left {
            return;
        }
        let members = other.membership.snapshot(&other.roster);
        self.membership.merge(now, members, false, &self.roster);
        self.settle(now);
    }

    /// Asks the node at `addr` to let this one into its cluster; again and again, until it answers.
    pub fn join(&mut self, now: Instant, addr: SocketAddr) {
        if addr != self.roster.me().addr && !self.left {
            self.joins.add(now, addr);
        }
    }

    /// Whether some address that was given to [`Node::join`] has yet to answer.
    pub fn is_joining(&self) -> bool {
        !self.joins.is_empty()
    }

    /// Takes leave of the cluster. What [`Node::poll_transmit`] still has should be sent; after
    /// that the node is done, and does nothing more.
    pub fn leave(&mut self, now: Instant) {
        if self.left {
            return;
        }
        self.membership.leave(now);
        // SWIM's gossip may be lost. Two peers hear it on the reliable path, too.
        let me = self.membership.me().clone();
        let members = vec![Member::down(me.clone())];
        let stamp = Stamp::from_millis(self.clock.millis(now));
        let goodbye = StateMessage::Exchange {
            from: me,
            token: 0,
            reply: false,
            join: false,
            now: stamp,
            members,
        };
        for _ in 0..2 {
            if let Some(peer) = self.roster.random_peer(&mut self.rng)
                && let Some(peer) = self.roster.known(peer).cloned()
            {
                self.send_state(&peer, &goodbye);
            }
        }
        self.settle(now);
        self.left = true;
    }

    /// Sets this node's input to the figure `name`, from now on.
    ///
    /// # Errors
    /// When the value is not finite or out of range, when the figure exists in the other mode, or
    /// when there are too many figures. Nothing has changed then.
    pub fn set_input(
        &mut self,
        now: Instant,
        name: &Name,
        value: f64,
        mode: Mode,
    ) -> Result<(), InputError> {
        if let Some(other) = self.aggregation(mode.other())
            && other.knows(name)
        {
            return Err(InputError::OtherMode { name: name.clone(), mode: mode.other() });
        }
        let set = |aggregation: &mut Aggregation, cx: &mut Context<'_>| {
            aggregation.set_input(cx, name, value)
        };
        self.with_aggregation(now, mode, set).unwrap_or(Err(InputError::NotRunning))
    }

    /// Takes this node's input to the figure `name` away.
    ///
    /// # Errors
    /// When this node has no such input.
    pub fn unset_input(&mut self, now: Instant, name: &Name) -> Result<(), InputError> {
        for mode in [Mode::Live, Mode::Round] {
            let unset = |aggregation: &mut Aggregation, cx: &mut Context<'_>| {
                aggregation.unset_input(cx, name)
            };
            if self.aggregation(mode).is_some_and(|a| a.input(name).is_some()) {
                return self.with_aggregation(now, mode, unset).unwrap_or(Ok(()));
            }
        }
        Err(InputError::NoInput { name: name.clone() })
    }

    /// This node's inputs, by name.
    pub fn inputs(&self) -> Vec<(Name, f64, Mode)> {
        let mut inputs = Vec::new();
        for mode in [Mode::Live, Mode::Round] {
            if let Some(aggregation) = self.aggregation(mode) {
                inputs.extend(aggregation.inputs().map(|(name, x)| (name.clone(), x, mode)));
            }
        }
        inputs.sort_by(|a, b| a.0.cmp(&b.0));
        inputs
    }

    /// What this node can say of the figure `name`; `None` if it has never heard of it.
    pub fn reading(&self, now: Instant, name: &Name) -> Option<Reading> {
        let holder = self.holder(name)?;
        holder.reading(now, name, &self.roster, &self.config)
    }

    /// What this node can say of every figure that it has heard of, by name.
    pub fn readings(&self, now: Instant) -> Vec<Reading> {
        let mut readings = Vec::new();
        for mode in [Mode::Live, Mode::Round] {
            if let Some(aggregation) = self.aggregation(mode) {
                let names = aggregation.names();
                let read = |name| aggregation.reading(now, name, &self.roster, &self.config);
                readings.extend(names.filter_map(read));
            }
        }
        readings.sort_by(|a, b| a.name.cmp(&b.name));
        readings
    }

    /// What the figure `name` rests on at this node: mass, links, anchors.
    pub fn explain(&self, now: Instant, name: &Name) -> Option<Explanation> {
        self.holder(name)?.explain(now, name, &self.roster, &self.config)
    }

    /// The members ever heard of, this node first, with what the failure detector says of them.
    pub fn members(&self) -> Vec<(Identity, MemberState)> {
        let members = self.membership.snapshot(&self.roster);
        let seen = |member: &Member<Peer>| (member.id().to_identity(), member.state().into());
        let mut members: Vec<_> = members.iter().map(seen).collect();
        let me = self.roster.me();
        members
            .sort_by(|(a, _), (b, _)| (a != me, &a.name, a.addr).cmp(&(b != me, &b.name, b.addr)));
        members
    }

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

    fn aggregation(&self, mode: Mode) -> Option<&Aggregation> {
        let all = self.hosts.iter().filter_map(|host| as_any(host.protocol()).downcast_ref());
        all.into_iter().find(|aggregation: &&Aggregation| aggregation.mode() == mode)
    }

    /// The aggregation that knows the figure.
    fn holder(&self, name: &Name) -> Option<&Aggregation> {
        let both = [Mode::Live, Mode::Round].map(|mode| self.aggregation(mode));
        both.into_iter().flatten().find(|aggregation| aggregation.knows(name))
    }

    fn with_aggregation<R>(
        &mut self,
        now: Instant,
        mode: Mode,
        f: impl FnOnce(&mut Aggregation, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let at = self.hosts.iter().position(|host| {
            let aggregation = as_any(host.protocol()).downcast_ref::<Aggregation>();
            aggregation.is_some_and(|aggregation| aggregation.mode() == mode)
        })?;
        let result = self.call_host(now, at, f);
        self.settle(now);
        result
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

    /// Carries consequences on: from the membership to the protocols, and from both to the
    /// queues that the driver drains.
    fn settle(&mut self, now: Instant) {
        while let Some(change) = self.membership.poll_change() {
            self.apply(now, change);
        }
        while let Some((to, body)) = self.membership.poll_transmit() {
            let hosts = self.hosts.iter();
            let digests =
                hosts.filter_map(|host| Some((host.tag, host.protocol().digest(now)?))).collect();
            let mut bytes = Vec::new();
            Digests(digests).write(&mut bytes);
            bytes.extend(body);
            self.send(to.addr, Plane::Datagram, CHANNEL_SWIM, to.id(), &bytes);
        }
        for at in 0..self.hosts.len() {
            let channel = self.hosts[at].tag;
            for (to, plane, body) in core::mem::take(&mut self.hosts[at].outbox) {
                if let Some(addr) = self.roster.peer(to).map(|peer| peer.addr) {
                    self.send(addr, plane, channel, to, &body);
                }
            }
        }
        self.hear(now);
    }

    fn apply(&mut self, now: Instant, change: Change) {
        match change {
            Change::Up(peers) => {
                let fresh = self.roster.extend(peers);
                if !fresh.is_empty() {
                    self.sync_soon(now);
                }
                for (at, peer) in fresh.iter().enumerate() {
                    // Of two that came together, the later one tells.
                    if let Some(other) = self.roster.holder_of_name(peer)
                        && !fresh[at + 1..].contains(other)
                    {
                        let (name, addrs) = (peer.name.clone(), [other.addr, peer.addr]);
                        self.events.push(Event::NameConflict { name, addrs });
                    }
                    for host in &mut self.hosts {
                        host.peer_joined(peer.id());
                        host.call(lend!(self, now), |p, cx| p.peer_joined(cx, peer));
                    }
                    self.events.push(Event::MemberUp(peer.to_identity()));
                }
            }
            Change::Down(peer) => {
                if self.roster.remove(peer.id()) {
                    self.sync_soon(now);
                    for host in &mut self.hosts {
                        host.peer_expired(peer.id());
                        host.call(lend!(self, now), |p, cx| p.peer_expired(cx, &peer));
                    }
                    self.events.push(Event::MemberDown(peer.to_identity()));
                }
            }
            Change::Renewed(me) => {
                self.stats.renewals += 1;
                self.roster.renew(me.clone());
                for host in &mut self.hosts {
                    host.call(lend!(self, now), Protocol::renewed);
                }
                self.events.push(Event::Renewed(me.to_identity()));
                // Those that hold this node for dead shall hear of its new life at once.
                self.next_sync = now;
            }
            // `Membership::poll_change` has resolved it.
            Change::Replaced(_) => {}
        }
        self.roster.share(self.membership.directory());
    }

    fn send(&mut self, addr: SocketAddr, plane: Plane, channel: u32, to: NodeId, body: &[u8]) {
        let mut bytes = Vec::with_capacity(Envelope::SIZE + body.len());
        let from = self.membership.me().id();
        Envelope { cluster: self.cluster, channel, from, to }.write(&mut bytes);
        bytes.extend_from_slice(body);
        let (count, length) = match plane {
            Plane::Datagram => (&mut self.stats.datagrams_sent, &mut self.stats.bytes_sent),
            Plane::Stream => {
                (&mut self.stats.stream_messages_sent, &mut self.stats.stream_bytes_sent)
            }
        };
        *count += 1;
        *length += bytes.len() as u64;
        if plane == Plane::Stream {
            let longest = &mut self.stats.longest_stream_message;
            *longest = (*longest).max(bytes.len() as u64);
        }
        self.transmits.push_back(Transmit { to: addr, plane, bytes });
    }

    fn drop_packet(&mut self, now: Instant, from: SocketAddr, reason: WireError) {
        let stats = &mut self.stats;
        *match reason {
            WireError::Garbage => &mut stats.dropped_garbage,
            WireError::Version(_) => &mut stats.dropped_version,
            WireError::Cluster => &mut stats.dropped_cluster,
            WireError::Stranger => &mut stats.dropped_stranger,
            WireError::Channel => &mut stats.dropped_channel,
            WireError::Malformed => &mut stats.dropped_malformed,
        } += 1;
        // Strangers are everyday: a node speaks before the news of its joining has arrived.
        let known = self.told.get(&reason).is_some_and(|&at| now.since(at) < TELL_EVERY);
        if reason != WireError::Stranger && !known {
            self.told.insert(reason, now);
            self.events.push(Event::Dropped { from, reason });
        }
    }
}

fn as_any(protocol: &dyn Protocol) -> &dyn core::any::Any {
    protocol
}
