//! How the flags of simulations are written.

use crate::predict::input::count;

/// One of the words that a simulator's type knows.
pub(super) fn word<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// A number of rounds or partners: a count that fits 32 bits.
pub(super) fn small_count(text: &str) -> Result<u32, String> {
    let n = count(text)?;
    u32::try_from(n).map_err(|_| format!("{n} is too large; at most {}", u32::MAX))
}

/// A number of runs: at least one.
pub(super) fn runs(text: &str) -> Result<u64, String> {
    match count(text)? {
        0 => Err("must be at least 1".into()),
        n => Ok(n),
    }
}
