//! The true sum over time, as far as it is known from outside.
//!
//! An input changes at some instant of the call that sets it. While calls are in flight the sum lies
//! between the sums with and without what they change.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The units of inputs: multiples of a power of two, so that sums are exact.
pub(crate) const UNIT: f64 = 1.0 / 1024.0;

/// The true sum lies between these, in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Span {
    /// Returns how far a value is from the span.
    pub(crate) fn distance(self, value: f64) -> f64 {
        let (low, high) = (self.low as f64 * UNIT, self.high as f64 * UNIT);
        (low - value).max(value - high).max(0.0)
    }

    /// Returns the middle of the span.
    pub(crate) fn middle(self) -> f64 {
        (self.low + self.high) as f64 * UNIT / 2.0
    }

    /// Returns whether some value of the span lies within the bounds.
    fn meets(self, lower: f64, upper: f64) -> bool {
        self.low as f64 * UNIT <= upper && lower <= self.high as f64 * UNIT
    }
}

/// Where the true sum lay, since a while ago.
#[derive(Debug)]
pub(crate) struct History {
    /// From which instant on, where.
    steps: VecDeque<(Instant, Span)>,
    keep: Duration,
}

impl History {
    /// Returns the history of a sum that does not move yet; `keep` is the longest age asked for.
    pub(crate) fn new(now: Instant, sum: i64, keep: Duration) -> Self {
        Self { steps: VecDeque::from([(now, Span { low: sum, high: sum })]), keep }
    }

    /// Notes that a call that changes the sum by this has begun.
    pub(crate) fn begin(&mut self, now: Instant, change: i64) {
        self.step(now, change.min(0), change.max(0));
    }

    /// Notes that the call has returned.
    pub(crate) fn end(&mut self, now: Instant, change: i64) {
        self.step(now, change.max(0), change.min(0));
    }

    fn step(&mut self, now: Instant, low: i64, high: i64) {
        let last = self.now();
        if self.steps.back().is_some_and(|(at, _)| *at == now) {
            // What held for no time was never so.
            self.steps.pop_back();
        }
        self.steps.push_back((now, Span { low: last.low + low, high: last.high + high }));
        while self.steps.get(1).is_some_and(|(at, _)| now.duration_since(*at) > self.keep) {
            self.steps.pop_front();
        }
    }

    /// Returns where the sum lies now.
    pub(crate) fn now(&self) -> Span {
        self.steps.back().map_or(Span { low: 0, high: 0 }, |(_, span)| *span)
    }

    /// Returns the places of the sum since an instant, the latest first.
    fn since(&self, from: Instant) -> impl Iterator<Item = Span> {
        let mut older = false;
        self.steps.iter().rev().map_while(move |(at, span)| {
            let wanted = !older;
            older = *at <= from;
            wanted.then_some(*span)
        })
    }

    /// Returns the span of all that the sum may have been since an instant.
    pub(crate) fn hull(&self, from: Instant) -> Span {
        self.since(from).fold(self.now(), |all, span| Span {
            low: all.low.min(span.low),
            high: all.high.max(span.high),
        })
    }

    /// Returns the latest instant at which the sum may have lain within the bounds, however long ago.
    pub(crate) fn last_within(&self, lower: f64, upper: f64) -> Option<Instant> {
        let mut until = Instant::now();
        for (at, span) in self.steps.iter().rev() {
            if span.meets(lower, upper) {
                return Some(until);
            }
            until = *at;
        }
        None
    }

    /// Returns whether at some instant since this one the sum may have lain within the bounds.
    pub(crate) fn was_within(&self, from: Instant, lower: f64, upper: f64) -> bool {
        self.since(from).any(|span| span.meets(lower, upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_call_in_flight_counts_either_way() {
        let start = Instant::now();
        let mut history = History::new(start, 0, SECOND * 100);
        history.begin(start + SECOND, 1024);
        assert_eq!(history.now(), Span { low: 0, high: 1024 });
        history.begin(start + SECOND * 2, -512);
        assert_eq!(history.now(), Span { low: -512, high: 1024 });
        history.end(start + SECOND * 3, 1024);
        assert_eq!(history.now(), Span { low: 512, high: 1024 });
        history.end(start + SECOND * 4, -512);
        assert_eq!(history.now(), Span { low: 512, high: 512 });
        assert_eq!(history.now().distance(0.5), 0.0);
        assert_eq!(history.now().distance(0.75), 0.25);
        assert_eq!(history.hull(start + SECOND * 5 / 2), Span { low: -512, high: 1024 });
        assert_eq!(history.hull(start + SECOND * 5), Span { low: 512, high: 512 });
    }

    #[test]
    fn bounds_are_false_if_the_sum_was_never_within_them() {
        let start = Instant::now();
        let mut history = History::new(start, 1024, SECOND * 100);
        history.begin(start + SECOND, 1024);
        history.end(start + SECOND, 1024);
        assert!(history.was_within(start, 0.5, 1.0));
        assert!(history.was_within(start + SECOND / 2, 0.5, 1.0), "it was 1 until a second passed");
        assert!(!history.was_within(start + SECOND * 2, 0.5, 1.0));
        assert!(history.was_within(start + SECOND * 2, 2.0, 2.0));
        assert!(!history.was_within(start, 1.25, 1.75), "it jumped over them, in no time");
    }

    #[test]
    fn what_is_older_than_asked_for_goes() {
        let start = Instant::now();
        let mut history = History::new(start, 0, SECOND);
        for second in 1..100 {
            history.begin(start + SECOND * second, 1024);
            history.end(start + SECOND * second, 1024);
        }
        assert!(history.steps.len() < 8, "{}", history.steps.len());
        assert!(history.was_within(start + SECOND * 98, 98.0, 98.0));
    }
}
