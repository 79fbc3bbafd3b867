//! Rules of the core that a test can break on purpose, to see its checkers bite.
//!
//! Only with the feature `sabotage`, which nothing but tests enables. Without it every question
//! here is the constant `false`.

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
    /// A range of masses allows for what peers have taken but not yet told.
    AllowForFlight,
    /// Nodes compare what they hold, so that whom every push missed hears all the same.
    Compare,
    /// A rumor that comes again is not delivered again.
    DeliverOnce,
    /// An older write does not replace a newer one.
    LastWriterWins,
    /// What was deleted is remembered.
    Tombstones,
    /// A tombstone guards its key after its life while a member differs.
    GuardDeleted,
    /// A comparison goes on where all that was given was outdated.
    GoOn,
    /// Stamps far ahead are neither followed nor accepted.
    BoundClocks,
    /// Ages are elapsed time, not differences of what clocks show.
    ElapsedAges,
    /// A node whose clock is wrong goes by the others'.
    CorrectClock,
    /// What a wrong clock stamped is written anew.
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
