//! The chain of the number informed, from its definition: every sender's picks one after another,
//! every caller's chance from its picks. Double-double throughout, positive terms, no code of the
//! library.

use super::double::Dd;

/// Probabilities below this are left out.
const NOTHING: f64 = 1e-48;

/// A question in whole numbers.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) nodes: u64,
    pub(crate) push: bool,
    pub(crate) pull: bool,
    pub(crate) fanout: u64,
    pub(crate) loss: f64,
    pub(crate) distinct: bool,
    pub(crate) include_self: bool,
    pub(crate) origins: u64,
    /// Dead nodes, and how many must know, in thousandths.
    pub(crate) dead: u64,
    pub(crate) coverage: u64,
    pub(crate) pull_after: Option<u64>,
}

impl Setting {
    pub(crate) fn alive(&self) -> u64 {
        let dead = (2 * self.nodes * self.dead + 1000) / 2000;
        (self.nodes - dead.min(self.nodes)).max(1)
    }

    pub(crate) fn goal(&self) -> u64 {
        (self.coverage * self.alive()).div_ceil(1000).max(1)
    }

    pub(crate) fn pool(&self) -> u64 {
        if self.include_self { self.nodes } else { self.nodes - 1 }
    }

    pub(crate) fn picks(&self) -> u64 {
        if self.distinct { self.fanout.min(self.pool()) } else { self.fanout }
    }
}

/// What the chain says.
pub(crate) struct Truth {
    pub(crate) survival: Vec<f64>,
    pub(crate) success: Vec<f64>,
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    pub(crate) messages: f64,
}

/// A law of the number informed: entry i is the probability of `low + i`.
#[derive(Clone, Debug)]
struct Law {
    low: usize,
    p: Vec<Dd>,
}

impl Law {
    fn trim(&mut self) {
        while self.p.len() > 1 && self.p[self.p.len() - 1].0 < NOTHING {
            self.p.pop();
        }
        let begin = self.p.iter().position(|p| p.0 >= NOTHING).unwrap_or(0);
        self.p.drain(..begin);
        self.low += begin;
    }
}

struct Chain {
    alive: usize,
    pool: f64,
    loss: f64,
    keep: Dd,
    distinct: bool,
    push: bool,
    pull: bool,
    /// Chance that so many of a caller's picks arrive.
    arrive: Vec<Dd>,
    /// One over the nodes left to pick from, pick after pick.
    share: Vec<Dd>,
    scratch: Vec<Dd>,
}

impl Chain {
    fn new(setting: &Setting, push: bool, pull: bool) -> Self {
        let k = setting.picks() as usize;
        let keep = Dd::ONE.sub(Dd(setting.loss, 0.0));
        let mut arrive = vec![Dd::ONE];
        for _ in 0..k {
            let mut next = vec![Dd::ZERO; arrive.len() + 1];
            for (d, p) in arrive.iter().enumerate() {
                next[d] = next[d].add(p.mul(Dd(setting.loss, 0.0)));
                next[d + 1] = next[d + 1].add(p.mul(keep));
            }
            arrive = next;
        }
        let pool = setting.pool() as f64;
        let left = |i: usize| if setting.distinct { pool - i as f64 } else { pool };
        Self {
            alive: setting.alive() as usize,
            pool,
            loss: setting.loss,
            keep,
            distinct: setting.distinct,
            push,
            pull,
            arrive,
            share: (0..k).map(|i| Dd::ratio(1.0, left(i))).collect(),
            scratch: Vec::new(),
        }
    }

