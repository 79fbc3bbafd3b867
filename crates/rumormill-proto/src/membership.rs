//! The membership: a small interface over `foca`, the SWIM library.
//!
//! SWIM (Das, Gupta, Motivala 2002) probes members and spreads the results. It does not exchange the
//! whole state, so [`crate::Node`] does that on join and now and then over the reliable path, through
//! [`Membership::snapshot`] and [`Membership::merge`].
//!
//! foca looks members up in a list, which is too slow for thousands. So beyond [`WATCHED`] members it
//! gets about that many, a random choice of each node's own, and every other as soon as a packet says
//! more of it than that it is up. Nothing is lost by it: every member is still probed by about as many
//! others in turn, each more often, and the results reach all nodes by gossip. The [`Roster`] always
//! has all members.
//!
//! Two of foca's timers mostly find nothing to do, and would wake an idle node six times a second. The
//! end of a probe that was answered is handled with the answer. The periodic gossip waits until there is
//! a change to gossip, which then leaves at once.

pub(crate) mod change;
pub(crate) mod codec;
pub(crate) mod digests;
pub(crate) mod directory;
pub(crate) mod expected;
pub(crate) mod join;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod peer;
pub(crate) mod refusal;
pub(crate) mod roster;
pub(crate) mod settings;

use core::num::{NonZeroU8, NonZeroUsize};
use foca::{Foca, Member, NoCustomBroadcast, PeriodicParams, State, Timer};
use std::collections::{BTreeMap, BTreeSet};

use crate::Rng;
use crate::codec::{Envelope, WireError};
use crate::config::Config;
use crate::identity::{Identity, NodeId};
use crate::membership::change::{Change, Sink};
use crate::membership::codec::Codec;
use crate::membership::digests::Digests;
use crate::membership::directory::Directory;
use crate::membership::member::MemberState;
use crate::membership::messages::{WireMember, probe_number, trim_swim};
use crate::membership::peer::{Peer, Place};
use crate::membership::roster::Roster;
use crate::time::{Duration, Instant};

/// An odd constant that spreads bits: 2⁶⁴ over the golden ratio (Knuth, multiplicative hashing).
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// With this many changes waiting to be gossiped, no more joins are added: the exchanges of the whole
/// state carry them better. That takes hundreds of nodes that join at once.
const BACKLOG: usize = 256;

/// The number of members that foca gets: about this many if there are more, otherwise all.
const WATCHED: usize = 256;

/// Up to this many members, looking each one up in foca's list costs less than sorting that.
const FEW: usize = 16;

pub(crate) struct Membership {
    foca: Foca<Peer, Codec, Rng, NoCustomBroadcast>,
    timers: BTreeMap<(Instant, u64), Timer<Peer>>,
    /// The periodic gossip, and when it is due if there is something to gossip.
    gossip: Option<(Instant, Timer<Peer>)>,
    /// The latest probe.
    probe: Option<Probe>,
    serial: u64,
    sink: Sink,
    directory: Directory,
}

/// A probe of a member.
struct Probe {
    member: NodeId,
    number: u8,
    /// The timer that ends the wait for an answer.
    timer: (Instant, u64),
}

impl Membership {
    pub(crate) fn new(me: Peer, config: &Config, rng: Rng, directory: &Directory) -> Self {
        Self {
            foca: Foca::new(me, foca_config(config), rng, Codec(directory.clone())),
            timers: BTreeMap::new(),
            gossip: None,
            probe: None,
            serial: 0,
            sink: Sink::default(),
            directory: directory.clone(),
        }
    }

    pub(crate) fn me(&self) -> &Peer {
        self.foca.identity()
    }

