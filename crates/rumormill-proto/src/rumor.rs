//! Rumors: news that reaches every node that is up, once, and is then forgotten.
//!
//! A rumor is named by its origin's incarnation and a stamp of cluster time; the stamp is its
//! sequence number, since a node never gives one twice. Every node keeps each rumor for the
//! *retention*: to know it again, and for peers that missed it. What is older is stale, and taken
//! by nobody, so that nothing is ever delivered twice.

mod record;
mod settings;

use core::fmt;
use core::hash::Hasher;
use core::str::FromStr;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use siphasher::sip::SipHasher13;

pub use record::RumorRecord;
pub use settings::{Counted, Decided, RumorConfig, Stop, Style, UnknownWord};

use crate::clock::Stamp;
use crate::gossip::{Gossip, Manner, Shelf, Taken};
use crate::identity::{Name, NodeId};
use crate::node::Event;
use crate::protocol::{Context, Protocol};
use crate::reconcile::Item;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};
use crate::wire::{Heard, Reader, WireError, Write};

/// The 64-bit name of a rumor: a fixed hash of its origin's incarnation and its stamp. Written as
/// 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RumorId(pub u64);

impl RumorId {
    fn of(node: NodeId, stamp: Stamp) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x7275_6d6f_7200_0000);
        hasher.write_u64(node.0);
        hasher.write_u64(stamp.0);
        Self(hasher.finish())
    }
}

impl fmt::Display for RumorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RumorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RumorId {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let id = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        let allowed = "the ids of rumors, which have 16 hexadecimal digits";
        id.map(Self).ok_or_else(|| UnknownWord { given: text.to_owned(), allowed })
    }
}

impl Serialize for RumorId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A rumor as a node heard it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rumor {
    /// Its name.
    pub id: RumorId,
    /// When it was published, in cluster time.
    pub stamp: Stamp,
    /// The incarnation that published it.
    pub node: NodeId,
    /// The name of the node that published it.
    pub origin: Name,
    /// What it is about.
    pub topic: Name,
    /// What it says.
    pub payload: Vec<u8>,
    /// The round in which it was heard; 0 at its origin.
    pub round: u32,
    /// How long after its publication it was heard, by cluster time.
    pub age: Duration,
}

/// Why a rumor was not published, or a query not asked. Nothing has been told then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The payload is too long.
    #[error("the payload has {bytes} bytes, the limit is {limit} (rumor.max_payload)")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The node has too much to tell already.
    #[error("the node is telling {limit} rumors, as many as it may (rumor.max_queue); try again")]
    QueueFull {
        /// How many it may be telling.
        limit: usize,
    },
    /// Topics that begin with an underscore are the protocol's own.
    #[error("the topic {0} is reserved: topics must not begin with an underscore")]
    Reserved(Name),
    /// The node's own validation hook rejected it.
    #[error("the validation hook rejected it")]
    Rejected,
    /// This node runs no rumors.
    #[error("this node runs no rumors")]
    NotRunning,
}

/// How far clocks may differ: a node that starts also hears what was published so long before, or
/// what comes just after might seem older than the node.
const CLOCKS: Duration = Duration::from_secs(2);

/// Looks at each rumor before it is delivered or passed on; false stops it here.
pub type Validator = Box<dyn FnMut(&Rumor) -> bool + Send>;

/// What a rumor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// News for the application.
    Event,
    /// A question that every node answers; see [`crate::query`].
    Query,
}

/// The rumors that are kept.
#[derive(Default)]
struct Kept {
    rumors: BTreeMap<u64, KeptRumor>,
    bytes: usize,
    /// Everything below is stale.
    floor: Stamp,
    validator: Option<Validator>,
    max_payload: usize,
    interval: Duration,
    started: Instant,
}

struct KeptRumor {
    item: Item,
    kind: Kind,
    rumor: Rumor,
    heard: Instant,
    pulled: bool,
    copies: u32,
    rejected: bool,
}

/// Rumor mongering as a [`Protocol`].
pub(crate) struct Rumors {
    gossip: Gossip,
    kept: Kept,
    /// When the floor rises next, and to what.
    next_floor: (Instant, Stamp),
}

