//! The errors of a store.

use std::io;
use std::path::PathBuf;

use rumormill_proto::Name;

/// Why a store can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused the directory.
    #[error("the data directory {} can't be used", .dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Another process uses the directory.
    #[error(
        "the data directory {} is in use by {holder}; stop that process, or give this agent a \
         directory of its own", .dir.display()
    )]
    Taken {
        /// The directory.
        dir: PathBuf,
        /// The other process, in words.
        holder: String,
    },
    /// The directory belongs to another agent.
    #[error(
        "the data directory {} belongs to the agent {name} of cluster {cluster:?}, not to {given} \
         of cluster {of:?}; give every agent a directory of its own", .dir.display()
    )]
    Other {
        /// The directory.
        dir: PathBuf,
        /// The agent that the directory belongs to.
        name: Name,
        /// That agent's cluster.
        cluster: String,
        /// The agent that was to be started.
        given: Name,
        /// That agent's cluster.
        of: String,
    },
    /// The file is damaged.
    #[error(
        "the store {} is damaged ({reason}); it was left unchanged. Replace it with an earlier copy; \
         or move it away and start again: the agent then fetches the keys from the other members, \
         and its inputs have to be set again", .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file has a later format.
    #[error(
        "the store {} has format {found}, but this version of rumormill reads formats up to \
         {known}; it was left unchanged. Use the version that wrote it, or a later one", .file.display()
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// The number of its format.
        found: u64,
        /// The highest format that can be read.
        known: u64,
    },
    /// The file has been moved, replaced or deleted, so the next start would not find what is written.
    #[error("the store {}: {reason}", .file.display())]
    Astray {
        /// The file.
        file: PathBuf,
        /// What has happened to it, and what to do.
        reason: String,
    },
    /// The file can't be read or written.
    #[error("the store {} can't be used: {reason}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's error.
        reason: String,
    },
}

/// Why a change is not on disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// The change was refused because an earlier one could not be written. Nothing has changed.
    #[error(
        "refused, because the agent's store can't be written: {0}; nothing was changed. Repair the \
         disk or free some space; the agent retries every few seconds"
    )]
    Refused(String),
    /// The change is in force and spreads to the other members, but is not on this agent's disk.
    #[error(
        "the change is in force and spreads, but this agent's store can't be written: {0}; after a \
         restart this agent would not have it. Repair the disk or free some space; the agent \
         retries every few seconds"
    )]
    Unkept(String),
}
