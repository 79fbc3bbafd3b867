//! Whether the path of a store still leads to the file that is being written.
//!
//! A file that is removed, moved or replaced while it is open can be written as before, and
//! everything in it is lost at the next start. So it is looked for at every transaction, before it
//! is acknowledged, and every second.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Where a store is, and what was found there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: PathBuf,
    known: Option<Known>,
}

/// What was found when the file was opened.
#[derive(Clone, Copy, Debug)]
struct Known {
    file: Id,
    /// The file's length after the last transaction.
    length: u64,
    directory: Id,
}

/// Why what is written would not be found at the next start.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Astray {
    /// The directory is there, and no file in it: a new one may take its place.
    Missing,
    /// Anything else: what is wrong, and what to do.
    Other(String),
}

impl Place {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), known: None }
    }

    fn directory(&self) -> &Path {
        match self.file.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        }
    }

    /// Remembers the file that is there now: it has just been opened or written.
    pub(super) fn note(&mut self) -> io::Result<()> {
        let (file, directory) = (fs::metadata(&self.file)?, fs::metadata(self.directory())?);
        let (length, file) = (file.len(), Id::of(&file));
        self.known = Some(Known { file, length, directory: Id::of(&directory) });
        Ok(())
    }

    /// Remembers how long the file is after a transaction.
    pub(super) fn note_length(&mut self) {
        // Where another file has taken its place, `check` finds out.
        if let (Some(known), Ok(found)) = (&mut self.known, fs::metadata(&self.file))
            && Id::of(&found) == known.file
        {
            known.length = found.len();
        }
    }

    /// Looks whether the file is there and can be written; and if it is `open`, whether it is whole.
    pub(super) fn check(&self, open: bool) -> Result<(), Astray> {
        let Some(known) = self.known else { return Ok(()) };
        let directory = self.directory().display();
        let again = "the agent then writes all that it holds to a new one";
        let found = match fs::metadata(self.directory()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Astray::Other(format!(
                    "the directory {directory} has gone. Put it back, or make it again: {again}"
                )));
            }
            Err(error) => {
                return Err(Astray::Other(format!(
                    "the directory {directory} can't be read ({error}). Put it back as it was"
                )));
            }
            Ok(found) => found,
        };
        let file = match fs::metadata(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if Id::of(&found).device == known.directory.device {
                    return Err(Astray::Missing);
                }
                return Err(Astray::Other(format!(
                    "the directory {directory} is on another file system than before. Mount the \
                     right one, or start the agent anew"
                )));
            }
            Err(error) => {
                return Err(Astray::Other(format!("it can't be found ({error}). Put it back")));
            }
            Ok(file) => file,
        };
        if Id::of(&file) != known.file {
            return Err(Astray::Other(format!(
                "another file has taken its place. Put the right one back; or move the other one \
                 away: {again}; or start the agent anew, on the file that is there"
            )));
        }
        if open && file.len() < known.length {
            return Err(Astray::Other(format!(
                "another program has cut it off, from {} bytes to {}. Move it away: {again}",
                known.length,
                file.len()
            )));
        }
        writable(&self.file).map_err(|error| {
            Astray::Other(format!("it can no longer be written ({error}). Make it writable again"))
        })
    }
}

/// The same file has the same number on the same device, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    device: u64,
    inode: u64,
}

impl Id {
    #[cfg(unix)]
    pub(super) fn of(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: found.dev(), inode: found.ino() }
    }

    /// Other systems don't let an open file go.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self { device: 0, inode: 0 }
    }
}

#[cfg(unix)]
fn writable(file: &Path) -> io::Result<()> {
    rustix::fs::access(file, rustix::fs::Access::WRITE_OK)?;
    Ok(())
}

#[cfg(not(unix))]
fn writable(_: &Path) -> io::Result<()> {
    Ok(())
}
