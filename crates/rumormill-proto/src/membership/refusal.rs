//! The answer to a request to join from a node of another cluster.

use crate::codec::{Read, Reader, WireError, Write};

/// The asked node belongs to another cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Repeats the token of the request.
    pub(crate) token: u64,
    /// The name of the cluster; at most 255 bytes.
    pub(crate) cluster: String,
}

impl Refusal {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.token.to_be_bytes());
        out.put(&[self.cluster.len() as u8]);
        out.put(self.cluster.as_bytes());
    }

    pub(crate) fn read(bytes: &[u8]) -> Read<Self> {
        let mut reader = Reader(bytes);
        let token = reader.u64()?;
        let length = usize::from(reader.u8()?);
        let cluster = core::str::from_utf8(reader.take(length)?);
        let cluster = cluster.map_err(|_| WireError::Malformed)?.to_owned();
        reader.finish()?;
        Ok(Self { token, cluster })
    }
}
