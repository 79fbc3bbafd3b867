//! The virtual network: nodes on a virtual clock, driven by one queue of events.

mod barriers;
mod clock;
pub mod counters;
pub(crate) mod digest;
pub mod error;
mod fault;
pub mod index;
pub mod link;
mod meet;
mod packets;
mod queue;
pub mod slot;
pub mod spec;
pub mod traffic;

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::{BTreeMap, HashMap};

use rand::SeedableRng;
use rumormill_proto::{Directory, Duration, Instant, Mode, Name, Node, Notice, Rng};
use siphasher::sip::SipHasher13;

use self::barriers::Barriers;
use self::counters::Counters;
use self::digest::{Digest, seed};
use self::error::SimError;
use self::index::NodeIndex;
use self::queue::{Entry, Packets, Queue, What};
use self::slot::{NodeState, Slot};
use self::spec::{NetworkConfig, NodeSpec, check_rate};

/// Incarnations are milliseconds, as agents have them; runs begin at this one.
const FIRST_INCARNATION: u64 = 1_700_000_000_000;

/// The purpose of the seed of the network's own generator.
const NETWORK_SEED: u64 = 0;

/// More events than this at one instant are taken for a node that asks to be called for ever.
const MOST_AT_ONE_INSTANT: u64 = 10_000_000;

/// Nodes and the network between them, on a virtual clock. See the crate's documentation.
pub struct VirtualNetwork {
    pub(crate) config: NetworkConfig,
    pub(crate) now: Instant,
    pub(crate) slots: Vec<Slot>,
    pub(crate) barriers: Barriers,
    pub(crate) counters: Counters,
    /// Who there is to know, held once for all nodes.
    directory: Directory,
    queue: Queue,
    packets: Packets,
    rng: Rng,
    digest: Digest,
    events: Vec<(Instant, NodeIndex, Notice)>,
    traffic: Vec<traffic::Packet>,
    sent: u64,
    steps: u64,
    last_incarnation: u64,
    at_this_instant: u64,
    /// The last packet of each pair that has arrived; looked up, never gone through.
    arrived: HashMap<(NodeIndex, NodeIndex), u64, BuildHasherDefault<SipHasher13>>,
    /// Largest datagram, in bytes, that gets from one node to another, by the pair.
    pub(crate) narrow: BTreeMap<(NodeIndex, NodeIndex), usize>,
    /// For each pair with stream messages on their way: when the last arrives, and how many.
    streams: BTreeMap<(NodeIndex, NodeIndex), (Instant, u32)>,
}

