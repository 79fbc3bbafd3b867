//! Events in the order of their times: a calendar queue (Brown 1988).
//!
//! Times are in units of 2⁻³² rounds. A ring of slots holds what is to come, unsorted; only the
//! slot of the present is kept as a heap. Adding and taking an event cost the same for any number
//! of nodes.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One round.
pub(super) const ROUND: u64 = 1 << 32;

/// How far ahead of the present events may lie, in rounds.
const SPAN: u64 = 4;

struct Entry<T> {
    time: u64,
    /// Events of one time come in the order in which they were added.
    order: u64,
    event: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    /// Returns the earliest is the greatest, as a heap wants it.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.order).cmp(&(self.time, self.order))
    }
}

/// Events to come.
pub(super) struct Wheel<T> {
    slots: Vec<Vec<Entry<T>>>,
    present: BinaryHeap<Entry<T>>,
    /// The number of the present's slot, counted from time 0.
    at: u64,
    /// Slots in a round: 2 to this.
    fine: u32,
    added: u64,
}

impl<T> Wheel<T> {
    /// Returns a queue for about this many events a round.
    pub(super) fn new(events: u64) -> Self {
        let fine = (events.max(1).ilog2()).min(16);
        // The present may lie a round behind what asks for more.
        let slots = ((SPAN + 1) << fine) as usize;
        Self {
            slots: std::iter::repeat_with(Vec::new).take(slots).collect(),
            present: BinaryHeap::new(),
            at: 0,
            fine,
            added: 0,
        }
    }

    /// Adds an event; not before the last one taken, and less than [`SPAN`] rounds after it.
    pub(super) fn add(&mut self, time: u64, event: T) {
        let entry = Entry { time, order: self.added, event };
        self.added += 1;
        let slot = self.slot(time);
        debug_assert!(slot < self.at + self.slots.len() as u64, "too far ahead");
        if slot <= self.at {
            self.present.push(entry);
        } else {
            let ring = self.slots.len() as u64;
            self.slots[(slot % ring) as usize].push(entry);
        }
    }

    /// Takes the earliest event before `end`.
    pub(super) fn take_before(&mut self, end: u64) -> Option<(u64, T)> {
        loop {
            if let Some(entry) = self.present.peek() {
                if entry.time >= end {
                    return None;
                }
                return self.present.pop().map(|entry| (entry.time, entry.event));
            }
            if self.at + 1 > self.slot(end - 1) {
                return None;
            }
            self.at += 1;
            let ring = self.slots.len() as u64;
            let slot = &mut self.slots[(self.at % ring) as usize];
            self.present.extend(slot.drain(..));
        }
    }

    /// Returns all events to come, in no order that means anything, but always the same.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let waiting = self.slots.iter().flatten().chain(self.present.iter());
        waiting.map(|entry| &entry.event)
    }

    fn slot(&self, time: u64) -> u64 {
        time >> (ROUND.ilog2() - self.fine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::stream::{Purpose, Stream};

    #[test]
    fn events_come_in_order_and_those_of_one_time_as_they_were_added() {
        let mut draws = Stream::new(1, Purpose::Order).draws();
        for events in [1, 50, 100_000] {
            let mut wheel = Wheel::new(events);
            let mut want = vec![];
            let mut taken = vec![];
            let mut number = 0u64;
            for round in 0..6u64 {
                for _ in 0..40 {
                    // Some of them at equal times, some three rounds ahead.
                    let time = round * ROUND + draws.below(64) * (ROUND / 20);
                    want.push((time, number));
                    wheel.add(time, number);
                    number += 1;
                }
                while let Some(event) = wheel.take_before((round + 1) * ROUND) {
                    taken.push(event);
                }
                assert_eq!(wheel.iter().count(), want.len() - taken.len());
            }
            while let Some(event) = wheel.take_before(20 * ROUND) {
                taken.push(event);
            }
            want.sort_unstable();
            assert_eq!(taken, want);
        }
    }
}
