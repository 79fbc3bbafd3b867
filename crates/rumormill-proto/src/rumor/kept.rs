//! What a node keeps of rumors, and for how long.
//!
//! A rumor is told, and given to those who missed it, until it is as old as the *retention*. Its id
//! is remembered until it is twice as old, so that it is known again if a peer whose time runs more
//! slowly still tells it. Nobody takes a rumor that is older than the retention. So nothing is
//! delivered twice unless one node's time runs at less than half the speed of another's.
//!
//! All of this is elapsed time, which a rumor carries along as its age; what the clocks of its
//! origin and of the nodes on its way show does not matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Stamp;
use crate::codec::{Reader, WireError, Write};
use crate::gossip::item::Item;
use crate::gossip::messages::Heard;
use crate::gossip::shelf::{Shelf, Taken};
use crate::identity::NodeId;
use crate::notice::Notice;
use crate::protocol::Context;
use crate::rumor::event::{Event, EventId, Kind, Validator};
use crate::rumor::record::EventRecord;
use crate::rumor::settings::EventSettings;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// A node that starts also hears what was published up to so long before, or what is published just
/// after might seem older than the node.
const MARGIN: Duration = Duration::from_secs(2);

/// Ages may be off by one part in so many, as clocks run fast or slow.
const DRIFT: u32 = 16;

/// How much of an age clocks may account for: the time between nodes, which none of them measures.
const TRANSIT: Duration = Duration::from_secs(5);

/// Rumors that came this much after one that had to go for lack of room are too old as well.
const EVICTION_MARGIN: i64 = 1000;

/// The rumors that are kept.
#[derive(Default)]
pub(super) struct Kept {
    rumors: BTreeMap<u64, KeptRumor>,
    /// Those that are told and given, oldest first: when they were published, and their ids.
    present: BTreeSet<(i64, u64)>,
    /// Those that are only known again.
    past: BTreeSet<(i64, u64)>,
    bytes: usize,
    /// What was published earlier is too old, since there was no room for it.
    floor: Option<i64>,
    validator: Option<Validator>,
    max_payload: usize,
    interval: Duration,
    /// In milliseconds.
    retention: i64,
    started: Instant,
}

struct KeptRumor {
    item: Item,
    kind: Kind,
    rumor: Event,
    came: Came,
    heard: Instant,
    copies: u32,
}

/// How a rumor came here.
#[derive(Clone, Copy)]
pub(super) struct Came {
    /// How long ago it was published, as time that has elapsed.
    elapsed: Duration,
    pulled: bool,
    rejected: bool,
}

impl Came {
    /// It is published here.
    pub(super) fn published() -> Self {
        Self { elapsed: Duration::ZERO, pulled: false, rejected: false }
    }
}

/// Milliseconds of the driver's clock; before its origin they are negative.
fn millis(now: Instant) -> i64 {
    (now.as_nanos() / 1_000_000) as i64
}