    /// One pick of the sender at work, which reaches each of `left` nodes equally, uninformed ones
    /// that know already from this sender not among them.
    fn pick(law: &mut [Dd], low: usize, alive: usize, share: Dd, left: f64, keep: Option<Dd>) {
        for i in (0..law.len()).rev() {
            let tell = |v: usize| {
                let chance = share.mul(Dd((alive - v) as f64, 0.0));
                keep.map_or(chance, |keep| chance.mul(keep))
            };
            let v = low + i;
            let stay = if keep.is_some() {
                Dd::ONE.sub(tell(v))
            } else {
                share.mul(Dd((left - (alive - v) as f64).max(0.0), 0.0))
            };
            let mut p = law[i].mul(stay);
            if i > 0 {
                p = p.add(law[i - 1].mul(tell(v - 1)));
            }
            law[i] = p;
        }
    }

    /// One sender makes its picks of the round.
    fn send(&mut self, law: &mut Law) {
        let k = self.share.len();
        let room = (self.alive - (law.low + law.p.len() - 1)).min(k);
        law.p.extend(std::iter::repeat_n(Dd::ZERO, room));
        if !self.distinct {
            for &share in &self.share {
                Self::pick(&mut law.p, law.low, self.alive, share, self.pool, Some(self.keep));
            }
            law.trim();
            return;
        }
        self.scratch.clone_from(&law.p);
        for p in &mut law.p {
            *p = p.mul(self.arrive[0]);
        }
        for d in 1..=k {
            let left = self.pool - (d - 1) as f64;
            Self::pick(&mut self.scratch, law.low, self.alive, self.share[d - 1], left, None);
            for (sum, &p) in law.p.iter_mut().zip(&self.scratch) {
                *sum = sum.add(self.arrive[d].mul(p));
            }
        }
        law.trim();
    }

    /// The law after the uninformed have called, from u informed; pushes are still to come.
    fn called(&self, u: usize) -> Law {
        if !self.pull {
            return Law { low: u, p: vec![Dd::ONE] };
        }
        let m = self.alive - u;
        // A caller misses all informed nodes.
        let mut miss = Dd::ZERO;
        let mut avoided = Dd::ONE;
        if self.distinct {
            for (d, &arrive) in self.arrive.iter().enumerate() {
                miss = miss.add(arrive.mul(avoided));
                if d < self.share.len() {
                    let others = (self.pool - u as f64 - d as f64).max(0.0);
                    avoided = avoided.mul(self.share[d].mul(Dd(others, 0.0)));
                }
            }
        } else {
            let lost = Dd(u as f64, 0.0).mul(Dd(self.loss, 0.0));
            let one = lost.add(Dd(self.pool - u as f64, 0.0)).div(Dd(self.pool, 0.0));
            miss = one.powi(self.share.len() as u64);
        }
        let hit = Dd::ONE.sub(miss);
        if miss.0 <= 0.0 {
            return Law { low: self.alive, p: vec![Dd::ONE] };
        }
        // Binomial ratios from the mode, scaled to sum to one.
        let mode = ((m as f64 * hit.0) as usize).min(m);
        let (up, down) = (hit.div(miss), miss.div(hit));
        let mut p = vec![Dd::ZERO; m + 1];
        p[mode] = Dd::ONE;
        let mut sum = Dd::ONE;
        for j in (0..mode).rev() {
            p[j] = p[j + 1].mul(Dd::ratio((j + 1) as f64, (m - j) as f64)).mul(down);
            if p[j].0 < NOTHING {
                break;
            }
            sum = sum.add(p[j]);
        }
        for j in mode + 1..=m {
            p[j] = p[j - 1].mul(Dd::ratio((m - j + 1) as f64, j as f64)).mul(up);
            if p[j].0 < NOTHING {
                break;
            }
            sum = sum.add(p[j]);
        }
        let mut law = Law { low: u, p: p.into_iter().map(|p| p.div(sum)).collect() };
        law.trim();
        law
    }

    /// The law of one round from u informed.
    fn row(&mut self, u: usize) -> Law {
        let mut law = self.called(u);
        if self.push {
            for _ in 0..u {
                self.send(&mut law);
            }
        }
        law
    }
}

/// How the chain is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// Every round anew, the senders shared by all counts (Horner's rule).
    Senders,
    /// The law of a round from each count, worked out once.
    Rows,
}

