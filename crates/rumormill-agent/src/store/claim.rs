//! The lock of a directory, so that two agents never write to one store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use rumormill_proto::Name;

use super::error::StoreError;
use super::place::Id;

/// The file in the directory.
const LOCK: &str = "lock";

/// A lock on the directory, until it is dropped or the process ends. The file names the holder.
#[derive(Debug)]
pub(super) struct Claim(File);

impl Claim {
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOCK);
        let io = |source| StoreError::Directory { dir: dir.to_owned(), source };
        let options =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may not have written its name yet.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another process" } else { holder.trim() };
                return Err(StoreError::Taken { dir: dir.to_owned(), holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        let mut claim = Self(file);
        claim.write(&format!("process {}", std::process::id()));
        Ok(claim)
    }

    /// Locks the directory again if the lock file has been replaced.
    pub(super) fn hold(&mut self, dir: &Path, name: &Name) -> Result<(), StoreError> {
        let here = std::fs::metadata(dir.join(LOCK));
        let ours = self.0.metadata().ok().map(|found| Id::of(&found));
        if here.ok().map(|found| Id::of(&found)) != ours {
            *self = Self::take(dir)?;
            self.name_holder(name);
        }
        Ok(())
    }

    /// Writes the holder's name into the file.
    pub(super) fn name_holder(&mut self, name: &Name) {
        self.write(&format!("agent {name}, process {}", std::process::id()));
    }

    /// Writes into the file. It serves error messages alone, so a full disk is no reason to fail.
    fn write(&mut self, holder: &str) {
        let _ = self.0.set_len(0);
        let _ = self.0.rewind();
        let _ = writeln!(self.0, "{holder}");
    }
}
