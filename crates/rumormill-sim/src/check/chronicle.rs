//! What was published and written, and who heard of it: the truth that rumors and replicas are
//! held against.

use std::collections::BTreeMap;

use rumormill_proto::{EventId, Instant, Notice, Version};

use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// What is stamped this much ahead of the true time may be written anew: less than the bound that
/// nodes go by, since a node's own clock may be behind.
const MAX_SKEW_MILLIS: u64 = 100_000;

/// One life of one node.
type Life = (NodeIndex, u32);

/// Follows a run through the events of its nodes. [`Chronicle::record_all`] must be called before any
/// node is stopped or started, so that each event is put down to the right life.
#[derive(Clone, Debug, Default)]
pub struct Chronicle {
    published: BTreeMap<EventId, Instant>,
    heard: BTreeMap<EventId, BTreeMap<Life, Instant>>,
    /// The newest version of each key that a life has held.
    held: BTreeMap<Life, BTreeMap<String, Version>>,
    /// What every version of every key says; `None` is a deletion.
    written: BTreeMap<(String, Version), Option<Vec<u8>>>,
}

impl Chronicle {
    /// Takes down what nodes have said since the last time.
    ///
    /// # Errors
    /// When a node heard a rumor twice, or one version of a key was not the same everywhere.
    pub fn record_all(&mut self, net: &mut VirtualNetwork) -> Result<(), Violation> {
        for (at, node, event) in net.take_events() {
            self.record(net, at, node, event)?;
        }
        Ok(())
    }

    /// Takes down one event.
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
        let life = (node, net.life(node));
        match event {
            Notice::Event(rumor) => {
                let first = self.heard.entry(rumor.id).or_default().insert(life, at);
                if first.is_some() {
                    return Err(Violation::DeliveredTwice { node, rumor: rumor.id });
                }
                if rumor.round == 0 {
                    self.published.insert(rumor.id, at);
                }
            }
            Notice::Key(change) => {
                let said = (change.key.clone(), change.version);
                let value = self.written.entry(said).or_insert_with(|| change.value.clone());
                if *value != change.value {
                    return Err(Violation::TwoValues { key: change.key });
                }
                let newest = self.held.entry(life).or_default().entry(change.key);
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

    /// A node has started again with all that its last life held.
    pub fn inherit(&mut self, net: &VirtualNetwork, node: NodeIndex) {
        let now = net.life(node);
        let before = self.held.range((node, 0)..(node, now)).next_back();
        if let Some(held) = before.map(|(_, held)| held.clone()) {
            self.held.insert((node, now), held);
        }
    }

    /// Returns how many events were published, and how many deliveries there were, those at the origin
    /// included.
    pub fn published(&self) -> (usize, usize) {
        (self.published.len(), self.heard.values().map(BTreeMap::len).sum())
    }

    /// How many versions of keys were written.
    pub fn writes(&self) -> usize {
        self.written.len()
    }

    /// When a rumor was published, and when each node that runs heard it.
    pub fn spread(&self, net: &VirtualNetwork, rumor: EventId) -> (Option<Instant>, Vec<Instant>) {
        let heard = self.heard.get(&rumor).into_iter().flatten();
        let times = heard.filter(|((node, life), _)| net.runs(*node, *life));
        (self.published.get(&rumor).copied(), times.map(|(_, at)| *at).collect())
    }

    /// Every rumor that some running node has heard has been heard by all running nodes that had
    /// started when it was published.
    ///
    /// # Errors
    /// Names a node and a rumor that it missed.
    pub fn delivered(&self, net: &VirtualNetwork) -> Result<(), Violation> {
        let missed = self.owed(net).find(|(_, _, heard)| !heard);
        missed.map_or(Ok(()), |(node, rumor, _)| Err(Violation::Missed { node, rumor }))
    }

    /// How many deliveries are owed to the nodes that run, and how many of them were missed.
    pub fn deliveries(&self, net: &VirtualNetwork) -> (usize, usize) {
        self.owed(net)
            .fold((0, 0), |(owed, missed), (_, _, heard)| (owed + 1, missed + usize::from(!heard)))
    }

    /// Who should have heard which rumor, and whether they did. What no running node has heard has
    /// gone with those that crashed.
    fn owed(&self, net: &VirtualNetwork) -> impl Iterator<Item = (NodeIndex, EventId, bool)> {
        let life = |(node, _)| ((node, net.life(node)), net.started(node));
        let running: Vec<(Life, Instant)> = net.running().map(life).collect();
        let known = self.heard.iter().filter_map(|(rumor, heard)| {
            let published = *self.published.get(rumor)?;
            Some((*rumor, published, heard))
        });
        known.flat_map(move |(rumor, published, heard)| {
            let alive = running.iter().any(|(life, _)| heard.contains_key(life));
            let owed = running.iter().filter(|(_, since)| alive && *since < published);
            let owed = owed.map(|(life, _)| (life.0, rumor, heard.contains_key(life)));
            owed.collect::<Vec<_>>()
        })
    }

    /// All running nodes hold the same, and it is the newest of what any of them ever held.
    ///
    /// # Errors
    /// Names a node that differs, or a key that is not what it should be.
    pub fn kv(&self, net: &VirtualNetwork) -> Result<(), Violation> {
        let mut newest: BTreeMap<&str, Version> = BTreeMap::new();
        for (node, _) in net.running() {
            for (key, &version) in self.held.get(&(node, net.life(node))).into_iter().flatten() {
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
