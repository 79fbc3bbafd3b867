//! The tables of a store, and their content.

use redb::TableDefinition;
use rumormill_proto::Mode;

/// The format's number. A store with a higher one is refused.
pub(super) const FORMAT: u64 = 1;

/// Numbers by name: [`keys`].
pub(super) const NUMBERS: TableDefinition<'static, &str, u64> = TableDefinition::new("numbers");

/// Texts by name: [`keys`].
pub(super) const TEXTS: TableDefinition<'static, &str, &str> = TableDefinition::new("texts");

/// By the aggregate's name: the input's value as bits, and the number of its mode.
pub(super) const INPUTS: TableDefinition<'static, &str, (u64, u8)> = TableDefinition::new("inputs");

/// By key: the entries, including tombstones, as the core encodes them.
pub(super) const KV: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("kv");

pub(super) mod keys {
    /// In [`super::NUMBERS`]: [`super::FORMAT`].
    pub(in crate::store) const FORMAT: &str = "format";
    /// In [`super::NUMBERS`]: no incarnation number above this one has been used.
    pub(in crate::store) const RESERVED: &str = "reserved";
    /// In [`super::NUMBERS`]: when an agent last ran, in milliseconds since 1970.
    pub(in crate::store) const LAST_ALIVE: &str = "last_alive";
    /// In [`super::NUMBERS`]: how many other members were up when that last changed; 0 if the agent
    /// has left.
    pub(in crate::store) const OTHERS: &str = "others";
    /// In [`super::TEXTS`]: the agent's name.
    pub(in crate::store) const NAME: &str = "name";
    /// In [`super::TEXTS`]: the cluster's name.
    pub(in crate::store) const CLUSTER: &str = "cluster";
}

pub(super) fn mode_number(mode: Mode) -> u8 {
    match mode {
        Mode::Live => 0,
        Mode::Epoch => 1,
    }
}

pub(super) fn mode(number: u8) -> Option<Mode> {
    match number {
        0 => Some(Mode::Live),
        1 => Some(Mode::Epoch),
        _ => None,
    }
}
