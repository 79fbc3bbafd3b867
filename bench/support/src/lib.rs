//! Shared parts of the benches.

pub mod agents;
pub mod process;

/// Returns the median; the upper one of an even number.
///
/// # Panics
/// If there is no value.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
