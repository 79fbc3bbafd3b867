//! What can be a key.

use crate::kv::error::PutError;

/// The longest key that any setting allows ([`crate::KvSettings::max_key`]), in bytes.
pub const MAX_KEY: usize = 4096;

/// Checks a key: text without control characters, not empty, at most `limit` bytes.
///
/// # Errors
/// Says what is wrong with it.
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
