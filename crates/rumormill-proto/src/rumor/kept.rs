//! The events that a node keeps, and for how long.
//!
//! An event is sent to peers until it is as old as the *retention*. Its id is remembered until it is
//! twice as old, to recognize the event if a peer whose time runs more slowly still sends it. A node
//! refuses an event that is older than the retention. So no event is delivered twice unless one
//! node's time runs at less than half the speed of another's.
//!
//! All of this is elapsed time, which an event carries along as its age; the clocks of its origin
//! and of the nodes on its way don't matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Stamp;
use crate::codec::{Reader, WireError, Write};
use crate::gossip::item::Item;
use crate::gossip::messages::WireEntry;
use crate::gossip::storage::{Outcome, Storage};
use crate::identity::NodeId;
use crate::notice::Notice;
use crate::protocol::Context;
use crate::rumor::event::{Event, EventId, Kind, Validator};
use crate::rumor::record::EventRecord;
use crate::rumor::settings::EventSettings;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// A node that starts also delivers events published up to this long before: an event published just
/// after the start might seem older than the node.
const MARGIN: Duration = Duration::from_secs(2);

/// Ages may be wrong by one part in this many, as clocks run fast or slow.
const DRIFT: u32 = 16;

/// The longest part of an age that is taken from clocks: the time between nodes, which none measures.
const TRANSIT: Duration = Duration::from_secs(5);

/// Events published up to this much after one that was evicted are too old as well, in milliseconds.
const EVICTION_MARGIN: i64 = 1000;

/// The events that are kept.
#[derive(Default)]
pub(crate) struct Kept {
    /// By id, those that are only recognized included.
    pub(super) rumors: BTreeMap<u64, KeptRumor>,
    /// Those that are sent, oldest first: when they were published, and their ids.
    present: BTreeSet<(i64, u64)>,
    /// Those that are only recognized.
    past: BTreeSet<(i64, u64)>,
    /// The bytes of the payloads.
    pub(crate) bytes: usize,
    /// Events published earlier are too old, since there was no room for them.
    floor: Option<i64>,
    pub(crate) validator: Option<Validator>,
    max_payload: usize,
    interval: Duration,
    /// In milliseconds.
    retention: i64,
    pub(super) started: Instant,
}

pub(super) struct KeptRumor {
    item: Item,
    kind: Kind,
    rumor: Event,
    arrival: Arrival,
    received: Instant,
    copies: u32,
}

/// How an event arrived; the default is that it was published here.
#[derive(Clone, Copy, Default)]
pub(super) struct Arrival {
    /// The time elapsed since it was published.
    elapsed: Duration,
    pulled: bool,
    rejected: bool,
}

/// Returns the milliseconds of the driver's clock; before its origin they are negative.
fn millis(now: Instant) -> i64 {
    (now.as_nanos() / 1_000_000) as i64
}

