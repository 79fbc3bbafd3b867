//! What a node holds, in digests: its answer when members are compared.

use serde::{Deserialize, Serialize};

use crate::codec::{Reader, WireError, Write};
use crate::identity::Name;
use crate::kv::KvProtocol;
use crate::node::Node;
use crate::query::COMPARE;
use crate::rumor::event::{EventId, PublishError};
use crate::time::{Duration, Instant};

/// What a node holds. Two nodes with equal digests hold the same, except with a probability of 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Summary {
    /// The number of members that are up, as far as the node knows, itself included.
    pub members: u64,
    /// The digest of those members and their incarnations. Hexadecimal in JSON.
    #[serde(with = "crate::json::hex")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub members_digest: u64,
    /// The number of keys.
    pub keys: u64,
    /// The digest of the keys, their values and versions; deleted keys count while they are
    /// remembered. Hexadecimal in JSON.
    #[serde(with = "crate::json::hex")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub keys_digest: u64,
}

impl Summary {
    /// Writes the summary as bytes: the answer to [`Node::ask_summaries`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.put_varint(u128::from(self.members));
        out.put(&self.members_digest.to_be_bytes());
        out.put_varint(u128::from(self.keys));
        out.put(&self.keys_digest.to_be_bytes());
        out
    }

    /// Reads what [`Summary::encode`] wrote.
    ///
    /// # Errors
    /// Fails if the bytes are not a summary.
    pub fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader(bytes);
        let summary = Self {
            members: reader.varint64()?,
            members_digest: reader.u64()?,
            keys: reader.varint64()?,
            keys_digest: reader.u64()?,
        };
        reader.finish()?;
        Ok(summary)
    }
}

impl Node {
    /// Returns what this node holds.
    pub fn summary(&self, now: Instant) -> Summary {
        let roster = self.roster();
        Summary {
            members: roster.len() as u64,
            members_digest: roster.digest(),
            keys: self.kv().load().keys as u64,
            keys_digest: self.protocol().map_or(0, |kv: &KvProtocol| kv.lasting(now)),
        }
    }

    /// Asks all nodes, this one included, what they hold. Each answers with [`Summary::encode`].
    ///
    /// # Errors
    /// Fails if this node runs no events, or is already pushing too many.
    pub fn ask_summaries(
        &mut self,
        now: Instant,
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        let Ok(topic) = Name::new(COMPARE) else { return Err(PublishError::NotRunning) };
        self.ask_all(now, &topic, &[], timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_as_it_was_written_and_nothing_else_is_one() {
        let (members_digest, keys_digest) = (u64::MAX, 7);
        let summary = Summary { members: 300, members_digest, keys: 0, keys_digest };
        let bytes = summary.encode();
        assert_eq!(Summary::decode(&bytes), Ok(summary));
        for cut in 0..bytes.len() {
            assert!(Summary::decode(&bytes[..cut]).is_err(), "{cut} bytes");
        }
        assert!(Summary::decode(&[bytes, vec![0]].concat()).is_err(), "one byte too many");
    }
}
