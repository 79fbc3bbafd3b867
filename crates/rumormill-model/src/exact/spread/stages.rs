//! The spread stage by stage: how long it stays between two counts, exactly and in the equations'
//! chain of exponential waits.

use crate::error::{Error, count, need};
use crate::exact::dense::{MAX_NODES, Rows};
use crate::exact::usual::growth;
use crate::spread::Spread;

/// The rounds from the first at whose end at least `from` are informed to the first with `to`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Stage {
    /// Where the stage begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// Mean rounds, exactly; a round that jumps over the whole stage counts as none.
    pub mean: f64,
    /// Their variance, exactly.
    pub variance: f64,
    /// Mean in the chain with exponential waits at the logistic rates.
    pub waits_mean: f64,
    /// Variance there.
    pub waits_variance: f64,
}

impl Spread {
    /// Returns the stages of the spread: the informed double up to half of the goal, then the rest
    /// halves down to one; of up to 16 nodes each count is a stage.
    ///
    /// The process is a chain of counts that only grow, so visits and waits are triangular sums of
    /// positive terms: relative error below 1e-12.
    ///
    /// # Errors
    /// If a setting is out of range or has no exact law; if the style changes; with more than 2,500
    /// living nodes, because all counts are followed; or if nothing ever arrives.
    ///
    /// ```
    /// use rumormill_model::spread::Spread;
    /// use rumormill_proto::Style;
    /// // Three nodes: the first push always informs one, then a round fails with chance 1/4.
    /// let stages = Spread::new(3, Style::Push).stages()?;
    /// assert_eq!((stages[0].mean, stages[0].variance), (1.0, 0.0));
    /// assert!((stages[1].mean - 4.0 / 3.0).abs() < 1e-15);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn stages(&self) -> Result<Vec<Stage>, Error> {
        self.has_exact_law()?;
        count("nodes", self.alive(), 1, MAX_NODES)?;
        need(self.switches_after().is_none(), "style", self.style, "one that does not change")?;
        need(self.loss < 1.0, "loss", self.loss, "below 1, or no stage ends")?;
        let (origins, goal) = (self.origins as usize, self.goal() as usize);
        let states = goal.saturating_sub(origins);
        let mut rows = Rows::new(self);
        let laws: Vec<(usize, Vec<f64>)> = (origins..origins + states)
            .map(|u| {
                let mut law = Vec::new();
                (rows.fill(u, &mut law), law)
            })
            .collect();
        // Chance to leave a state, as a sum of what leaves; and the law of where to.
        let leaving = |s: usize| {
            let (first, law) = &laws[s];
            (*first..).zip(law).filter(move |(v, _)| *v > origins + s)
        };
        let leave: Vec<f64> =
            (0..states).map(|s| leaving(s).map(|(_, p)| p).sum::<f64>()).collect();
        // The chance that the chain ever comes to a state.
        let mut comes = vec![0.0; states];
        if states > 0 {
            comes[0] = 1.0;
        }
        for s in 0..states {
            for (v, p) in leaving(s).filter(|(v, _)| *v < goal) {
                comes[v - origins] += comes[s] * p / leave[s];
            }
        }
        let rate = growth(self);
        let alive = self.alive() as f64;
        let bounds = boundaries(self.origins, self.goal());
        let stages = bounds.windows(2).map(|ends| {
            let (from, to) = (ends[0] as usize, ends[1] as usize);
            // Mean and mean square of the rounds from each state of the stage to its end.
            let mut rounds = vec![[0.0; 2]; to - from];
            for s in (from - origins..to - origins).rev() {
                let (mut first, mut square) = (0.0, 0.0);
                for (v, p) in leaving(s).take_while(|(v, _)| *v < to) {
                    first += p * rounds[v - from][0];
                    square += p * rounds[v - from][1];
                }
                let mean = (1.0 + first) / leave[s];
                // E[R²] = 1 + 2 E[R after one round] + E[(R after one round)²].
                let after = first + (1.0 - leave[s]) * mean;
                rounds[s + origins - from] = [mean, (1.0 + 2.0 * after + square) / leave[s]];
            }
            let mut sums = [0.0; 2];
            let mut add = |v: usize, chance: f64| {
                let [mean, square] = rounds[v - from];
                sums[0] += chance * mean;
                sums[1] += chance * square;
            };
            if from == origins {
                add(from, 1.0);
            }
            for s in 0..from - origins {
                for (v, p) in leaving(s).filter(|(v, _)| (from..to).contains(v)) {
                    add(v, comes[s] * p / leave[s]);
                }
            }
            let waits = (ends[0]..ends[1]).map(|u| alive / (rate * u as f64 * (alive - u as f64)));
            Stage {
                from: ends[0],
                to: ends[1],
                mean: sums[0],
                variance: (sums[1] - sums[0] * sums[0]).max(0.0),
                waits_mean: waits.clone().sum(),
                waits_variance: waits.map(|wait| wait * wait).sum(),
            }
        });
        Ok(stages.collect())
    }
}

