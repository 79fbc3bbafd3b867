//! The entries that a node holds, by key; and for how long it remembers deletions.
//!
//! A tombstone is sent, and counts in digests, until it is as old as `tombstone_life`. It travels
//! with its age, the time that has elapsed at the nodes that held it one after the other, so that
//! all nodes drop it at about the same time, whatever their clocks show. After that a node still
//! guards the key with it while some member has differed since before: that member may hold the old
//! value, which would come back.
//!
//! Only the wall clock shows the age of a tombstone from a store, since no time was measured while the
//! node was away. Until most members' clocks agree with this node's, that age is in *doubt*, and the
//! tombstone guards its key.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::codec::WireError;
use crate::gossip::item::Item;
use crate::gossip::messages::WireEntry;
use crate::gossip::storage::{Outcome, Storage};
use crate::kv::entry::{Entry, KeyChange};
use crate::kv::key::check_key;
use crate::kv::settings::KvSettings;
use crate::notice::Notice;
use crate::protocol::Context;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The most keys that are guarded after their tombstones' life.
const MOST_GUARDED: usize = 1 << 17;

/// A change for a store: a key and its entry, or `None` when nothing of the key needs to be kept.
pub(crate) type StoreChange = (String, Option<Entry>);

/// The entries that a node holds.
#[derive(Default)]
pub(crate) struct Map {
    pub(crate) entries: BTreeMap<Arc<str>, Entry>,
    keys: BTreeMap<u64, Arc<str>>,
    /// The items of tombstones, each with the instant at which its life ends.
    pub(crate) tombstones: BTreeMap<Item, Instant>,
    /// Tombstones whose life has not ended, by that instant.
    alive: BTreeSet<(Instant, Item)>,
    /// Tombstones whose life has ended and that still guard their keys.
    guards: BTreeSet<(Instant, Item)>,
    /// Tombstones from a store whose age is in doubt, each with the instant until which it guards its key.
    doubtful: BTreeMap<Item, Instant>,
    /// The bytes of keys and values.
    pub(crate) bytes: usize,
    /// The changes that the store has yet to take.
    pub(crate) journal: Option<VecDeque<StoreChange>>,
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

