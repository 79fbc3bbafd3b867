//! Who is in the cluster: a small interface over `foca`, the SWIM library.
//!
//! SWIM (Das, Gupta, Motivala 2002) probes members and spreads what it finds. What it does not do
//! is exchange the whole state, so [`crate::Node`] does that on join and now and then over the
//! reliable path, through [`Membership::snapshot`] and [`Membership::merge`].

use core::net::SocketAddr;
use core::num::{NonZeroU8, NonZeroUsize};
use std::collections::{BTreeMap, VecDeque};

use bytes::{Buf, BufMut};
use foca::{Foca, Header, Member, NoCustomBroadcast, Notification, PeriodicParams, State, Timer};

use crate::Rng;
use crate::config::Config;
use crate::identity::Identity;
use crate::time::{Duration, Instant};
use crate::wire::{self, Reader, WireError};

/// A change in the membership, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Up(Identity),
    Down(Identity),
    /// This life took the place of an earlier one at the same address. Never leaves
    /// [`Membership::poll_change`]: it becomes an `Up`, or nothing.
    Replaced(Identity),
    /// The others held this node for dead; it goes on under this new identity.
    Renewed(Identity),
}

/// How the failure detector sees a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It answers.
    Alive,
    /// It has not answered a probe and may soon be declared dead.
    Suspect,
    /// Declared dead, or has left.
    Down,
}

pub(crate) struct Membership {
    foca: Foca<Identity, Codec, Rng, NoCustomBroadcast>,
    timers: BTreeMap<(Instant, u64), Timer<Identity>>,
    serial: u64,
    sink: Sink,
}

impl Membership {
    pub(crate) fn new(me: Identity, config: &Config, rng: Rng) -> Self {
        Self {
            foca: Foca::new(me, foca_config(config), rng, Codec),
            timers: BTreeMap::new(),
            serial: 0,
            sink: Sink::default(),
        }
    }

    pub(crate) fn me(&self) -> &Identity {
        self.foca.identity()
    }

    /// Every member ever heard of, this node excepted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Identity, MemberState)> {
        self.foca.iter_membership_state().map(|member| {
            let state = match member.state() {
                State::Alive => MemberState::Alive,
                State::Suspect => MemberState::Suspect,
                State::Down => MemberState::Down,
            };
            (member.id(), state)
        })
    }

    pub(crate) fn handle_datagram(&mut self, now: Instant, bytes: &[u8]) -> Result<(), WireError> {
        let result = self.foca.handle_data(bytes, &mut self.sink);
        self.schedule(now);
        // What foca refuses is a packet that doesn't decode or makes no sense; its state is
        // unharmed (`foca::Error`).
        result.map_err(|_| WireError::Malformed)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(entry) = self.timers.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let timer = entry.remove();
            let suspect = match &timer {
                Timer::ChangeSuspectToDown { member_id, .. } => Some(member_id.clone()),
                _ => None,
            };
            let sent = self.sink.transmits.len();
            // The errors are `NotConnected` and `IncompleteProbeCycle`, after which foca goes on.
            let _ = self.foca.handle_timer(timer, &mut self.sink);
            // When a suspicion's time is up foca 2.0.0 tells the suspect that it is held for dead
            // even if it has refuted the suspicion. It would believe that, and come back as another
            // incarnation for nothing.
            if suspect.is_some_and(|suspect| !self.is_down(&suspect)) {
                self.sink.transmits.truncate(sent);
            }
            self.schedule(now);
        }
    }

    fn is_down(&self, id: &Identity) -> bool {
        let mut down = self.iter().filter(|(_, state)| *state == MemberState::Down);
        down.any(|(member, _)| member == id)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.keys().next().map(|key| key.0)
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<(Identity, Vec<u8>)> {
        self.sink.transmits.pop_front()
    }

    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        while let Some(change) = self.sink.changes.pop_front() {
            match change {
                // foca says that one life replaced another, not that the later one is active.
                Change::Replaced(by) if !self.foca.iter_members().any(|m| *m.id() == by) => {}
                Change::Replaced(by) => return Some(Change::Up(by)),
                change => return Some(change),
            }
        }
        None
    }

    /// All that this node knows, itself included.
    pub(crate) fn snapshot(&self) -> Vec<Member<Identity>> {
        let me = Member::alive(self.me().clone());
        core::iter::once(me).chain(self.foca.iter_membership_state().cloned()).collect()
    }

    /// Takes over what another node knows; with `spread`, what is new is told on.
    pub(crate) fn merge(&mut self, now: Instant, mut members: Vec<Member<Identity>>, spread: bool) {
        // foca looks each one up in a list. Mostly there is nothing new, which is found out faster
        // here.
        let known: BTreeMap<SocketAddr, &Member<Identity>> =
            self.foca.iter_membership_state().map(|member| (member.id().addr, member)).collect();
        members.retain(|member| known.get(&member.id().addr).is_none_or(|known| *known != member));
        // A member at this node's own address is an earlier life of it. If its boot is not lower
        // (the clock was set back), this life takes one above it.
        let me = self.me().clone();
        let earlier = members.iter().map(Member::id).filter(|id| id.addr == me.addr && **id != me);
        if let Some(boot) = earlier.map(|id| id.boot).max().filter(|&boot| boot >= me.boot) {
            let renewed = Identity { boot: boot.saturating_add(1), ..me };
            if self.foca.change_identity(renewed.clone(), &mut self.sink).is_ok() {
                self.sink.renew(renewed);
            }
        }
        // The codec fails only for lack of space, and the buffer for one member has no limit.
        let _ = self.foca.apply_many(members.into_iter(), spread, &mut self.sink);
        self.schedule(now);
    }

    /// Tells the cluster that this node goes.
    pub(crate) fn leave(&mut self, now: Instant) {
        let _ = self.foca.leave_cluster(&mut self.sink);
        self.schedule(now);
    }

    fn schedule(&mut self, now: Instant) {
        // With a new identity foca rests until it hears from a peer. If all the peers that it knows
        // are dead, it never would, and would hold them for alive; so it is woken.
        if core::mem::take(&mut self.sink.renewed) {
            let _ = self.foca.apply_many(core::iter::empty(), false, &mut self.sink);
        }
        for (timer, after) in self.sink.timers.drain(..) {
            self.timers.insert((now + after, self.serial), timer);
            self.serial += 1;
        }
    }
}

