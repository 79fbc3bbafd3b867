//! How far a run has come.

use rumormill_proto::{InitialMembers, Instant};

/// The phase of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nodes start.
    Start,
    /// Things happen.
    Play,
    /// Nothing happens any more; since when, and since when everything has held.
    Calm(Instant, Option<Instant>),
    /// The run is over.
    Over,
}

/// How far the start has come.
pub(super) enum Beginning {
    /// This many nodes have started.
    Nodes(u32),
    /// All have, and this many know each other.
    Acquainted(u32, InitialMembers),
    /// All are ready.
    Done,
}
