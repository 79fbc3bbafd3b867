//! A member, as a node sees it.

use serde::{Deserialize, Serialize};

use crate::identity::{Identity, NodeId};
use crate::membership::state::MemberState;

/// One incarnation of one member, as a node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Member {
    /// The member's name, address and incarnation number.
    #[serde(flatten)]
    pub identity: Identity,
    /// The 64-bit name of this incarnation.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: NodeId,
    /// The member's state.
    pub state: MemberState,
    /// Whether it is the node that was asked.
    pub me: bool,
}

impl Member {
    pub(crate) fn new(identity: Identity, state: MemberState, me: bool) -> Self {
        Self { id: identity.id(), identity, state, me }
    }
}
