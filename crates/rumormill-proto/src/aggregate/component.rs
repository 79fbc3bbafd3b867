//! The components of mass that ledgers keep.

/// The name of one component of mass within its ledger.
pub(crate) type Component = u64;

/// 1 where the aggregate is reported.
pub(crate) const PARTICIPATION: Component = 0;
/// The input.
pub(crate) const VALUE: Component = 1;
/// The input's square.
pub(crate) const SQUARE: Component = 2;
