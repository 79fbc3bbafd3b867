//! Graphs other than the complete one: what is known in closed form, and what is not.

pub mod growth;

pub use growth::{Growth, MAX_LAW_NODES};

use crate::error::{Error, count};
use crate::exact::kernel::Kernel;
use crate::exact::row::Row;
use crate::exact::special::harmonic;
use rumormill_proto::Style;

use crate::graph::kind::GraphKind;
use crate::graph::topology::MAX_NODES;
use crate::spread::{Spread, Targets};

/// The families that something is known about in closed form, in the order tables list them.
pub const FAMILIES: [GraphKind; 9] = [
    GraphKind::Complete,
    GraphKind::Star,
    GraphKind::Wheel,
    GraphKind::Ring,
    GraphKind::Path,
    GraphKind::Grid,
    GraphKind::Torus,
    GraphKind::Hypercube,
    GraphKind::Tree,
];

/// What is known about gossip on one graph. Push with one call per node and round, no loss,
/// synchronous rounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The longest distance between two nodes.
    pub diameter: u64,
    /// The least and the greatest eccentricity: no origin needs fewer rounds than its own.
    pub eccentricity: (u64, u64),
    /// The origin the exact mean is for, and E\[T\] in rounds, where a formula or a recursion
    /// gives it.
    pub exact: Option<(&'static str, f64)>,
    /// In words: what holds, and what to simulate where no closed form does.
    pub statement: String,
}

impl GraphKind {
    /// Returns what is known about this graph on `nodes` nodes.
    ///
    /// # Errors
    /// If the graph does not exist on that many nodes, or nothing is known about it.
    ///
    /// ```
    /// use rumormill_model::graph::GraphKind;
    /// let star = GraphKind::Star.facts(1000)?;
    /// assert_eq!((star.diameter, star.eccentricity), (2, (1, 2)));
    /// assert!((star.exact.expect("coupon collector").1 - 7477.0).abs() < 0.5);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn facts(self, nodes: u64) -> Result<Facts, Error> {
        if !FAMILIES.contains(&self) {
            let names = FAMILIES.map(Self::name).join(", ");
            return Err(Error::setting("kind", self, format_args!("one of {names}")));
        }
        count("nodes", nodes, 1, MAX_NODES)?;
        let side = nodes.isqrt();
        let n = nodes as f64;
        let least = match self {
            Self::Wheel => 4,
            Self::Ring | Self::Torus => 3,
            _ => 1,
        };
        count("nodes", nodes, least, MAX_NODES)?;
        let shaped = match self {
            Self::Grid | Self::Torus => side * side == nodes,
            Self::Hypercube => nodes.is_power_of_two(),
            Self::Tree => (nodes + 1).is_power_of_two(),
            _ => true,
        };
        if !shaped {
            let range = match self {
                Self::Hypercube => "a power of two",
                Self::Tree => "a number 2^h - 1",
                _ => "a square number",
            };
            return Err(Error::setting("nodes", n, range));
        }
        let ((radius, diameter), exact, statement) = match self {
            Self::Complete => (
                (u64::from(nodes > 1), u64::from(nodes > 1)),
                None,
                "`predict spread` gives exact values.".to_owned(),
            ),
            Self::Star => (
                (u64::from(nodes > 1), (nodes - 1).min(2)),
                Some(("the hub", star_mean(nodes))),
                format!(
                    "From the hub this is the coupon collector: T >= n-1 = {}, E[T] = (n-1) H_(n-1), \
                     P(T > n ln n + cn) <= exp(-c), with limit 1 - exp(-exp(-c)). From a leaf, one \
                     round more for its call and one leaf fewer. Pull from the hub takes one round.",
                    nodes - 1
                ),
            ),
            Self::Wheel => (
                (1, if nodes == 4 { 1 } else { 2 }),
                None,
                format!(
                    "No closed form is known, so no mean is given here. The coupon collector's n ln n \
                     ({:.0} here) is often told of a wheel, and is false there: the rim gossips too, \
                     and T is Theta(sqrt(n ln n)), {:.0} here up to a constant. (Simulated: about \
                     126 rounds at 1,000 nodes and 440 at 10,000, 1.5 times that order.) To know it, \
                     simulate push on the wheel from the hub node by node, some 1,000 runs.",
                    n * n.ln(),
                    (n * n.ln()).sqrt()
                ),
            ),
            Self::Ring => (
                (nodes / 2, nodes / 2),
                (nodes <= MAX_RECURSION).then(|| ("any node", ring_mean(nodes))),
                "Exact: the informed form an arc, each of whose ends goes on with probability 1/2 a \
                 round. T is n - 1 plus small terms, twice the diameter; the spread is sqrt(n/2)."
                    .to_owned(),
            ),
            Self::Path => (
                (nodes / 2, nodes - 1),
                Some(("an end", path_mean(nodes))),
                "Exact from an end: the first call always succeeds, each later step takes two rounds \
                 on average, so E[T] = 2n - 3."
                    .to_owned(),
            ),
            Self::Grid => (
                (2 * (side / 2), 2 * (side - 1)),
                None,
                "No closed form. T is at least the eccentricity and grows as the diameter (Feige et \
                 al. 1990: O(diameter + ln n) at bounded degree). Simulate push from a corner, some \
                 1,000 runs."
                    .to_owned(),
            ),
            Self::Torus => (
                (2 * (side / 2), 2 * (side / 2)),
                None,
                "No closed form. T is at least the diameter and grows in proportion to it (Feige et \
                 al. 1990). Simulate push from any node, some 1,000 runs."
                    .to_owned(),
            ),
            Self::Hypercube => (
                (u64::from(nodes.ilog2()), u64::from(nodes.ilog2())),
                None,
                "No closed form. T is Theta(log n) (Feige et al. 1990), between log2 n and a few times \
                 it. Simulate push from any node, some 1,000 runs."
                    .to_owned(),
            ),
            Self::Tree => {
                let height = u64::from((nodes + 1).ilog2()) - 1;
                (
                    (height, 2 * height),
                    None,
                    "No closed form. Each node tells its two children among three neighbours, so a \
                     level costs a constant and T is Theta(log n). Simulate push from the root and from \
                     a leaf, some 1,000 runs."
                        .to_owned(),
                )
            }
            _ => unreachable!("refused above"),
        };
        Ok(Facts { diameter, eccentricity: (radius, diameter), exact, statement })
    }
}

