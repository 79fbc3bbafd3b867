//! One key's state: a value or the memory of its deletion, and the version that decides.

use core::fmt;
use core::hash::Hasher;
use serde::{Serialize, Serializer};
use siphasher::sip::SipHasher13;

use crate::clock::Stamp;
use crate::codec::{Reader, WireError, Write};
use crate::gossip::item::Item;
use crate::identity::NodeId;

/// When a key was written, and by which incarnation. The greater version wins, everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// When, in cluster time.
    pub stamp: Stamp,
    /// By whom; decides between two writes of one stamp.
    pub node: NodeId,
}

/// The stamp, `@`, and the node's id.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.stamp, self.node)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A key with its value or, where that is `None`, the memory that it was deleted.
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
    /// The entry as bytes, for a store or for the wire.
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
    /// When the bytes are something else.
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

    /// The item that stands for this state of the key.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyChange {
    /// The key, its value (`None`: deleted) and its version.
    pub entry: Entry,
    /// Whether it was written here.
    pub local: bool,
}