impl Rumors {
    pub(crate) fn new(config: &RumorConfig, max_datagram: usize) -> Self {
        let manner = Manner::new(config, max_datagram);
        let kept = Kept {
            max_payload: config.max_payload,
            interval: manner.interval(),
            ..Kept::default()
        };
        let gossip = Gossip::new(manner, |stats| &mut stats.rumors);
        Self { gossip, kept, next_floor: (Instant::ZERO, Stamp::default()) }
    }

    /// Tells all nodes, this one included.
    pub(crate) fn publish(
        &mut self,
        cx: &mut Context<'_>,
        kind: Kind,
        topic: &Name,
        payload: &[u8],
    ) -> Result<RumorId, PublishError> {
        let config = &cx.config().rumor;
        if payload.len() > config.max_payload {
            let limit = config.max_payload;
            return Err(PublishError::TooLarge { bytes: payload.len(), limit });
        }
        if self.gossip.hot() >= config.max_queue {
            return Err(PublishError::QueueFull { limit: config.max_queue });
        }
        let (node, stamp) = (cx.id(), cx.stamp());
        let rumor = Rumor {
            id: RumorId::of(node, stamp),
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
        let item = self.kept.add(cx, kind, rumor, false, false);
        self.gossip.publish(cx, &self.kept, item, None);
        self.make_room(cx);
        Ok(id)
    }

    pub(crate) fn set_validator(&mut self, validator: Option<Validator>) {
        self.kept.validator = validator;
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = RumorRecord> + '_ {
        let items = self.gossip.set().iter(Item::FIRST, Item::END);
        items.filter_map(|item| self.kept.rumors.get(&item.id)).map(KeptRumor::record)
    }

    pub(crate) fn record(&self, id: RumorId) -> Option<RumorRecord> {
        self.kept.rumors.get(&id.0).map(KeptRumor::record)
    }

    /// How many rumors are kept, being told, and how many bytes their payloads have.
    pub(crate) fn load(&self) -> (usize, usize, usize) {
        (self.kept.rumors.len(), self.gossip.hot(), self.kept.bytes)
    }

    /// Forgets what is older than the retention. All nodes do it at the same points of cluster
    /// time, so that they go on to hold the same.
    fn expire(&mut self, cx: &mut Context<'_>) {
        let retention = cx.config().rumor.retention.as_millis() as u64;
        let step = (retention / 32).max(1000);
        let now = cx.cluster_millis();
        let floor = now.saturating_sub(retention) / step * step;
        let next = floor + step;
        let due = Duration::from_millis((next + retention).saturating_sub(now));
        self.next_floor = (cx.now() + due, Stamp::from_millis(next));
        self.raise_floor(Stamp::from_millis(floor));
    }

    fn raise_floor(&mut self, floor: Stamp) {
        self.kept.floor = self.kept.floor.max(floor);
        while let Some(item) = self.gossip.set().first().filter(|i| i.stamp < self.kept.floor) {
            self.gossip.forget(item);
            if let Some(gone) = self.kept.rumors.remove(&item.id) {
                self.kept.bytes -= gone.rumor.payload.len();
            }
        }
    }

    /// Lets the oldest go while there are too many.
    fn make_room(&mut self, cx: &mut Context<'_>) {
        let config = &cx.config().rumor;
        let (most, most_bytes) = (config.max_rumors, config.max_bytes);
        while self.kept.rumors.len() > most || self.kept.bytes > most_bytes {
            let Some(oldest) = self.gossip.set().first() else { return };
            self.gossip.stats(cx).evicted += 1;
            self.raise_floor(Stamp(oldest.stamp.0 + 1));
        }
    }
}

impl Protocol for Rumors {
    fn name(&self) -> &str {
        "rumor"
    }

