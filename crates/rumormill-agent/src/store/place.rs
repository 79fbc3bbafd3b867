//! Checks that the path of a store still leads to the file that is being written.
//!
//! A file that is removed, moved or replaced while it is open can be written as before, but its
//! content is lost at the next start. So the path is checked at every transaction, before it is
//! acknowledged, and every second.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::error::FileProblem;

/// The path of a store, and what was found there.
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

    /// Remembers the file that exists now, which has just been opened or written.
    pub(super) fn note(&mut self) -> io::Result<()> {
        let (file, directory) = (fs::metadata(&self.file)?, fs::metadata(self.directory())?);
        let (length, file) = (file.len(), Id::of(&file));
        self.known = Some(Known { file, length, directory: Id::of(&directory) });
        Ok(())
    }

    /// Remembers the file's length after a transaction.
    pub(super) fn note_length(&mut self) {
        // `check` detects another file in its place.
        if let (Some(known), Ok(found)) = (&mut self.known, fs::metadata(&self.file))
            && Id::of(&found) == known.file
        {
            known.length = found.len();
        }
    }

    /// Checks that the next start would find what is written: that the file exists and can be written;
    /// and, if it is `open`, that it is complete.
    pub(super) fn check(&self, open: bool) -> Result<(), FileProblem> {
        let Some(known) = self.known else { return Ok(()) };
        let directory = self.directory().display();
        let again = "the agent then writes its whole state to a new file";
        let found = match fs::metadata(self.directory()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(FileProblem::Astray(format!(
                    "the directory {directory} is gone. Put it back, or create it again: {again}"
                )));
            }
            Err(error) => {
                return Err(FileProblem::Astray(format!(
                    "the directory {directory} can't be read ({error}). Restore it"
                )));
            }
            Ok(found) => found,
        };
        let file = match fs::metadata(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if Id::of(&found).device == known.directory.device {
                    return Err(FileProblem::Missing);
                }
                return Err(FileProblem::Astray(format!(
                    "the directory {directory} is on another file system than before. Mount the \
                     original one, or restart the agent"
                )));
            }
            Err(error) => {
                return Err(FileProblem::Astray(format!(
                    "it can't be found ({error}). Put it back"
                )));
            }
            Ok(file) => file,
        };
        if Id::of(&file) != known.file {
            return Err(FileProblem::Astray(format!(
                "another file has replaced it. Put the original back; or move the other file \
                 away: {again}; or restart the agent, to use the file that is there"
            )));
        }
        if open && file.len() < known.length {
            return Err(FileProblem::Astray(format!(
                "another program has shortened it, from {} bytes to {}. Move it away: {again}",
                known.length,
                file.len()
            )));
        }
        writable(&self.file).map_err(|error| {
            FileProblem::Astray(format!(
                "it can no longer be written ({error}). Make it writable again"
            ))
        })
    }
}

/// Identifies a file, whatever its name: its number on its device.
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

    /// Other systems keep open files in place.
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
