//! The way of a packet: sent, lost or repeated, delayed, handed over.

use rumormill_proto::{Duration, Instant, Plane, Transmit};

use super::VirtualNetwork;
use super::index::NodeIndex;
use super::link::{chance, uniform};
use super::queue::{Kind, Packet, PacketIndex, What};
use super::traffic::{self, Fate};

impl VirtualNetwork {
    pub(super) fn send(&mut self, from: NodeIndex, transmit: Transmit) {
        self.sent += 1;
        let to = NodeIndex::of(transmit.to);
        match (transmit.plane, to) {
            (Plane::Datagram, Some(to)) => self.send_datagram(from, to, transmit.bytes),
            (Plane::Stream, Some(to)) => self.send_stream(from, to, transmit.bytes),
            // An address outside this network: there is no way there, and no word back.
            (Plane::Datagram, None) => {
                self.counters.packets_sent += 1;
                self.counters.packets_to_the_dead += 1;
            }
            (Plane::Stream, None) => self.counters.streams_failed += 1,
        }
    }

    fn send_datagram(&mut self, from: NodeIndex, to: NodeIndex, bytes: Vec<u8>) {
        self.counters.packets_sent += 1;
        if !self.barriers.pass(self.now, from, to) {
            self.counters.packets_blocked += 1;
            self.note(from, to, bytes.len(), Fate::Blocked);
            return;
        }
        let link = self.config.link;
        let narrow = self.narrow.get(&(from, to)).copied();
        if narrow.or(link.largest).is_some_and(|largest| bytes.len() > largest) {
            self.counters.packets_lost += 1;
            self.note(from, to, bytes.len(), Fate::Lost);
            return;
        }
        if chance(&mut self.rng, link.loss) {
            self.counters.packets_lost += 1;
            self.note(from, to, bytes.len(), Fate::Lost);
            return;
        }
        if chance(&mut self.rng, link.duplication) {
            self.counters.packets_duplicated += 1;
            self.launch(from, to, bytes.clone());
        }
        self.launch(from, to, bytes);
    }

    fn launch(&mut self, from: NodeIndex, to: NodeIndex, bytes: Vec<u8>) {
        let link = self.config.link;
        let mut latency = link.latency.draw(&mut self.rng);
        if chance(&mut self.rng, link.reordering) {
            self.counters.packets_held_back += 1;
            latency += uniform(&mut self.rng, Duration::ZERO, link.held_back);
        }
        let packet = Packet { from, to, kind: Kind::Datagram, sent: self.sent, bytes };
        self.travel(packet, self.now + latency);
    }

    fn travel(&mut self, packet: Packet, arrives: Instant) {
        let index = self.packets.insert(packet);
        self.queue.push(arrives, What::Packet(index));
    }

    fn send_stream(&mut self, from: NodeIndex, to: NodeIndex, bytes: Vec<u8>) {
        if !self.both_ways(from, to) {
            self.fail_stream(from, to, self.config.stream_timeout, "timed out");
            return;
        }
        let latency = self.config.link.stream_latency(&mut self.rng);
        let target = self.slots.get(to.index()).filter(|slot| slot.node.is_some() || from == to);
        let Some(starts) = target.map(|slot| slot.starts) else {
            self.fail_stream(from, to, latency * 2, "connection refused");
            return;
        };
        // Nothing on a stream overtakes what was sent before it.
        let (last, count) = self.streams.entry((from, to)).or_insert((self.now, 0));
        let arrives = (self.now + latency).max(*last);
        *last = arrives;
        *count += 1;
        let packet = Packet { from, to, kind: Kind::Stream(starts), sent: self.sent, bytes };
        self.travel(packet, arrives);
    }

    /// Returns whether a connection between the two can work.
    fn both_ways(&self, a: NodeIndex, b: NodeIndex) -> bool {
        self.barriers.pass(self.now, a, b) && self.barriers.pass(self.now, b, a)
    }

    /// Tells `from`, after a while, that its message to `to` was not delivered.
    fn fail_stream(
        &mut self,
        from: NodeIndex,
        to: NodeIndex,
        after: Duration,
        reason: &'static str,
    ) {
        self.counters.streams_failed += 1;
        self.note(from, to, 0, Fate::StreamFailed);
        let kind = Kind::Unreachable(self.slots[from.index()].starts, reason);
        let news = Packet { from: to, to: from, kind, sent: self.sent, bytes: Vec::new() };
        self.travel(news, self.now + after);
    }

