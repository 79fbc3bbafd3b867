//! What one synchronous round does on the complete graph, as chances.
//!
//! The number of informed nodes describes a run, since nodes are alike. A call of an uninformed
//! node finds an informed one, or not, whatever the others do. A push reaches each
//! uninformed node alike, so that pushes are balls thrown into the uninformed nodes as bins.
//!
//! With *distinct* targets the picks of a sender are not independent, yet they can be thrown as if
//! they were. Let (Gf)(v) = (n−v)(f(v+1) − f(v)). A ball that falls on each uninformed node with
//! probability q acts on functions of the count as 1 + qG, and a sender's i-th pick (from 0), given
//! those before, as 1 + G/(pool − i). All of these commute. So the order of picks does not matter,
//! and the law is that of independent balls, N₀ of them with q = 1/pool, N₁ with q = 1/(pool − 1),
//! …, where Nᵢ senders have more than i picks that arrive. (No step is impossible: before level i
//! there are at most pool − i uninformed nodes. It holds for i = 0; a level with a sender leaves
//! one fewer, because at pool − i uninformed nodes its first ball hits for certain.)

use crate::simulate::spread::binomial::{Chance, binomial, real};
use crate::simulate::spread::occupancy::occupied;
use crate::simulate::stream::Draws;
use crate::spread::{Spread, Targets};

/// A model on the complete graph.
#[derive(Clone, Debug)]
pub(super) struct Complete {
    /// Living nodes.
    pub(super) alive: u64,
    /// Nodes that a caller picks from.
    pub(super) pool: u64,
    /// Picks of a caller in a round.
    pub(super) picks: u64,
    pub(super) loss: f64,
    /// Every caller picks the whole pool.
    pub(super) everyone: bool,
    /// A caller's picks differ, and there are several.
    distinct: bool,
    /// Returns, for distinct picks, the chance that more than i arrive if i do, i = 0, 1, …
    more: Vec<Chance>,
}

/// What the picks of a round are: balls that fall on each uninformed node alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// How many balls.
    pub(super) balls: u64,
    /// Each falls on a given uninformed node with probability `keep` over this.
    pub(super) pool: u64,
}

impl Complete {
    pub(super) fn new(spread: &Spread) -> Self {
        let pool = spread.pool();
        let distinct = spread.targets == Targets::Distinct;
        let fanout = spread.fanout;
        let everyone = distinct && fanout >= pool;
        let picks = if everyone { pool } else { fanout };
        let several = distinct && !everyone && picks > 1;
        let more = if several { arrivals_hazard(picks as usize, spread.loss) } else { Vec::new() };
        let alive = spread.alive();
        Self { alive, pool, picks, loss: spread.loss, everyone, distinct: several, more }
    }

    /// Returns the contacts made in a round from u informed.
    pub(super) fn messages(&self, informed: u64, pushes: bool, pulls: bool) -> u64 {
        let callers = u64::from(pushes) * informed + u64::from(pulls) * (self.alive - informed);
        callers * self.picks
    }

    /// Returns whether a round's pushes must be thrown as balls; otherwise [`Self::own`] counts
    /// them.
    pub(super) fn throws(&self, pushes: bool) -> bool {
        pushes && !self.everyone
    }

    /// Returns the chance that one uninformed node is informed other than by balls: by its own
    /// calls, and if all nodes call all others, by those of the others.
    pub(super) fn own(&self, informed: u64, pushes: bool, pulls: bool) -> Chance {
        if self.everyone {
            let calls = real(informed) * f64::from(u8::from(pushes) + u8::from(pulls));
            if self.loss <= 0.0 {
                return if calls > 0.0 { Chance::ALWAYS } else { Chance::NEVER };
            }
            let ln_miss = calls * self.loss.ln();
            return Chance { hit: -ln_miss.exp_m1(), miss: ln_miss.exp() };
        }
        if !pulls || self.pool == 0 {
            return Chance::NEVER;
        }
        let (pool, u) = (real(self.pool), real(informed));
        // The pool without the informed, to its last digit.
        let others = real(self.pool.saturating_sub(informed));
        let keep = 1.0 - self.loss;
        if !self.distinct {
            let one = Chance { hit: keep * u / pool, miss: (others + self.loss * u) / pool };
            return repeated(one, self.picks);
        }
        // P(exactly i arrive) builds up the chance that one of the first i hits.
        let mut none = Chance::ALWAYS;
        let (mut total, mut reached) = (Chance { hit: 0.0, miss: 0.0 }, 1.0);
        let mut hit = 0.0;
        for (i, more) in self.more.iter().enumerate() {
            total.hit += reached * more.miss * hit;
            total.miss += reached * more.miss * none.hit;
            reached *= more.hit;
            let left = pool - i as f64;
            hit += none.hit * (u / left).min(1.0);
            none.hit *= ((others - i as f64) / left).max(0.0);
        }
        total.hit += reached * hit;
        total.miss += reached * none.hit;
        total
    }

