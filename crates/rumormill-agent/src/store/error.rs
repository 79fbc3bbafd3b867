//! The errors of a store.

use std::io;
use std::path::PathBuf;

use rumormill_proto::Name;

use super::format::FORMAT;

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
    /// The file can't be used.
    #[error("the store {}{problem}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: FileProblem,
    },
}

/// What is wrong with the file of a store.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is damaged, and why.
    #[error(
        " is damaged ({0}); it was left unchanged. Replace it with an earlier copy; or move it away and \
         start again: the agent then fetches the keys from the other members, and its inputs have to \
         be set again"
    )]
    Damaged(String),
    /// It has a later format, of this number.
    #[error(
        " has format {0}, but this version of rumormill reads formats up to {FORMAT}; it was left \
         unchanged. Use the version that wrote it, or a later one"
    )]
    Version(u64),
    /// It has been removed from its directory.
    #[error(": it has been removed, and is being created again")]
    Missing,
    /// It has been moved or replaced, so the next start would not find what is written. Says what has
    /// happened to it, and what to do.
    #[error(": {0}")]
    Astray(String),
    /// It can't be read or written; the operating system's error.
    #[error(" can't be used: {0}")]
    Io(String),
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
