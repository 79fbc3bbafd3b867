//! Entries: a key with its value or its tombstone, and the version that decides.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip::SipHasher13;

use crate::clock::Stamp;
use crate::codec::{Reader, WireError, Write};
use crate::gossip::item::Item;
use crate::identity::{Name, NodeId};
#[cfg(feature = "schema")]
use crate::json::bytes::DeletableValue;
use crate::json::bytes::deletable;
use crate::json::from_text;
use crate::membership::roster::Roster;

/// When a key was written, and by which incarnation. The greater version wins, everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// When it was written, in cluster time.
    pub stamp: Stamp,
    /// The incarnation that wrote it; decides between two writes of one stamp.
    pub node: NodeId,
}

/// The stamp, `@`, and the node's id.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.stamp, self.node)
    }
}

impl FromStr for Version {
    type Err = WireError;
    fn from_str(text: &str) -> Result<Self, WireError> {
        let read = || {
            let (stamp, node) = text.split_once('@')?;
            let (millis, counter) = stamp.split_once('.')?;
            let stamp = Stamp::from_millis(millis.parse().ok()?).0 + counter.parse::<u64>().ok()?;
            Some(Self { stamp: Stamp(stamp), node: NodeId(u64::from_str_radix(node, 16).ok()?) })
        };
        read().ok_or(WireError::Malformed)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, "a version", Self::from_str)
    }
}

/// A key with its value, or a tombstone, which remembers its deletion.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value; `None` if the key was deleted.
    pub value: Option<Vec<u8>>,
    /// The version of this state.
    pub version: Version,
}

impl Entry {
    /// Writes the entry as bytes, for a store or for the wire.
    pub fn encode(&self) -> Vec<u8> {
        let value = self.value.as_deref().unwrap_or_default();
        let mut out = Vec::with_capacity(self.key.len() + value.len() + 24);
        out.put(&[u8::from(self.value.is_some())]);
        out.put_varint(u128::from(self.version.stamp.0));
        out.put(&self.version.node.0.to_be_bytes());
        out.put_varint(self.key.len() as u128);
        out.put(self.key.as_bytes());
        out.put(value);
        out
    }

    /// Reads what [`Entry::encode`] wrote.
    ///
    /// # Errors
    /// Fails if the bytes are not an entry.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let live = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(WireError::Malformed),
        };
        let version = Version { stamp: Stamp(reader.varint64()?), node: NodeId(reader.u64()?) };
        let length = reader.count(reader.0.len())?;
        let key = core::str::from_utf8(reader.take(length)?).map_err(|_| WireError::Malformed)?;
        if !version.stamp.is_sane() || !(live || reader.0.is_empty()) {
            return Err(WireError::Malformed);
        }
        Ok(Self { key: key.to_owned(), value: live.then(|| reader.0.to_vec()), version })
    }

    /// Returns the item that identifies this entry.
    pub(super) fn item(&self) -> Item {
        let mut hasher = SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x656e_7472_7900_0000);
        hasher.write(self.key.as_bytes());
        hasher.write_u64(self.version.stamp.0);
        hasher.write_u64(self.version.node.0);
        Item { stamp: self.version.stamp, id: hasher.finish() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// A key has changed at this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeyChange {
    /// The key.
    pub key: String,
    /// The value; `None` if the key was deleted.
    #[serde(flatten, with = "deletable")]
    #[cfg_attr(feature = "schema", schema(value_type = DeletableValue))]
    pub value: Option<Vec<u8>>,
    /// The version of the write.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub version: Version,
    /// The name of the node that wrote it, or its id if no member has it.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub origin: Name,
    /// Whether it was written at this node.
    pub local: bool,
}

impl KeyChange {
    pub(super) fn new(entry: Entry, roster: &Roster, local: bool) -> Self {
        let Entry { key, value, version } = entry;
        Self { key, value, version, origin: roster.name_of(version.node), local }
    }
}

/// Omits the origin: it follows from the version, and depends on the membership.
impl Hash for KeyChange {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.key, &self.value, self.version, self.local).hash(state);
    }
}
