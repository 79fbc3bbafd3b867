//! One number for a whole run, to compare runs by.

use core::hash::{Hash, Hasher};

use rumormill_proto::{Instant, Notice};
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

    pub(crate) fn event(&mut self, at: Instant, node: NodeIndex, event: &Notice) {
        self.numbers([at.as_nanos(), u64::from(node.0), u64::MAX]);
        event.hash(self);
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        for number in numbers {
            self.write_u64(number);
        }
    }
}

/// Hashes what nodes say by its values, not by the names that they have in the code. Numbers are
/// little-endian and lengths have 64 bits, so that all machines agree.
impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    fn finish(&self) -> u64 {
        self.0.finish()
    }
    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }
    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }
    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}

/// Returns a seed for one purpose of a run: a fixed hash, so that it doesn't depend on what else
/// exists.
pub(crate) fn seed(run: u64, purpose: u64, index: u64) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(run, 0x7365_6564_0000_0000);
    hasher.write(&purpose.to_le_bytes());
    hasher.write(&index.to_le_bytes());
    hasher.finish()
}
