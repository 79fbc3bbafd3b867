//! What can go wrong with a store.

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
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data directory {} is in use by {holder}; stop that one, or give this agent a \
         directory of its own", .dir.display()
    )]
    Taken {
        /// The directory.
        dir: PathBuf,
        /// Who has it, in words.
        holder: String,
    },
    /// It belongs to another agent.
    #[error(
        "the data directory {} belongs to the agent {name} of cluster {cluster:?}, not to {given} \
         of cluster {of:?}; give every agent a directory of its own", .dir.display()
    )]
    Other {
        /// The directory.
        dir: PathBuf,
        /// The agent that it belongs to.
        name: Name,
        /// That agent's cluster.
        cluster: String,
        /// The agent that was to be started.
        given: Name,
        /// That agent's cluster.
        of: String,
    },
    /// The file is not what an agent wrote.
    #[error(
        "the store {} is damaged ({reason}); nothing in it was changed. Put a copy from before in \
         its place; or move it away and start again: the agent then takes the replica from the \
         others, and its inputs have to be set again", .file.display()
    )]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of a later version.
    #[error(
        "the store {} has format {found}, and this rumormill reads up to {known}; nothing in it \
         was changed. Start the version that wrote it, or a later one", .file.display()
    )]
    Version {
        /// The file.
        file: PathBuf,
        /// Its format's number.
        found: u64,
        /// The highest that can be read.
        known: u64,
    },
    /// What is written would not be found at the next start.
    #[error("the store {}: {reason}", .file.display())]
    Astray {
        /// The file.
        file: PathBuf,
        /// What has become of it, and what to do.
        reason: String,
    },
    /// The file can't be read or written.
    #[error("the store {} can't be used: {reason}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        reason: String,
    },
}

/// Why a change is not on the disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeepError {
    /// An earlier change could not be written, so that this one was refused. Nothing has changed.
    #[error(
        "refused, because the agent's store can't be written: {0}; nothing was changed. Mend that, \
         or make room; the agent tries again by itself, every few seconds"
    )]
    Refused(String),
    /// The change is in force, and the others hear of it; only this agent's disk does not have it.
    #[error(
        "the change is in force, and the others hear of it, but this agent's store can't be \
         written: {0}; it would be gone after a restart. Mend that, or make room; the agent tries \
         again by itself, every few seconds"
    )]
    Unkept(String),
}
