//! Events: each spreads as a rumor, reaches every node that is up once, and is then forgotten.
//!
//! An event is identified by its origin's incarnation and a stamp of cluster time; the stamp serves as
//! a sequence number, since a node never uses one twice. It travels with its *age*: the time that has
//! elapsed at the nodes that held it one after the other. So no clock need be right for an event to be
//! kept, forgotten and delivered in time, and once. [`kept`] has the rules.

pub(crate) mod event;
pub(crate) mod kept;
pub(crate) mod record;
pub(crate) mod settings;
pub(crate) mod stop;

use crate::gossip::Gossip;
use crate::gossip::item::Item;
use crate::gossip::policy::Policy;
use crate::identity::{Identity, Name, NodeId};
use crate::protocol::{Context, Protocol};
use crate::rumor::event::{Event, EventId, Kind, PublishError};
use crate::rumor::kept::{Arrival, Kept};
use crate::rumor::record::EventRecord;
use crate::rumor::settings::EventSettings;
use crate::time::{Duration, Instant};

/// Rumor mongering as a [`Protocol`].
pub(crate) struct Rumors {
    pub(crate) gossip: Gossip,
    pub(crate) kept: Kept,
}

impl Rumors {
    pub(crate) fn new(config: &EventSettings, max_datagram: usize) -> Self {
        let policy = Policy::new(config, max_datagram);
        let kept = Kept::new(config);
        Self { gossip: Gossip::new(policy, |stats| &mut stats.events), kept }
    }

    /// Publishes an event or a query to all nodes, this one included.
    pub(crate) fn publish(
        &mut self,
        cx: &mut Context<'_>,
        kind: Kind,
        topic: &Name,
        payload: &[u8],
    ) -> Result<EventId, PublishError> {
        let config = &cx.config().events;
        if payload.len() > config.max_payload {
            let limit = config.max_payload;
            return Err(PublishError::TooLarge { bytes: payload.len(), limit });
        }
        if self.gossip.hot() >= config.max_queue {
            return Err(PublishError::QueueFull { limit: config.max_queue });
        }
        let (node, stamp) = (cx.id(), cx.stamp());
        let rumor = Event {
            id: EventId::of(node, stamp),
            stamp,
            node,
            origin: cx.roster().me().name.clone(),
            topic: topic.clone(),
            payload: payload.to_vec(),
            round: 0,
            age: Duration::ZERO,
        };
        if !self.kept.is_valid(&rumor) {
            return Err(PublishError::Rejected);
        }
        let id = rumor.id;
        let item = self.kept.add(cx, kind, rumor, Arrival::default());
        self.gossip.publish(cx, &self.kept, item, None);
        self.make_room(cx);
        self.alarm(cx);
        Ok(id)
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = EventRecord> + '_ {
        let items = self.gossip.set.iter(Item::FIRST, Item::END);
        items.filter_map(|item| self.kept.record(item.id))
    }

    /// Requests the next call of [`Protocol::wake`]: for a round, for a pull, or to drop events. Those
    /// that become too old within a pull interval are dropped together.
    fn alarm(&mut self, cx: &mut Context<'_>) {
        let drop = self.kept.next_expiry().map(|at| at + self.gossip.policy.pull_interval);
        let gossip = self.gossip.schedule(cx);
        cx.wake_at(gossip.into_iter().chain(drop).min());
    }

    /// Drops events that are older than the retention.
    fn expire(&mut self, cx: &mut Context<'_>) {
        for item in self.kept.expire(cx.now()) {
            self.gossip.forget(item);
        }
    }

    /// Drops the oldest events while there are too many.
    fn make_room(&mut self, cx: &mut Context<'_>) {
        let config = &cx.config().events;
        let (most, most_bytes) = (config.max_events, config.max_bytes);
        while self.kept.rumors.len() > most || self.kept.bytes > most_bytes {
            let Some((item, kept_whole)) = self.kept.evict() else { return };
            self.gossip.forget(item);
            self.gossip.stats(cx).evicted += u64::from(kept_whole);
        }
    }
}

impl Protocol for Rumors {
    fn name(&self) -> &str {
        "rumor"
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.kept.started = cx.now();
        self.gossip.start(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        self.expire(cx);
        let received = self.gossip.receive(cx, &mut self.kept, from, message);
        if received.is_err() {
            cx.stats().dropped_malformed += 1;
        }
        self.make_room(cx);
        self.alarm(cx);
    }

    fn digest(&self, now: Instant) -> Option<u64> {
        // Events that have become too old and are yet to be dropped don't count.
        self.gossip.digest_without(self.kept.expired(now))
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.expire(cx);
        self.gossip.differs(cx, peer);
        self.alarm(cx);
    }

    fn agrees(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.gossip.agrees(cx.now(), peer);
    }

    fn peer_joined(&mut self, cx: &mut Context<'_>, _: &Identity) {
        self.alarm(cx);
    }

    fn peer_expired(&mut self, cx: &mut Context<'_>, peer: &Identity) {
        self.gossip.expired(peer.id());
        self.alarm(cx);
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.expire(cx);
        self.gossip.wake(cx, &self.kept);
        self.alarm(cx);
    }
}
