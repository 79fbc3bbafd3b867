//! A change of style on panels: P(T > t) after the change is a row vector, what the rounds before it
//! make of the origins, times what the rounds after it make of the goal.

use super::Steps;
use crate::exact::kernel::Kernel;
use crate::exact::spread::backward::Backward;
use crate::spread::Spread;

pub(super) struct Switched {
    first: Backward,
    second: Backward,
    after: u64,
    at: u64,
    /// Weights of the nodes of `second` from the origins, when the change has come.
    row: Vec<f64>,
}

impl Switched {
    pub(super) fn new(spread: &Spread, second: &Spread, after: u64, refine: u32) -> Self {
        let kernels = [Kernel::new(spread), Kernel::new(second)];
        let panels = Backward::panels(spread, &kernels[0], refine);
        let panels = panels.narrower(Backward::panels(second, &kernels[1], refine));
        let first = Backward::on(spread, &kernels[0], panels);
        let second = Backward::on(second, &kernels[1], panels);
        let row = if after == 0 { first.origin() } else { Vec::new() };
        Self { first, second, after, at: 0, row }
    }
}

impl Steps for Switched {
    fn step(&mut self) {
        self.at += 1;
        if self.at <= self.after {
            self.first.step();
            if self.at == self.after {
                self.row = self.first.origin_after(self.after);
            }
        } else {
            self.second.step();
        }
    }

    fn survival(&self) -> f64 {
        if self.at <= self.after { self.first.survival() } else { self.second.read(&self.row)[0] }
    }

    fn messages(&self) -> f64 {
        if self.at <= self.after {
            self.first.messages()
        } else {
            self.first.messages() + self.second.read(&self.row)[1]
        }
    }

    fn error(&self) -> f64 {
        self.first.error()
    }
}
