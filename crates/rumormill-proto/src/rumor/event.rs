//! Events as users publish and receive them.

use core::fmt;
use core::hash::Hasher;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::clock::Stamp;
use crate::identity::{Name, NodeId};
#[cfg(feature = "schema")]
use crate::json::bytes::Payload;
use crate::json::bytes::payload;
use crate::json::{hex, millis};
use crate::time::Duration;
use crate::words::UnknownWord;

/// The 64-bit id of an event or a query: a fixed hash of its origin's incarnation and its stamp.
/// Written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(#[serde(with = "hex")] pub u64);

impl EventId {
    pub(super) fn of(node: NodeId, stamp: Stamp) -> Self {
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
        let allowed = "the ids of events, which have 16 hexadecimal digits";
        id.map(Self).ok_or_else(|| UnknownWord { given: text.to_owned(), allowed })
    }
}

/// An event, as a node received it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Event {
    /// The event's id.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: EventId,
    /// When it was published, in cluster time. Milliseconds since 1970 in JSON.
    #[serde(rename = "published_at_ms", with = "crate::json::stamp")]
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    pub stamp: Stamp,
    /// The incarnation that published it.
    #[serde(rename = "origin_id")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub node: NodeId,
    /// The name of the node that published it.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub origin: Name,
    /// The topic.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub topic: Name,
    /// The payload.
    #[serde(flatten, with = "payload")]
    #[cfg_attr(feature = "schema", schema(value_type = Payload))]
    pub payload: Vec<u8>,
    /// The round in which this node received it; 0 at its origin.
    pub round: u32,
    /// The time from its publication until this node received it: the time for which nodes held it,
    /// and its way between them as far as the members' clocks agree. Milliseconds in JSON.
    #[serde(rename = "age_ms", with = "millis")]
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub age: Duration,
}

/// Why an event was not published, or a query not asked. Nothing has been sent then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The payload is too long.
    #[error("the payload has {bytes} bytes, the limit is {limit} (events.max_payload)")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The node is already pushing too many events.
    #[error(
        "the node is pushing {limit} events, as many as it may (events.max_queue); try again later"
    )]
    QueueFull {
        /// The most events that it may be pushing.
        limit: usize,
    },
    /// Topics that begin with an underscore are the protocol's own.
    #[error("the topic {0} is reserved: topics must not begin with an underscore")]
    Reserved(Name),
    /// The node's own validation hook rejected it.
    #[error("the validation hook rejected it")]
    Rejected,
    /// The node runs no events ([`crate::Node::bare`]).
    #[error("events are turned off at this node")]
    NotRunning,
}

/// Inspects each event before it is delivered or pushed on; false stops it here.
pub type Validator = Box<dyn FnMut(&Event) -> bool + Send>;

/// The purpose of a rumor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An event for the application.
    Event,
    /// A query that every node answers; see [`crate::query`].
    Query,
}
