//! What nodes start from.

use crate::average::{Averaging, Values};
use crate::simulate::stream::{Purpose, Stream};

/// Returns the inputs of a run.
pub(super) fn inputs(settings: &Averaging, run: u64) -> Vec<f64> {
    let nodes = settings.nodes();
    match &settings.values {
        Values::Uniform => {
            let mut draws = Stream::new(settings.seed, Purpose::Values).child(run).draws();
            (0..nodes).map(|_| draws.unit()).collect()
        }
        Values::Spike => {
            (0..nodes).map(|node| if node == 0 { nodes as f64 } else { 0.0 }).collect()
        }
        Values::Linear => (0..nodes).map(|node| node as f64 / (nodes - 1) as f64).collect(),
        Values::Given(values) => values.to_vec(),
    }
}