/// When what is `age` old happened, in milliseconds of the driver's clock.
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

    pub(super) fn start(&mut self, now: Instant) {
        self.started = now;
    }

    pub(super) fn set_validator(&mut self, validator: Option<Validator>) {
        self.validator = validator;
    }

    pub(super) fn is_valid(&mut self, rumor: &Event) -> bool {
        self.validator.as_mut().is_none_or(|validator| validator(rumor))
    }

    /// How many are remembered, those that are only known again included.
    pub(super) fn len(&self) -> usize {
        self.rumors.len()
    }

    /// Bytes of the payloads.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// When and how a rumor was heard, while it is told.
    pub(super) fn record(&self, id: u64) -> Option<EventRecord> {
        let kept = self.rumors.get(&id)?;
        let present = self.present.contains(&(origin(kept.heard, kept.came.elapsed), id));
        present.then(|| kept.record())
    }

    /// Keeps a rumor, and delivers it unless it was rejected or is older than this node.
    pub(super) fn add(
        &mut self,
        cx: &mut Context<'_>,
        kind: Kind,
        mut rumor: Event,
        came: Came,
    ) -> Item {
        let (item, heard) = (Item { stamp: rumor.stamp, id: rumor.id.0 }, cx.now());
        let Came { elapsed, rejected, .. } = came;
        if rejected {
            rumor.payload = Vec::new();
        } else if elapsed - elapsed / DRIFT <= heard.since(self.started) + MARGIN {
            let rumor = rumor.clone();
            cx.notify(match kind {
                Kind::Event => Notice::Event(rumor),
                // The node works out what is left of the question's time.
                Kind::Query => Notice::Query { question: rumor, timeout: elapsed },
            });
        }
        self.bytes += rumor.payload.len();
        self.present.insert((origin(heard, elapsed), item.id));
        self.rumors.insert(item.id, KeptRumor { item, kind, rumor, came, heard, copies: 0 });
        item
    }

    /// Those that are still told, but have become older than the retention.
    pub(super) fn expired(&self, now: Instant) -> impl Iterator<Item = Item> {
        let old = self.present.range(..=(millis(now) - self.retention, u64::MAX));
        old.filter_map(|(_, id)| self.rumors.get(id)).map(|kept| kept.item)
    }

    /// Lets go of what is older than the retention; returns what is told no longer.
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

    /// Forgets the oldest; says whether it was still told.
    pub(super) fn evict(&mut self) -> Option<(Item, bool)> {
        let past = self.past.pop_first();
        let whole = past.is_none();
        let (published, id) = past.or_else(|| self.present.pop_first())?;
        let kept = self.rumors.remove(&id)?;
        self.bytes -= kept.rumor.payload.len();
        self.floor = self.floor.max(Some(published + EVICTION_MARGIN));
        Some((kept.item, whole))
    }

    /// Reads a rumor from the bytes of [`KeptRumor::entry`].
    fn read(&self, cx: &Context<'_>, heard: &Heard) -> Result<(Kind, Event), WireError> {
        let mut reader = Reader(&heard.entry);
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
        let plausible = by_clocks.clamp(heard.age, heard.age.saturating_add(TRANSIT));
        let age = if broken(Rule::ElapsedAges) { by_clocks } else { plausible };
        Ok((kind, Event { id, stamp, node, origin, topic, payload, round: heard.round, age }))
    }
}

impl Shelf for Kept {
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        heard: &Heard,
        pulled: bool,
    ) -> Result<Taken, WireError> {
        let (kind, rumor) = self.read(cx, heard)?;
        let elapsed = if broken(Rule::ElapsedAges) { rumor.age } else { heard.age };
        cx.observe(rumor.stamp);
        if let Some(known) = self.rumors.get_mut(&rumor.id.0) {
            known.copies += 1;
            if broken(Rule::DeliverOnce) {
                cx.notify(Notice::Event(rumor));
            }
            return Ok(Taken::Known(known.item));
        }
        let published = origin(cx.now(), elapsed);
        let old = published <= millis(cx.now()) - self.retention;
        if old || self.floor.is_some_and(|floor| published < floor) {
            return Ok(Taken::Stale);
        }
        let rejected = !self.is_valid(&rumor);
        if rejected {
            cx.stats().events.rejected += 1;
        }
        let item = self.add(cx, kind, rumor, Came { elapsed, pulled, rejected });
        Ok(Taken::New { item, replaces: None, tell: !rejected })
    }

    fn heard(&self, now: Instant, id: u64) -> Option<Heard> {
        let kept = self.rumors.get(&id).filter(|kept| !kept.came.rejected)?;
        let held = now.since(kept.heard);
        let age = kept.came.elapsed + held;
        if age.as_millis() >= self.retention as u128 {
            return None;
        }
        let rounds = held.as_nanos() / self.interval.as_nanos().max(1);
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX - 1);
        let round = kept.rumor.round.saturating_add(rounds).saturating_add(1);
        Some(Heard { round, age, entry: kept.entry() })
    }

    fn wants(&self, item: Item) -> bool {
        !self.rumors.contains_key(&item.id)
    }
}

impl KeptRumor {
    fn entry(&self) -> Vec<u8> {
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
            pulled: self.came.pulled,
            copies: self.copies,
            rejected: self.came.rejected,
        }
    }
}
