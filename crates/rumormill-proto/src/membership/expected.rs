//! Why a node that has met nobody since its start expects other members.

use core::fmt;

/// Why a node that has met no other member since its start expects some. While it does, what it says
/// of aggregates is of its own inputs alone, and none has converged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// It knew this many others when it last ran.
    Known(usize),
    /// It was given addresses to join, and none has answered.
    Joining,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(others) => {
                let members = if *others == 1 { "member" } else { "members" };
                write!(
                    f,
                    "this node is alone since its start, though it knew {others} {members} before: \
                     the reading is of its own inputs alone; join one of them, or, if they are gone \
                     for good, leave and start again"
                )
            }
            Self::Joining => write!(
                f,
                "this node is alone since its start, and no address to join has answered: the \
                 reading is of its own inputs alone"
            ),
        }
    }
}
