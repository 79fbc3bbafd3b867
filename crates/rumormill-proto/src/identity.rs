//! The identity of a node: its name, its address and its incarnation.

use core::fmt;
use core::hash::Hasher;
use core::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use siphasher::sip::SipHasher13;

use crate::json::{from_text, hex};

/// The longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// Why a name was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[error("a name must not be empty")]
    Empty,
    /// The name is longer than [`MAX_NAME`] bytes.
    #[error("the name {0:?} has {1} bytes, the limit is {MAX_NAME}")]
    TooLong(String, usize),
    /// The name holds a character outside letters, digits, `.`, `_`, `-`, `/` and `:`.
    #[error("the name {0:?} holds {1:?}; letters, digits and . _ - / : are allowed")]
    BadCharacter(String, char),
}

/// The name of a node, an aggregate or a topic: 1 to 64 bytes of ASCII letters, digits, `.`, `_`, `-`,
/// `/` and `:`.
///
/// ```
/// use rumormill_proto::Name;
/// assert_eq!(Name::new("requests")?.as_str(), "requests");
/// assert!(Name::new("no spaces").is_err());
/// # Ok::<(), rumormill_proto::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks `text` and makes a name of it.
    ///
    /// # Errors
    /// Fails if the text is empty, longer than [`MAX_NAME`] bytes, or holds a character that is not
    /// allowed.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_NAME {
            return Err(NameError::TooLong(text.chars().take(MAX_NAME).collect(), text.len()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/:".contains(c);
        match text.chars().find(|&c| !allowed(c)) {
            Some(bad) => Err(NameError::BadCharacter(text.to_owned(), bad)),
            None => Ok(Self(text.into())),
        }
    }

    /// Returns the digits of an id as a name.
    pub(crate) fn of_id(id: NodeId) -> Self {
        Self(id.to_string().into())
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, "a name", Self::new)
    }
}

/// The identity of one incarnation of a node. After a restart, or a return after having been declared
/// dead, the incarnation is higher: messages to the earlier one don't reach it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Identity {
    /// The number of the incarnation, which rises. Agents use the start time in milliseconds since
    /// 1970, so that it also orders nodes by age.
    pub incarnation: u64,
    /// The address at which its datagrams and streams arrive.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "127.0.0.1:7946"))]
    pub addr: SocketAddr,
    /// The node's name, unique in the cluster.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub name: Name,
}

impl Identity {
    /// Returns the id of this incarnation: a fixed hash of address and incarnation.
    pub fn id(&self) -> NodeId {
        NodeId::of(self.addr, self.incarnation)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, incarnation {})", self.name, self.addr, self.incarnation)
    }
}

/// The 64-bit id of one incarnation of one node; see [`Identity::id`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(#[serde(with = "hex")] pub u64);

impl NodeId {
    pub(crate) fn of(addr: SocketAddr, incarnation: u64) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x6964_656e_7469_7479);
        match addr {
            SocketAddr::V4(v4) => hasher.write(&v4.ip().octets()),
            SocketAddr::V6(v6) => hasher.write(&v6.ip().octets()),
        }
        hasher.write_u16(addr.port());
        hasher.write_u64(incarnation);
        Self(hasher.finish())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Returns a fixed 32-bit hash of a text, the same on every machine: the tag of a cluster or a
/// protocol on the wire.
pub(crate) fn tag(text: &str) -> u32 {
    let mut hasher = SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x7461_6700_0000_0000);
    hasher.write(text.as_bytes());
    (hasher.finish() >> 32) as u32
}
