//! The record of an event at a node: when and how it arrived.

use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::codec::{Reader, WireError, Write};
use crate::identity::Name;
use crate::json::millis;
use crate::rumor::event::EventId;
use crate::time::Duration;

/// The record of an event at a node. The records of all nodes are the event's trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EventRecord {
    /// The event's id.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: EventId,
    /// When it was published, in cluster time. Milliseconds since 1970 in JSON.
    #[serde(rename = "published_at_ms", with = "crate::json::stamp")]
    #[cfg_attr(feature = "schema", schema(value_type = u64))]
    pub stamp: Stamp,
    /// The name of the node that published it.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub origin: Name,
    /// The topic.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub topic: Name,
    /// The payload's length; 0 if it was rejected.
    pub bytes: u64,
    /// The round in which it arrived; 0 at its origin.
    pub round: u32,
    /// The time from its publication until it arrived; see [`Event::age`](crate::Event::age).
    #[serde(rename = "age_ms", with = "millis")]
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub age: Duration,
    /// Whether it was found by pull, not received by push.
    pub pulled: bool,
    /// How often it has arrived again.
    pub copies: u32,
    /// Whether the validation hook stopped it here.
    pub rejected: bool,
}

impl EventRecord {
    /// Writes the record as bytes: the answer to [`Events::trace`](crate::Events::trace).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put(&self.id.0.to_be_bytes());
        out.put_varint(u128::from(self.stamp.0));
        out.put_name(&self.origin);
        out.put_name(&self.topic);
        out.put_varint(u128::from(self.bytes));
        out.put_varint(u128::from(self.round));
        out.put_varint(self.age.as_micros());
        out.put_varint(u128::from(self.copies));
        out.put(&[u8::from(self.pulled) | u8::from(self.rejected) << 1]);
        out
    }

    /// Reads what [`EventRecord::encode`] wrote.
    ///
    /// # Errors
    /// Fails if the bytes are not a record.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let small = |n: u64| u32::try_from(n).map_err(|_| WireError::Malformed);
        let record = Self {
            id: EventId(reader.u64()?),
            stamp: Stamp(reader.varint64()?),
            origin: reader.name()?,
            topic: reader.name()?,
            bytes: reader.varint64()?,
            round: small(reader.varint64()?)?,
            age: Duration::from_micros(reader.varint64()?),
            copies: small(reader.varint64()?)?,
            pulled: false,
            rejected: false,
        };
        let flags = reader.u8()?;
        reader.finish()?;
        Ok(Self { pulled: flags & 1 != 0, rejected: flags & 2 != 0, ..record })
    }
}