/// Returns the time `age` ago, in milliseconds of the driver's clock.
fn origin(now: Instant, age: Duration) -> i64 {
    millis(now).saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

impl Kept {
    pub(super) fn new(config: &EventSettings) -> Self {
        Self {
            max_payload: config.max_payload,
            interval: config.interval,
            retention: i64::try_from(config.retention.as_millis()).unwrap_or(i64::MAX / 4),
            ..Self::default()
        }
    }

    pub(super) fn is_valid(&mut self, rumor: &Event) -> bool {
        self.validator.as_mut().is_none_or(|validator| validator(rumor))
    }

    /// Returns the record of an event, while it is sent.
    pub(crate) fn record(&self, id: u64) -> Option<EventRecord> {
        let kept = self.rumors.get(&id)?;
        let present = self.present.contains(&(origin(kept.received, kept.arrival.elapsed), id));
        present.then(|| kept.record())
    }

    /// Keeps an event, and delivers it unless it was rejected or is older than this node.
    pub(super) fn add(
        &mut self,
        cx: &mut Context<'_>,
        kind: Kind,
        mut rumor: Event,
        arrival: Arrival,
    ) -> Item {
        let (item, received) = (Item { stamp: rumor.stamp, id: rumor.id.0 }, cx.now());
        let Arrival { elapsed, rejected, .. } = arrival;
        if rejected {
            rumor.payload = Vec::new();
        } else if elapsed - elapsed / DRIFT <= received.since(self.started) + MARGIN {
            let rumor = rumor.clone();
            cx.notify(match kind {
                Kind::Event => Notice::Event(rumor),
                // `Node::settle` subtracts this from the query's timeout.
                Kind::Query => Notice::Query { question: rumor, timeout: elapsed },
            });
        }
        self.bytes += rumor.payload.len();
        self.present.insert((origin(received, elapsed), item.id));
        self.rumors.insert(item.id, KeptRumor { item, kind, rumor, arrival, received, copies: 0 });
        item
    }

    /// Returns the events that are still sent, but have become older than the retention.
    pub(super) fn expired(&self, now: Instant) -> impl Iterator<Item = Item> {
        let old = self.present.range(..=(millis(now) - self.retention, u64::MAX));
        old.filter_map(|(_, id)| self.rumors.get(id)).map(|kept| kept.item)
    }

    /// Returns when the next event is to be dropped.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let sent = self.present.first().map(|(published, _)| published + self.retention);
        let known = self.past.first().map(|(published, _)| published + 2 * self.retention);
        let due = sent.into_iter().chain(known).min()?;
        Some(Instant::from_nanos(u64::try_from(due).unwrap_or(0).saturating_mul(1_000_000)))
    }

    /// Drops events that are older than the retention; returns those that are no longer sent.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Item> {
        let now = millis(now);
        let mut gone = Vec::new();
        while let Some(&(published, id)) = self.present.first()
            && published <= now - self.retention
        {
            self.present.pop_first();
            self.past.insert((published, id));
            if let Some(kept) = self.rumors.get_mut(&id) {
                self.bytes -= core::mem::take(&mut kept.rumor.payload).len();
                gone.push(kept.item);
            }
        }
        while let Some(&(published, id)) = self.past.first()
            && published <= now - 2 * self.retention
        {
            self.past.pop_first();
            self.rumors.remove(&id);
        }
        gone
    }

    /// Drops the oldest event; returns also whether it was still sent.
    pub(super) fn evict(&mut self) -> Option<(Item, bool)> {
        let past = self.past.pop_first();
        let whole = past.is_none();
        let (published, id) = past.or_else(|| self.present.pop_first())?;
        let kept = self.rumors.remove(&id)?;
        self.bytes -= kept.rumor.payload.len();
        self.floor = self.floor.max(Some(published + EVICTION_MARGIN));
        Some((kept.item, whole))
    }

    /// Reads an event from the bytes of [`KeptRumor::entry`].
    fn read(&self, cx: &Context<'_>, wire: &WireEntry) -> Result<(Kind, Event), WireError> {
        let mut reader = Reader(&wire.bytes);
        let kind = match reader.u8()? {
            0 => Kind::Event,
            1 => Kind::Query,
            _ => return Err(WireError::Malformed),
        };
        let (stamp, node) = (Stamp(reader.varint64()?), NodeId(reader.u64()?));
        let (origin, topic) = (reader.name()?, reader.name()?);
        let payload = reader.0.to_vec();
        if !stamp.is_sane() || payload.len() > self.max_payload {
            return Err(WireError::Malformed);
        }
        let id = EventId::of(node, stamp);
        let by_clocks = Duration::from_millis(cx.cluster_millis().saturating_sub(stamp.millis()));
        let plausible = by_clocks.clamp(wire.age, wire.age.saturating_add(TRANSIT));
        let age = if broken(Rule::ElapsedAges) { by_clocks } else { plausible };
        Ok((kind, Event { id, stamp, node, origin, topic, payload, round: wire.round, age }))
    }
}

impl Storage for Kept {
    fn insert(
        &mut self,
        cx: &mut Context<'_>,
        wire: &WireEntry,
        pulled: bool,
    ) -> Result<Outcome, WireError> {
        let (kind, rumor) = self.read(cx, wire)?;
        let elapsed = if broken(Rule::ElapsedAges) { rumor.age } else { wire.age };
        cx.observe(rumor.stamp);
        if let Some(known) = self.rumors.get_mut(&rumor.id.0) {
            known.copies += 1;
            if broken(Rule::DeliverOnce) {
                cx.notify(Notice::Event(rumor));
            }
            return Ok(Outcome::Duplicate(known.item));
        }
        let published = origin(cx.now(), elapsed);
        let old = published <= millis(cx.now()) - self.retention;
        if old || self.floor.is_some_and(|floor| published < floor) {
            return Ok(Outcome::Stale);
        }
        let rejected = !self.is_valid(&rumor);
        if rejected {
            cx.stats().events.rejected += 1;
        }
        let item = self.add(cx, kind, rumor, Arrival { elapsed, pulled, rejected });
        Ok(Outcome::New { item, replaces: None, push: !rejected })
    }

    fn wire_entry(&self, now: Instant, id: u64) -> Option<WireEntry> {
        let kept = self.rumors.get(&id).filter(|kept| !kept.arrival.rejected)?;
        let held = now.since(kept.received);
        let age = kept.arrival.elapsed + held;
        if age.as_millis() >= self.retention as u128 {
            return None;
        }
        let rounds = held.as_nanos() / self.interval.as_nanos().max(1);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX - 1);
        let round = kept.rumor.round.saturating_add(rounds).saturating_add(1);
        Some(WireEntry { round, age, bytes: kept.encode() })
    }

    fn lacks(&self, item: Item) -> bool {
        !self.rumors.contains_key(&item.id)
    }
}

impl KeptRumor {
    fn encode(&self) -> Vec<u8> {
        let Event { stamp, node, origin, topic, payload, .. } = &self.rumor;
        let mut out = Vec::with_capacity(payload.len() + 64);
        out.put(&[u8::from(self.kind == Kind::Query)]);
        out.put_varint(u128::from(stamp.0));
        out.put(&node.0.to_be_bytes());
        out.put_name(origin);
        out.put_name(topic);
        out.put(payload);
        out
    }

    fn record(&self) -> EventRecord {
        let Event { id, stamp, origin, topic, payload, round, age, .. } = &self.rumor;
        EventRecord {
            id: *id,
            stamp: *stamp,
            origin: origin.clone(),
            topic: topic.clone(),
            bytes: payload.len() as u64,
            round: *round,
            age: *age,
            pulled: self.arrival.pulled,
            copies: self.copies,
            rejected: self.arrival.rejected,
        }
    }
}
