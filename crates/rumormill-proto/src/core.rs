//! The state that a node lends to its protocols.

use crate::Rng;
use crate::clock::HybridClock;
use crate::config::Config;
use crate::membership::roster::Roster;
use crate::notice::Notice;
use crate::stats::Stats;

/// What a node owns and a protocol borrows while it is called; see
/// [`Context`](crate::protocol::Context).
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) roster: Roster,
    pub(crate) clock: HybridClock,
    pub(crate) rng: Rng,
    pub(crate) stats: Stats,
    /// What the driver is to be told; `Node::settle` carries it on.
    pub(crate) notices: Vec<Notice>,
}