    /// Returns, for distinct picks, the chance that more than i arrive if i do, i = 0, 1, …
    pub(super) fn more(&self) -> Option<&[Chance]> {
        self.distinct.then_some(&self.more[..])
    }

    /// Returns the balls of a round from u informed, level by level. Losses are in the number of
    /// balls if there are several levels, and in [`Self::fall`] otherwise.
    pub(super) fn levels(&self, draws: &mut Draws, informed: u64, levels: &mut Vec<Level>) {
        levels.clear();
        if !self.distinct {
            levels.push(Level { balls: informed * self.picks, pool: self.pool });
            return;
        }
        let mut senders = informed;
        for (i, &more) in self.more.iter().enumerate() {
            senders = binomial(draws, senders, more);
            if senders == 0 {
                return;
            }
            levels.push(Level { balls: senders, pool: self.pool - i as u64 });
        }
    }

    /// Returns the chance that a ball of a level falls among `part` of the uninformed nodes.
    pub(super) fn fall(&self, level: Level, part: u64) -> Chance {
        if self.distinct || self.loss <= 0.0 {
            return Chance::share(part, level.pool);
        }
        let (part, pool) = (real(part), real(level.pool));
        let keep = 1.0 - self.loss;
        Chance { hit: keep * part / pool, miss: (pool - part + self.loss * part) / pool }
    }

    /// Returns how many are informed after a round from u.
    pub(super) fn step(
        &self,
        draws: &mut Draws,
        informed: u64,
        (pushes, pulls): (bool, bool),
        levels: &mut Vec<Level>,
    ) -> u64 {
        let mut left = self.alive - informed;
        left -= binomial(draws, left, self.own(informed, pushes, pulls));
        if !self.throws(pushes) {
            return self.alive - left;
        }
        self.levels(draws, informed, levels);
        // Thrown together, unless a ball of the last level were surer than certain.
        if levels.last().is_some_and(|last| left <= last.pool) {
            let hits = levels
                .iter()
                .map(|&level| binomial(draws, level.balls, self.fall(level, left)))
                .sum();
            return self.alive - left + occupied(draws, hits, left);
        }
        for &level in &*levels {
            let hits = binomial(draws, level.balls, self.fall(level, left));
            left -= occupied(draws, hits, left);
        }
        self.alive - left
    }
}

/// Returns whether informed and uninformed nodes call in a round.
pub(super) fn callers(spread: &Spread, round: u32) -> (bool, bool) {
    (spread.pushes_in(round), spread.pulls_in(round))
}

/// Returns the chance of at least one of k.
fn repeated(one: Chance, times: u64) -> Chance {
    if times == 1 {
        return one;
    }
    let times = real(times);
    let ln_miss = if one.hit < 0.5 { (-one.hit).ln_1p() } else { one.miss.ln() };
    Chance { hit: -(times * ln_miss).exp_m1(), miss: (times * ln_miss).exp() }
}

/// Returns P(A > i | A ≥ i) for A ~ Bin(k, 1 − loss), i = 0, …, k − 1.
fn arrivals_hazard(k: usize, loss: f64) -> Vec<Chance> {
    let mut law = vec![0.0; k + 1];
    law[0] = 1.0;
    for trial in 0..k {
        for i in (0..=trial).rev() {
            law[i + 1] += law[i] * (1.0 - loss);
            law[i] *= loss;
        }
    }
    let mut above = law[k];
    let mut hazards = vec![Chance::ALWAYS; k];
    for i in (0..k).rev() {
        let at_least = above + law[i];
        if at_least > 0.0 {
            hazards[i] = Chance { hit: above / at_least, miss: law[i] / at_least };
        }
        above = at_least;
    }
    hazards
}
