//! The prefix of every SWIM datagram: the sender's wall clock, and the digests of its protocols.

use crate::codec::{Read, Reader, Write};

/// The sender's wall clock, and its protocols' digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digests {
    /// Milliseconds since 1970.
    pub(crate) wall: u64,
    /// The tags of protocols, each with its digest.
    pub(crate) held: Vec<(u32, u64)>,
}

/// The most protocols whose digests one packet carries.
const PROTOCOLS: usize = 8;

impl Digests {
    /// The most bytes that the prefix takes.
    pub(crate) const MOST: usize = 10 + 1 + PROTOCOLS * 12;

    pub(crate) fn get(&self, tag: u32) -> Option<u64> {
        self.held.iter().find(|(theirs, _)| *theirs == tag).map(|(_, digest)| *digest)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let count = self.held.len().min(PROTOCOLS);
        out.put_varint(u128::from(self.wall));
        out.put(&[count as u8]);
        for (tag, digest) in &self.held[..count] {
            out.put(&tag.to_be_bytes());
            out.put(&digest.to_be_bytes());
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let wall = reader.varint64()?;
        let count = reader.count(PROTOCOLS)?;
        let held = (0..count).map(|_| Ok((reader.u32()?, reader.u64()?)));
        Ok(Self { wall, held: held.collect::<Read<_>>()? })
    }
}
