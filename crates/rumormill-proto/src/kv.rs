//! Keys and values: a map that every node stores, written at any of them, equal at all soon after.
//!
//! The last writer wins, by a hybrid logical clock with the node's id to break ties. What was
//! deleted is remembered by a tombstone for [`crate::KvSettings::tombstone_life`]. A fresh update is
//! told like a rumor; whatever was missed is found by comparing sets, each round with one peer
//! while there is news, and whenever a membership packet shows another digest.

pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod key;
pub(crate) mod map;
pub(crate) mod settings;

use crate::clock::Stamp;
use crate::config::Config;
use crate::gossip::Gossip;
use crate::gossip::item::Item;
use crate::gossip::manner::Manner;
use crate::identity::{Identity, NodeId};
use crate::kv::entry::{Entry, KeyChange, Version};
use crate::kv::error::PutError;
use crate::kv::key::check_key;
use crate::kv::map::Map;
use crate::notice::Notice;
use crate::protocol::{Context, Protocol};
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The replica as a [`Protocol`].
pub(crate) struct KvProtocol {
    gossip: Gossip,
    map: Map,
}

impl KvProtocol {
    pub(crate) fn new(config: &Config) -> Self {
        let manner = Manner::new(&config.events, config.max_datagram).of_state();
        let map = Map::new(&config.kv);
        Self { gossip: Gossip::new(manner, |stats| &mut stats.kv), map }
    }

    pub(crate) fn put(
        &mut self,
        cx: &mut Context<'_>,
        key: &str,
        value: &[u8],
    ) -> Result<Version, PutError> {
        let config = &cx.config().kv;
        check_key(key, config.max_key)?;
        if value.len() > config.max_value {
            return Err(PutError::LargeValue { bytes: value.len(), limit: config.max_value });
        }
        let before = self.map.get(key).map_or(0, Entry::bytes);
        let bytes = self.map.bytes() - before + key.len() + value.len();
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
        // Above the version that it replaces, whoever gave that its stamp.
        let before = self.map.get(key).map_or(Stamp::default(), |entry| entry.version.stamp);
        let stamp = cx.stamp().max(Stamp(before.0 + 1));
        let version = Version { stamp, node: cx.id() };
        self.set(cx, Entry { key: key.to_owned(), value, version });
        version
    }

    /// Holds an entry of this node's own, and tells it.
    fn set(&mut self, cx: &mut Context<'_>, entry: Entry) {
        let forgets = entry.value.is_none() && broken(Rule::Tombstones);
        self.map.note(&entry);
        cx.notify(Notice::Key(KeyChange::new(entry.clone(), cx.roster(), true)));
        let (item, replaces) = self.map.set(cx.now(), entry, Duration::ZERO);
        if forgets {
            self.map.forget(item);
            replaces.into_iter().for_each(|before| self.gossip.forget(before));
            return;
        }
        self.gossip.publish(cx, &self.map, item, replaces);
    }

    /// Takes over what a store has kept; nothing of it is told, noted or heard of.
    ///
    /// How old a tombstone is only the wall clock can say, since no time was measured while the node
    /// was away. If that makes it too young or too old, the others have it, or have forgotten it.
    pub(crate) fn restore(&mut self, cx: &mut Context<'_>, entries: Vec<Entry>) {
        for entry in entries {
            cx.observe(entry.version.stamp);
            let known = self.map.get(entry.key.as_str());
            if known.is_none_or(|known| known.version < entry.version) {
                let age = cx.cluster_millis().saturating_sub(entry.version.stamp.millis());
                let (item, replaces) = self.map.set(cx.now(), entry, Duration::from_millis(age));
                self.gossip.keep(item, replaces);
            }
        }
        self.expire(cx);
    }

    /// The entry of a key that exists.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.map.get(key).filter(|entry| entry.value.is_some())
    }

    /// The keys that exist and begin with `prefix`, in order.
    pub(crate) fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.map.list(prefix).filter(|entry| entry.value.is_some())
    }

    /// Everything, tombstones included.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.map.list("")
    }

    pub(crate) fn poll_store(&mut self) -> Option<Entry> {
        self.map.poll_store()
    }

    /// A number that nodes with the same contents share.
    pub(crate) fn contents(&self) -> u64 {
        self.gossip.set().fingerprint().digest()
    }

    /// How many keys exist, how many tombstones there are, and the bytes of both.
    pub(crate) fn load(&self) -> (usize, usize, usize) {
        let tombstones = self.map.tombstones();
        (self.map.len() - tombstones, tombstones, self.map.bytes())
    }

    /// How many members have held something else for long.
    pub(crate) fn differing_long(&self) -> usize {
        self.gossip.differing_long()
    }

    /// Lets go of tombstones that are older than their life.
    fn expire(&mut self, cx: &mut Context<'_>) {
        for item in self.map.expire(cx.now()) {
            self.gossip.forget(item);
        }
        let evicted = self.map.release(self.gossip.differing().min());
        self.gossip.stats(cx).evicted += evicted;
    }

    /// Writes anew what is stamped too far ahead of a clock that most others agree with: this node's
    /// clock was wrong when it was written, or that of the whole cluster. Nobody else takes it as it
    /// is, and nobody could overwrite it.
    fn restamp(&mut self, cx: &mut Context<'_>) {
        if !cx.clock().is_confirmed(cx.now()) || broken(Rule::Restamp) {
            return;
        }
        let limit = Item { stamp: cx.clock().limit(cx.now()), id: 0 };
        let ahead: Vec<Item> = self.gossip.set().iter(limit, Item::END).collect();
        for item in ahead {
            let Some(entry) = self.map.held(item.id).cloned() else { continue };
            let version = Version { stamp: cx.stamp(), node: cx.id() };
            self.gossip.stats(cx).restamped += 1;
            self.set(cx, Entry { version, ..entry });
        }
    }
}

impl Protocol for KvProtocol {
    fn name(&self) -> &str {
        "replica"
    }

    fn period(&self) -> Duration {
        self.gossip.manner().pull_interval()
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.expire(cx);
        self.restamp(cx);
        self.gossip.pull(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        match self.gossip.receive(cx, &mut self.map, from, message) {
            Ok(progress) => {
                if let (Some(total), Some(peer)) = (progress.catching_up, cx.roster().peer(from)) {
                    let (from, have) = (peer.name.clone(), self.gossip.set().len() as u64);
                    cx.notify(Notice::CatchUp { from, have, total: total.max(have) });
                }
            }
            Err(_) => cx.stats().dropped_malformed += 1,
        }
    }

    fn digest(&self, now: Instant) -> Option<u64> {
        self.gossip.digest_without(self.map.expired(now))
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.expire(cx);
        let Some(elapsed) = self.gossip.differs(cx, peer) else { return };
        if let Some(member) = cx.roster().peer(peer).map(|peer| peer.name.clone()) {
            cx.notify(Notice::KvDiffers { member, elapsed });
        }
    }

    fn agrees(&mut self, _: &mut Context<'_>, peer: NodeId) {
        self.gossip.agrees(peer);
    }

    fn peer_expired(&mut self, _: &mut Context<'_>, peer: &Identity) {
        self.gossip.agrees(peer.id());
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.gossip.wake(cx, &self.map);
    }
}
