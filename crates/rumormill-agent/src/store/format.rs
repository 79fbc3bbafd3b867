//! The tables of a store, and what is in them.

use redb::TableDefinition;
use rumormill_proto::Mode;

/// The format's number. A store of a higher one is refused.
pub(super) const FORMAT: u64 = 1;

/// Numbers by name: [`keys`].
pub(super) const NUMBERS: TableDefinition<'static, &str, u64> = TableDefinition::new("numbers");

/// Texts by name: [`keys`].
pub(super) const TEXTS: TableDefinition<'static, &str, &str> = TableDefinition::new("texts");

/// An input's value as bits, and 1 if it is settled round by round, by the figure's name.
pub(super) const INPUTS: TableDefinition<'static, &str, (u64, u8)> = TableDefinition::new("inputs");

/// The replica's entries, tombstones included, as the core writes them, by key.
pub(super) const REPLICA: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("replica");

pub(super) mod keys {
    /// In [`super::NUMBERS`]: [`super::FORMAT`].
    pub(in crate::store) const FORMAT: &str = "format";
    /// In [`super::NUMBERS`]: no boot number above this one has been used.
    pub(in crate::store) const BOOTS: &str = "boots";
    /// In [`super::NUMBERS`]: when an agent last ran, in milliseconds since 1970.
    pub(in crate::store) const LAST_ALIVE: &str = "last_alive";
    /// In [`super::TEXTS`]: the agent's name.
    pub(in crate::store) const NAME: &str = "name";
    /// In [`super::TEXTS`]: the cluster's name.
    pub(in crate::store) const CLUSTER: &str = "cluster";
}

pub(super) fn mode_number(mode: Mode) -> u8 {
    match mode {
        Mode::Live => 0,
        Mode::Round => 1,
    }
}

pub(super) fn mode(number: u8) -> Option<Mode> {
    match number {
        0 => Some(Mode::Live),
        1 => Some(Mode::Round),
        _ => None,
    }
}
