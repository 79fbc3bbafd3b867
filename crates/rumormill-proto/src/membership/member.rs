//! A member, as a node sees it, and its state.

use foca::State;
use serde::{Deserialize, Serialize};

use crate::identity::{Identity, NodeId};
use crate::words;

/// One incarnation of one member, as a node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct Member {
    /// The member's name, address and incarnation number.
    #[serde(flatten)]
    pub identity: Identity,
    /// The 64-bit name of this incarnation.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: NodeId,
    /// The member's state.
    pub state: MemberState,
    /// Whether it is this node itself.
    pub me: bool,
}

impl Member {
    pub(crate) fn new(identity: Identity, state: MemberState, me: bool) -> Self {
        Self { id: identity.id(), identity, state, me }
    }
}

/// How the failure detector sees a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum MemberState {
    /// It answers probes.
    Alive,
    /// It has not answered a probe and may soon be declared dead.
    Suspect,
    /// It was declared dead, or has left.
    Down,
}

words!(MemberState { Alive => "alive", Suspect => "suspect", Down => "down" });

impl From<State> for MemberState {
    fn from(state: State) -> Self {
        match state {
            State::Alive => Self::Alive,
            State::Suspect => Self::Suspect,
            State::Down => Self::Down,
        }
    }
}