    /// Returns the entry of a key, tombstones included.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Returns the entries whose keys begin with `prefix`, tombstones included, by key.
    pub(crate) fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let from = self
            .entries
            .range::<str, _>((core::ops::Bound::Included(prefix), core::ops::Bound::Unbounded));
        from.take_while(move |(key, _)| key.starts_with(prefix)).map(|(_, entry)| entry)
    }

    /// Journals a change for the store.
    pub(super) fn note(&mut self, entry: &Entry) {
        if let Some(journal) = &mut self.journal {
            journal.push_back((entry.key.clone(), Some(entry.clone())));
        }
    }

    /// Doubts the age of a tombstone that a store has kept.
    pub(super) fn doubt(&mut self, now: Instant, item: Item) {
        if self.tombstones.contains_key(&item) {
            self.doubtful.insert(item, now + self.tombstone_life);
        }
    }

    /// Computes the ages in doubt anew, with the time of day in milliseconds since 1970; returns the
    /// tombstones that had them. All live on until they are next expired.
    pub(super) fn resolve_doubt(&mut self, now: Instant, millis: u64) -> Vec<Item> {
        let doubtful = core::mem::take(&mut self.doubtful);
        for &item in doubtful.keys() {
            let age = Duration::from_millis(millis.saturating_sub(item.stamp.millis()));
            let end = now + self.tombstone_life.saturating_sub(age);
            if let Some(before) = self.tombstones.insert(item, end) {
                self.alive.remove(&(before, item));
                self.guards.remove(&(before, item));
            }
            self.alive.insert((end, item));
        }
        doubtful.into_keys().collect()
    }

    pub(super) fn has_doubt(&self) -> bool {
        !self.doubtful.is_empty()
    }

    pub(super) fn held(&self, id: u64) -> Option<&Entry> {
        self.keys.get(&id).and_then(|key| self.entries.get(key))
    }

    /// Stores an entry; a tombstone is `age` old. Returns its item, and that of the entry before.
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
            self.doubtful.remove(&item);
        }
        if let Some(entry) = self.keys.remove(&item.id).and_then(|key| self.entries.remove(&key)) {
            self.bytes -= entry.bytes();
        }
    }

    /// Returns the tombstones whose life is over, but that are still sent.
    pub(super) fn expired(&self, now: Instant) -> impl Iterator<Item = Item> {
        self.alive.range(..=(now, Item::END)).map(|(_, item)| *item)
    }

    /// Returns when the life of the next tombstone ends, or the age of one in doubt no longer matters.
    pub(super) fn next_expiry(&self, now: Instant) -> Option<Instant> {
        let life = self.alive.first().map(|(end, _)| *end);
        // Only the first guard can be released; see `Map::release`.
        let guard = self.guards.first().and_then(|(_, item)| self.doubtful.get(item));
        life.into_iter().chain(guard.copied().filter(|until| *until > now)).min()
    }

    /// Ends the life of tombstones that are old enough: from now on they only guard their keys.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Item> {
        let over: Vec<Item> = self.expired(now).collect();
        while let Some(&(end, item)) = self.alive.first().filter(|(end, _)| *end <= now) {
            self.alive.pop_first();
            self.guards.insert((end, item));
        }
        over
    }

    /// Drops guards that are no longer needed: since their life ended, every member was seen to hold
    /// the same, and their age is not in doubt. `differing` is the instant since which some member has differed. Returns how many
    /// were dropped for lack of room.
    pub(super) fn release(&mut self, now: Instant, differing: Option<Instant>) -> u64 {
        let mut evicted = 0;
        while let Some(&(end, item)) = self.guards.first() {
            let differs = differing.is_some_and(|since| since <= end);
            let in_doubt = self.doubtful.get(&item).is_some_and(|until| *until > now);
            let needed = (differs || in_doubt) && !broken(Rule::GuardDeleted);
            if needed && self.guards.len() <= MOST_GUARDED {
                break;
            }
            evicted += u64::from(needed);
            if let (Some(journal), Some(key)) = (&mut self.journal, self.keys.get(&item.id)) {
                journal.push_back((key.to_string(), None));
            }
            self.forget(item);
        }
        evicted
    }

    /// Returns the age of a tombstone; while that is in doubt, the time since it was restored.
    fn age(&self, now: Instant, item: Item) -> Duration {
        let end = self.doubtful.get(&item).or_else(|| self.tombstones.get(&item));
        let left = end.map(|end| end.since(now));
        left.map_or(Duration::ZERO, |left| self.tombstone_life.saturating_sub(left))
    }
}

impl Storage for Map {
    fn insert(
        &mut self,
        cx: &mut Context<'_>,
        wire: &WireEntry,
        _pulled: bool,
    ) -> Result<Outcome, WireError> {
        let entry = Entry::decode(&wire.bytes)?;
        let long = entry.value.as_ref().map_or(0, Vec::len) > self.max_value;
        let bad = long || check_key(&entry.key, self.max_key).is_err();
        if bad || !cx.accepts(entry.version.stamp) {
            return Ok(Outcome::Refused);
        }
        cx.observe(entry.version.stamp);
        // A deletion that others forget already matters only to a node that has the key.
        let over = entry.value.is_none() && wire.age >= self.tombstone_life;
        match self.get(entry.key.as_str()) {
            Some(mine) if mine.version == entry.version => {
                return Ok(Outcome::Duplicate(entry.item()));
            }
            Some(mine) if mine.version > entry.version && !broken(Rule::LastWriterWins) => {
                return Ok(Outcome::Outdated(mine.item()));
            }
            None if over => return Ok(Outcome::Stale),
            _ => {}
        }
        let (item, replaces) = self.set(cx.now(), entry.clone(), wire.age);
        self.note(&entry);
        cx.notify(Notice::Key(KeyChange::new(entry, cx.roster(), false)));
        Ok(Outcome::New { item, replaces, push: !over })
    }

    fn wire_entry(&self, now: Instant, id: u64) -> Option<WireEntry> {
        let entry = self.held(id)?;
        Some(WireEntry { round: 0, age: self.age(now, entry.item()), bytes: entry.encode() })
    }

    fn lacks(&self, item: Item) -> bool {
        !self.keys.contains_key(&item.id)
    }
}
