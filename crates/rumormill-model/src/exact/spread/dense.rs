//! The engine for few nodes: every count, every outcome, positive terms only.
//!
//! The law of the number informed goes forward, and both P(T > t) and P(T ≤ t) are sums of its
//! parts, so both keep their digits far into their tails. Every weight has a known relative error
//! and every sum a known depth, which makes [`Steps::error`] a proof: relative errors of positive
//! terms add.
//!
//! Spreads of thousands of rounds go M rounds at a leap: with π the law after s leaps and f what r
//! more rounds make of the goal, P(T > sM + r) = π · f.

use super::Steps;
use crate::exact::dense::{LANES, LEFT_OUT, Rows, dot};
use crate::exact::double::Double;
use crate::spread::Spread;

/// Half an ulp, relative: one rounding.
const ROUNDING: f64 = 0.5 * f64::EPSILON;

/// Spreads of more rounds than this go in leaps.
const MANY_ROUNDS: f64 = 600.0;

/// Weights below this are left out of a leap.
const NEGLIGIBLE: f64 = 1e-40;

/// States this much less likely than the survival (or than 1e-25) are dropped at the low end, and
/// at the high end those less likely than [`UNREACHED`].
const DROPPED: f64 = 1e-20;
const UNREACHED: f64 = 1e-60;

/// The part of an answer that is not worth a look.
const WORTHLESS: f64 = 1e-17;

/// One round, or several: from state s (a count short of the goal) to a later one, or to the goal.
#[derive(Clone, Debug, Default)]
struct Round {
    /// By target: the first source, and the weights of the sources from there on.
    columns: Vec<(usize, Vec<f64>)>,
    /// Chance to reach the goal, to leave a state, to stay in it.
    finish: Vec<f64>,
    leave: Vec<f64>,
    stay: Vec<f64>,
    /// The last target of any source up to this one.
    reach: Vec<usize>,
    /// Bound on the relative error of every weight.
    relative: f64,
    /// Bound on what a row leaves out.
    left_out: f64,
}

impl Round {
    /// All rounds of a spread, for the counts from `origins` up to one short of the goal.
    fn new(spread: &Spread) -> Self {
        let (origins, goal) = (spread.origins as usize, spread.goal() as usize);
        let states = goal - origins;
        let mut rows = Rows::new(spread);
        let mut round = Self {
            columns: vec![(0, Vec::new()); states],
            // What leaves a state is taken off it where it is less than half: at most five roundings
            // of what stays.
            relative: rows.relative_error() + 5.0 * ROUNDING,
            left_out: LEFT_OUT,
            ..Self::default()
        };
        let mut row = Vec::new();
        let mut reach = 0;
        for s in 0..states {
            let u = origins + s;
            let first = rows.fill(u, &mut row);
            let (mut finish, mut leave, mut stay) = (Double::ZERO, Double::ZERO, 0.0);
            for (i, &p) in row.iter().enumerate().rev() {
                let v = first + i;
                if v >= goal {
                    finish = finish.plus(Double::new(p));
                } else if v > u {
                    leave = leave.plus(Double::new(p));
                    let (from, column) = &mut round.columns[v - origins];
                    if column.is_empty() {
                        *from = s;
                    }
                    column.resize(s - *from, 0.0);
                    column.push(p);
                    reach = reach.max(v - origins);
                } else {
                    stay = p;
                }
            }
            round.finish.push(finish.hi);
            round.leave.push(leave.plus(finish).hi);
            round.stay.push(stay);
            round.reach.push(reach.max(s));
        }
        round
    }

