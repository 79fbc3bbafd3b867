//! How the failure detector sees a member.

use core::fmt;

use foca::State;
use serde::{Deserialize, Serialize};

/// How the failure detector sees a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It answers.
    Alive,
    /// It has not answered a probe and may soon be declared dead.
    Suspect,
    /// Declared dead, or has left.
    Down,
}

impl MemberState {
    /// All states, from best to worst.
    pub const ALL: [Self; 3] = [Self::Alive, Self::Suspect, Self::Down];

    /// Returns the name of the state, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<State> for MemberState {
    fn from(state: State) -> Self {
        match state {
            State::Alive => Self::Alive,
            State::Suspect => Self::Suspect,
            State::Down => Self::Down,
        }
    }
}
