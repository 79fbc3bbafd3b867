//! What rides before the body of every SWIM datagram: the digests of the sender's protocols.

use super::{Read, Reader, Write};

/// Protocols' tags, each with the digest of what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests(pub(crate) Vec<(u32, u64)>);

/// The most protocols whose digests one packet carries.
const PROTOCOLS: usize = 8;

impl Digests {
    /// The most bytes that they take.
    pub(crate) const MOST: usize = 1 + PROTOCOLS * 12;

    pub(crate) fn get(&self, tag: u32) -> Option<u64> {
        self.0.iter().find(|(theirs, _)| *theirs == tag).map(|(_, digest)| *digest)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let count = self.0.len().min(PROTOCOLS);
        out.put(&[count as u8]);
        for (tag, digest) in &self.0[..count] {
            out.put(&tag.to_be_bytes());
            out.put(&digest.to_be_bytes());
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let count = reader.count(PROTOCOLS)?;
        let all = (0..count).map(|_| Ok((reader.u32()?, reader.u64()?)));
        all.collect::<Read<_>>().map(Self)
    }
}