fn add(to: &mut [Dd], offset: usize, law: &Law, mass: Dd) {
    for (i, &p) in law.p.iter().enumerate() {
        let at = law.low + i - offset;
        to[at] = to[at].add(mass.mul(p));
    }
}

/// The truth, listed until P(T > x) is below 1e-26.
pub(crate) fn truth(setting: &Setting, way: Way) -> Truth {
    let (alive, goal) = (setting.alive() as usize, setting.goal() as usize);
    let origins = setting.origins as usize;
    let mut chain = Chain::new(setting, setting.push, setting.pull);
    let mut rows: Vec<Option<Law>> = vec![None; alive + 1];
    let mut law = vec![Dd::ZERO; alive + 1];
    law[origins] = Dd::ONE;
    let (mut survival, mut success) = (vec![Dd::ONE], vec![Dd::ZERO]);
    let mut messages = Dd::ZERO;
    let mut done = Dd::ZERO;
    let mut round = 0;
    loop {
        if setting.pull_after == Some(round) {
            chain = Chain::new(setting, false, true);
            rows = vec![None; alive + 1];
        }
        round += 1;
        let callers = |u: usize| {
            (if chain.push { u } else { 0 } + if chain.pull { alive - u } else { 0 }) as f64
        };
        for (u, &p) in law.iter().enumerate().take(goal) {
            messages = messages.add(p.mul(Dd(callers(u) * setting.picks() as f64, 0.0)));
        }
        let mut next = vec![Dd::ZERO; alive + 1];
        let top = (0..goal).rfind(|&u| law[u].0 >= NOTHING).unwrap_or(0);
        match way {
            Way::Rows => {
                for u in origins..=top {
                    if law[u].0 < NOTHING {
                        continue;
                    }
                    if rows[u].is_none() {
                        rows[u] = Some(chain.row(u));
                    }
                    if let Some(row) = &rows[u] {
                        add(&mut next, 0, row, law[u]);
                    }
                }
            }
            Way::Senders => {
                let mut at = Law { low: top, p: vec![Dd::ZERO] };
                for u in (0..=top).rev() {
                    if law[u].0 >= NOTHING {
                        // Make room, and let those join that have u senders in all.
                        let called = chain.called(u);
                        let low = called.low.min(at.low);
                        let end = (called.low + called.p.len()).max(at.low + at.p.len());
                        let mut sum = vec![Dd::ZERO; end - low];
                        add(&mut sum, low, &at, Dd::ONE);
                        add(&mut sum, low, &called, law[u]);
                        at = Law { low, p: sum };
                    }
                    if u > 0 && chain.push {
                        chain.send(&mut at);
                    }
                }
                add(&mut next, 0, &at, Dd::ONE);
            }
        }
        law = next;
        for p in &mut law[goal..] {
            done = done.add(*p);
            *p = Dd::ZERO;
        }
        let left = law[..goal].iter().rev().fold(Dd::ZERO, |s, &p| s.add(p));
        survival.push(left);
        success.push(done);
        if left.0 < 1e-26 {
            break;
        }
    }
    let last = survival.len() - 1;
    let ratio = survival[last].0 / survival[last - 1].0.max(f64::MIN_POSITIVE);
    let beyond = survival[last].0 * ratio / (1.0 - ratio);
    let mean = survival.iter().rev().fold(Dd(beyond, 0.0), |s, &p| s.add(p));
    let second = survival
        .iter()
        .enumerate()
        .rev()
        .fold(Dd::ZERO, |s, (x, &p)| s.add(p.mul(Dd(2.0 * x as f64 + 1.0, 0.0))));
    Truth {
        survival: survival.iter().map(|p| p.0).collect(),
        success: success.iter().map(|p| p.0).collect(),
        mean: mean.0,
        variance: second.sub(mean.mul(mean)).0,
        messages: messages.0,
    }
}
