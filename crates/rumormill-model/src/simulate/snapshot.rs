//! Snapshot rounds of a rumor that dies out: all contacts of a round see the state at its start, so
//! several may inform the same node and all count as useful. These are the semantics of Demers'
//! Table 1.
//!
//! No exact recursion is known that is small enough, so this is a simulation, seeded: a pure
//! function of its arguments, with the standard error of every statistic. It shares no code with
//! the reference engine, which a test holds against it; and it has what a summary of runs has not:
//! the delays, and coins of any probability.

use rumormill_proto::Counted;

use crate::error::{Error, count};
use crate::exact::stop::Rule;
use crate::simulate::stream::Draws;

/// A mean over runs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// Its standard error; 0 if it is exact.
    pub standard_error: f64,
}

/// Estimates from a simulation, each with its standard error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Mean share of nodes never informed.
    pub residue: Estimate,
    /// Share of runs in which at least one node was never informed.
    pub incomplete: Estimate,
    /// Contacts per node.
    pub traffic: Estimate,
    /// Mean round in which a node was informed, over the informed nodes.
    pub mean_delay: Estimate,
    /// Mean round of the last delivery.
    pub last_delivery: Estimate,
    /// How many runs.
    pub runs: u32,
}

/// Runs the rule from one origin `runs` times.
///
/// # Errors
/// If `nodes` is outside 1..=10⁷, `runs` outside 2..=10⁶, or the rule's number out of range.
pub fn snapshot(
    nodes: u64,
    rule: Rule,
    counted: Counted,
    runs: u32,
    seed: u64,
) -> Result<Snapshot, Error> {
    count("nodes", nodes, 1, 10_000_000)?;
    count("runs", u64::from(runs), 2, 1_000_000)?;
    rule.check()?;
    let mut random = Draws::split_mix(seed);
    let mut sums = [[0.0; 2]; 5];
    for _ in 0..runs {
        let statistics = run(nodes as usize, rule, counted, &mut random);
        for (sum, x) in sums.iter_mut().zip(statistics) {
            sum[0] += x;
            sum[1] += x * x;
        }
    }
    let count = f64::from(runs);
    let estimate = |i: usize| {
        let mean = sums[i][0] / count;
        let variance = (sums[i][1] / count - mean * mean).max(0.0) / (count - 1.0);
        Estimate { value: mean, standard_error: variance.sqrt() }
    };
    Ok(Snapshot {
        residue: estimate(0),
        incomplete: estimate(1),
        traffic: estimate(2),
        mean_delay: estimate(3),
        last_delivery: estimate(4),
        runs,
    })
}

/// Plays a run: residue, incomplete (0 or 1), traffic, mean delay, last delivery.
fn run(n: usize, rule: Rule, counted: Counted, random: &mut Draws) -> [f64; 5] {
    if n == 1 {
        return [0.0; 5];
    }
    let mut is_informed = vec![false; n];
    is_informed[0] = true;
    let mut active = vec![(0usize, 0u32)];
    let mut newly = Vec::new();
    let (mut known, mut contacts, mut delays, mut last) = (1usize, 0u64, 0.0, 0.0);
    let mut round = 0.0;
    while !active.is_empty() {
        round += 1.0;
        newly.clear();
        active.retain_mut(|(node, counter)| {
            let mut target = random.below(n as u64 - 1) as usize;
            target += usize::from(target >= *node);
            contacts += 1;
            let useful = !is_informed[target];
            if useful {
                newly.push(target);
            }
            let counts = counted == Counted::Blind || !useful;
            match rule {
                Rule::Coin(p) => !(counts && random.unit() < p),
                Rule::Counter { limit, reset } => {
                    if useful && reset {
                        *counter = 0;
                    } else if counts {
                        *counter += 1;
                    }
                    *counter < limit
                }
            }
        });
        for &node in &newly {
            if !is_informed[node] {
                is_informed[node] = true;
                known += 1;
                delays += round;
                last = round;
                active.push((node, 0));
            }
        }
    }
    let missed = (n - known) as f64;
    [
        missed / n as f64,
        f64::from(u8::from(missed > 0.0)),
        contacts as f64 / n as f64,
        if known > 1 { delays / (known - 1) as f64 } else { 0.0 },
        last,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::stop::sequential;

    #[test]
    fn demers_table_one() {
        // n = 1000, feedback and counter, reset on a useful contact, snapshot rounds: residue,
        // traffic and last delivery as printed in Demers et al. 1987, Table 1, and the finer
        // residues of the issue.
        let rows = [
            (1, 0.18, 1.7, 16.8, 0.175),
            (2, 0.037, 3.3, 16.9, 0.0370),
            (3, 0.011, 4.5, 17.4, 0.0108),
            (4, 0.0036, 5.6, 17.5, 0.0036),
            (5, 0.0012, 6.7, 17.7, 0.00125),
        ];
        for (limit, residue, traffic, last, finer) in rows {
            let rule = Rule::Counter { limit, reset: true };
            let s = snapshot(1000, rule, Counted::Feedback, 2000, 7).unwrap();
            assert!(
                (s.residue.value / residue - 1.0).abs() < 0.06,
                "{limit}: residue {:?}",
                s.residue
            );
            assert!(
                (s.residue.value - finer).abs() < 5.0 * s.residue.standard_error + 0.006 * finer,
                "{limit}: residue {:?} against {finer}",
                s.residue
            );
            assert!((s.traffic.value - traffic).abs() < 0.08, "{limit}: traffic {:?}", s.traffic);
            assert!(
                (s.last_delivery.value - last).abs() < 0.5,
                "{limit}: last {:?}",
                s.last_delivery
            );
        }
    }

    #[test]
    fn semantics_matter() {
        // The same rule with sequential contacts leaves more behind, by far more than noise.
        let rule = Rule::Counter { limit: 1, reset: true };
        let one_by_one = sequential(1000, rule, Counted::Feedback).unwrap();
        let snapshot = snapshot(1000, rule, Counted::Feedback, 500, 3).unwrap();
        assert!(
            one_by_one.residue > snapshot.residue.value + 10.0 * snapshot.residue.standard_error
        );
    }

    #[test]
    fn no_nodes_are_refused() {
        assert!(snapshot(0, Rule::Coin(1.0), Counted::Blind, 10, 1).is_err());
    }
}