/// Returns where stages begin and end.
fn boundaries(origins: u64, goal: u64) -> Vec<u64> {
    if goal <= 16 {
        return (origins..=goal.max(origins)).collect();
    }
    let mut bounds = vec![origins];
    let mut at = origins;
    while 2 * at < goal {
        at *= 2;
        bounds.push(at);
    }
    let mut left = goal.saturating_sub(at) / 2;
    while left >= 1 {
        bounds.push(goal - left);
        left /= 2;
    }
    if at < goal {
        bounds.push(goal);
    }
    bounds.dedup();
    bounds
}

#[cfg(test)]
mod tests {
    use rumormill_proto::Style;

    use super::*;

    #[test]
    fn stages_add_up_to_the_law() {
        for spread in [
            Spread::new(64, Style::Push),
            Spread { loss: 0.4, fanout: 3, ..Spread::new(100, Style::PushPull) },
            Spread { coverage: 0.7, origins: 5, ..Spread::new(90, Style::Pull) },
        ] {
            let stages = spread.stages().expect("a question");
            let mean: f64 = stages.iter().map(|stage| stage.mean).sum();
            let exact = spread.solve().expect("a question").mean;
            assert!((mean / exact - 1.0).abs() < 1e-13, "{mean} {exact}");
            assert!(stages.windows(2).all(|pair| pair[0].to == pair[1].from));
            assert_eq!(stages[stages.len() - 1].to, spread.goal());
        }
    }

    #[test]
    fn the_first_wait_is_certain_and_the_model_says_a_third() {
        let stages = Spread::new(64, Style::Push).stages().expect("a question");
        assert_eq!((stages[0].to, stages[0].mean, stages[0].variance), (2, 1.0, 0.0));
        let all: f64 = stages.iter().map(|stage| stage.waits_variance).sum();
        assert!((all - 3.554).abs() < 1e-3);
        assert!((stages[0].waits_variance / all - 0.29).abs() < 0.005);
    }

    #[test]
    fn four_nodes_by_hand() {
        // From 1: 2. From 2: both tell the same with 1/9 + … : P(2→2) = 1/9, P(2→3) = 6/9,
        // P(2→4) = 2/9; from 3: each misses the fourth with 2/3.
        let stages = Spread::new(4, Style::Push).stages().expect("a question");
        let (stay, miss) = (1.0f64 / 9.0, 8.0f64 / 27.0);
        let mean = 1.0 / (1.0 - stay);
        assert!((stages[1].mean - mean).abs() < 1e-15);
        assert!((stages[1].variance - stay / (1.0 - stay).powi(2)).abs() < 1e-15);
        // The last stage is jumped over with chance (2/9)/(8/9) = 1/4.
        assert!((stages[2].mean - 0.75 / (1.0 - miss)).abs() < 1e-14);
    }
}