/// The largest ring whose mean is found by recursion.
const MAX_RECURSION: u64 = 100_000_000;

/// E\[T\] of push on a star from its hub: (n−1) H_{n−1}, the coupon collector's mean.
#[must_use]
pub fn star_mean(nodes: u64) -> f64 {
    let leaves = nodes.saturating_sub(1) as f64;
    leaves * harmonic(leaves)
}

/// P(T > x) of push on a star from its hub, exactly: the chance that x draws leave one of n−1
/// coupons out.
///
/// # Errors
/// If `nodes` is 0 or above 10¹⁵, or `rounds` above 10¹⁵.
///
/// ```
/// // Two leaves: the second is missed with probability 2^-(x-1).
/// let p = rumormill_model::exact::graph::star_survival(3, 5)?;
/// assert!((p - 1.0 / 16.0).abs() < 1e-15);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn star_survival(nodes: u64, rounds: u64) -> Result<f64, Error> {
    count("nodes", nodes, 1, MAX_NODES)?;
    count("rounds", rounds, 0, MAX_NODES)?;
    if nodes == 1 {
        return Ok(0.0);
    }
    if rounds < nodes - 1 {
        return Ok(1.0);
    }
    // x draws of the hub are one round of a node that makes x independent picks.
    let spread =
        Spread { fanout: rounds, targets: Targets::Independent, ..Spread::new(nodes, Style::Push) };
    let mut row = Row::with_stride(0.5);
    row.fill(&Kernel::new(&spread), 1.0, nodes as f64 - 1.0, 0.25, true);
    Ok(row.outcomes.iter().filter(|o| o.missed > 0.5).map(|o| o.weight).sum::<f64>().min(1.0))
}

