//! The replica: a map that every node stores, written at any of them, equal at all soon after.
//!
//! The last writer wins, by a hybrid logical clock with the node's id to break ties. What was
//! deleted is remembered by a tombstone for [`ReplicaConfig::tombstone_life`]. A fresh update is
//! told like a rumor; whatever was missed is found by comparing sets, each round with one peer
//! while there is news, and whenever a membership packet shows another digest.

mod entry;
mod settings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use entry::{Entry, Version};
pub use settings::ReplicaConfig;

use crate::clock::Stamp;
use crate::config::Config;
use crate::gossip::{Gossip, Manner, Shelf, Taken};
use crate::identity::NodeId;
use crate::node::Event;
use crate::protocol::{Context, Protocol};
use crate::reconcile::Item;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};
use crate::wire::{Heard, WireError};

/// Why a key was not written. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The key is empty.
    #[error("the key is empty")]
    EmptyKey,
    /// The key is too long.
    #[error("the key has {bytes} bytes, the limit is {limit} (replica.max_key)")]
    LongKey {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The key holds a control character.
    #[error("the key holds the control character {0:?}; keys are text")]
    BadKey(char),
    /// The value is too long.
    #[error("the value has {bytes} bytes, the limit is {limit} (replica.max_value)")]
    LargeValue {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The replica is full.
    #[error("the replica would have {bytes} bytes, the limit is {limit} (replica.max_bytes)")]
    Full {
        /// How many bytes there would be.
        bytes: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// This node keeps no replica.
    #[error("this node keeps no replica")]
    NotRunning,
}

/// A key has changed at this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key, its value (`None`: deleted) and its version.
    pub entry: Entry,
    /// Whether it was written here.
    pub local: bool,
}

/// What is held, by key.
#[derive(Default)]
struct Map {
    entries: BTreeMap<Arc<str>, Entry>,
    keys: BTreeMap<u64, Arc<str>>,
    /// Deleted keys' items, oldest first.
    tombstones: BTreeSet<Item>,
    bytes: usize,
    /// Tombstones below are forgotten.
    floor: Stamp,
    journal: Option<VecDeque<Entry>>,
    max_key: usize,
    max_value: usize,
}

/// The replica as a [`Protocol`].
pub(crate) struct Replica {
    gossip: Gossip,
    map: Map,
}

impl Replica {
    pub(crate) fn new(config: &Config) -> Self {
        let manner = Manner::new(&config.rumor, config.max_datagram).of_state();
        let map = Map {
            journal: config.replica.journal.then(VecDeque::new),
            max_key: config.replica.max_key,
            max_value: config.replica.max_value,
            ..Map::default()
        };
        Self { gossip: Gossip::new(manner, |stats| &mut stats.replica), map }
    }

    pub(crate) fn put(
        &mut self,
        cx: &mut Context<'_>,
        key: &str,
        value: &[u8],
    ) -> Result<Version, PutError> {
        let config = &cx.config().replica;
        check_key(key, config.max_key)?;
        if value.len() > config.max_value {
            return Err(PutError::LargeValue { bytes: value.len(), limit: config.max_value });
        }
        let before = self.map.entries.get(key).map_or(0, Entry::bytes);
        let bytes = self.map.bytes - before + key.len() + value.len();
        if bytes > config.max_bytes {
            return Err(PutError::Full { bytes, limit: config.max_bytes });
        }
        Ok(self.write(cx, key, Some(value.to_vec())))
    }

    /// Deletes a key; `None` if there is nothing to delete.
    pub(crate) fn delete(&mut self, cx: &mut Context<'_>, key: &str) -> Option<Version> {
        self.get(key)?;
        Some(self.write(cx, key, None))
    }

    fn write(&mut self, cx: &mut Context<'_>, key: &str, value: Option<Vec<u8>>) -> Version {
        let version = Version { stamp: cx.stamp(), node: cx.id() };
        let entry = Entry { key: key.to_owned(), value, version };
        let (item, replaces) = self.map.set(entry.clone());
        self.map.note(&entry);
        let forgets = entry.value.is_none() && broken(Rule::Tombstones);
        cx.event(Event::Key(KeyChange { entry, local: true }));
        if forgets {
            self.map.forget(item);
            replaces.into_iter().for_each(|before| self.gossip.forget(before));
            return version;
        }
        self.gossip.publish(cx, &self.map, item, replaces);
        version
    }

    /// Takes over what a store has kept; nothing of it is told, noted or heard of.
    pub(crate) fn restore(&mut self, cx: &mut Context<'_>, entries: Vec<Entry>) {
        for entry in entries {
            cx.observe(entry.version.stamp);
            let known = self.map.entries.get(entry.key.as_str());
            if known.is_none_or(|known| known.version < entry.version) {
                let (item, replaces) = self.map.set(entry);
                self.gossip.keep(item, replaces);
            }
        }
    }

    /// The entry of a key that exists.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.map.entries.get(key).filter(|entry| entry.value.is_some())
    }

    /// The keys that exist and begin with `prefix`, in order.
    pub(crate) fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let from = self
            .map
            .entries
            .range::<str, _>((core::ops::Bound::Included(prefix), core::ops::Bound::Unbounded));
        let within = from.take_while(move |(key, _)| key.starts_with(prefix));
        within.map(|(_, entry)| entry).filter(|entry| entry.value.is_some())
    }

    /// Everything, tombstones included.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.map.entries.values()
    }

    pub(crate) fn poll_store(&mut self) -> Option<Entry> {
        self.map.journal.as_mut()?.pop_front()
    }

    /// A number that nodes with the same contents share.
    pub(crate) fn contents(&self) -> u64 {
        self.gossip.set().fingerprint().digest()
    }

    /// How many keys exist, how many tombstones there are, and the bytes of both.
    pub(crate) fn load(&self) -> (usize, usize, usize) {
        let tombstones = self.map.tombstones.len();
        (self.map.entries.len() - tombstones, tombstones, self.map.bytes)
    }

    /// Forgets deletions that are older than a tombstone's life, at the same points of cluster time
    /// as all nodes.
    fn expire(&mut self, cx: &mut Context<'_>) {
        let life = cx.config().replica.tombstone_life.as_millis() as u64;
        let step = (life / 32).max(1000);
        let floor = Stamp::from_millis(cx.cluster_millis().saturating_sub(life) / step * step);
        self.map.floor = self.map.floor.max(floor);
        while let Some(&item) = self.map.tombstones.first().filter(|i| i.stamp < self.map.floor) {
            self.gossip.forget(item);
            self.map.forget(item);
        }
    }
}

