//! The law of push on graphs where the number that know is all there is to know: it alone says how
//! likely the next ones are.

use crate::exact::spread::Distribution;
use crate::graph::kind::GraphKind;

/// More nodes than this take too long: a round costs a step for each.
pub const MAX_LAW_NODES: u64 = 1000;

/// The law ends where it is this unlikely that a run goes on.
const END: f64 = 1e-13;

/// How push spreads: one call per node and round, nothing lost, synchronous rounds.
#[derive(Clone, Debug)]
pub struct Growth {
    /// The law of the round in which the last node is told.
    pub law: Distribution,
    /// The mean number that know after rounds 0, 1, ….
    pub informed: Vec<f64>,
}

impl GraphKind {
    /// Returns how push spreads on a star or a ring from any node, or on a path from one of its
    /// ends: exactly, up to [`MAX_LAW_NODES`] nodes. `None` of others.
    ///
    /// ```
    /// use rumormill_model::exact::graph::star_mean;
    /// use rumormill_model::graph::GraphKind;
    /// let star = GraphKind::Star.growth(100).expect("a star");
    /// assert!((star.law.mean - star_mean(100)).abs() < 1e-9);
    /// assert!(GraphKind::Torus.growth(100).is_none());
    /// ```
    #[must_use]
    pub fn growth(self, nodes: u64) -> Option<Growth> {
        let least = if self == Self::Ring { 3 } else { 2 };
        if !(least..=MAX_LAW_NODES).contains(&nodes) {
            return None;
        }
        let others = (nodes - 1) as f64;
        // The chances that one and that two more know after a round in which `left` do not.
        match self {
            // From the hub or from a leaf, the first call makes it the hub and one leaf; from then
            // on the hub alone tells anything new.
            Self::Star => Some(growth(nodes, |left| (left as f64 / others, 0.0))),
            // An arc, each of whose ends goes on with probability ½; both may call the last node.
            Self::Ring => {
                Some(growth(nodes, |left| if left == 1 { (0.75, 0.0) } else { (0.5, 0.25) }))
            }
            // The end of what knows calls onward or back.
            Self::Path => Some(growth(nodes, |_| (0.5, 0.0))),
            _ => None,
        }
    }
}

/// Follows the number that know, round by round. The first call always tells somebody.
fn growth(nodes: u64, chances: impl Fn(usize) -> (f64, f64)) -> Growth {
    let all = nodes as usize;
    // The probability of each number of informed nodes.
    let mut now = vec![0.0; all + 1];
    now[1] = 1.0;
    let (mut survival, mut informed) = (Vec::new(), Vec::new());
    let (mut messages, mut first) = (0.0, true);
    loop {
        let going: f64 = now[..all].iter().sum();
        let mean = |shares: &[f64]| (0..).zip(shares).map(|(know, p)| f64::from(know) * p).sum();
        let know: f64 = mean(&now[..all]);
        informed.push(know + all as f64 * (1.0 - going));
        if going < END {
            break;
        }
        survival.push(going.min(1.0));
        // All that know call, in every round that begins.
        messages += know;
        // From the top, so that what moves on is not moved twice.
        for know in (1..all).rev() {
            let (one, two) = if first { (1.0, 0.0) } else { chances(all - know) };
            let here = now[know];
            now[know] = here * (1.0 - one - two);
            now[know + 1] += here * one;
            if two > 0.0 {
                now[know + 2] += here * two;
            }
        }
        first = false;
    }
    survival.push(0.0);
    // Three roundings of a positive number a round, and the end of the list.
    let rounding = |(round, p): (usize, &f64)| round as f64 * 2.0 * f64::EPSILON * p;
    let error = END + survival.iter().enumerate().map(rounding).fold(0.0, f64::max);
    let law = Distribution::listed(survival, messages, error);
    Growth { law, informed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::graph::{path_mean, ring_mean, star_mean, star_survival};

    #[test]
    fn means_are_those_of_the_closed_forms() {
        for nodes in [3, 4, 10, 200] {
            for (graph, mean) in [
                (GraphKind::Star, star_mean(nodes)),
                (GraphKind::Ring, ring_mean(nodes)),
                (GraphKind::Path, path_mean(nodes)),
            ] {
                let growth = graph.growth(nodes).unwrap();
                let off = growth.law.mean / mean - 1.0;
                assert!(off.abs() < 1e-9, "{} of {nodes}: {}", graph.name(), growth.law.mean);
                assert_eq!((growth.informed[0], growth.informed[1]), (1.0, 2.0));
                assert!((growth.informed.last().unwrap() - nodes as f64).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn the_star_is_the_coupon_collector() {
        let growth = GraphKind::Star.growth(50).unwrap();
        for round in [10, 49, 100, 200, 400] {
            let want = star_survival(50, round as u64).unwrap();
            assert!((growth.law.survival[round] - want).abs() < 1e-12, "{round}");
        }
    }

    #[test]
    fn a_path_of_three_counts_its_messages() {
        // One call, then two a round until one of them goes on: 1 + 2·2.
        let growth = GraphKind::Path.growth(3).unwrap();
        assert!((growth.law.messages - 5.0).abs() < 1e-9, "{}", growth.law.messages);
        // P(T > r) = ½^(r − 1).
        assert!((growth.law.survival[4] - 0.125).abs() < 1e-15);
    }
}