    /// Returns the identities that this node shares with others in its process.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns the members that foca has: not all of them, if they are many.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Peer, MemberState)> {
        self.foca.iter_membership_state().map(|member| (member.id(), member.state().into()))
    }

    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        to: NodeId,
        bytes: &[u8],
        roster: &Roster,
    ) -> Result<(), WireError> {
        // foca looks each member of a packet up in a list. Most are known already, which is faster to
        // find here.
        let full = self.foca.updates_backlog() >= BACKLOG;
        let mut news = Vec::new();
        let is_news = |member: &WireMember<'_>| {
            let id = member.id();
            let is_news = !member.is_join() || !(full || roster.contains(id));
            if is_news {
                news.push((id, Place::of(member.addr)));
            }
            is_news
        };
        let packet = trim_swim(bytes, to, self.foca.identity(), is_news)?;
        // A packet from a known member proves nothing new about it; foca would spread that it is up.
        news.push((packet.from.0, Place::of(packet.from.1)));
        for (id, place) in news {
            self.ensure_known(id, place, roster);
        }
        let result = self.foca.handle_data(&packet.bytes, &mut self.sink);
        if result.is_ok() {
            self.end_probe(packet.from.0, packet.answers);
        }
        self.schedule(now);
        // foca refuses a packet that is malformed or inconsistent; its state is unharmed
        // (`foca::Error`).
        result.map_err(|_| WireError::Malformed)
    }

    /// Ends the wait for an answer to the latest probe, if this is the answer.
    fn end_probe(&mut self, from: NodeId, number: Option<u8>) {
        let answered = |probe: &mut Probe| probe.member == from && Some(probe.number) == number;
        if let Some(probe) = self.probe.take_if(answered)
            && let Some(timer) = self.timers.remove(&probe.timer)
        {
            // foca notes the end, and asks no other member to probe.
            let _ = self.foca.handle_timer(timer, &mut self.sink);
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, roster: &Roster) {
        // Many have died.
        if self.foca.num_members() < (roster.len() - 1).min(WATCHED) / 2 {
            for peer in roster.members() {
                if self.watches(peer, roster.len()) {
                    self.watch(peer);
                }
            }
        }
        while let Some(timer) = self.due(now) {
            let suspect = match &timer {
                Timer::ChangeSuspectToDown { member_id, .. } => Some(member_id.clone()),
                _ => None,
            };
            let sent = self.sink.transmits.len();
            // The errors are `NotConnected` and `IncompleteProbeCycle`, after which foca goes on.
            let _ = self.foca.handle_timer(timer, &mut self.sink);
            // When a suspicion's time is up, foca 2.0.0 informs the suspect that it was declared dead
            // even if it has refuted the suspicion. It would come back as another incarnation for
            // nothing.
            if suspect.is_some_and(|suspect| !self.is_down(&suspect)) {
                self.sink.transmits.truncate(sent);
            }
            self.schedule(now);
        }
    }

    /// Removes a timer that is due.
    fn due(&mut self, now: Instant) -> Option<Timer<Peer>> {
        if self.gossip_due().is_some_and(|at| at <= now) {
            return self.gossip.take().map(|(_, timer)| timer);
        }
        let entry = self.timers.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// Returns when the periodic gossip is due; `None` while there is nothing to gossip.
    fn gossip_due(&self) -> Option<Instant> {
        let waits = self.foca.updates_backlog() == 0;
        self.gossip.as_ref().filter(|_| !waits).map(|(at, _)| *at)
    }

    /// Returns whether this node's foca should have the peer, with this number of members.
    fn watches(&self, peer: &Peer, members: usize) -> bool {
        if members <= WATCHED {
            return true;
        }
        // A hash of the pair, so that every node has a choice of its own.
        let mut hash = (peer.id().0 ^ self.me().id().0.rotate_left(32)).wrapping_mul(MIX);
        hash = (hash ^ (hash >> 32)).wrapping_mul(MIX);
        hash < u64::MAX / members as u64 * WATCHED as u64
    }

    /// Adds a member that is up to foca. Changes nothing if foca has it.
    fn watch(&mut self, peer: &Peer) {
        if peer.place() != self.me().place() {
            let up = core::iter::once(Member::alive(peer.clone()));
            let _ = self.foca.apply_many(up, false, &mut self.sink);
        }
    }

    /// Prepares foca for a change of an incarnation: it must have the member at that address.
    fn ensure_known(&mut self, id: NodeId, place: Place, roster: &Roster) {
        if roster.len() > self.foca.num_members() + 1
            && let Some(peer) = roster.known(id).or_else(|| roster.at(place))
        {
            self.watch(peer);
        }
    }

    fn is_down(&self, id: &Peer) -> bool {
        self.down().any(|member| member == id)
    }

    fn down(&self) -> impl Iterator<Item = &Peer> {
        self.iter().filter(|(_, state)| *state == MemberState::Down).map(|(member, _)| member)
    }

    /// Returns whether the member at this address was declared dead, or has left.
    pub(crate) fn is_down_at(&self, place: Place) -> bool {
        self.down().any(|member| member.place() == place)
    }

    /// Returns a number that two nodes share when the same incarnations are down for them.
    pub(crate) fn down_digest(&self) -> u64 {
        // Only this node remembers its own earlier incarnations.
        let here = self.me().place();
        let others = self.down().filter(|member| member.place() != here);
        others.fold(0, |sum, member| sum.wrapping_add(member.id().0))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let timer = self.timers.keys().next().map(|key| key.0);
        timer.into_iter().chain(self.gossip_due()).min()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<(Peer, Vec<u8>)> {
        self.sink.transmits.pop_front()
    }

    pub(crate) fn poll_change(&mut self) -> Option<Change> {
        while let Some(change) = self.sink.changes.pop_front() {
            match change {
                // foca reports that one incarnation replaced another, not that the later one is up.
                Change::Replaced(by) if !self.foca.iter_members().any(|m| *m.id() == by) => {}
                Change::Replaced(by) => return Some(Change::Up(vec![by])),
                change => return Some(change),
            }
        }
        None
    }

    /// Returns all members that are known here, this node included.
    pub(crate) fn snapshot(&self, roster: &Roster) -> Vec<Member<Peer>> {
        let told: BTreeSet<NodeId> = self.iter().map(|(peer, _)| peer.id()).collect();
        let untold = roster.members().iter().filter(|peer| !told.contains(&peer.id()));
        let mut all: Vec<_> = untold.cloned().map(Member::alive).collect();
        all.extend(self.foca.iter_membership_state().cloned());
        all
    }

    /// Merges the members of another node; with `spread`, new ones are gossiped.
    pub(crate) fn merge(
        &mut self,
        now: Instant,
        mut members: Vec<Member<Peer>>,
        spread: bool,
        roster: &Roster,
    ) {
        // foca looks each one up in a list. Mostly there is nothing new, which is faster to find here.
        members.retain(|member| !(is_join(member) && roster.contains(member.id().id())));
        if members.len() > FEW {
            let state = self.foca.iter_membership_state();
            let known: BTreeMap<Place, &Member<Peer>> =
                state.map(|member| (member.id().place(), member)).collect();
            let is_news = |member: &Member<Peer>| {
                known.get(&member.id().place()).is_none_or(|known| *known != member)
            };
            members.retain(is_news);
        }
        // A member at this node's own address is an earlier incarnation of it. If that is not lower
        // (the clock was set back), this node takes one above it.
        let me = self.me().clone();
        let here = |id: &&Peer| id.place() == me.place() && **id != me;
        let earlier = members.iter().map(Member::id).filter(here);
        if let Some(incarnation) = earlier
            .map(|id| id.incarnation)
            .max()
            .filter(|&incarnation| incarnation >= me.incarnation)
        {
            let incarnation = incarnation.saturating_add(1);
            let renewed = self.directory.peer(Identity { incarnation, ..me.to_identity() });
            if self.foca.change_identity(renewed.clone(), &mut self.sink).is_ok() {
                self.sink.renew(renewed);
            }
        }
        let (joins, others): (Vec<_>, Vec<_>) = members.into_iter().partition(is_join);
        for other in &others {
            self.ensure_known(other.id().id(), other.id().place(), roster);
        }
        // The codec fails only for lack of space, and the buffer for one member has no limit.
        let _ = self.foca.apply_many(others.into_iter(), spread, &mut self.sink);
        let spread = spread && self.foca.updates_backlog() + joins.len() <= BACKLOG;
        self.merge_joins(joins, spread, roster);
        self.schedule(now);
    }

    fn merge_joins(&mut self, joins: Vec<Member<Peer>>, spread: bool, roster: &Roster) {
        let told = self.foca.iter_membership_state().map(|member| member.id().place());
        let held = roster.members().iter().map(Peer::place);
        let few = joins.len() <= FEW;
        let concerns = |place: &Place| joins.iter().any(|join| join.id().place() == *place);
        let taken: BTreeSet<Place> =
            told.chain(held).filter(|place| !few || concerns(place)).collect();
        let members = roster.len() + joins.len();
        let (mut tell, mut untold) = (Vec::new(), Vec::new());
        for join in joins {
            let peer = join.id();
            // foca decides between the incarnations of one node.
            if taken.contains(&peer.place()) {
                self.ensure_known(peer.id(), peer.place(), roster);
                tell.push(join);
            } else if spread || self.watches(peer, members) {
                tell.push(join);
            } else {
                untold.push(peer.clone());
            }
        }
        let _ = self.foca.apply_many(tell.into_iter(), spread, &mut self.sink);
        self.sink.up(untold);
    }

    /// Adds the members that foca should have, after the roster has been filled at once.
    pub(crate) fn begin_with(&mut self, now: Instant, roster: &Roster) {
        for peer in roster.members() {
            if self.watches(peer, roster.len()) {
                self.watch(peer);
            }
        }
        self.schedule(now);
    }

    /// Informs the cluster that this node leaves.
    pub(crate) fn leave(&mut self, now: Instant) {
        let _ = self.foca.leave_cluster(&mut self.sink);
        self.schedule(now);
    }

    fn schedule(&mut self, now: Instant) {
        // With a new identity foca is idle until a peer's packet arrives. If all its peers are dead,
        // none would, and they would count as alive; so it is woken.
        if core::mem::take(&mut self.sink.renewed) {
            let _ = self.foca.apply_many(core::iter::empty(), false, &mut self.sink);
        }
        for (timer, after) in self.sink.timers.drain(..) {
            let key = (now + after, self.serial);
            self.serial += 1;
            match &timer {
                // foca ignores the one before, if there still is one.
                Timer::PeriodicGossip(_) => {
                    self.gossip = Some((key.0, timer));
                    continue;
                }
                Timer::SendIndirectProbe { probed_id, .. } => {
                    let mut sent = self.sink.transmits.iter().rev();
                    let number = sent
                        .find(|(to, _)| to == probed_id)
                        .and_then(|(_, bytes)| probe_number(bytes));
                    self.probe =
                        number.map(|number| Probe { member: probed_id.id(), number, timer: key });
                }
                _ => {}
            }
            self.timers.insert(key, timer);
        }
    }
}

fn foca_config(config: &Config) -> foca::Config {
    const ONE: NonZeroUsize = NonZeroUsize::MIN;
    let several = |n| NonZeroUsize::new(n).unwrap_or(ONE);
    let every =
        |frequency: Duration, n| Some(PeriodicParams { frequency, num_members: several(n) });
    foca::Config {
        probe_period: config.membership.probe_interval,
        probe_rtt: config.membership.probe_timeout(),
        num_indirect_probes: several(3),
        max_transmissions: NonZeroU8::new(12).unwrap_or(NonZeroU8::MIN),
        suspect_to_down_after: config.membership.suspicion_timeout,
        // Incarnations are never reused, so a dead identity need never be forgotten.
        remove_down_after: None,
        max_packet_size: several(config.max_datagram - Envelope::SIZE - Digests::MOST),
        notify_down_members: true,
        periodic_announce: None,
        periodic_announce_to_down_members: every(config.membership.reconnect_interval, 2),
        periodic_gossip: every(config.interval, 2),
    }
}

/// Returns whether this says no more than that the member is up: it has never been suspected.
fn is_join(member: &Member<Peer>) -> bool {
    member.state() == State::Alive && member.incarnation() == 0
}
