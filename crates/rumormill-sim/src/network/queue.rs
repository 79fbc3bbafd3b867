//! What is going to happen, and when.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use rumormill_proto::Instant;

use super::index::NodeIndex;

/// Something that is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A packet arrives.
    Packet(PacketIndex),
    /// A node's timeout has come.
    Timeout(NodeIndex),
    /// A node starts for the first time.
    Start(NodeIndex),
    /// A stopped node goes on.
    Resume(NodeIndex),
}

/// What has its turn now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    /// Unique and rising: what was scheduled first for an instant happens first.
    pub(crate) serial: u64,
    pub(crate) what: What,
}

/// A priority queue of 24 bytes an entry; what a packet carries lies in [`Packets`].
#[derive(Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    serial: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, at: Instant, what: What) -> u64 {
        self.serial += 1;
        self.heap.push(Reverse(Entry { at, serial: self.serial, what }));
        self.serial
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.0.at)
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        self.heap.pop().map(|entry| entry.0)
    }
}

/// Where a packet lies in [`Packets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PacketIndex(u32);

/// What a packet is to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Datagram,
    /// A message on the reliable path, for the receiver after this many starts.
    Stream(u32),
    /// For a sender after this many starts: `from` could not be reached, and why.
    Unreachable(u32, &'static str),
}

/// A packet on its way.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) from: NodeIndex,
    pub(crate) to: NodeIndex,
    pub(crate) kind: Kind,
    /// Rising over all packets of the network.
    pub(crate) sent: u64,
    pub(crate) bytes: Vec<u8>,
}

/// The packets on their way; places are used again.
#[derive(Default)]
pub(crate) struct Packets {
    places: Vec<Option<Packet>>,
    free: Vec<u32>,
}

impl Packets {
    pub(crate) fn insert(&mut self, packet: Packet) -> PacketIndex {
        match self.free.pop() {
            Some(at) => {
                self.places[at as usize] = Some(packet);
                PacketIndex(at)
            }
            None => {
                self.places.push(Some(packet));
                PacketIndex((self.places.len() - 1) as u32)
            }
        }
    }

    pub(crate) fn get(&self, index: PacketIndex) -> Option<&Packet> {
        self.places[index.0 as usize].as_ref()
    }

    pub(crate) fn remove(&mut self, index: PacketIndex) -> Option<Packet> {
        let packet = self.places[index.0 as usize].take();
        if packet.is_some() {
            self.free.push(index.0);
        }
        packet
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }
}
