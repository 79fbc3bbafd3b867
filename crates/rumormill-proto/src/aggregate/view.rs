//! The view of the membership that aggregation uses.

use crate::codec::Envelope;
use crate::config::Config;
use crate::time::Instant;

/// Bytes of a datagram that the envelope and the round's number may take.
pub(crate) const OVERHEAD: usize = Envelope::SIZE + 8;

/// Bytes of a section beside the set of members: name, masses, bounds.
const SECTION: usize = 300;

/// The parts of the membership that aggregation uses.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) digest: u64,
    /// Whether the set of members fits in a section.
    pub(crate) certifiable: bool,
    pub(crate) changed: Option<Instant>,
}

impl Config {
    /// Returns the number of members that windows can cover, given [`Config::max_datagram`]: a window
    /// takes one bit of a datagram for each. In a larger cluster readings have no bounds.
    ///
    /// ```
    /// let config = rumormill_proto::Config::default();
    /// assert_eq!(config.max_datagram, 1200);
    /// assert_eq!(config.most_enclosed(), 6920);
    /// ```
    pub fn most_enclosed(&self) -> usize {
        self.max_datagram.saturating_sub(OVERHEAD + SECTION).max(64) * 8
    }
}
