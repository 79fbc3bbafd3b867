//! Rumors: news that reaches every node that is up, once, and is then forgotten.
//!
//! A rumor is named by its origin's incarnation and a stamp of cluster time; the stamp is its
//! sequence number, since a node never gives one twice. It travels with its *age*: the time that
//! has elapsed at the nodes that held it one after the other. So no clock need be right for it to
//! be kept, forgotten and delivered in time, or once. [`kept`] has the rules.

mod kept;
mod record;
pub(crate) mod settings;
pub(crate) mod stop;

use core::fmt;
use core::hash::Hasher;
use core::str::FromStr;

use kept::{Came, Kept};
use serde::{Serialize, Serializer};
use siphasher::sip::SipHasher13;

pub use record::EventRecord;
pub use settings::{EventSettings, Style, UnknownWord};
pub use stop::{Counted, Decided, Stop, StopError};

use crate::clock::Stamp;
use crate::gossip::{Gossip, Manner};
use crate::identity::{Identity, Name, NodeId};
use crate::protocol::{Context, Protocol};
use crate::reconcile::Item;
use crate::time::{Duration, Instant};

/// The 64-bit name of a rumor: a fixed hash of its origin's incarnation and its stamp. Written as
/// 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

impl EventId {
    fn of(node: NodeId, stamp: Stamp) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x7275_6d6f_7200_0000);
        hasher.write_u64(node.0);
        hasher.write_u64(stamp.0);
        Self(hasher.finish())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventId {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let id = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        let allowed = "the ids of rumors, which have 16 hexadecimal digits";
        id.map(Self).ok_or_else(|| UnknownWord { given: text.to_owned(), allowed })
    }
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A rumor as a node heard it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Its name.
    pub id: EventId,
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
    /// How long after its publication it was heard: the time for which nodes held it, and what it
    /// took between them as far as the members' clocks agree.
    pub age: Duration,
}

/// Why a rumor was not published, or a query not asked. Nothing has been told then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The payload is too long.
    #[error("the payload has {bytes} bytes, the limit is {limit} (events.max_payload)")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The node has too much to tell already.
    #[error("the node is telling {limit} rumors, as many as it may (events.max_queue); try again")]
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

/// Looks at each rumor before it is delivered or passed on; false stops it here.
pub type Validator = Box<dyn FnMut(&Event) -> bool + Send>;

/// What a rumor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// News for the application.
    Event,
    /// A question that every node answers; see [`crate::query`].
    Query,
}

/// Event mongering as a [`Protocol`].
pub(crate) struct Rumors {
    gossip: Gossip,
    kept: Kept,
}

impl Rumors {
    pub(crate) fn new(config: &EventSettings, max_datagram: usize) -> Self {
        let manner = Manner::new(config, max_datagram);
        let kept = Kept::new(config);
        Self { gossip: Gossip::new(manner, |stats| &mut stats.rumors), kept }
    }

    /// Tells all nodes, this one included.
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
        let item = self.kept.add(cx, kind, rumor, Came::published());
        self.gossip.publish(cx, &self.kept, item, None);
        self.make_room(cx);
        Ok(id)
    }

    pub(crate) fn set_validator(&mut self, validator: Option<Validator>) {
        self.kept.set_validator(validator);
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = EventRecord> + '_ {
        let items = self.gossip.set().iter(Item::FIRST, Item::END);
        items.filter_map(|item| self.kept.record(item.id))
    }

    pub(crate) fn record(&self, id: EventId) -> Option<EventRecord> {
        self.kept.record(id.0)
    }

    /// How many rumors are kept, being told, and how many bytes their payloads have.
    pub(crate) fn load(&self) -> (usize, usize, usize) {
        (self.gossip.set().len(), self.gossip.hot(), self.kept.bytes())
    }

    /// Lets go of what is older than the retention.
    fn expire(&mut self, cx: &mut Context<'_>) {
        for item in self.kept.expire(cx.now()) {
            self.gossip.forget(item);
        }
    }

    /// Lets the oldest go while there are too many.
    fn make_room(&mut self, cx: &mut Context<'_>) {
        let config = &cx.config().events;
        let (most, most_bytes) = (config.max_events, config.max_bytes);
        while self.kept.len() > most || self.kept.bytes() > most_bytes {
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

    fn period(&self) -> Duration {
        self.gossip.manner().pull_interval()
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        self.kept.start(cx.now());
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
        // What has become too old since the last tick doesn't count.
        self.gossip.digest_without(self.kept.expired(now))
    }

    fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.expire(cx);
        self.gossip.differs(cx, peer);
    }

    fn agrees(&mut self, _: &mut Context<'_>, peer: NodeId) {
        self.gossip.agrees(peer);
    }

    fn peer_expired(&mut self, _: &mut Context<'_>, peer: &Identity) {
        self.gossip.agrees(peer.id());
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.gossip.wake(cx, &self.kept);
    }
}