/// Checks a key: text without control characters, not empty, not too long.
fn check_key(key: &str, limit: usize) -> Result<(), PutError> {
    if key.is_empty() {
        return Err(PutError::EmptyKey);
    }
    if key.len() > limit {
        return Err(PutError::LongKey { bytes: key.len(), limit });
    }
    key.chars().find(|c| c.is_control()).map_or(Ok(()), |bad| Err(PutError::BadKey(bad)))
}

impl Protocol for Replica {
    fn name(&self) -> &str {
        "replica"
    }

    fn period(&self) -> Duration {
        self.gossip.manner().pull_interval()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.expire(cx);
        self.gossip.pull(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        match self.gossip.receive(cx, &mut self.map, from, message) {
            Ok(progress) => {
                if let (Some(total), Some(peer)) = (progress.catching_up, cx.roster().peer(from)) {
                    let (from, have) = (peer.name.clone(), self.gossip.set().len() as u64);
                    cx.event(Event::CatchUp { from, have, total: total.max(have) });
                }
            }
            Err(_) => cx.stats().dropped_malformed += 1,
        }
    }

    fn digest(&self, _: Instant) -> Option<u64> {
        self.gossip.digest()
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.gossip.differs(cx, peer);
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.gossip.wake(cx, &self.map);
    }
}

impl Map {
    /// Sets a key's state; returns its item, and that of the state before.
    fn set(&mut self, entry: Entry) -> (Item, Option<Item>) {
        let replaces = self.entries.get(entry.key.as_str()).map(Entry::item);
        if let Some(before) = replaces {
            self.forget(before);
        }
        let item = entry.item();
        let key: Arc<str> = entry.key.as_str().into();
        self.keys.insert(item.id, key.clone());
        self.bytes += entry.bytes();
        if entry.value.is_none() {
            self.tombstones.insert(item);
        }
        self.entries.insert(key, entry);
        (item, replaces)
    }

    fn forget(&mut self, item: Item) {
        self.tombstones.remove(&item);
        if let Some(entry) = self.keys.remove(&item.id).and_then(|key| self.entries.remove(&key)) {
            self.bytes -= entry.bytes();
        }
    }

    /// Notes a change for the store.
    fn note(&mut self, entry: &Entry) {
        if let Some(journal) = &mut self.journal {
            journal.push_back(entry.clone());
        }
    }

    fn held(&self, id: u64) -> Option<&Entry> {
        self.keys.get(&id).and_then(|key| self.entries.get(key))
    }
}

impl Shelf for Map {
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        heard: &Heard,
        _pulled: bool,
    ) -> Result<Taken, WireError> {
        let entry = Entry::decode(&heard.entry)?;
        let long = entry.value.as_ref().map_or(0, Vec::len) > self.max_value;
        if long || check_key(&entry.key, self.max_key).is_err() {
            return Err(WireError::Malformed);
        }
        cx.observe(entry.version.stamp);
        match self.entries.get(entry.key.as_str()) {
            Some(mine) if mine.version == entry.version => return Ok(Taken::Known(entry.item())),
            Some(mine) if mine.version > entry.version && !broken(Rule::LastWriterWins) => {
                return Ok(Taken::Outdated(mine.item()));
            }
            None if entry.value.is_none() && entry.version.stamp < self.floor => {
                return Ok(Taken::Stale);
            }
            _ => {}
        }
        let (item, replaces) = self.set(entry.clone());
        self.note(&entry);
        cx.event(Event::Key(KeyChange { entry, local: false }));
        Ok(Taken::New { item, replaces, tell: true })
    }

    fn entry(&self, id: u64) -> Option<Vec<u8>> {
        self.held(id).map(Entry::encode)
    }

    fn wants(&self, item: Item) -> bool {
        !self.keys.contains_key(&item.id)
    }

    fn round(&self, _: Instant, _: u64) -> u32 {
        0
    }
}
