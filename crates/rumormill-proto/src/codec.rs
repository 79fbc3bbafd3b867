//! Every byte on the wire: the envelope around all messages, and the primitives they are made of.
//!
//! A message, datagram or stream frame, is an [`Envelope`] followed by the body of its channel:
//!
//! | bytes | field |
//! |---|---|
//! | 2 | magic `RM` |
//! | 1 | version |
//! | 4 | tag of the cluster's name |
//! | 4 | channel: 0 SWIM, 1 state exchange, 2 refusals, 3 path tests, otherwise the tag of a protocol |
//! | 8 | sender's [`NodeId`] |
//! | 8 | receiver's [`NodeId`]; 0 while the sender doesn't know it |
//!
//! Integers are big-endian; lengths and counters are LEB128 varints.

use core::net::{IpAddr, SocketAddr};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::identity::{Identity, Name, NodeId};

/// The version of the wire format. Nodes of different versions ignore each other.
pub const VERSION: u8 = 3;

const MAGIC: [u8; 2] = *b"RM";

/// The channel of SWIM datagrams.
pub(crate) const CHANNEL_SWIM: u32 = 0;
/// The channel of membership state exchanges.
pub(crate) const CHANNEL_STATE: u32 = 1;
/// The channel of refusals by nodes of another cluster.
pub(crate) const CHANNEL_REFUSAL: u32 = 2;

/// The channel of tests of a path.
pub(crate) const CHANNEL_PATH: u32 = 3;

/// Why a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// Not a rumormill packet at all.
    #[error("not a rumormill packet")]
    Garbage,
    /// A rumormill packet of another wire version.
    #[error("wire version {0}, this node uses {VERSION}")]
    Version(u8),
    /// A packet of a cluster with another name.
    #[error("from a cluster of another name")]
    Cluster,
    /// A packet addressed to another incarnation, or from a node that is not a member.
    #[error("from or to an incarnation that is not a member")]
    Stranger,
    /// A packet for a protocol that this node doesn't run.
    #[error("for a protocol that this node doesn't run")]
    Channel,
    /// The body ends early, or holds an invalid value.
    #[error("malformed body")]
    Malformed,
}

/// A sentence in JSON.
impl Serialize for WireError {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireError {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let others = [Self::Garbage, Self::Cluster, Self::Stranger, Self::Channel, Self::Malformed];
        let mut all = others.into_iter().chain((0..=u8::MAX).map(Self::Version));
        let unknown = || Error::custom(format!("{text:?} is no reason to drop a packet"));
        all.find(|error| error.to_string() == text).ok_or_else(unknown)
    }
}

/// The head of every message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) cluster: u32,
    pub(crate) channel: u32,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
}

impl Envelope {
    /// The length of an envelope in bytes.
    pub(crate) const SIZE: usize = 27;

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.cluster.to_be_bytes());
        out.extend_from_slice(&self.channel.to_be_bytes());
        out.extend_from_slice(&self.from.0.to_be_bytes());
        out.extend_from_slice(&self.to.0.to_be_bytes());
    }

    /// Reads an envelope of cluster `cluster`, and returns the body with it.
    pub(crate) fn read(cluster: u32, bytes: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let (envelope, body) = Self::read_any(bytes)?;
        if envelope.cluster != cluster {
            return Err(WireError::Cluster);
        }
        Ok((envelope, body))
    }

    /// Reads an envelope of any cluster.
    pub(crate) fn read_any(bytes: &[u8]) -> Result<(Self, &[u8]), WireError> {
        let mut reader = Reader(bytes);
        if reader.array::<2>().map_err(|_| WireError::Garbage)? != MAGIC {
            return Err(WireError::Garbage);
        }
        let version = reader.u8().map_err(|_| WireError::Garbage)?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        let envelope = Self {
            cluster: reader.u32()?,
            channel: reader.u32()?,
            from: NodeId(reader.u64()?),
            to: NodeId(reader.u64()?),
        };
        Ok((envelope, reader.0))
    }
}

pub(crate) type Read<T> = Result<T, WireError>;

/// Takes values off the front of a slice. Never panics, whatever the bytes.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        if n > self.0.len() {
            return Err(WireError::Malformed);
        }
        let (head, tail) = self.0.split_at(n);
        self.0 = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| WireError::Malformed)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Read<u16> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Read<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Read<f64> {
        let value = f64::from_bits(self.u64()?);
        if value.is_nan() { Err(WireError::Malformed) } else { Ok(value) }
    }

    pub(crate) fn varint(&mut self) -> Read<u128> {
        let mut value = 0u128;
        for shift in (0..128).step_by(7) {
            let byte = self.u8()?;
            let bits = u128::from(byte & 0x7f);
            if shift == 126 && bits > 3 {
                return Err(WireError::Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Malformed)
    }

    /// Reads a varint that must not exceed `limit`.
    pub(crate) fn count(&mut self, limit: usize) -> Read<usize> {
        match usize::try_from(self.varint()?) {
            Ok(n) if n <= limit => Ok(n),
            _ => Err(WireError::Malformed),
        }
    }

    pub(crate) fn varint64(&mut self) -> Read<u64> {
        u64::try_from(self.varint()?).map_err(|_| WireError::Malformed)
    }

    pub(crate) fn name(&mut self) -> Read<Name> {
        let length = usize::from(self.u8()?);
        let text = core::str::from_utf8(self.take(length)?).map_err(|_| WireError::Malformed)?;
        Name::new(text).map_err(|_| WireError::Malformed)
    }

    pub(crate) fn addr(&mut self) -> Read<SocketAddr> {
        let ip = match self.u8()? {
            4 => IpAddr::from(self.array::<4>()?),
            6 => IpAddr::from(self.array::<16>()?),
            _ => return Err(WireError::Malformed),
        };
        Ok(SocketAddr::new(ip, self.u16()?))
    }

    pub(crate) fn finish(&self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Malformed) }
    }
}

/// Appends values to a buffer.
pub(crate) trait Write {
    fn put(&mut self, bytes: &[u8]);

    fn put_varint(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.put(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.put(&[value as u8]);
    }

    fn put_name(&mut self, name: &Name) {
        let text = name.as_str().as_bytes();
        self.put(&[text.len() as u8]);
        self.put(text);
    }

    fn put_addr(&mut self, addr: &SocketAddr) {
        match addr.ip() {
            IpAddr::V4(ip) => {
                self.put(&[4]);
                self.put(&ip.octets());
            }
            IpAddr::V6(ip) => {
                self.put(&[6]);
                self.put(&ip.octets());
            }
        }
        self.put(&addr.port().to_be_bytes());
    }

    fn put_identity(&mut self, identity: &Identity) {
        self.put_addr(&identity.addr);
        self.put(&identity.incarnation.to_be_bytes());
        self.put_name(&identity.name);
    }
}

impl Write for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
