//! The books of aggregates that this node has forgotten, while its peers may still keep theirs.
//!
//! The two cumulatives of a link begin at zero when the link is made, at both ends. A node that
//! began them anew by itself, when a forgotten aggregate is reported again, would hold mass that
//! its peers' books contradict, until it has exchanged with each of them once more: a window that
//! ends before that encloses a wrong sum. So the books outlast the aggregate, until the links are gone.

use crate::aggregate::ledger::Ledger;
use crate::aggregate::masses::Masses;
use crate::identity::{Name, NodeId};

/// The most ledgers that are kept. Beyond that, the one that was put away first is dropped.
const MOST: usize = 1024;

/// The ledgers of forgotten aggregates, the oldest first.
#[derive(Default)]
pub(super) struct Resting(Vec<(Name, Ledger)>);

impl Resting {
    /// Puts away the ledger of an aggregate that this node forgets.
    pub(super) fn put(&mut self, name: Name, mut ledger: Ledger) {
        ledger.end_record();
        if ledger.has_flows() {
            if self.0.len() >= MOST {
                self.0.remove(0);
            }
            self.0.push((name, ledger));
        }
    }

    /// Returns the ledger with which an aggregate goes on, or begins.
    pub(super) fn take(&mut self, name: &Name) -> Ledger {
        let at = self.0.iter().position(|(resting, _)| resting == name);
        at.map_or_else(Ledger::default, |at| self.0.remove(at).1)
    }

    /// Books the answer to a push that was in flight when the aggregate was forgotten.
    pub(super) fn settle(&mut self, name: &Name, peer: NodeId, seq: u64, taken: &Masses) {
        self.0.retain_mut(|(resting, ledger)| {
            resting != name || !ledger.settle(peer, seq, taken) || ledger.has_flows()
        });
    }

    /// Returns the answer to a copy of a push that was answered before the aggregate was forgotten; it
    /// is empty if that is not so.
    pub(super) fn taken(&self, name: &Name, peer: NodeId, seq: u64) -> Masses {
        let ledger = self.0.iter().find(|(resting, _)| resting == name);
        ledger.map_or_else(Masses::new, |(_, ledger)| ledger.taken_at(peer, seq))
    }

    /// Undoes the link with a peer.
    pub(super) fn unlink(&mut self, peer: NodeId) {
        self.0.retain_mut(|(_, ledger)| {
            ledger.forget(peer);
            ledger.has_flows()
        });
    }

    /// Drops all ledgers, because all links are undone.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::component::VALUE;
    use crate::aggregate::ledger::Answer;
    use crate::aggregate::mass::{ONE, Steps};

    #[test]
    fn books_outlast_a_forgotten_aggregate_until_the_link_is_gone() {
        let (name, peer, other) = (Name::new("x").unwrap(), NodeId(1), NodeId(2));
        let mut ledger = Ledger::default();
        let pushed = vec![(VALUE, ONE << 2u32)];
        assert_eq!(ledger.answer(peer, 1, &pushed, Some(Steps::COARSE), 2), Answer::Fresh);
        ledger.pushed(other, 1, 2);
        let taken = ledger.taken(peer);
        let mut resting = Resting::default();
        resting.put(name.clone(), ledger);
        assert_eq!(resting.taken(&name, peer, 1), taken, "a copy of the push has the same answer");
        assert!(resting.taken(&name, peer, 2).is_empty(), "a new one is answered without it");
        // What the other took while its reply was under way is booked.
        resting.settle(&name, other, 1, &vec![(VALUE, ONE)]);
        let mut ledger = resting.take(&name);
        assert_eq!(ledger.mass(VALUE), ONE);
        ledger.pass_over(peer, 2);
        assert_eq!(ledger.answer(peer, 2, &pushed, Some(Steps::COARSE), 2), Answer::Repeated);
        resting.put(name.clone(), ledger);
        resting.unlink(peer);
        resting.unlink(other);
        let ledger = resting.take(&name);
        assert!(!ledger.has_flows() && ledger.mass(VALUE).is_zero());
        assert!(resting.0.is_empty());
    }
}
