//! What was published and written, and which nodes received it: the truth that events and keys are
//! compared with.

use std::collections::BTreeMap;

use rumormill_proto::{EventId, Instant, Notice, Version};

use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// What is stamped this much ahead of the true time may be written anew: less than the bound that
/// nodes go by, since a node's own clock may be behind.
const MAX_SKEW_MILLIS: u64 = 100_000;

/// One incarnation of one node: the node, and how often it was started.
type Incarnation = (NodeIndex, u32);

/// Follows a run through the events of its nodes. [`Chronicle::record_all`] must be called before
/// any node is stopped or started, so that each event is attributed to the right incarnation.
#[derive(Clone, Debug, Default)]
pub struct Chronicle {
    published: BTreeMap<EventId, Instant>,
    received: BTreeMap<EventId, BTreeMap<Incarnation, Instant>>,
    /// The newest version of each key that an incarnation has held.
    held: BTreeMap<Incarnation, BTreeMap<String, Version>>,
    /// What every version of every key says; `None` is a deletion.
    written: BTreeMap<(String, Version), Option<Vec<u8>>>,
}

impl Chronicle {
    /// Records the notices of all nodes since the last call.
    ///
    /// # Errors
    /// When a node received an event twice, or one version of a key was not the same everywhere.
    pub fn record_all(&mut self, net: &mut VirtualNetwork) -> Result<(), Violation> {
        for (at, node, event) in net.take_events() {
            self.record(net, at, node, event)?;
        }
        Ok(())
    }

    /// Records one notice.
    ///
    /// # Errors
    /// As [`Chronicle::record_all`].
    pub fn record(
        &mut self,
        net: &VirtualNetwork,
        at: Instant,
        node: NodeIndex,
        event: Notice,
    ) -> Result<(), Violation> {
        let incarnation = (node, net.starts(node));
        match event {
            Notice::Event(event) => {
                let first = self.received.entry(event.id).or_default().insert(incarnation, at);
                if first.is_some() {
                    return Err(Violation::DeliveredTwice { node, event: event.id });
                }
                if event.round == 0 {
                    self.published.insert(event.id, at);
                }
            }
            Notice::Key(change) => {
                let said = (change.key.clone(), change.version);
                let value = self.written.entry(said).or_insert_with(|| change.value.clone());
                if *value != change.value {
                    return Err(Violation::TwoValues { key: change.key });
                }
                let newest = self.held.entry(incarnation).or_default().entry(change.key);
                let newest = newest.or_insert(change.version);
                // Only what a wrong clock stamped is ever replaced by a lower version: its holder
                // writes it anew.
                let skewed = newest.stamp.millis() > net.true_wall() + MAX_SKEW_MILLIS;
                let newer = change.version > *newest || (change.local && skewed);
                *newest = if newer { change.version } else { *newest };
            }
            _ => {}
        }
        Ok(())
    }

    /// Records that a node has started again with all that it held.
    pub fn inherit(&mut self, net: &VirtualNetwork, node: NodeIndex) {
        let now = net.starts(node);
        let before = self.held.range((node, 0)..(node, now)).next_back();
        if let Some(held) = before.map(|(_, held)| held.clone()) {
            self.held.insert((node, now), held);
        }
    }

    /// Returns how many events were published, and how many deliveries there were, those at the
    /// origin included.
    pub fn published(&self) -> (usize, usize) {
        (self.published.len(), self.received.values().map(BTreeMap::len).sum())
    }

    /// Returns how many versions of keys were written.
    pub fn writes(&self) -> usize {
        self.written.len()
    }

    /// Returns when an event was published, and when each node that runs received it.
    pub fn spread(&self, net: &VirtualNetwork, event: EventId) -> (Option<Instant>, Vec<Instant>) {
        let received = self.received.get(&event).into_iter().flatten();
        let times = received.filter(|((node, incarnation), _)| net.runs(*node, *incarnation));
        (self.published.get(&event).copied(), times.map(|(_, at)| *at).collect())
    }

    /// Checks that every event that some running node has received was received by all running
    /// nodes that had been started when it was published.
    ///
    /// # Errors
    /// Names a node and an event that it missed.
    pub fn delivered(&self, net: &VirtualNetwork) -> Result<(), Violation> {
        let missed = self.owed(net).find(|(_, _, received)| !received);
        missed.map_or(Ok(()), |(node, event, _)| Err(Violation::Missed { node, event }))
    }

    /// Returns how many deliveries are owed to the nodes that run, and how many of them were
    /// missed.
    pub fn deliveries(&self, net: &VirtualNetwork) -> (usize, usize) {
        self.owed(net).fold((0, 0), |(owed, missed), (_, _, received)| {
            (owed + 1, missed + usize::from(!received))
        })
    }

    /// Returns which nodes should have received which event, and whether they did. An event that no
    /// running node has received is gone with those that crashed.
    fn owed(&self, net: &VirtualNetwork) -> impl Iterator<Item = (NodeIndex, EventId, bool)> {
        let incarnation = |(node, _)| ((node, net.starts(node)), net.started(node));
        let running: Vec<(Incarnation, Instant)> = net.running().map(incarnation).collect();
        let known = self.received.iter().filter_map(|(event, received)| {
            let published = *self.published.get(event)?;
            Some((*event, published, received))
        });
        known.flat_map(move |(event, published, received)| {
            let alive = running.iter().any(|(incarnation, _)| received.contains_key(incarnation));
            let owed = running.iter().filter(|(_, since)| alive && *since < published);
            let owed = owed
                .map(|(incarnation, _)| (incarnation.0, event, received.contains_key(incarnation)));
            owed.collect::<Vec<_>>()
        })
    }

    /// Checks that all running nodes hold the same, and that it is the newest of what any of them
    /// ever held.
    ///
    /// # Errors
    /// Names a node that differs, or a key that is not what it should be.
    pub fn kv(&self, net: &VirtualNetwork) -> Result<(), Violation> {
        let mut newest: BTreeMap<&str, Version> = BTreeMap::new();
        for (node, _) in net.running() {
            for (key, &version) in self.held.get(&(node, net.starts(node))).into_iter().flatten() {
                let known = newest.entry(key).or_insert(version);
                *known = version.max(*known);
            }
        }
        let mut digest = None;
        for (node, running) in net.running() {
            if *digest.get_or_insert(running.kv().digest()) != running.kv().digest() {
                return Err(Violation::KvDiffers { node });
            }
            for (&key, &version) in &newest {
                let should = self.written.get(&(key.to_owned(), version)).cloned().flatten();
                let is = running.kv().get(key).map(|entry| (entry.version, entry.value.clone()));
                if is != should.map(|value| (version, Some(value))) {
                    return Err(Violation::WrongValue { node, key: key.to_owned() });
                }
            }
            let known = running.kv().list("").all(|entry| newest.contains_key(entry.key.as_str()));
            if !known {
                return Err(Violation::WrongValue { node, key: "(one that nobody wrote)".into() });
            }
        }
        Ok(())
    }
}