    /// A packet has come to the end of its way. Does the receiver's machine get it?
    pub(super) fn arrive(&mut self, index: PacketIndex) {
        let Some(packet) = self.packets.get(index) else { return };
        let (from, to) = (packet.from, packet.to);
        match packet.kind {
            Kind::Datagram if !self.barriers.pass(self.now, from, to) => {
                self.counters.packets_blocked += 1;
                let bytes = self.packets.remove(index).map_or(0, |packet| packet.bytes.len());
                self.note(from, to, bytes, Fate::Blocked);
                return;
            }
            Kind::Stream(_) => {
                self.stream_ended(from, to);
                if !self.both_ways(from, to) {
                    self.packets.remove(index);
                    self.fail_stream(from, to, self.config.stream_timeout, "timed out");
                    return;
                }
            }
            Kind::Datagram | Kind::Unreachable(..) => {}
        }
        if let Some(slot) = self.slots.get_mut(to.index())
            && slot.paused_until.is_some()
        {
            slot.waiting.push(index);
            self.counters.packets_that_waited += 1;
        } else if let Some(packet) = self.packets.remove(index) {
            self.hand_over(packet);
        }
    }

    fn stream_ended(&mut self, from: NodeIndex, to: NodeIndex) {
        if let Some((_, count)) = self.streams.get_mut(&(from, to)) {
            *count -= 1;
            if *count == 0 {
                self.streams.remove(&(from, to));
            }
        }
    }

    /// Gives a packet to the process, if there is one.
    pub(crate) fn hand_over(&mut self, packet: Packet) {
        let Packet { from, to, kind, sent, bytes } = packet;
        let slot = self.slots.get(to.index());
        let starts = slot.filter(|slot| slot.node.is_some()).map(|slot| slot.starts);
        match kind {
            Kind::Datagram if starts.is_none() => {
                self.counters.packets_to_the_dead += 1;
                self.note(from, to, bytes.len(), Fate::Dead);
            }
            Kind::Datagram => {
                self.counters.packets_delivered += 1;
                self.note(from, to, bytes.len(), Fate::Delivered);
                self.count_order(from, to, sent);
                self.record(from, to, &bytes);
                self.call(to, |node, now| node.handle_datagram(now, from.addr(), &bytes));
            }
            Kind::Stream(meant) if starts == Some(meant) => {
                self.counters.streams_delivered += 1;
                self.note(from, to, bytes.len(), Fate::StreamDelivered);
                self.record(from, to, &bytes);
                self.call(to, |node, now| node.handle_stream(now, from.addr(), &bytes));
            }
            // The process that had accepted the connection is gone.
            Kind::Stream(_) => {
                let latency = self.config.link.latency.draw(&mut self.rng);
                self.fail_stream(from, to, latency, "connection reset");
            }
            Kind::Unreachable(sender, reason) if starts == Some(sender) => {
                self.record(from, to, reason.as_bytes());
                self.call(to, |node, now| node.handle_unreachable(now, from.addr(), reason));
            }
            // The sender that would want to know is gone.
            Kind::Unreachable(..) => {}
        }
    }

    /// What waited for a node that has gone is lost with it.
    pub(crate) fn discard(&mut self, waiting: Vec<PacketIndex>) {
        for index in waiting {
            if let Some(packet) = self.packets.remove(index) {
                self.hand_over(packet);
            }
        }
    }

    fn count_order(&mut self, from: NodeIndex, to: NodeIndex, sent: u64) {
        if self.config.count_reordering {
            let last = self.arrived.entry((from, to)).or_insert(0);
            if sent < *last {
                self.counters.packets_reordered += 1;
            } else {
                *last = sent;
            }
        }
    }

    fn note(&mut self, from: NodeIndex, to: NodeIndex, bytes: usize, fate: Fate) {
        if self.config.keep_traffic {
            self.traffic.push(traffic::Packet { at: self.now, from, to, bytes, fate });
        }
    }

    fn record(&mut self, from: NodeIndex, to: NodeIndex, bytes: &[u8]) {
        if self.config.digest {
            self.digest.packet(self.now, from, to, bytes);
        }
    }
}
