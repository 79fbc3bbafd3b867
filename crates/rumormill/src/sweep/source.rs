//! A file that a sweep's settings name, such as a list of edges: what is in it belongs to the
//! sweep.

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// A file as it was when the sweep began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) name: String,
    bytes: u64,
    crc32: u32,
}

impl Source {
    /// Reads the file, so that a later change is noticed.
    pub(crate) fn look(name: &str) -> anyhow::Result<Self> {
        let text = std::fs::read(name).with_context(|| format!("cannot read {name}"))?;
        let (bytes, crc32) = (text.len() as u64, crc32fast::hash(&text));
        Ok(Self { name: name.to_owned(), bytes, crc32 })
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes with checksum {:08x}", self.bytes, self.crc32)
    }
}
