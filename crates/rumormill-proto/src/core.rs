//! The state that a node lends to its protocols.

use crate::Rng;
use crate::clock::HybridClock;
use crate::config::Config;
use crate::membership::expected::Expected;
use crate::membership::roster::Roster;
use crate::notice::Notice;
use crate::stats::Stats;

/// The state that a node owns and a protocol borrows while it is called; see
/// [`Context`](crate::protocol::Context).
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) roster: Roster,
    /// Why this node expects other members; `None` once it has met one.
    pub(crate) expected: Option<Expected>,
    /// Whether it has met another member since its start.
    pub(crate) met: bool,
    pub(crate) clock: HybridClock,
    pub(crate) rng: Rng,
    pub(crate) stats: Stats,
    /// The notices that `Node::settle` hands to the driver.
    pub(crate) notices: Vec<Notice>,
}