    fn period(&self) -> Duration {
        self.gossip.manner().pull_interval()
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.kept.started = cx.now();
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.expire(cx);
        self.gossip.pull(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        self.expire(cx);
        let received = self.gossip.receive(cx, &mut self.kept, from, message);
        if received.is_err() {
            cx.stats().dropped_malformed += 1;
        }
        self.make_room(cx);
    }

    fn digest(&self, now: Instant) -> Option<u64> {
        let (at, floor) = self.next_floor;
        if now < at || self.gossip.set().first().is_none_or(|item| item.stamp >= floor) {
            self.gossip.digest()
        } else {
            // What has become stale since the last tick doesn't count.
            self.gossip.digest_from(Item { stamp: floor, id: 0 })
        }
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.expire(cx);
        self.gossip.differs(cx, peer);
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.gossip.wake(cx, &self.kept);
    }
}

impl Kept {
    fn is_valid(&mut self, rumor: &Rumor) -> bool {
        self.validator.as_mut().is_none_or(|validator| validator(rumor))
    }

    /// Keeps a rumor, and delivers it unless it was rejected or is older than this node.
    fn add(
        &mut self,
        cx: &mut Context<'_>,
        kind: Kind,
        mut rumor: Rumor,
        pulled: bool,
        rejected: bool,
    ) -> Item {
        let item = Item { stamp: rumor.stamp, id: rumor.id.0 };
        if rejected {
            rumor.payload = Vec::new();
        } else if rumor.age <= cx.now().since(self.started) + CLOCKS {
            cx.event(match kind {
                Kind::Event => Event::Rumor(rumor.clone()),
                Kind::Query => Event::Query { question: rumor.clone(), timeout: Duration::ZERO },
            });
        }
        self.bytes += rumor.payload.len();
        let heard = cx.now();
        let kept = KeptRumor { item, kind, rumor, heard, pulled, copies: 0, rejected };
        self.rumors.insert(item.id, kept);
        item
    }

    /// Reads a rumor from the bytes of [`Shelf::entry`].
    fn read(&self, cx: &Context<'_>, heard: &Heard) -> Result<(Kind, Rumor), WireError> {
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
        let id = RumorId::of(node, stamp);
        let age = Duration::from_millis(cx.cluster_millis().saturating_sub(stamp.millis()));
        Ok((kind, Rumor { id, stamp, node, origin, topic, payload, round: heard.round, age }))
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
        cx.observe(rumor.stamp);
        if rumor.stamp < self.floor {
            return Ok(Taken::Stale);
        }
        if let Some(known) = self.rumors.get_mut(&rumor.id.0) {
            known.copies += 1;
            if broken(Rule::DeliverOnce) {
                cx.event(Event::Rumor(rumor));
            }
            return Ok(Taken::Known(known.item));
        }
        let rejected = !self.is_valid(&rumor);
        if rejected {
            cx.stats().rumors.rejected += 1;
        }
        let item = self.add(cx, kind, rumor, pulled, rejected);
        Ok(Taken::New { item, replaces: None, tell: !rejected })
    }

    fn entry(&self, id: u64) -> Option<Vec<u8>> {
        let kept = self.rumors.get(&id).filter(|kept| !kept.rejected)?;
        let Rumor { stamp, node, origin, topic, payload, .. } = &kept.rumor;
        let mut out = Vec::with_capacity(payload.len() + 64);
        out.put(&[u8::from(kept.kind == Kind::Query)]);
        out.put_varint(u128::from(stamp.0));
        out.put(&node.0.to_be_bytes());
        out.put_name(origin);
        out.put_name(topic);
        out.put(payload);
        Some(out)
    }

    fn wants(&self, item: Item) -> bool {
        item.stamp >= self.floor && !self.rumors.contains_key(&item.id)
    }

    fn round(&self, now: Instant, id: u64) -> u32 {
        self.rumors.get(&id).map_or(0, |kept| {
            let since = now.since(kept.heard).as_nanos() / self.interval.as_nanos().max(1);
            let rounds = u32::try_from(since).unwrap_or(u32::MAX - 1);
            kept.rumor.round.saturating_add(rounds).saturating_add(1)
        })
    }
}

impl KeptRumor {
    fn record(&self) -> RumorRecord {
        let Rumor { id, stamp, origin, topic, payload, round, age, .. } = &self.rumor;
        RumorRecord {
            id: *id,
            stamp: *stamp,
            origin: origin.clone(),
            topic: topic.clone(),
            bytes: payload.len() as u64,
            round: *round,
            age: *age,
            pulled: self.pulled,
            copies: self.copies,
            rejected: self.rejected,
        }
    }
}
