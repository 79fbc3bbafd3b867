//! Why a key was not written.

/// Why a key was not written. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// The key is empty.
    #[error("the key is empty")]
    EmptyKey,
    /// The key is too long.
    #[error("the key has {bytes} bytes, the limit is {limit} (kv.max_key)")]
    LongKey {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The key holds a control character.
    #[error("the key holds the control character {0:?}; keys are text")]
    BadKey(char),
    /// The value is too long.
    #[error("the value has {bytes} bytes, the limit is {limit} (kv.max_value)")]
    LargeValue {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
    /// The replica is full.
    #[error("keys and values would take {bytes} bytes, the limit is {limit} (kv.max_bytes)")]
    Full {
        /// How many bytes there would be.
        bytes: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// This node keeps no replica.
    #[error("this node keeps no replica")]
    NotRunning,
}
