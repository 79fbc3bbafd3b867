//! Keys and values: a map that every node stores, can be written at any node, and soon becomes equal at
//! all.
//!
//! The last writer wins, by a hybrid logical clock with the node's id to break ties. A deletion is
//! remembered by a tombstone for [`crate::KvSettings::tombstone_life`]. A new entry is pushed like a
//! rumor; entries that were missed are found by comparing sets, in each pull interval with one peer
//! while there are recent writes, and whenever a membership packet shows another digest.

pub(crate) mod entry;
pub(crate) mod key;
pub(crate) mod map;
pub(crate) mod settings;

use crate::clock::Stamp;
use crate::config::Config;
use crate::gossip::Gossip;
use crate::gossip::item::Item;
use crate::gossip::policy::Policy;
use crate::identity::{Identity, NodeId};
use crate::kv::entry::{Entry, KeyChange, Version};
use crate::kv::key::{PutError, check_key};
use crate::kv::map::Map;
use crate::notice::Notice;
use crate::protocol::{Context, Protocol};
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The key-value store as a [`Protocol`].
pub(crate) struct KvProtocol {
    pub(crate) gossip: Gossip,
    pub(crate) map: Map,
}

impl KvProtocol {
    pub(crate) fn new(config: &Config) -> Self {
        let policy = Policy::new(&config.events, config.max_datagram).for_kv();
        let map = Map::new(&config.kv);
        Self { gossip: Gossip::new(policy, |stats| &mut stats.kv), map }
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
        // Above the version that it replaces, whichever node wrote that.
        let before = self.map.get(key).map_or(Stamp::default(), |entry| entry.version.stamp);
        let stamp = cx.stamp().max(Stamp(before.0 + 1));
        let version = Version { stamp, node: cx.id() };
        self.set(cx, Entry { key: key.to_owned(), value, version });
        version
    }

    /// Stores an entry of this node's own, and pushes it.
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
        self.alarm(cx);
    }

    /// Takes over the entries of a store, without pushing, journaling or reporting them.
    ///
    /// The age of a tombstone is in doubt then: only the wall clock shows it, since no time was measured
    /// while the node was away.
    pub(crate) fn restore(&mut self, cx: &mut Context<'_>, entries: Vec<Entry>) {
        for entry in entries {
            cx.observe(entry.version.stamp);
            let known = self.map.get(entry.key.as_str());
            if known.is_none_or(|known| known.version < entry.version) {
                let age = cx.cluster_millis().saturating_sub(entry.version.stamp.millis());
                let (item, replaces) = self.map.set(cx.now(), entry, Duration::from_millis(age));
                self.gossip.keep(item, replaces);
                self.map.doubt(cx.now(), item);
            }
        }
        self.keep_house(cx);
    }

    /// Does what has become due with time, or with what a packet has shown of the members' clocks and
    /// entries, and requests the next call of [`Protocol::wake`].
    fn keep_house(&mut self, cx: &mut Context<'_>) {
        self.resolve_doubt(cx);
        self.expire(cx);
        self.restamp(cx);
        self.alarm(cx);
    }

    /// Requests the next call of [`Protocol::wake`]: for a round, for a pull, or to end the life of
    /// tombstones. Those whose time is up within a pull interval go together.
    fn alarm(&mut self, cx: &mut Context<'_>) {
        let expiry = self.map.next_expiry(cx.now()).map(|at| at + self.gossip.policy.pull_interval);
        let gossip = self.gossip.schedule(cx);
        cx.wake_at(gossip.into_iter().chain(expiry).min());
    }

    /// Dates the tombstones of a store again, once most clocks agree with this node's time.
    fn resolve_doubt(&mut self, cx: &mut Context<'_>) {
        if self.map.has_doubt() && cx.clock().is_confirmed(cx.now()) {
            for item in self.map.resolve_doubt(cx.now(), cx.cluster_millis()) {
                self.gossip.keep(item, None);
            }
        }
    }

    /// Returns the entry of a key that exists.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.map.get(key).filter(|entry| entry.value.is_some())
    }

    /// Returns the digest of all entries.
    pub(crate) fn contents(&self) -> u64 {
        self.gossip.set.fingerprint().digest()
    }

    /// Returns the digest of all entries but the tombstones whose life is over: members drop those at
    /// different times.
    pub(crate) fn lasting(&self, now: Instant) -> u64 {
        self.gossip.fingerprint_without(self.map.expired(now)).digest()
    }

    /// Drops tombstones whose life is over.
    fn expire(&mut self, cx: &mut Context<'_>) {
        for item in self.map.expire(cx.now()) {
            self.gossip.forget(item);
        }
        let evicted = self.map.release(cx.now(), self.gossip.differing().min());
        self.gossip.stats(cx).evicted += evicted;
    }

    /// Writes entries again that are stamped too far ahead of a clock that most members agree with:
    /// they were written while the clock of this node, or of the whole cluster, was wrong. Other nodes
    /// would refuse such an entry, and no write could replace it.
    fn restamp(&mut self, cx: &mut Context<'_>) {
        if !cx.clock().is_confirmed(cx.now()) || broken(Rule::Restamp) {
            return;
        }
        let limit = Item { stamp: cx.clock().limit(cx.now()), id: 0 };
        let ahead: Vec<Item> = self.gossip.set.iter(limit, Item::END).collect();
        for item in ahead {
            let Some(entry) = self.map.held(item.id).cloned() else { continue };
            let version = Version { stamp: cx.stamp(), node: cx.id() };
            // A stamp that others refuse as well gains nothing, and would be replaced again and again.
            if version.stamp >= limit.stamp {
                return;
            }
            self.gossip.stats(cx).restamped += 1;
            self.set(cx, Entry { version, ..entry });
        }
    }
}

impl Protocol for KvProtocol {
    fn name(&self) -> &str {
        "replica"
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.gossip.start(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        match self.gossip.receive(cx, &mut self.map, from, message) {
            Ok(catching_up) => {
                if let (Some(total), Some(peer)) = (catching_up, cx.roster().peer(from)) {
                    let (from, have) = (peer.name.clone(), self.gossip.set.len() as u64);
                    cx.notify(Notice::CatchUp { from, have, total: total.max(have) });
                }
            }
            Err(_) => cx.stats().dropped_malformed += 1,
        }
        self.alarm(cx);
    }

    fn digest(&self, now: Instant) -> Option<u64> {
        self.gossip.digest_without(self.map.expired(now))
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.expire(cx);
        let lasting = self.gossip.differs(cx, peer);
        self.keep_house(cx);
        let Some(elapsed) = lasting else { return };
        if let Some(member) = cx.roster().peer(peer).map(|peer| peer.name.clone()) {
            cx.notify(Notice::KvDiffers { member, elapsed });
        }
    }

    fn agrees(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.gossip.agrees(cx.now(), peer);
        self.keep_house(cx);
    }

    fn peer_joined(&mut self, cx: &mut Context<'_>, _: &Identity) {
        self.alarm(cx);
    }

    fn peer_expired(&mut self, cx: &mut Context<'_>, peer: &Identity) {
        self.gossip.expired(peer.id());
        self.keep_house(cx);
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.keep_house(cx);
        self.gossip.wake(cx, &self.map);
        self.alarm(cx);
    }
}
