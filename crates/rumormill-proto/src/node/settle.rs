//! Settling: changes of the membership go to the protocols, and the messages and notices of both to
//! the queues that the driver drains.

use core::net::SocketAddr;

use crate::codec::{CHANNEL_PATH, CHANNEL_SWIM, Envelope, WireError};
use crate::identity::NodeId;
use crate::membership::change::Change;
use crate::membership::digests::Digests;
use crate::node::Node;
use crate::notice::Notice;
use crate::protocol::Protocol;
use crate::query::{COMPARE, QueryProtocol, TRACE};
use crate::rumor::event::EventId;
use crate::time::{Duration, Instant};
use crate::trace;
use crate::transmit::{Plane, Transmit};

/// The shortest time between two notices of packets dropped for one reason.
const REPORT_EVERY: Duration = Duration::from_secs(10);

impl Node {
    /// Hands changes of the membership to the protocols, and the messages and notices of both to the
    /// queues that the driver drains.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(change) = self.membership.poll_change() {
            self.apply(now, change);
        }
        while let Some((to, body)) = self.membership.poll_transmit() {
            let hosts = self.hosts.iter();
            let held =
                hosts.filter_map(|host| Some((host.tag, host.protocol().digest(now)?))).collect();
            let mut bytes = Vec::new();
            Digests { wall: self.core.clock.wall(now), held }.write(&mut bytes);
            bytes.extend(body);
            self.send(now, to.addr, Plane::Datagram, CHANNEL_SWIM, to.id(), &bytes);
        }
        for at in 0..self.hosts.len() {
            let channel = self.hosts[at].tag;
            for (to, plane, body) in core::mem::take(&mut self.hosts[at].outbox) {
                if let Some(addr) = self.core.roster.peer(to).map(|peer| peer.addr) {
                    self.send(now, addr, plane, channel, to, &body);
                }
            }
        }
        self.route(now);
    }

    fn apply(&mut self, now: Instant, change: Change) {
        match change {
            Change::Up(peers) => {
                let fresh = self.core.roster.extend(peers);
                if !fresh.is_empty() {
                    self.core.met = true;
                    self.core.expected = None;
                    self.sync_soon(now);
                }
                for (at, peer) in fresh.iter().enumerate() {
                    // Of two that came together, the later one reports.
                    if let Some(other) = self.core.roster.holder_of_name(peer)
                        && !fresh[at + 1..].contains(other)
                    {
                        let (name, addrs) = (peer.name.clone(), [other.addr, peer.addr]);
                        self.core.notices.push(Notice::NameConflict { name, addrs });
                    }
                    for host in &mut self.hosts {
                        host.call(now, &mut self.core, |p, cx| p.peer_joined(cx, peer));
                    }
                    self.core.notices.push(Notice::MemberUp { member: peer.to_identity() });
                }
            }
            Change::Down(peer) => {
                if self.core.roster.remove(peer.id()) {
                    self.core.clock.forget(now, peer.id());
                    self.paths.forget(peer.id());
                    self.sync_soon(now);
                    for host in &mut self.hosts {
                        host.call(now, &mut self.core, |p, cx| p.peer_expired(cx, &peer));
                    }
                    self.core.notices.push(Notice::MemberDown { member: peer.to_identity() });
                }
            }
            Change::Renewed(me) => {
                self.core.stats.renewals += 1;
                self.core.roster.renew(me.clone());
                for host in &mut self.hosts {
                    host.call(now, &mut self.core, Protocol::renewed);
                }
                self.core.notices.push(Notice::Renewed { member: me.to_identity() });
                // The members that declared this node dead learn its new incarnation at once.
                self.next_sync = now;
            }
            // `Membership::poll_change` has resolved it.
            Change::Replaced(_) => {}
        }
        self.core.roster.share(self.membership.directory());
    }

    /// Hands notices to the user. Queries are noted; those that nodes answer by themselves
    /// are answered here.
    fn route(&mut self, now: Instant) {
        let mut own = Vec::new();
        for notice in core::mem::take(&mut self.core.notices) {
            trace::notice(&self.core, &notice);
            // Until here `timeout` is the time since the query was asked.
            let Notice::Query { mut question, timeout: elapsed } = notice else {
                self.notices.push_back(notice);
                continue;
            };
            let Some((millis, payload)) = question.payload.split_first_chunk::<4>() else {
                continue;
            };
            let timeout = Duration::from_millis(u64::from(u32::from_be_bytes(*millis)));
            let left = timeout.saturating_sub(elapsed);
            question.payload = payload.to_vec();
            let (id, from) = (question.id, question.node);
            if let Some(queries) = self.protocol_mut::<QueryProtocol>() {
                queries.receive_query(now, id, from, left);
            }
            if [TRACE, COMPARE].contains(&question.topic.as_str()) {
                own.push(question);
            } else {
                self.notices.push_back(Notice::Query { question, timeout: left });
            }
        }
        for question in own {
            let answer = if question.topic.as_str() == COMPARE {
                self.summary(now).encode()
            } else {
                let traced = question.payload.as_slice().try_into().map(u64::from_be_bytes);
                let record = traced.ok().and_then(|id| self.events().record(EventId(id)));
                record.map(|record| record.encode()).unwrap_or_default()
            };
            // It arrived just now; its time may be up all the same.
            let _ = self.queries_mut().answer(now, question.id, &answer);
        }
    }

    pub(super) fn send(
        &mut self,
        now: Instant,
        addr: SocketAddr,
        plane: Plane,
        channel: u32,
        to: NodeId,
        body: &[u8],
    ) {
        let narrow = plane == Plane::Datagram
            && channel != CHANNEL_PATH
            && !self.paths.carries(now, to, Envelope::SIZE + body.len());
        let plane = if narrow { Plane::Stream } else { plane };
        self.send_as(self.cluster, addr, plane, channel, to, body);
    }

    /// Sends a message as [`Node::send`] does, with the tag of any cluster.
    pub(super) fn send_as(
        &mut self,
        cluster: u32,
        addr: SocketAddr,
        plane: Plane,
        channel: u32,
        to: NodeId,
        body: &[u8],
    ) {
        let mut bytes = Vec::with_capacity(Envelope::SIZE + body.len());
        let from = self.membership.me().id();
        Envelope { cluster, channel, from, to }.write(&mut bytes);
        bytes.extend_from_slice(body);
        let (count, length) = match plane {
            Plane::Datagram => {
                (&mut self.core.stats.datagrams_sent, &mut self.core.stats.bytes_sent)
            }
            Plane::Stream => {
                (&mut self.core.stats.stream_messages_sent, &mut self.core.stats.stream_bytes_sent)
            }
        };
        *count += 1;
        *length += bytes.len() as u64;
        if plane == Plane::Stream {
            let longest = &mut self.core.stats.longest_stream_message;
            *longest = (*longest).max(bytes.len() as u64);
        }
        self.transmits.push_back(Transmit { to: addr, plane, bytes });
    }

    pub(super) fn drop_packet(&mut self, now: Instant, from: SocketAddr, reason: WireError) {
        trace::dropped(&self.core, from, reason);
        let stats = &mut self.core.stats;
        *match reason {
            WireError::Garbage => &mut stats.dropped_garbage,
            WireError::Version(_) => &mut stats.dropped_version,
            WireError::Cluster => &mut stats.dropped_cluster,
            WireError::Stranger => &mut stats.dropped_stranger,
            WireError::Channel => &mut stats.dropped_channel,
            WireError::Malformed => &mut stats.dropped_malformed,
        } += 1;
        // Strangers are common: a node sends before its joining is known everywhere.
        let known = self.reported.get(&reason).is_some_and(|&at| now.since(at) < REPORT_EVERY);
        if reason != WireError::Stranger && !known {
            self.reported.insert(reason, now);
            self.core.notices.push(Notice::Dropped { from, reason });
        }
    }
}
