//! Few nodes, many runs: some of them side by side.
//!
//! A round is one look into a table, and the next look depends on it; so a run alone waits most of
//! the time. Runs that go side by side fill each other's waits. What they do is what they do alone.

use crate::simulate::histogram::Moments;
use crate::simulate::spread::complete::{Complete, callers};
use crate::simulate::spread::count::table::Table;
use crate::simulate::spread::summary::{Batch, BatchRound, Move, Summary};
use crate::simulate::stream::{Draws, Stream};
use crate::spread::Spread;

/// Runs that go side by side.
pub(super) const LANES: usize = 8;

/// Rounds of the longest run that ends here: all of them are kept.
const MOST_ROUNDS: usize = 127;

/// Runs after which the counts are passed on, so that none overflows.
const MOST_RUNS: u64 = u32::MAX as u64 - LANES as u64;

/// Runs of one question side by side, and what came of them.
pub(super) struct Lanes {
    origins: u32,
    /// A run ends with this many informed; more than there are nodes, if it ends at a given round.
    end: u32,
    alive: u32,
    /// Whether runs that are played as far as can be here have ended. Otherwise they go on, and are
    /// left to others.
    whole: bool,
    /// Who calls, by round; none for round 0.
    calls: Vec<Calls>,
    /// What was seen in each round.
    seen: Vec<Seen>,
    /// The contacts of each run.
    messages: Moments,
}

/// What nodes do in a round.
#[derive(Clone, Copy, Debug)]
struct Calls {
    ways: (bool, bool),
    /// Contacts with u informed: the first and u times the second, modulo 2⁶⁴.
    base: u64,
    each: u64,
}

/// What was seen in a round.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// How often each outcome of each row of the table came up.
    hits: Vec<u32>,
    /// Which outcome came up in each lane's present run.
    outcomes: [u32; LANES],
    /// Runs that ended, by the number informed, and the contacts of these runs.
    ended: Vec<u32>,
    messages: u64,
}

impl Lanes {
    /// Returns `None` if no run can be played side by side.
    pub(super) fn new(spread: &Spread, complete: &Complete, goal: u64) -> Option<Self> {
        let capped = spread.round_cap().is_some();
        let all_rounds = usize::try_from(spread.last_round()).unwrap_or(usize::MAX);
        if (capped && all_rounds > MOST_ROUNDS) || (!capped && spread.loss >= 1.0) {
            return None;
        }
        let last = all_rounds.min(MOST_ROUNDS);
        let calls = |round| {
            let ways = callers(spread, round);
            let base = complete.messages(0, ways.0, ways.1);
            let each = complete.messages(1, ways.0, ways.1).wrapping_sub(base);
            Calls { ways, base, each }
        };
        Some(Self {
            origins: spread.origins as u32,
            end: if capped { u32::MAX } else { goal as u32 },
            alive: complete.alive as u32,
            whole: all_rounds == last,
            calls: (0..=last as u32).map(calls).collect(),
            seen: vec![Seen::default()],
            messages: Moments::default(),
        })
    }

    /// Returns the most bytes that it takes beside a table of this many outcomes.
    pub(super) fn bytes_needed(alive: u64, outcomes: u64) -> u64 {
        (MOST_ROUNDS as u64 + 1) * (4 * (outcomes + alive + 1) + 128)
    }

    /// Plays the runs from number `first` on, and returns for each whether it came to its end.
    pub(super) fn play(
        &mut self,
        (stream, first): (Stream, u64),
        (table, complete): (&mut Table, &Complete),
    ) -> [bool; LANES] {
        let mut draws: [Draws; LANES] =
            std::array::from_fn(|lane| stream.child(first + lane as u64).draws());
        let mut informed = [self.origins; LANES];
        let (mut lengths, mut messages) = ([0; LANES], [0u64; LANES]);
        let mut going = self.origins < self.end;
        let end = self.end;
        for (round, calls) in self.calls.iter().enumerate().skip(1) {
            if !going {
                break;
            }
            if round == self.seen.len() {
                self.seen.push(Seen::default());
            }
            let laws = table.laws(&informed, calls.ways, complete);
            let Seen { hits, outcomes, .. } = &mut self.seen[round];
            if hits.len() < laws.outcomes() {
                hits.resize(laws.outcomes(), 0);
            }
            let hits = &mut hits[..];
            going = false;
            for lane in 0..LANES {
                let before = informed[lane];
                let (now, outcome) = laws.step(draws[lane].bits(), before);
                // A run that has ended stays as it is.
                let goes = before < end;
                hits[outcome as usize] += u32::from(goes);
                lengths[lane] += u32::from(goes);
                messages[lane] += if goes { calls.contacts(before) } else { 0 };
                outcomes[lane] = outcome;
                informed[lane] = if goes { now } else { before };
                going |= now < end;
            }
        }
        std::array::from_fn(|lane| {
            let (length, informed) = (lengths[lane] as usize, informed[lane]);
            let ended = self.whole || informed >= end;
            if ended {
                self.end(length, informed, messages[lane]);
            } else {
                for seen in &mut self.seen[1..=length] {
                    seen.hits[seen.outcomes[lane] as usize] -= 1;
                }
            }
            ended
        })
    }

    fn end(&mut self, length: usize, informed: u32, messages: u64) {
        let seen = &mut self.seen[length];
        if seen.ended.is_empty() {
            seen.ended.resize(self.alive as usize + 1, 0);
        }
        seen.ended[informed as usize] += 1;
        seen.messages += messages;
        self.messages.add(messages);
    }

    /// Returns whether the counts must be passed on before more runs are played.
    pub(super) fn full(&self) -> bool {
        self.messages.count() >= MOST_RUNS
    }

    /// Passes on what has not been passed on yet.
    pub(super) fn pass_on(&mut self, table: &Table, summary: &mut Summary) {
        let rounds = self.seen.iter().zip(&self.calls).map(|(seen, calls)| {
            let steps = table.came_up(&seen.hits).map(|(from, to, times)| Move {
                from: from.into(),
                to: to.into(),
                contacts: calls.contacts(from),
                times: times.into(),
            });
            let ended = (0..).zip(&seen.ended).filter(|(_, times)| **times > 0);
            BatchRound {
                moves: steps.collect(),
                ended: ended.map(|(informed, &times)| (informed, times.into())).collect(),
                messages: seen.messages,
            }
        });
        summary.add_batch(&Batch {
            origins: self.origins.into(),
            messages: self.messages,
            rounds: rounds.collect(),
        });
        (self.seen, self.messages) = (vec![Seen::default()], Moments::default());
    }
}

impl Calls {
    #[inline]
    fn contacts(&self, informed: u32) -> u64 {
        self.base.wrapping_add(self.each.wrapping_mul(informed.into()))
    }
}
