//! Stamps as milliseconds since 1970, without their counters.

use serde::{Deserialize, Deserializer, Serializer};

use crate::clock::Stamp;

/// Writes the milliseconds of a stamp.
///
/// # Errors
/// Fails if the serializer does.
pub fn serialize<S: Serializer>(stamp: &Stamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(stamp.millis())
}

/// Reads the first stamp of a millisecond.
///
/// # Errors
/// Fails if there is no number.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Stamp, D::Error> {
    u64::deserialize(from).map(Stamp::from_millis)
}
