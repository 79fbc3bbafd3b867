//! What a node holds of the replica, by key; and how long it remembers what was deleted.
//!
//! A tombstone is told, and counts in digests, until it is as old as `tombstone_life`. It travels
//! with its age, the time that has elapsed at the nodes that held it one after the other, so that
//! all let go of it at about the same time, whatever their clocks show. After that a node still
//! guards the key with it while some member is known to hold something else since before: that may
//! be the old value, which would rise again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::codec::WireError;
use crate::gossip::item::Item;
use crate::gossip::messages::Heard;
use crate::gossip::shelf::{Shelf, Taken};
use crate::kv::entry::{Entry, KeyChange};
use crate::kv::key::check_key;
use crate::kv::settings::KvSettings;
use crate::notice::Notice;
use crate::protocol::Context;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The most keys that are guarded after their tombstones' life.
const MOST_GUARDED: usize = 1 << 17;

/// What is held.
#[derive(Default)]
pub(super) struct Map {
    entries: BTreeMap<Arc<str>, Entry>,
    keys: BTreeMap<u64, Arc<str>>,
    /// Deleted keys' items, each with the instant at which its life ends.
    tombstones: BTreeMap<Item, Instant>,
    /// Those that are alive, by that instant.
    alive: BTreeSet<(Instant, Item)>,
    /// Those that are over and still guard their keys.
    guards: BTreeSet<(Instant, Item)>,
    bytes: usize,
    journal: Option<VecDeque<Entry>>,
    max_key: usize,
    max_value: usize,
    tombstone_life: Duration,
}

impl Map {
    pub(super) fn new(config: &KvSettings) -> Self {
        Self {
            journal: config.journal.then(VecDeque::new),
            max_key: config.max_key,
            max_value: config.max_value,
            tombstone_life: config.tombstone_life,
            ..Self::default()
        }
    }

    /// The entry of a key, tombstones included.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The entries whose keys begin with `prefix`, tombstones included, by key.
    pub(super) fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let from = self
            .entries
            .range::<str, _>((core::ops::Bound::Included(prefix), core::ops::Bound::Unbounded));
        from.take_while(move |(key, _)| key.starts_with(prefix)).map(|(_, entry)| entry)
    }

    /// How many entries there are, tombstones included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of those are tombstones.
    pub(super) fn tombstones(&self) -> usize {
        self.tombstones.len()
    }

    /// Bytes of keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn poll_store(&mut self) -> Option<Entry> {
        self.journal.as_mut()?.pop_front()
    }

    /// Notes a change for the store.
    pub(super) fn note(&mut self, entry: &Entry) {
        if let Some(journal) = &mut self.journal {
            journal.push_back(entry.clone());
        }
    }

    pub(super) fn held(&self, id: u64) -> Option<&Entry> {
        self.keys.get(&id).and_then(|key| self.entries.get(key))
    }

    /// Sets a key's state, which if it is a tombstone is `age` old; returns its item, and that of
    /// the state before.
    pub(super) fn set(
        &mut self,
        now: Instant,
        entry: Entry,
        age: Duration,
    ) -> (Item, Option<Item>) {
        let replaces = self.get(entry.key.as_str()).map(Entry::item);
        if let Some(before) = replaces {
            self.forget(before);
        }
        let item = entry.item();
        let key: Arc<str> = entry.key.as_str().into();
        self.keys.insert(item.id, key.clone());
        self.bytes += entry.bytes();
        if entry.value.is_none() {
            let end = now + self.tombstone_life.saturating_sub(age);
            self.tombstones.insert(item, end);
            self.alive.insert((end, item));
        }
        self.entries.insert(key, entry);
        (item, replaces)
    }

    pub(super) fn forget(&mut self, item: Item) {
        if let Some(end) = self.tombstones.remove(&item) {
            self.alive.remove(&(end, item));
            self.guards.remove(&(end, item));
        }
        if let Some(entry) = self.keys.remove(&item.id).and_then(|key| self.entries.remove(&key)) {
            self.bytes -= entry.bytes();
        }
    }

    /// Tombstones whose life is over, but are still told.
    pub(super) fn expired(&self, now: Instant) -> impl Iterator<Item = Item> {
        self.alive.range(..=(now, Item::END)).map(|(_, item)| *item)
    }

    /// Ends the life of tombstones whose time has come: they only guard their keys from now on.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Item> {
        let over: Vec<Item> = self.expired(now).collect();
        while let Some(&(end, item)) = self.alive.first().filter(|(end, _)| *end <= now) {
            self.alive.pop_first();
            self.guards.insert((end, item));
        }
        over
    }

    /// Forgets guards that nobody needs: since they were over, every member was seen to hold the
    /// same. `differing` says since when the member has differed that has done so the longest.
    /// Returns how many had to go for lack of room.
    pub(super) fn release(&mut self, differing: Option<Instant>) -> u64 {
        let mut evicted = 0;
        while let Some(&(end, item)) = self.guards.first() {
            let differs = differing.is_some_and(|since| since <= end);
            let needed = differs && !broken(Rule::GuardDeleted);
            if needed && self.guards.len() <= MOST_GUARDED {
                break;
            }
            evicted += u64::from(needed);
            self.forget(item);
        }
        evicted
    }

    /// How old a tombstone is.
    fn age(&self, now: Instant, item: Item) -> Duration {
        let left = self.tombstones.get(&item).map(|end| end.since(now));
        left.map_or(Duration::ZERO, |left| self.tombstone_life.saturating_sub(left))
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
        let bad = long || check_key(&entry.key, self.max_key).is_err();
        if bad || !cx.accepts(entry.version.stamp) {
            return Ok(Taken::Refused);
        }
        cx.observe(entry.version.stamp);
        // Only who has something to lose by it needs a deletion that others forget already.
        let over = entry.value.is_none() && heard.age >= self.tombstone_life;
        match self.get(entry.key.as_str()) {
            Some(mine) if mine.version == entry.version => return Ok(Taken::Known(entry.item())),
            Some(mine) if mine.version > entry.version && !broken(Rule::LastWriterWins) => {
                return Ok(Taken::Outdated(mine.item()));
            }
            None if over => return Ok(Taken::Stale),
            _ => {}
        }
        let (item, replaces) = self.set(cx.now(), entry.clone(), heard.age);
        self.note(&entry);
        cx.notify(Notice::Key(KeyChange::new(entry, cx.roster(), false)));
        Ok(Taken::New { item, replaces, tell: !over })
    }

    fn heard(&self, now: Instant, id: u64) -> Option<Heard> {
        let entry = self.held(id)?;
        Some(Heard { round: 0, age: self.age(now, entry.item()), entry: entry.encode() })
    }

    fn wants(&self, item: Item) -> bool {
        !self.keys.contains_key(&item.id)
    }
}