    /// Twice as many rounds.
    fn squared(&self) -> Self {
        let states = self.stay.len();
        let mut longest = 0;
        let mut through = vec![0.0; states];
        let mut product = |from: usize, weights: &[f64], own: Option<usize>| {
            // Stay at first and go at the end, go and stay, or go twice.
            let end = from + weights.len();
            let least = (from..end).map(|v| self.columns[v].0).min().unwrap_or(from).min(from);
            let end = own.map_or(end, |t| t.max(end));
            through[least..end].fill(0.0);
            for (v, &w) in (from..).zip(weights) {
                let (first, column) = &self.columns[v];
                for (x, c) in through[*first..].iter_mut().zip(column) {
                    *x += w * c;
                }
                through[v] += w * (self.stay[v] + own.map_or(1.0, |t| self.stay[t]));
            }
            longest = longest.max(weights.len());
            let part = &through[least..end];
            let kept = |p: &f64| *p >= NEGLIGIBLE;
            let Some(begin) = part.iter().position(kept) else { return (from, Vec::new()) };
            let last = part.iter().rposition(kept).unwrap_or(begin);
            (least + begin, part[begin..=last].to_vec())
        };
        let columns: Vec<_> = self
            .columns
            .iter()
            .enumerate()
            .map(|(t, (from, weights))| product(*from, weights, Some(t)))
            .collect();
        let begin = self.finish.iter().position(|&p| p > 0.0).unwrap_or(0);
        let (from, weights) = product(begin, &self.finish[begin..], None);
        let mut finish = vec![0.0; states];
        finish[from..from + weights.len()].copy_from_slice(&weights);
        let mut reach = vec![0; states];
        for (t, (from, weights)) in columns.iter().enumerate() {
            for r in &mut reach[*from..from + weights.len()] {
                *r = t.max(*r);
            }
        }
        for s in 1..states {
            reach[s] = reach[s].max(reach[s - 1]).max(s);
        }
        Self {
            columns,
            finish,
            leave: self.leave.iter().map(|x| x * (2.0 - x)).collect(),
            stay: self.stay.iter().map(|x| x * x).collect(),
            reach,
            relative: 2.0 * self.relative + ROUNDING * (longest + 4) as f64,
            left_out: 2.0 * self.left_out + states as f64 * NEGLIGIBLE,
        }
    }

    /// Bound on the relative rounding of one step forward.
    fn step_error(&self) -> f64 {
        let longest = self.columns.iter().map(|(_, w)| w.len()).max().unwrap_or(0);
        self.relative + ROUNDING * ((longest.max(1) / LANES + LANES) as f64 + 4.0)
    }
}

/// A law on the states, and what has reached the goal.
#[derive(Clone, Debug)]
struct Law {
    open: Vec<f64>,
    next: Vec<f64>,
    /// States outside are impossible, or dropped.
    low: usize,
    high: usize,
    done: f64,
    /// Bounds: the relative error of every entry, and the mass left out.
    relative: f64,
    left_out: f64,
}

impl Law {
    fn step(&mut self, round: &Round, error: f64) {
        let (low, high) = (self.low, self.high);
        self.done += dot(&self.open[low..high], &round.finish[low..high]);
        let top = round.reach[high - 1] + 1;
        for t in low..top {
            let (from, weights) = &round.columns[t];
            let (begin, end) = ((*from).max(low), (from + weights.len()).min(high));
            let mut sum = 0.0;
            if begin < end {
                sum = dot(&weights[begin - from..end - from], &self.open[begin..end]);
            }
            if t < high {
                let p = self.open[t];
                // Subtracting what leaves keeps the mass to the last digit.
                let leaves = round.leave[t];
                sum += if leaves < 0.5 { p - p * leaves } else { p * round.stay[t] };
            }
            self.next[t] = sum;
        }
        std::mem::swap(&mut self.open, &mut self.next);
        self.high = top;
        self.relative += error;
        self.left_out += round.left_out;
        // Slow states may decide the far tail, so they go only when they cannot matter.
        let least = DROPPED * self.open[low..top].iter().sum::<f64>().min(1e-25);
        while self.low + 1 < self.high && self.open[self.low] < least {
            self.left_out += self.open[self.low];
            self.low += 1;
        }
        while self.high > self.low + 1 && self.open[self.high - 1] < UNREACHED {
            self.left_out += self.open[self.high - 1];
            self.high -= 1;
        }
    }

    fn open(&self) -> &[f64] {
        &self.open[self.low..self.high]
    }