/// E\[T\] of push on a ring, by recursion over the gap left: with two ends, each going on with
/// probability ½, `E_g` = (1 + ½E_{g−1} + ¼E_{g−2})/(3/4), and `E_1` = 4/3 because both ends may
/// call the last node.
#[must_use]
pub fn ring_mean(nodes: u64) -> f64 {
    if nodes < 3 {
        return nodes.saturating_sub(1) as f64;
    }
    let (mut before, mut now) = (0.0, 4.0 / 3.0);
    for _ in 2..=nodes - 2 {
        let next = (1.0 + 0.5 * now + 0.25 * before) / 0.75;
        before = now;
        now = next;
    }
    // The first call always finds a neighbour.
    1.0 + now
}

/// E\[T\] of push on a path from one of its ends: 1 + 2(n−2).
#[must_use]
pub fn path_mean(nodes: u64) -> f64 {
    match nodes {
        0 | 1 => 0.0,
        _ => 1.0 + 2.0 * (nodes as f64 - 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_the_coupon_collector() {
        assert!((star_mean(1000) - 7477.0).abs() < 0.5);
        // Σ P(T > x) = E[T].
        let sum: f64 = (0..3000).map(|x| star_survival(50, x).unwrap()).sum();
        assert!((sum - star_mean(50)).abs() < 1e-9, "{sum}");
        // Inclusion and exclusion on 5 leaves, 12 draws.
        let p = [5.0 * 0.8f64.powi(12), 10.0 * 0.6f64.powi(12), 10.0 * 0.4f64.powi(12)];
        let exact = p[0] - p[1] + p[2] - 5.0 * 0.2f64.powi(12);
        assert!((star_survival(6, 12).unwrap() - exact).abs() < 1e-15);
    }

    #[test]
    fn the_tail_bound_holds_and_its_limit_is_near() {
        for n in [100u64, 10_000, 1_000_000] {
            for c in [0.0, 1.0, 4.0, 10.0] {
                let leaves = (n - 1) as f64;
                let x = leaves * leaves.ln() + c * leaves;
                let p = star_survival(n, x.ceil() as u64).unwrap();
                let bound = (-c).exp();
                assert!(p <= bound, "{n} {c}: {p}");
                let limit = -(-bound).exp_m1();
                assert!((p / limit - 1.0).abs() < 12.0 / (n as f64).sqrt(), "{n} {c}: {p} {limit}");
            }
        }
    }

    #[test]
    fn ring_and_path_meet_enumeration() {
        // A triangle is complete: E = 7/3.
        assert!((ring_mean(3) - 7.0 / 3.0).abs() < 1e-15);
        // Four in a ring: after the first call a gap of 2.
        assert!((ring_mean(4) - (1.0 + (1.0 + 2.0 / 3.0) / 0.75)).abs() < 1e-15);
        assert_eq!(path_mean(4), 5.0);
        assert_eq!(path_mean(2), 1.0);
    }

    #[test]
    fn shapes_that_do_not_exist_are_refused() {
        assert!(GraphKind::Grid.facts(10).is_err());
        assert!(GraphKind::Hypercube.facts(12).is_err());
        assert!(GraphKind::Tree.facts(8).is_err());
        assert!(GraphKind::Ring.facts(2).is_err());
        assert!(GraphKind::Star.facts(0).is_err());
        for graph in FAMILIES {
            let n = if graph == GraphKind::Tree { 15 } else { 16 };
            let facts = graph.facts(n).unwrap();
            assert!(facts.eccentricity.0 <= facts.diameter, "{graph:?}");
        }
    }

    #[test]
    fn distances_meet_a_search() {
        // Breadth-first search on a 5×5 grid and torus.
        for (graph, wraps) in [(GraphKind::Grid, false), (GraphKind::Torus, true)] {
            let side = 5i64;
            let distance = |a: i64, b: i64| {
                let axis = |p: i64, q: i64| {
                    let d = (p - q).abs();
                    if wraps { d.min(side - d) } else { d }
                };
                axis(a / side, b / side) + axis(a % side, b % side)
            };
            let ecc: Vec<i64> =
                (0..25).map(|a| (0..25).map(|b| distance(a, b)).max().unwrap()).collect();
            let facts = graph.facts(25).unwrap();
            assert_eq!(facts.diameter as i64, *ecc.iter().max().unwrap());
            assert_eq!(facts.eccentricity.0 as i64, *ecc.iter().min().unwrap());
        }
    }
}
