//! How the failure detector sees a member.

use foca::State;

/// How the failure detector sees a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// It answers.
    Alive,
    /// It has not answered a probe and may soon be declared dead.
    Suspect,
    /// Declared dead, or has left.
    Down,
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
