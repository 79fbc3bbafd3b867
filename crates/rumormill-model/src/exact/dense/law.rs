//! The law of the number uninformed while senders pick, one after another.

use super::NEGLIGIBLE;
use crate::exact::dense::rates::{Rates, UNREACHED};
use crate::exact::double::{Double, halves, quick_two_sum, two_sum};

/// The law of how many of `tagged` nodes the senders so far have all missed: `hi[i] + lo[i]` is the
/// probability of `low + i`.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    tagged: usize,
    pub(super) low: usize,
    pub(super) hi: Vec<f64>,
    lo: Vec<f64>,
    /// Room for the next law, and for the halves of this one.
    next: [Vec<f64>; 2],
    split: [Vec<f64>; 2],
}

impl Missed {
    /// Nobody has sent yet.
    pub(super) fn all(tagged: usize) -> Self {
        Self {
            tagged,
            low: tagged,
            hi: vec![1.0],
            lo: vec![0.0],
            next: [const { Vec::new() }; 2],
            split: [const { Vec::new() }; 2],
        }
    }

    /// One tagged node fewer, any of them.
    pub(super) fn without_one(&mut self) {
        let share = Double::ONE.over(Double::new(self.tagged as f64));
        let at = |this: &Self, i: usize| Double { hi: this.hi[i], lo: this.lo[i] };
        // The least count may fall by one.
        if self.low > 0 {
            self.low -= 1;
            self.hi.insert(0, 0.0);
            self.lo.insert(0, 0.0);
        }
        for i in 0..self.hi.len() {
            let x = self.low + i;
            let mut p = at(self, i).scale((self.tagged - x) as f64);
            if i + 1 < self.hi.len() {
                p = p.plus(at(self, i + 1).scale((x + 1) as f64));
            }
            let p = p.times(share);
            (self.hi[i], self.lo[i]) = (p.hi, p.lo);
        }
        self.tagged -= 1;
        self.trim();
    }

    /// One more sender makes its picks.
    pub(super) fn send(&mut self, rates: &Rates) {
        let width = self.hi.len();
        let (low, high) = (self.low, self.low + width - 1);
        let most = (rates.bands.len() - 1).min(high);
        let least = low.saturating_sub(most);
        let [hi, lo] = &mut self.next;
        for part in [&mut *hi, &mut *lo] {
            part.clear();
            part.resize(high - least + 1, 0.0);
        }
        let [above, below] = &mut self.split;
        above.clear();
        below.clear();
        for &p in &self.hi {
            let (a, b) = halves(p);
            above.push(a);
            below.push(b);
        }
        for (told, band) in rates.bands.iter().enumerate().take(most + 1) {
            let nearest = band.mode.clamp(low as f64, high as f64) as usize;
            if band.high[nearest] < UNREACHED {
                continue;
            }
            // From x to x − told, for x ≥ told.
            let from = low.max(told);
            let count = high + 1 - from;
            let skip = from - low;
            let to = from - told - least;
            let (hi, lo) = (&mut hi[to..to + count], &mut lo[to..to + count]);
            let (a, al, ah) = (&self.hi[skip..], &below[skip..], &above[skip..]);
            let rest = &self.lo[skip..][..count];
            let (a, al, ah) = (&a[..count], &al[..count], &ah[..count]);
            let bh = &band.high[from..][..count];
            let (bl, br) = (&band.low[from..][..count], &band.rest[from..][..count]);
            for i in 0..count {
                let b = bh[i] + bl[i];
                let p = a[i] * b;
                let error = ((ah[i] * bh[i] - p) + ah[i] * bl[i] + al[i] * bh[i]) + al[i] * bl[i];
                let (sum, lost) = two_sum(hi[i], p);
                hi[i] = sum;
                lo[i] += lost + (error + (a[i] * br[i] + rest[i] * b));
            }
        }
        for (h, l) in hi.iter_mut().zip(lo.iter_mut()) {
            (*h, *l) = quick_two_sum(*h, *l);
        }
        std::mem::swap(&mut self.hi, hi);
        std::mem::swap(&mut self.lo, lo);
        self.low = least;
        self.trim();
    }

    /// Leaves out what lies beyond the last probability worth a step, at either end.
    fn trim(&mut self) {
        let kept = |p: &f64| *p >= UNREACHED;
        let end = self.hi.iter().rposition(kept).map_or(1, |i| i + 1);
        self.hi.truncate(end);
        self.lo.truncate(end);
        let begin = self.hi.iter().position(kept).unwrap_or(0);
        if begin > 0 {
            self.hi.drain(..begin);
            self.lo.drain(..begin);
            self.low += begin;
        }
    }

    /// Copies the law where it is not negligible; gives the least count.
    pub(super) fn read(&self, row: &mut Vec<f64>) -> usize {
        let kept = |p: &f64| *p >= NEGLIGIBLE;
        let begin = self.hi.iter().position(kept).unwrap_or(0);
        let end = self.hi.iter().rposition(kept).map_or(self.hi.len(), |i| i + 1);
        row.extend_from_slice(&self.hi[begin..end]);
        self.low + begin
    }
}