    /// Returns the states outside which lies less than [`WORTHLESS`] of what is short of the goal
    /// even after the rounds that `short` stands for, or of what has reached it.
    fn matters(&self, short: &[f64]) -> (usize, usize) {
        let left = dot(&short[self.low..self.high], self.open());
        let spare = 0.5 * WORTHLESS * left.min(self.done.max(1e-30));
        let (mut low, mut high) = (self.low, self.high);
        let mut sum = 0.0;
        while low + 1 < high && sum + self.open[low] < spare {
            sum += self.open[low];
            low += 1;
        }
        sum = 0.0;
        while high > low + 1 && sum + self.open[high - 1] < spare {
            sum += self.open[high - 1];
            high -= 1;
        }
        (low, high)
    }
}

/// The rounds of a leap, one by one: by state, what r rounds do.
#[derive(Clone, Debug)]
struct Leap {
    rounds: Round,
    /// Chance to be short of the goal after 0, 1, …, M−1 rounds; and to have reached it.
    short: Vec<Vec<f64>>,
    there: Vec<Vec<f64>>,
    /// Contacts expected in 0, 1, …, M rounds.
    calls: Vec<Vec<f64>>,
    /// Bound on the relative error of one more round of these.
    relative: f64,
}

pub(super) struct Dense {
    law: Law,
    round: Round,
    /// Bound on the relative rounding of a step.
    error: f64,
    /// Contacts of one round from each state.
    calls: Vec<f64>,
    messages: f64,
    leap: Option<Leap>,
    /// Rounds since the last leap, and the states that matter to the next.
    since: usize,
    window: (usize, usize),
    /// The round after which another spread takes over, and its round, contacts and rounds.
    switch: Option<(u64, Round, Vec<f64>, f64)>,
    at: u64,
    /// P(T > t), P(T ≤ t), and the bound.
    now: [f64; 3],
}

impl Dense {
    pub(super) fn new(spread: &Spread, rounds: f64) -> Self {
        let round = Round::new(spread);
        let states = round.stay.len();
        let mut open = vec![0.0; states];
        open[0] = 1.0;
        let law = Law {
            next: open.clone(),
            open,
            low: 0,
            high: 1,
            done: 0.0,
            relative: 0.0,
            left_out: 0.0,
        };
        let calls = calls(spread);
        let leap = Leap::for_many(&round, &calls, rounds);
        Self {
            law,
            error: round.step_error(),
            round,
            calls,
            messages: 0.0,
            leap,
            since: 0,
            window: (0, 1),
            switch: None,
            at: 0,
            now: [1.0, 0.0, 0.0],
        }
    }

    /// Sets another spread over the same nodes to take over after some rounds; it takes about
    /// `rounds` more.
    pub(super) fn switch(&mut self, after: u64, spread: &Spread, rounds: f64) {
        self.leap = None;
        self.switch = Some((after, Round::new(spread), calls(spread), rounds));
    }

    /// Sets the answers from sums of positive terms with this relative error.
    fn set(&mut self, open: f64, done: f64, relative: f64) {
        // The smaller is the better known.
        let (survival, success) = if open < done { (open, 1.0 - open) } else { (1.0 - done, done) };
        let grown = relative.exp_m1() * survival.min(success);
        self.now = [survival, success, grown + self.law.left_out + ROUNDING];
    }
}

/// Contacts of one round from each state.
fn calls(spread: &Spread) -> Vec<f64> {
    let alive = spread.alive() as f64;
    (spread.origins..spread.goal()).map(|u| spread.calls(u as f64, alive - u as f64)).collect()
}

impl Leap {
    /// The leaps of a spread that takes many rounds.
    fn for_many(round: &Round, calls: &[f64], rounds: f64) -> Option<Self> {
        (rounds > MANY_ROUNDS && calls.len() > 64).then(|| Self::new(round, calls, rounds))
    }

