//! A file that a sweep's settings name, such as a list of edges: what is in it belongs to the
//! sweep.

use std::fs::File;
use std::io::{BufRead, BufReader};

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
        let cannot = || format!("cannot read {name}");
        let mut file = BufReader::new(File::open(name).with_context(cannot)?);
        let (mut bytes, mut sum) = (0, crc32fast::Hasher::new());
        loop {
            let some = file.fill_buf().with_context(cannot)?;
            let length = some.len();
            if length == 0 {
                return Ok(Self { name: name.to_owned(), bytes, crc32: sum.finalize() });
            }
            sum.update(some);
            bytes += length as u64;
            file.consume(length);
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes with checksum {:08x}", self.bytes, self.crc32)
    }
}
