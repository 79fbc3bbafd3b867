//! The forward engine: the law of the number informed, round after round.
//!
//! π_{t+1} = `Σ_u` `π_t(u)` · (pulls from u) · S^u, where S is what one sender's picks do. By Horner's
//! rule from the largest u the powers of S are shared: a round costs one application of S per
//! informed node. All terms are positive, and what is dropped is bounded by its mass.

use super::Steps;
use crate::kernel::Kernel;
use crate::model::Spread;
use crate::row::pulled;

/// States less likely than this are dropped.
const NEGLIGIBLE: f64 = 1e-40;

/// While the senders of a round pick, counts less likely than this are not followed.
const UNREACHED: f64 = 1e-60;

pub(super) struct Forward {
    kernel: Kernel,
    spread: Spread,
    goal: usize,
    /// law\[i\] = P(i + 1 know).
    law: Vec<f64>,
    next: Vec<f64>,
    scratch: Vec<f64>,
    row: Vec<f64>,
    /// States outside low..high are negligible.
    low: usize,
    high: usize,
    messages: f64,
    dropped: f64,
    survival: f64,
    round: u64,
    /// The round after which another spread takes over, and what it does.
    switch: Option<(u64, Spread, Kernel)>,
}

impl Forward {
    /// Lets another spread over the same nodes take over after some rounds.
    pub(super) fn switch(&mut self, after: u64, spread: Spread, kernel: Kernel) {
        self.switch = Some((after, spread, kernel));
    }

    pub(super) fn new(spread: &Spread, kernel: Kernel) -> Self {
        let alive = kernel.alive as usize;
        let origins = spread.origins as usize;
        let mut law = vec![0.0; alive];
        law[origins - 1] = 1.0;
        Self {
            kernel,
            spread: spread.clone(),
            goal: spread.goal() as usize,
            next: vec![0.0; alive],
            law,
            scratch: Vec::new(),
            row: Vec::new(),
            low: origins - 1,
            high: origins,
            messages: 0.0,
            dropped: 0.0,
            survival: 1.0,
            round: 0,
            switch: None,
        }
    }
}

impl Steps for Forward {
    fn step(&mut self) {
        if self.switch.as_ref().is_some_and(|(after, ..)| *after == self.round)
            && let Some((_, spread, kernel)) = self.switch.take()
        {
            self.spread = spread;
            self.kernel = kernel;
        }
        self.round += 1;
        let alive = self.law.len();
        for (i, &p) in self.law.iter().enumerate().take(self.goal - 1) {
            let u = (i + 1) as f64;
            self.messages += p * self.spread.calls(u, alive as f64 - u);
        }
        self.next.fill(0.0);
        let pushes = self.kernel.has_pushes();
        let fanout = self.kernel.fanout as usize;
        // The window of states that can hold mass: low..top.
        let mut top = self.low;
        for i in (self.low..self.high).rev() {
            let (u, mass) = ((i + 1) as f64, self.law[i]);
            if mass > 0.0 {
                let first = i + pulled(&self.kernel, u, alive as f64 - u, &mut self.row);
                for (to, p) in self.next[first..].iter_mut().zip(&self.row) {
                    *to += mass * p;
                }
                top = top.max((first + self.row.len()).min(alive));
            }
            if pushes {
                let senders = if i == self.low { i + 1 } else { 1 };
                for _ in 0..senders {
                    top = (top.max(i + 1) + fanout).min(alive);
                    self.kernel.one_sender(&mut self.next[i..top], u, &mut self.scratch);
                    while top > i + 1 && self.next[top - 1] < UNREACHED {
                        self.dropped += self.next[top - 1];
                        self.next[top - 1] = 0.0;
                        top -= 1;
                    }
                }
            }
        }
        std::mem::swap(&mut self.law, &mut self.next);
        self.high = top;
        let mut dropped = 0.0;
        for p in &mut self.law[self.low..self.high] {
            if *p < NEGLIGIBLE {
                dropped += *p;
                *p = 0.0;
            }
        }
        self.dropped += dropped;
        while self.low + 1 < self.high && self.law[self.low] == 0.0 {
            self.low += 1;
        }
        while self.high > self.low + 1 && self.law[self.high - 1] == 0.0 {
            self.high -= 1;
        }
        self.survival = self.law[..self.goal - 1].iter().sum();
    }

    fn survival(&self) -> f64 {
        self.survival
    }

    fn messages(&self) -> f64 {
        self.messages
    }

    fn error(&self) -> f64 {
        self.dropped
    }

    fn depth(&self) -> f64 {
        // A pick of every sender.
        self.kernel.fanout.min(self.kernel.alive) * self.kernel.alive
    }
}
