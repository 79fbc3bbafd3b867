//! The encoding of foca's packets.

use bytes::{Buf, BufMut};
use foca::{Header, Member};

use crate::codec::{Reader, WireError};
use crate::membership::directory::Directory;
use crate::membership::messages::{read_foca_header, read_member, write_foca_header, write_member};
use crate::membership::peer::Peer;

/// Foca's messages in the project's own wire format.
pub(super) struct Codec(pub(super) Directory);

impl Codec {
    fn put(bytes: &[u8], mut buf: impl BufMut) -> Result<(), WireError> {
        if buf.remaining_mut() < bytes.len() {
            return Err(WireError::Malformed);
        }
        buf.put_slice(bytes);
        Ok(())
    }

    fn get<T>(
        mut buf: impl Buf,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let mut reader = Reader(buf.chunk());
        let before = reader.0.len();
        let value = read(&mut reader)?;
        let used = before - reader.0.len();
        buf.advance(used);
        Ok(value)
    }
}

impl foca::Codec<Peer> for Codec {
    type Error = WireError;

    fn encode_header(&mut self, header: &Header<Peer>, buf: impl BufMut) -> Result<(), WireError> {
        let mut bytes = Vec::new();
        write_foca_header(header, &mut bytes);
        Self::put(&bytes, buf)
    }

    fn decode_header(&mut self, buf: impl Buf) -> Result<Header<Peer>, WireError> {
        Self::get(buf, |reader| read_foca_header(reader, &self.0))
    }

    fn encode_member(&mut self, member: &Member<Peer>, buf: impl BufMut) -> Result<(), WireError> {
        let mut bytes = Vec::new();
        write_member(member, &mut bytes);
        Self::put(&bytes, buf)
    }

    fn decode_member(&mut self, buf: impl Buf) -> Result<Member<Peer>, WireError> {
        Self::get(buf, |reader| read_member(reader, &self.0))
    }
}
