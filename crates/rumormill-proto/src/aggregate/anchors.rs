//! The anchors' masses at this node, from which the number of nodes follows.

use std::collections::BTreeSet;

use crate::aggregate::disagreement::Disagreement;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::mass::{self, Mass, Steps};
use crate::aggregate::masses::{Masses, mass_of};
use crate::aggregate::pace::{Gaps, Pace};
use crate::identity::NodeId;
use crate::time::Instant;

/// How far below 1/N a share of an anchor may be before it counts as one that has not arrived.
const SMALL_SHARE: f64 = 16.0;

/// The ledger of the anchors' components, each of which has the mean 1/N.
pub(super) struct Anchors {
    /// The three oldest members, the oldest first: a median of three survives one that is off.
    pub(super) elected: Vec<NodeId>,
    pub(super) ledger: Ledger,
    pub(super) disagreement: Disagreement,
    /// Whether the last exchange changed nothing.
    pub(super) quiet: bool,
    pub(super) pace: Pace,
    /// The peers that a change is still to be broadcast to.
    pub(super) owed: BTreeSet<NodeId>,
}

impl Anchors {
    pub(super) fn new(now: Instant, gaps: Gaps) -> Self {
        Self {
            elected: Vec::new(),
            ledger: Ledger::default(),
            disagreement: Disagreement::default(),
            quiet: false,
            pace: Pace::new(now, gaps),
            owed: BTreeSet::new(),
        }
    }

    /// Returns the number of nodes: the median of the inverses of the anchors' masses. A share that is
    /// far below that of one among `members` has not arrived yet.
    pub(super) fn nodes(&self, members: usize) -> Option<f64> {
        let arrived = 1.0 / (SMALL_SHARE * members.max(1) as f64);
        let mut inverses: Vec<f64> = (self.elected.iter())
            .map(|id| mass::to_f64(self.ledger.mass(id.0)))
            .filter(|&mass| mass >= arrived)
            .map(|mass| 1.0 / mass)
            .collect();
        inverses.sort_by(f64::total_cmp);
        let n = inverses.len();
        let pair = (inverses.get(n.checked_sub(1)? / 2)?, inverses.get(n / 2)?);
        Some((pair.0 + pair.1) / 2.0)
    }

    /// Returns the differences between a peer's masses and this node's.
    pub(super) fn difference(&self, theirs: &Masses) -> Masses {
        let mine = self.ledger.masses();
        let others = theirs.iter().filter(|(c, _)| mine.iter().all(|(mine, _)| mine != c));
        let missing = others.map(|&(c, mass)| (c, mass));
        let shared = mine.iter().map(|&(c, mass)| (c, mass_of(theirs, c) - mass));
        shared.chain(missing).collect()
    }

    /// Notes the differences to the masses of a peer.
    pub(super) fn met(&mut self, now: Instant, difference: &Masses, tolerance: f64, gaps: Gaps) {
        self.quiet = true;
        for &id in &self.elected {
            let mass = mass::to_f64(self.ledger.mass(id.0));
            let difference = mass::to_f64(mass_of(difference, id.0));
            // Beyond that nothing is known of the share.
            let relative = if mass > 0.0 { (difference / mass).clamp(-1.0, 1.0) } else { 1.0 };
            self.disagreement.meet(relative);
            self.quiet &= relative.abs() <= tolerance;
        }
        if difference.iter().any(|&(c, mass): &(u64, Mass)| Steps::COARSE.tells(c, mass)) {
            self.pace.news(now, gaps);
        }
    }
}
