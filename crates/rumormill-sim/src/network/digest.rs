//! One number for a whole run, to compare runs by.

use core::fmt;
use core::hash::Hasher;

use rumormill_proto::{Event, Instant};
use siphasher::sip::SipHasher13;

use super::index::NodeIndex;

/// A running hash over all that was delivered and all that nodes said, with fixed keys.
#[derive(Clone)]
pub(crate) struct Digest(SipHasher13);

impl Digest {
    pub(crate) fn new() -> Self {
        Self(SipHasher13::new_with_keys(0x7275_6d6f_726d_696c, 0x7275_6e73_0000_0000))
    }

    pub(crate) fn packet(&mut self, at: Instant, from: NodeIndex, to: NodeIndex, bytes: &[u8]) {
        self.numbers([at.as_nanos(), u64::from(from.0), u64::from(to.0), bytes.len() as u64]);
        self.0.write(bytes);
    }

    pub(crate) fn event(&mut self, at: Instant, node: NodeIndex, event: &Event) {
        self.numbers([at.as_nanos(), u64::from(node.0), u64::MAX]);
        // Writing to a hasher cannot fail.
        let _ = fmt::write(self, format_args!("{event:?}"));
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        for number in numbers {
            // Little-endian everywhere, so that machines of either kind agree.
            self.0.write(&number.to_le_bytes());
        }
    }
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// A seed for one purpose of a run: a fixed hash, so that it doesn't depend on what else exists.
pub(crate) fn seed(run: u64, purpose: u64, index: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(run, 0x7365_6564_0000_0000);
    hasher.write(&purpose.to_le_bytes());
    hasher.write(&index.to_le_bytes());
    hasher.finish()
}
