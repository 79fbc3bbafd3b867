//! An exact answer: what is known of a question without simulating it.

use serde::Serialize;

use crate::exact::spread::Distribution;

/// The exact answer to a question; what is not known is `None`.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Exact {
    /// The law of the finishing round; of runs that are cut off, of those that finish before.
    pub law: Option<Distribution>,
    /// The mean number of informed nodes after rounds 0, 1, ….
    pub informed: Vec<f64>,
    /// Mean contacts until the end of a run.
    pub messages: Option<f64>,
    /// Mean share of the living that are never informed.
    pub residue: Option<f64>,
    /// Probability that some living node is never informed.
    pub incomplete: Option<f64>,
    /// Probability that a run ends short of its goal.
    pub unfinished: Option<f64>,
    /// Why there is no exact answer, or what is missing in it.
    pub missing: Option<String>,
}

impl Exact {
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self { missing: Some(why.into()), ..Self::default() }
    }

    /// Returns P(T = x) for x = 0, 1, …, as far as the law is listed.
    #[must_use]
    pub fn finishing(&self) -> Vec<f64> {
        self.law.as_ref().map_or_else(Vec::new, |law| chances(&law.survival))
    }
}

/// Returns the law of the runs that finish by round `cap`. Its tail ends there.
pub(crate) fn cut(law: &Distribution, cap: u64) -> Distribution {
    let kept = law.survival.len().min(usize::try_from(cap).unwrap_or(usize::MAX).saturating_add(1));
    let mut cut = Distribution { survival: law.survival[..kept].to_vec(), ..law.clone() };
    let chances = chances(&cut.survival);
    let all: f64 = chances.iter().sum();
    let mean_of = |f: &dyn Fn(f64) -> f64| -> f64 {
        (0..).zip(&chances).map(|(x, p)| f(f64::from(x)) * p).sum::<f64>() / all
    };
    let mean = mean_of(&|x| x);
    (cut.mean, cut.variance) = (mean, mean_of(&|x| (x - mean).powi(2)));
    cut
}

/// Returns P(T = x) for x = 0, 1, … from P(T > x).
fn chances(survival: &[f64]) -> Vec<f64> {
    let before = std::iter::once(1.0).chain(survival.iter().copied());
    before.zip(survival).map(|(before, after)| before - after).collect()
}
