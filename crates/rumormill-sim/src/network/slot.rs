//! A node's place in the network, through all of its incarnations.

use std::collections::BTreeMap;

use rumormill_proto::{Directory, Entry, Identity, Instant, Name, Node};

use super::clock::Clock;
use super::digest::seed;
use super::error::SimError;
use super::index::NodeIndex;
use super::queue::PacketIndex;
use super::spec::NodeSpec;

/// What has become of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// It has yet to start.
    Waiting,
    /// It runs (or is stopped for a while).
    Running,
    /// It stopped without goodbye.
    Crashed,
    /// It took leave.
    Left,
}

pub(crate) struct Slot {
    pub(crate) spec: NodeSpec,
    pub(crate) state: NodeState,
    /// There while the node runs.
    pub(crate) node: Option<Box<Node>>,
    pub(crate) clock: Clock,
    /// What the wall clock showed at the last start, and the steps since: milliseconds since 1970.
    pub(crate) wall_origin: u64,
    /// The inputs that were set and not taken away since the last start: what the checkers compare
    /// the nodes' aggregates with.
    pub(crate) inputs: BTreeMap<Name, f64>,
    /// How often the node was started.
    pub(crate) starts: u32,
    /// When the node was started last.
    pub(crate) started: Instant,
    /// What a durable node's store holds while the node does not run.
    pub(crate) store: Vec<Entry>,
    /// The highest incarnation that the node is known to have had.
    pub(crate) incarnation: u64,
    /// The timeout that waits in the queue: when, and its serial number. Others are stale.
    pub(crate) armed: Option<(Instant, u64)>,
    /// While the node is stopped: until when, and the packets that wait for it to go on.
    pub(crate) paused_until: Option<Instant>,
    pub(crate) waiting: Vec<PacketIndex>,
}

/// The purpose of the seeds that nodes get; see [`seed`].
const NODE_SEEDS: u64 = 1;

impl Slot {
    pub(crate) fn new(spec: NodeSpec) -> Self {
        let clock = Clock::new(Instant::ZERO, spec.clock_rate);
        Self {
            spec,
            state: NodeState::Waiting,
            node: None,
            clock,
            wall_origin: 0,
            inputs: BTreeMap::new(),
            starts: 0,
            started: Instant::ZERO,
            store: Vec::new(),
            incarnation: 0,
            armed: None,
            paused_until: None,
            waiting: Vec::new(),
        }
    }

    /// Starts the node, with nothing left of the earlier incarnation except a durable node's keys.
    ///
    /// Its seed depends on the run's seed, the node's index and the number of starts alone.
    pub(crate) fn start(
        &mut self,
        index: NodeIndex,
        now: Instant,
        incarnation: u64,
        wall: u64,
        run_seed: u64,
        directory: &Directory,
    ) -> Result<(), SimError> {
        let which = (u64::from(index.0) << 32) | u64::from(self.starts);
        let seed = seed(run_seed, NODE_SEEDS, which);
        let me = Identity { name: self.spec.name.clone(), addr: index.addr(), incarnation };
        let make = if self.spec.bare { Node::bare_in } else { Node::new_in };
        let mut node = make(directory, Instant::ZERO, me, self.spec.config.clone(), seed)?;
        if let Some(protocols) = &self.spec.protocols {
            for protocol in protocols() {
                node.add_protocol(Instant::ZERO, protocol);
            }
        }
        node.handle_wall_clock(Instant::ZERO, wall);
        node.kv_mut().restore(Instant::ZERO, core::mem::take(&mut self.store));
        self.clock = Clock::new(now, self.spec.clock_rate);
        self.wall_origin = wall;
        self.started = now;
        self.node = Some(Box::new(node));
        self.state = NodeState::Running;
        self.starts += 1;
        self.incarnation = incarnation;
        Ok(())
    }

    /// Returns what the wall clock shows, in milliseconds since 1970.
    pub(crate) fn wall(&self, now: Instant) -> u64 {
        self.wall_origin + self.clock.shows(now).as_nanos() / 1_000_000
    }

    /// Steps the wall clock. It keeps what it is off through restarts.
    pub(crate) fn step_wall(&mut self, millis: i64) {
        self.spec.wall_offset = self.spec.wall_offset.saturating_add(millis);
        self.wall_origin = self.wall_origin.saturating_add_signed(millis);
    }

    /// Stops the node; returns the packets that waited for it.
    pub(crate) fn stop(&mut self, state: NodeState) -> Vec<PacketIndex> {
        if let Some(node) = self.node.take() {
            self.incarnation = self.incarnation.max(node.identity().incarnation);
            if self.spec.durable {
                self.store = node.kv().entries().cloned().collect();
            }
        }
        self.state = state;
        self.inputs.clear();
        self.armed = None;
        self.paused_until = None;
        core::mem::take(&mut self.waiting)
    }
}