    fn new(round: &Round, calls: &[f64], rounds: f64) -> Self {
        let states = calls.len();
        let doublings = rounds.log2() * 0.5;
        let mut leap = Self {
            rounds: round.clone(),
            short: vec![vec![1.0; states]],
            there: vec![vec![0.0; states]],
            calls: vec![vec![0.0; states]],
            relative: round.relative,
        };
        let doublings = doublings.round() as u32;
        let mut most = vec![0usize; states];
        for (from, weights) in &round.columns {
            most[*from..from + weights.len()].iter_mut().for_each(|n| *n += 1);
        }
        let longest = most.iter().max().copied().unwrap_or(0);
        leap.relative += ROUNDING * (longest + 3) as f64;
        for r in 0..1usize << doublings {
            // Backwards: f(s) = stay f(s) + Σ over targets.
            let back = |f: &[f64], own: &dyn Fn(usize) -> f64| {
                let mut next: Vec<f64> =
                    (0..states).map(|s| round.stay[s] * f[s] + own(s)).collect();
                for ((from, weights), &value) in round.columns.iter().zip(f) {
                    for (x, w) in next[*from..].iter_mut().zip(weights) {
                        *x += w * value;
                    }
                }
                next
            };
            leap.calls.push(back(&leap.calls[r], &|s| calls[s]));
            if r + 1 < 1 << doublings {
                leap.short.push(back(&leap.short[r], &|_| 0.0));
                leap.there.push(back(&leap.there[r], &|s| round.finish[s]));
            }
        }
        for _ in 0..doublings {
            leap.rounds = leap.rounds.squared();
        }
        leap
    }
}

impl Steps for Dense {
    fn step(&mut self) {
        if self.switch.as_ref().is_some_and(|(after, ..)| *after == self.at)
            && let Some((_, round, calls, rounds)) = self.switch.take()
        {
            self.leap = Leap::for_many(&round, &calls, rounds);
            if let Some(leap) = &self.leap {
                self.window = self.law.matters(&leap.short[leap.short.len() - 1]);
            }
            self.round = round;
            self.error = self.round.step_error();
            self.calls = calls;
        }
        self.at += 1;
        let Some(leap) = &self.leap else {
            let (low, high) = (self.law.low, self.law.high);
            self.messages += dot(&self.calls[low..high], self.law.open());
            self.law.step(&self.round, self.error);
            let open = self.law.open();
            let depth = ROUNDING * (open.len() / LANES + LANES) as f64;
            let survival = lanes(open);
            self.set(survival, self.law.done, self.law.relative + depth);
            return;
        };
        self.since += 1;
        if self.since == leap.short.len() {
            let (low, high) = (self.law.low, self.law.high);
            let last = &leap.calls[self.since];
            self.messages += dot(&last[low..high], self.law.open());
            self.since = 0;
            self.law.step(&leap.rounds, leap.rounds.step_error());
            self.window = self.law.matters(&leap.short[leap.short.len() - 1]);
        }
        let (low, high) = self.window;
        let open = &self.law.open[low..high];
        let short = dot(&leap.short[self.since][low..high], open);
        let there = if short > 0.4 {
            self.law.done + dot(&leap.there[self.since][low..high], open)
        } else {
            1.0 - short
        };
        let depth = ROUNDING * (open.len() / LANES + LANES + 1) as f64;
        let relative = self.law.relative + self.since as f64 * leap.relative + depth + WORTHLESS;
        self.set(short, there, relative);
    }

    fn survival(&self) -> f64 {
        self.now[0]
    }

    fn success(&self) -> f64 {
        self.now[1]
    }

    fn messages(&self) -> f64 {
        let Some(leap) = &self.leap else { return self.messages };
        let (low, high) = (self.law.low, self.law.high);
        self.messages + dot(&leap.calls[self.since][low..high], self.law.open())
    }

    fn error(&self) -> f64 {
        self.now[2]
    }
}

/// Returns the sum of positive numbers, in lanes.
fn lanes(values: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let chunks = values.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().sum();
    for x in chunks {
        for i in 0..LANES {
            lanes[i] += x[i];
        }
    }
    lanes.iter().sum::<f64>() + rest
}
