//! The exact curve.

use rumormill_model::error::Error;

use crate::Setting;

/// The exact law's mean and standard deviation of the number informed, by round from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    /// The mean.
    pub informed: Vec<f64>,
    /// The standard deviation among events.
    pub deviation: Vec<f64>,
}

impl Exact {
    /// Computes both.
    ///
    /// # Errors
    /// If the setting is out of the theory's range.
    pub fn new(setting: Setting) -> Result<Self, Error> {
        let spread = setting.spread();
        let rounds = setting.rounds.into();
        let informed = spread.expected_informed(rounds)?;
        // Of the uninformed nodes: few at the end, so that nothing cancels there.
        let missed = spread.means(rounds, |_, missed| missed)?;
        let squares = spread.means(rounds, |_, missed| missed * missed)?;
        let variances = missed.iter().zip(&squares).map(|(mean, square)| square - mean * mean);
        // Rounds 0 and 1 are certain; what is left of them is rounding.
        let deviation = variances.map(|v| if v < 1e-7 { 0.0 } else { v.sqrt() }).collect();
        Ok(Self { informed, deviation })
    }

    /// Returns the standard error of the mean of this many events, by round.
    #[must_use]
    pub fn errors(&self, events: u64) -> Vec<f64> {
        self.deviation.iter().map(|deviation| deviation / (events as f64).sqrt()).collect()
    }
}
