//! Faults: what can befall nodes and the network between them.

use rumormill_proto::{Duration, Instant, Member, MemberState, Node};

use super::VirtualNetwork;
use super::error::SimError;
use super::index::NodeIndex;
use super::link::Link;
use super::slot::NodeState;
use super::spec::check_rate;

impl VirtualNetwork {
    /// The node stops without goodbye, and loses its state. Nothing happens if it is not running.
    pub fn crash(&mut self, index: NodeIndex) {
        if self.node(index).is_some() {
            self.counters.crashes += 1;
            self.stop(index, NodeState::Crashed);
        }
    }

    /// Starts a node that has crashed or left again at the same address, under the same
    /// name, as a higher incarnation, without any state except what a durable node's store holds.
    /// Joining and setting inputs is up to the caller.
    ///
    /// # Errors
    /// When the node is running, or was never started.
    pub fn restart(&mut self, index: NodeIndex) -> Result<(), SimError> {
        self.check_stopped(index)?;
        let incarnation = self.next_incarnation(index);
        self.restart_as(index, incarnation)
    }

    /// As [`VirtualNetwork::restart`], with an incarnation of the caller's choice: that of a
    /// machine whose clock was set back has a lower one.
    ///
    /// # Errors
    /// When the node is running, or was never started.
    pub fn restart_as(&mut self, index: NodeIndex, incarnation: u64) -> Result<(), SimError> {
        self.check_stopped(index)?;
        self.start(index, incarnation)?;
        self.counters.restarts += 1;
        Ok(())
    }

    fn check_stopped(&self, index: NodeIndex) -> Result<(), SimError> {
        match self.state(index) {
            Some(NodeState::Crashed | NodeState::Left) => Ok(()),
            Some(NodeState::Running) => Err(SimError::Running(index)),
            Some(NodeState::Waiting) | None => Err(SimError::NotRunning(index)),
        }
    }

    /// The node takes leave, and stops. Nothing happens if it is not running.
    pub fn leave(&mut self, index: NodeIndex) {
        if self.with_node(index, Node::leave).is_ok() {
            self.counters.leaves += 1;
            self.stop(index, NodeState::Left);
        }
    }

    fn stop(&mut self, index: NodeIndex, state: NodeState) {
        let waiting = self.slots[index.index()].stop(state);
        self.discard(waiting);
    }

    /// Stops the process for a while, as SIGSTOP does: its clock goes on, what arrives waits, and
    /// its timeouts come late. Nothing happens if it is not running.
    pub fn pause(&mut self, index: NodeIndex, duration: Duration) {
        if self.node(index).is_some() {
            let until = self.now + duration;
            self.slots[index.index()].paused_until = Some(until);
            self.counters.pauses += 1;
            self.schedule_resume(index, until);
        }
    }

    /// Returns whether the node is stopped for a while.
    pub fn is_paused(&self, index: NodeIndex) -> bool {
        self.slots.get(index.index()).is_some_and(|slot| slot.paused_until.is_some())
    }

    /// Splits the network: only nodes of the same group reach each other from now on. Nodes that
    /// are named nowhere form one more group. Takes the place of an earlier partition.
    pub fn partition(&mut self, groups: &[&[NodeIndex]]) {
        self.counters.partitions += 1;
        self.barriers.partition(groups);
    }

    /// Nothing gets from one node to the other any more; the way back stays open.
    pub fn cut_one_way(&mut self, from: NodeIndex, to: NodeIndex) {
        self.counters.one_way_cuts += 1;
        self.barriers.cut(from, to);
    }

    /// Drops datagrams above this size in bytes from one node to another; with 0, all of them.
    /// Streams are not concerned. Takes the place of [`Link::largest`] between the two.
    pub fn narrow(&mut self, from: NodeIndex, to: NodeIndex, largest: usize) {
        self.narrow.insert((from, to), largest);
    }

    /// All paths are again as wide as their links.
    pub fn widen(&mut self) {
        self.narrow.clear();
    }

    /// Cuts the node off from all others for a while: long enough, and it is suspected though it
    /// lives, or even declared dead. Takes the place of an earlier isolation of the node.
    pub fn isolate(&mut self, index: NodeIndex, duration: Duration) {
        self.counters.isolations += 1;
        self.barriers.isolate(index, self.now + duration);
    }

    /// Takes all partitions, cuts and isolations away. Stopped nodes stay stopped.
    pub fn heal(&mut self) {
        self.barriers.heal();
    }

    /// Takes the partition and all cuts away; isolations last until their time is over.
    pub fn heal_partition(&mut self) {
        self.barriers.join();
    }

    /// All stopped nodes go on.
    pub fn resume_all(&mut self) {
        for index in (0..self.slots.len() as u32).map(NodeIndex) {
            if self.is_paused(index) {
                self.resume(index);
            }
        }
    }

    /// Sets what links do to packets from now on.
    ///
    /// # Errors
    /// When a parameter is out of its range.
    pub fn set_link(&mut self, link: Link) -> Result<(), SimError> {
        link.check()?;
        self.config.link = link;
        Ok(())
    }

    /// Returns what links do to packets.
    pub fn link(&self) -> Link {
        self.config.link
    }

    /// Sets the share of datagrams that vanish from now on.
    ///
    /// # Errors
    /// When it is not from 0 to 1.
    pub fn set_loss(&mut self, loss: f64) -> Result<(), SimError> {
        self.set_link(Link { loss, ..self.config.link })
    }

    /// Makes the node's clock run at another rate from now on, through restarts; it doesn't
    /// jump.
    ///
    /// # Errors
    /// When the node was never added, or the rate is not from 0.1 to 10.
    pub fn set_clock_rate(&mut self, index: NodeIndex, rate: f64) -> Result<(), SimError> {
        check_rate(rate)?;
        let now: Instant = self.now;
        let slot = self.slots.get_mut(index.index()).ok_or(SimError::NotRunning(index))?;
        slot.clock.set_rate(now, rate);
        slot.spec.clock_rate = rate;
        slot.armed = None;
        self.counters.clock_changes += 1;
        self.arm(index);
        Ok(())
    }

    /// Steps the node's wall clock by this many milliseconds, forwards or backwards. It outlasts
    /// restarts. Its timers go on as they were.
    ///
    /// # Errors
    /// When the node was never added.
    pub fn step_wall_clock(&mut self, index: NodeIndex, millis: i64) -> Result<(), SimError> {
        let now: Instant = self.now;
        let slot = self.slots.get_mut(index.index()).ok_or(SimError::NotRunning(index))?;
        slot.step_wall(millis);
        let wall = slot.wall(now);
        self.counters.clock_steps += 1;
        if self.node(index).is_some() {
            self.with_node(index, |node, now| node.handle_wall_clock(now, wall))?;
        }
        Ok(())
    }

    /// Counts the running members that are under suspicion now, once for each observer; the sum
    /// over all calls is in [`crate::Counters::false_suspicions`].
    pub fn sample_suspicions(&mut self) -> u64 {
        let suspected = |node: &Node| {
            let members = node.members().into_iter();
            let alive = members.filter(|Member { identity, state, .. }| {
                let subject = NodeIndex::of(identity.addr).and_then(|index| self.node(index));
                *state == MemberState::Suspect
                    && subject.is_some_and(|node| node.identity() == identity)
            });
            alive.count() as u64
        };
        let count = self.running().map(|(_, node)| suspected(node)).sum();
        self.counters.false_suspicions += count;
        count
    }
}