fn foca_config(config: &Config) -> foca::Config {
    const ONE: NonZeroUsize = NonZeroUsize::MIN;
    let several = |n| NonZeroUsize::new(n).unwrap_or(ONE);
    let every =
        |frequency: Duration, n| Some(PeriodicParams { frequency, num_members: several(n) });
    foca::Config {
        probe_period: config.probe_interval,
        probe_rtt: config.probe_timeout,
        num_indirect_probes: several(3),
        max_transmissions: NonZeroU8::new(12).unwrap_or(NonZeroU8::MIN),
        suspect_to_down_after: config.suspicion_timeout,
        // Boots tell lives apart, so a dead identity need never be forgotten.
        remove_down_after: None,
        max_packet_size: several(config.max_datagram - wire::Envelope::SIZE - wire::Digests::MOST),
        notify_down_members: true,
        periodic_announce: None,
        periodic_announce_to_down_members: every(config.reconnect_interval, 2),
        periodic_gossip: every(config.interval, 2),
    }
}

impl foca::Identity for Identity {
    type Addr = SocketAddr;

    fn renew(&self) -> Option<Self> {
        Some(Self { boot: self.boot.saturating_add(1), ..self.clone() })
    }

    fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        (self.boot, &self.name) > (adversary.boot, &adversary.name)
    }
}

/// Collects what foca wants done.
#[derive(Default)]
struct Sink {
    transmits: VecDeque<(Identity, Vec<u8>)>,
    timers: Vec<(Timer<Identity>, Duration)>,
    changes: VecDeque<Change>,
    renewed: bool,
}

impl Sink {
    fn renew(&mut self, me: Identity) {
        self.changes.push_back(Change::Renewed(me));
        self.renewed = true;
    }
}

impl foca::Runtime<Identity> for Sink {
    fn notify(&mut self, notification: Notification<'_, Identity>) {
        match notification {
            Notification::MemberUp(id) => self.changes.push_back(Change::Up(id.clone())),
            Notification::MemberDown(id) => self.changes.push_back(Change::Down(id.clone())),
            Notification::Rename(before, after) => {
                self.changes.push_back(Change::Down(before.clone()));
                self.changes.push_back(Change::Replaced(after.clone()));
            }
            Notification::Rejoin(id) => self.renew(id.clone()),
            Notification::Active | Notification::Idle | Notification::Defunct => {}
        }
    }

    fn send_to(&mut self, to: Identity, data: &[u8]) {
        self.transmits.push_back((to, data.to_vec()));
    }

    fn submit_after(&mut self, event: Timer<Identity>, after: Duration) {
        self.timers.push((event, after));
    }
}

/// Foca's messages in the project's own wire format.
#[derive(Clone, Copy)]
struct Codec;

impl Codec {
    fn put(bytes: &[u8], mut buf: impl BufMut) -> Result<(), WireError> {
        if buf.remaining_mut() < bytes.len() {
            return Err(WireError::Malformed);
        }
        buf.put_slice(bytes);
        Ok(())
    }

    fn get<T>(
        mut buf: impl Buf,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let mut reader = Reader(buf.chunk());
        let before = reader.0.len();
        let value = read(&mut reader)?;
        let used = before - reader.0.len();
        buf.advance(used);
        Ok(value)
    }
}

impl foca::Codec<Identity> for Codec {
    type Error = WireError;

    fn encode_header(
        &mut self,
        header: &Header<Identity>,
        buf: impl BufMut,
    ) -> Result<(), WireError> {
        let mut bytes = Vec::new();
        wire::write_foca_header(header, &mut bytes);
        Self::put(&bytes, buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<Identity>, WireError> {
        Self::get(buf, wire::read_foca_header)
    }

    fn encode_member(
        &mut self,
        member: &Member<Identity>,
        buf: impl BufMut,
    ) -> Result<(), WireError> {
        let mut bytes = Vec::new();
        wire::write_member(member, &mut bytes);
        Self::put(&bytes, buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<Member<Identity>, WireError> {
        Self::get(buf, wire::read_member)
    }
}