impl core::fmt::Debug for VirtualNetwork {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("VirtualNetwork")
            .field("config", &self.config)
            .field("now", &self.now)
            .field("nodes", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl VirtualNetwork {
    /// A network without nodes, at time zero.
    ///
    /// # Errors
    /// When a parameter of the link is out of its range.
    pub fn new(config: NetworkConfig) -> Result<Self, SimError> {
        config.link.check()?;
        Ok(Self {
            now: Instant::ZERO,
            slots: Vec::new(),
            barriers: Barriers::default(),
            counters: Counters::default(),
            directory: Directory::default(),
            queue: Queue::default(),
            packets: Packets::default(),
            rng: Rng::seed_from_u64(seed(config.seed, NETWORK_SEED, 0)),
            digest: Digest::new(),
            events: Vec::new(),
            traffic: Vec::new(),
            sent: 0,
            steps: 0,
            last_incarnation: FIRST_INCARNATION,
            at_this_instant: 0,
            arrived: HashMap::default(),
            narrow: BTreeMap::new(),
            streams: BTreeMap::new(),
            config,
        })
    }

    // ------------------------------------------------------------------ nodes

    /// Adds a node, and starts it if its time has come.
    ///
    /// # Errors
    /// When a setting or the rate of the clock is out of its range.
    pub fn add_node(&mut self, spec: NodeSpec) -> Result<NodeIndex, SimError> {
        check_rate(spec.clock_rate)?;
        spec.config.check()?;
        let index = NodeIndex(self.slots.len() as u32);
        let start_at = spec.start_at;
        self.slots.push(Slot::new(spec));
        if start_at > self.now {
            self.queue.push(start_at, What::Start(index));
        } else {
            self.first_start(index);
        }
        Ok(index)
    }

    fn first_start(&mut self, index: NodeIndex) {
        let incarnation = self.next_incarnation(index);
        // `add_node` has checked the settings, the only thing that can be wrong.
        if self.slots[index.index()].state == NodeState::Waiting
            && self.start(index, incarnation).is_ok()
        {
            self.counters.starts += 1;
        }
    }

    /// Returns an incarnation above that of every earlier start, and not below the clock. A node
    /// whose wall clock is off, or was, takes what that shows; one that is durable, never less than
    /// it had.
    pub(crate) fn next_incarnation(&mut self, index: NodeIndex) -> u64 {
        let (clock, wall) = (self.true_wall(), self.starting_wall(index));
        let slot = &self.slots[index.index()];
        if wall == clock && slot.incarnation <= self.last_incarnation {
            self.last_incarnation = clock.max(self.last_incarnation + 1);
            return self.last_incarnation;
        }
        if slot.spec.durable || wall == slot.incarnation {
            wall.max(slot.incarnation + 1)
        } else {
            wall
        }
    }

    /// Returns what a clock that is right shows, in milliseconds since 1970.
    pub(crate) fn true_wall(&self) -> u64 {
        FIRST_INCARNATION + self.now.as_nanos() / 1_000_000
    }

    /// Returns what a node's wall clock shows if the node starts now.
    fn starting_wall(&self, index: NodeIndex) -> u64 {
        self.true_wall().saturating_add_signed(self.slots[index.index()].spec.wall_offset)
    }

    /// Returns how far the node's wall clock is ahead of the true time of day, in milliseconds.
    pub fn wall_error(&self, index: NodeIndex) -> i64 {
        let slot = &self.slots[index.index()];
        let off = i128::from(slot.wall(self.now)) - i128::from(self.true_wall());
        if slot.node.is_some() { off as i64 } else { slot.spec.wall_offset }
    }

    pub(crate) fn start(&mut self, index: NodeIndex, incarnation: u64) -> Result<(), SimError> {
        let (now, seed, wall) = (self.now, self.config.seed, self.starting_wall(index));
        self.slots[index.index()].start(index, now, incarnation, wall, seed, &self.directory)?;
        self.call(index, |_, _| ());
        Ok(())
    }

    /// Returns how many nodes were ever added.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Returns whether no node was ever added.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Returns the node, if it is running.
    pub fn node(&self, index: NodeIndex) -> Option<&Node> {
        self.slots.get(index.index())?.node.as_deref()
    }

    /// Returns what has become of the node; `None` if it was never added.
    pub fn state(&self, index: NodeIndex) -> Option<NodeState> {
        self.slots.get(index.index()).map(|slot| slot.state)
    }

    /// Returns how often the node has been started.
    pub fn starts(&self, index: NodeIndex) -> u32 {
        self.slots.get(index.index()).map_or(0, |slot| slot.starts)
    }

    /// Returns when the node was started last.
    pub fn started(&self, index: NodeIndex) -> Instant {
        self.slots.get(index.index()).map_or(Instant::ZERO, |slot| slot.started)
    }

    /// Returns whether the node still runs after this many starts.
    pub fn runs(&self, index: NodeIndex, starts: u32) -> bool {
        self.node(index).is_some() && self.starts(index) == starts
    }

    /// Returns the nodes that are running, in the order in which they were added.
    pub fn running(&self) -> impl Iterator<Item = (NodeIndex, &Node)> {
        let numbered = (0u32..).map(NodeIndex).zip(&self.slots);
        numbered.filter_map(|(index, slot)| Some((index, slot.node.as_deref()?)))
    }

    /// Returns what the node's clock shows now: the time to pass to the node's handles. Zero for a
    /// node that was never added.
    pub fn local_now(&self, index: NodeIndex) -> Instant {
        self.slots.get(index.index()).map_or(Instant::ZERO, |slot| slot.clock.shows(self.now))
    }

    /// Calls a running node, and carries out what it asks for.
    ///
    /// # Errors
    /// When the node is not running.
    pub fn with_node<R>(
        &mut self,
        index: NodeIndex,
        f: impl FnOnce(&mut Node, Instant) -> R,
    ) -> Result<R, SimError> {
        self.call(index, f).ok_or(SimError::NotRunning(index))
    }

    /// Sets an input in mode live.
    ///
    /// # Errors
    /// When the node is not running, or the name or the value is refused.
    pub fn set(&mut self, index: NodeIndex, name: &str, value: f64) -> Result<(), SimError> {
        self.set_in(index, name, value, Mode::Live)
    }

    /// Sets an input in any mode.
    ///
    /// # Errors
    /// When the node is not running, or the name or the value is refused.
    pub fn set_in(
        &mut self,
        index: NodeIndex,
        name: &str,
        value: f64,
        mode: Mode,
    ) -> Result<(), SimError> {
        let name = Name::new(name)?;
        self.with_node(index, |node, now| node.aggregates_mut().set(now, &name, value, mode))??;
        self.slots[index.index()].inputs.insert(name, value);
        self.counters.inputs_changed += 1;
        Ok(())
    }

    /// Takes an input away.
    ///
    /// # Errors
    /// When the node is not running, or has no such input.
    pub fn unset(&mut self, index: NodeIndex, name: &str) -> Result<(), SimError> {
        let name = Name::new(name)?;
        self.with_node(index, |node, now| node.aggregates_mut().unset(now, &name))??;
        self.slots[index.index()].inputs.remove(&name);
        self.counters.inputs_changed += 1;
        Ok(())
    }

    /// Returns the input that was set since the node was started last and is in effect, if any.
    pub fn input(&self, index: NodeIndex, name: &Name) -> Option<f64> {
        let set = || self.slots.get(index.index())?.inputs.get(name).copied();
        match self.node(index) {
            // Only the node knows what it was before.
            Some(node) if node.aggregates().is_pending(name) => {
                let inputs = node.aggregates().inputs();
                inputs.into_iter().find(|input| input.name == *name).map(|input| input.value)
            }
            _ => set(),
        }
    }

    // ------------------------------------------------------------------ time

    /// Returns the virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets the next thing happen; returns when it was. `None` if nothing ever will.
    ///
    /// # Panics
    /// When a node asks to be called at one instant for ever.
    pub fn step(&mut self) -> Option<Instant> {
        let entry = self.queue.pop()?;
        if entry.at > self.now {
            self.at_this_instant = 0;
            self.now = entry.at;
        }
        self.at_this_instant += 1;
        self.steps += 1;
        assert!(
            self.at_this_instant < MOST_AT_ONE_INSTANT,
            "time stands still at {}: {:?} has no end",
            self.now,
            entry.what
        );
        self.happen(entry);
        Some(self.now)
    }

    /// Lets everything happen that is due until `until`, that instant included.
    pub fn run_to(&mut self, until: Instant) {
        while self.queue.next().is_some_and(|at| at <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Lets virtual time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_to(self.now + duration);
    }

    /// Runs until the condition is true, or the deadline is past; returns whether it is true. The
    /// condition is looked at every [`NetworkConfig::look_every`].
    pub fn run_until(
        &mut self,
        deadline: Instant,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> bool {
        let every = self.config.look_every.max(Duration::from_nanos(1));
        loop {
            if condition(self) {
                return true;
            }
            if self.now >= deadline {
                return false;
            }
            self.run_to(deadline.min(self.now + every));
        }
    }

    // ------------------------------------------------------------------ what there is to see

    /// Takes out what nodes said since the last call: when, who, what.
    pub fn take_events(&mut self) -> Vec<(Instant, NodeIndex, Notice)> {
        core::mem::take(&mut self.events)
    }

    /// Takes out what became of packets since the last call, if [`NetworkConfig::keep_traffic`].
    pub fn take_traffic(&mut self) -> Vec<traffic::Packet> {
        core::mem::take(&mut self.traffic)
    }

    /// Returns what really happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Returns the digest of everything that was delivered and reported so far, with its time.
    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Returns how many things have happened so far: arrivals, timeouts, starts.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Returns how many packets are on their way, stream messages and their failures included.
    pub fn in_flight(&self) -> usize {
        self.packets.len()
    }

    // ------------------------------------------------------------------ inside

    fn happen(&mut self, entry: Entry) {
        match entry.what {
            What::Packet(index) => self.arrive(index),
            What::Timeout(index) => self.timeout(index, entry.serial),
            What::Start(index) => self.first_start(index),
            What::Resume(index) => {
                let due = self.slots[index.index()].paused_until.is_some_and(|at| at <= self.now);
                if due {
                    self.resume(index);
                }
            }
        }
    }

    pub(crate) fn schedule_resume(&mut self, index: NodeIndex, at: Instant) {
        self.queue.push(at, What::Resume(index));
    }

    pub(crate) fn resume(&mut self, index: NodeIndex) {
        let slot = &mut self.slots[index.index()];
        slot.paused_until = None;
        for packet in core::mem::take(&mut slot.waiting) {
            if let Some(packet) = self.packets.remove(packet) {
                self.hand_over(packet);
            }
        }
        self.call(index, |_, _| ());
    }

    /// Calls a node, then takes out its packets, notices and timer. The only way to a node.
    fn call<R>(&mut self, index: NodeIndex, f: impl FnOnce(&mut Node, Instant) -> R) -> Option<R> {
        let slot = self.slots.get_mut(index.index())?;
        let mut node = slot.node.take()?;
        let result = f(&mut node, slot.clock.shows(self.now));
        while let Some(transmit) = node.poll_transmit() {
            self.send(index, transmit);
        }
        while let Some(notice) = node.poll_notice() {
            self.report(index, notice);
        }
        self.slots[index.index()].node = Some(node);
        self.arm(index);
        Some(result)
    }

    /// Sees to it that the queue wakes the node in time. An entry that is too early is left where
    /// it is: when it comes up, the node is asked again.
    pub(crate) fn arm(&mut self, index: NodeIndex) {
        let slot = &mut self.slots[index.index()];
        let Some(due) = slot.node.as_ref().and_then(|node| node.poll_timeout()) else { return };
        let at = slot.clock.when_it_shows(due).max(self.now);
        if slot.paused_until.is_none() && slot.armed.is_none_or(|(armed, _)| at < armed) {
            slot.armed = Some((at, self.queue.push(at, What::Timeout(index))));
        }
    }

    fn timeout(&mut self, index: NodeIndex, serial: u64) {
        let slot = &mut self.slots[index.index()];
        if slot.armed.is_none_or(|(_, armed)| armed != serial) {
            return;
        }
        slot.armed = None;
        if slot.paused_until.is_some() {
            return;
        }
        let now = slot.clock.shows(self.now);
        let due = slot.node.as_ref().and_then(|node| node.poll_timeout());
        if due.is_some_and(|due| due <= now) {
            self.call(index, Node::handle_timeout);
        } else {
            self.arm(index);
        }
    }

    fn report(&mut self, index: NodeIndex, notice: Notice) {
        match &notice {
            Notice::Renewed { .. } => self.counters.renewals += 1,
            Notice::MemberDown { member } => {
                let subject = NodeIndex::of(member.addr).and_then(|index| self.node(index));
                if subject.is_some_and(|node| node.identity() == member) {
                    self.counters.false_deaths += 1;
                }
            }
            _ => {}
        }
        if self.config.digest {
            self.digest.event(self.now, index, &notice);
        }
        if self.config.keep_events {
            self.events.push((self.now, index, notice));
        }
    }
}
