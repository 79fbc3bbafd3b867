//! A change of style on panels: P(T > t) after the change is a row vector, what the rounds before it
//! make of the origins, times what the rounds after it make of the goal.

use super::Steps;
use crate::exact::grid::matrix::Law;
use crate::exact::kernel::Kernel;
use crate::exact::spread::backward::Backward;
use crate::spread::Spread;

pub(super) struct Switched {
    first: Backward,
    second: Backward,
    after: u64,
    /// Rounds of the second at a leap.
    leap: usize,
    at: u64,
    /// The law after this many rounds, at most `after`, and the contacts up to there.
    law: Law,
    calls: f64,
}

impl Switched {
    pub(super) fn new(
        [spread, second]: [&Spread; 2],
        kernels: &[Kernel; 2],
        after: u64,
        leap: usize,
        refine: f64,
    ) -> Self {
        let panels = Backward::panels(spread, &kernels[0], refine);
        let panels = panels.narrower(Backward::panels(second, &kernels[1], refine));
        let first = Backward::on(spread, &kernels[0], panels);
        let second = Backward::on(second, &kernels[1], panels);
        Self { law: first.law(), calls: 0.0, first, second, after, leap, at: 0 }
    }
}

impl Steps for Switched {
    fn step(&mut self) {
        self.at += 1;
        if self.at <= self.after {
            self.first.step();
            self.calls += self.first.forward(&mut self.law);
        } else {
            if self.at == self.after + 1 {
                self.second.start_from(self.law.clone());
                self.second.set_leap(self.leap);
            }
            self.second.step();
        }
    }

    fn survival(&self) -> f64 {
        if self.at <= self.after { self.first.survival() } else { self.second.survival() }
    }

    fn messages(&self) -> f64 {
        let later = if self.at <= self.after { 0.0 } else { self.second.messages() };
        self.calls + later
    }

    fn error(&self) -> f64 {
        self.first.error()
    }
}
