//! Rules of the core that a test can break on purpose, to prove that its checkers find that.
//!
//! Only with the feature `sabotage`, which only tests enable. Without it no rule is broken, and the
//! compiler removes the checks.

/// A rule that can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A push that was answered before moves nothing when it arrives again.
    AnswerOnce,
    /// A peer that is gone takes its share of the mass with it.
    Rollback,
    /// A window closes only when all members have opened it, and ends only when all have
    /// contributed.
    WaitForAll,
    /// A range of masses allows for amounts that peers have taken but not yet replied.
    AllowForFlight,
    /// While an epoch begins, changes of inputs are kept back.
    HoldInputs,
    /// Nodes compare their entries, so that a node that every push missed is informed, too.
    Compare,
    /// An event that arrives again is not delivered again.
    DeliverOnce,
    /// An older write does not replace a newer one.
    LastWriterWins,
    /// Deletions are remembered.
    Tombstones,
    /// A tombstone guards its key after its life while a member differs.
    GuardDeleted,
    /// A comparison goes on if all entries received were outdated.
    GoOn,
    /// Stamps far ahead are neither followed nor accepted.
    BoundClocks,
    /// Ages are elapsed time, not differences of clock readings.
    ElapsedAges,
    /// A node whose clock is wrong uses the others' time.
    CorrectClock,
    /// Entries stamped by a wrong clock are written again.
    Restamp,
}

#[cfg(feature = "sabotage")]
mod switch {
    use core::cell::Cell;

    use super::Rule;

    thread_local! {
        static BROKEN: Cell<Option<Rule>> = const { Cell::new(None) };
    }

    /// Breaks a rule for all nodes that run in this thread, or none.
    pub fn break_rule(rule: Option<Rule>) {
        BROKEN.set(rule);
    }

    pub(crate) fn broken(rule: Rule) -> bool {
        BROKEN.get() == Some(rule)
    }
}

#[cfg(feature = "sabotage")]
pub use switch::break_rule;
#[cfg(feature = "sabotage")]
pub(crate) use switch::broken;

#[cfg(not(feature = "sabotage"))]
pub(crate) const fn broken(_: Rule) -> bool {
    false
}
