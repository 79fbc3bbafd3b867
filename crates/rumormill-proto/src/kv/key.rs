//! The texts that can be keys, and why a key was not written.

/// The longest key that any setting allows ([`crate::KvSettings::max_key`]), in bytes.
pub const MAX_KEY: usize = 4096;

/// Checks a key: text without control characters, not empty, at most `limit` bytes.
///
/// # Errors
/// Fails with the reason if the key is not valid.
///
/// ```
/// use rumormill_proto::{PutError, check_key};
/// assert_eq!(check_key("flags/new-checkout", 512), Ok(()));
/// assert_eq!(check_key("", 512), Err(PutError::EmptyKey));
/// assert_eq!(check_key("a\nb", 512), Err(PutError::BadKey('\n')));
/// ```
pub fn check_key(key: &str, limit: usize) -> Result<(), PutError> {
    if key.is_empty() {
        return Err(PutError::EmptyKey);
    }
    if key.len() > limit {
        return Err(PutError::LongKey { bytes: key.len(), limit });
    }
    key.chars().find(|c| c.is_control()).map_or(Ok(()), |bad| Err(PutError::BadKey(bad)))
}

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
    /// There is no room for the value.
    #[error("keys and values would take {bytes} bytes, the limit is {limit} (kv.max_bytes)")]
    Full {
        /// The bytes that there would be.
        bytes: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// The node has no key-value store ([`crate::Node::bare`]).
    #[error("keys and values are turned off at this node")]
    NotRunning,
}
