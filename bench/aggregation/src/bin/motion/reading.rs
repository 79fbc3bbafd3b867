//! What the bench needs of a reading, out of its JSON.

use anyhow::Context;
use serde_json::Value;

/// A reading of the sum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// The estimate now.
    pub(crate) value: Option<f64>,
    pub(crate) certified: Option<Certified>,
    pub(crate) state: String,
    pub(crate) converged: bool,
    pub(crate) members: u64,
}

/// Bounds of the sum, at an instant no longer ago than this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Certified {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
    pub(crate) seconds_ago: f64,
}

impl Seen {
    /// Reads a reading as JSON has it. An agent of version 0.1.0 has its bounds beside the value, and
    /// no state in words.
    pub(crate) fn of(json: &Value) -> anyhow::Result<Self> {
        let number = |path: &str| json.pointer(path).and_then(Value::as_f64);
        let either = |path: &str, old: &str| number(path).or_else(|| number(old));
        let lower = either("/certified/sum/lower", "/sum/lower");
        let upper = either("/certified/sum/upper", "/sum/upper");
        let ago = either("/certified/seconds_ago", "/enclosed_seconds_ago");
        let certified = lower.zip(upper).zip(ago);
        let converged = json["converged"].as_bool().context("a reading without `converged`")?;
        let word = if converged { "converged" } else { "not converged" };
        Ok(Self {
            value: number("/sum/value"),
            certified: certified.map(|((lower, upper), seconds_ago)| Certified {
                lower,
                upper,
                seconds_ago,
            }),
            state: json["state"].as_str().unwrap_or(word).to_owned(),
            converged,
            members: json["members"].as_u64().context("a reading without `members`")?,
        })
    }

    /// Returns whether the value is this, to a relative error.
    pub(crate) fn is(&self, truth: f64, tolerance: f64) -> bool {
        self.value.is_some_and(|value| (value - truth).abs() <= tolerance * truth.abs())
    }
}
