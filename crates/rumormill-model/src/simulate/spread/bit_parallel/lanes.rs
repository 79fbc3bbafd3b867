//! Up to 64·W runs, played together.

use std::ops::{ControlFlow, Range};

use super::{BitParallel, WORD};
use crate::simulate::observer::Watch;
use crate::simulate::prefetch::prefetch;
use crate::simulate::spread::bit_parallel::choice::{Choice, Words, happens};
use crate::simulate::spread::bit_parallel::tally::Tally;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::start::Start;
use crate::simulate::spread::summary::Summary;
use crate::simulate::stream::{Purpose, Stream, threshold};

/// Nodes between two looks at the watch.
const STEP: u32 = 4096;

/// How many nodes ahead memory is asked for.
const AHEAD: u32 = 4;

/// A node's turn takes about as long as this many contacts, for each word.
const WORK: u64 = 16;

/// Returns whether no bit is set; comparing arrays would be a call of `memcmp`.
#[inline(always)]
fn none<const W: usize>(bits: &[u64; W]) -> bool {
    bits.iter().fold(0, |all, word| all | word) == 0
}

/// 64·W bits for each node, each node's on as few cache lines as can be.
#[derive(Clone, Debug)]
struct Bits<const W: usize> {
    words: Vec<u64>,
    /// Where the first node's words begin: at a cache line.
    start: usize,
    end: usize,
}

impl<const W: usize> Bits<W> {
    fn new(nodes: usize) -> Self {
        let words = vec![0u64; nodes * W + 7];
        // Never beyond the spare words; if the address cannot be told, lines are as they are.
        let start = words.as_ptr().align_offset(64).min(7);
        Self { words, start, end: start + nodes * W }
    }

    #[inline]
    fn nodes(&self) -> &[[u64; W]] {
        self.words[self.start..self.end].as_chunks().0
    }

    #[inline]
    fn nodes_mut(&mut self) -> &mut [[u64; W]] {
        self.words[self.start..self.end].as_chunks_mut().0
    }
}

/// The runs, and what is known of them.
pub(super) struct Lanes<'a, const W: usize> {
    question: &'a BitParallel<'a>,
    /// The runs are lanes `lanes` of the words from number `first` on.
    lanes: Range<usize>,
    first: u64,
    /// Runs that have not ended.
    live: [u64; W],
    /// Nodes informed when the round began, and by now.
    before: Bits<W>,
    is_informed: Bits<W>,
    /// Living nodes, if not all live.
    alive: Option<Bits<W>>,
    /// Nodes that are informed, as all their neighbours are, in all runs: their calls change
    /// nothing.
    done: Vec<bool>,
    runs: Vec<Lane>,
    /// How many contacts a node makes when it calls; `None` if not all nodes make equally many.
    made: Option<u64>,
}

/// One run.
#[derive(Clone, Debug, Default)]
struct Lane {
    record: Run,
    informed: u64,
    /// Number of nodes that can ever be informed.
    reach: u64,
    /// Contacts of a round in which all informed nodes call, and in which all living nodes do.
    made_by_informed: u64,
    made_by_living: u64,
}

impl<'a, const W: usize> Lanes<'a, W> {
    pub(super) fn new(question: &'a BitParallel<'a>, runs: Range<u64>) -> Self {
        let BitParallel { spread, topology, csr, contacts, seed } = question;
        let first = runs.start / WORD;
        let lanes = (runs.start - first * WORD) as usize..(runs.end - first * WORD) as usize;
        let n = csr.nodes() as usize;
        let some_die = spread.alive() < csr.nodes();
        let mut before = Bits::new(n);
        let mut alive = some_die.then(|| Bits::new(n));
        for lane in lanes.clone() {
            let start = Start::new(spread, topology, *seed, first * WORD + lane as u64);
            let (word, bit) = (lane / 64, 1 << (lane % 64));
            for &origin in &start.origins {
                before.nodes_mut()[origin as usize][word] |= bit;
            }
            for (node, alive) in alive.iter_mut().flat_map(Bits::nodes_mut).enumerate() {
                alive[word] |= u64::from(start.lives(node as u32)) * bit;
            }
        }
        let degrees = (0..n as u32).map(|v| contacts.made_by(csr.neighbours(v).len() as u64));
        let mut made = degrees.clone();
        let one = made.next().filter(|&first| made.all(|other| other == first));
        let mut playing = Self {
            question,
            lanes: lanes.clone(),
            first,
            live: [0; W],
            is_informed: before.clone(),
            before,
            alive,
            done: vec![false; n],
            runs: vec![Lane::default(); lanes.end],
            made: one,
        };
        playing.count_all();
        playing.find_reach();
        playing
    }

    /// Counts the informed nodes at the start, and the contacts that calls will make.
    fn count_all(&mut self) {
        let csr = self.question.csr;
        let living = self.question.spread.alive();
        let (mut informed, mut by_informed, mut by_living) =
            (Tally::<W>::new(), Tally::new(), Tally::new());
        for (v, is_informed) in self.before.nodes().iter().enumerate() {
            let made = self.made_by(v as u32) as u32;
            if !none(is_informed) {
                informed.add(is_informed, 1);
                by_informed.add(is_informed, made);
            }
            if let (None, Some(alive)) = (self.made, &self.alive) {
                by_living.add(&alive.nodes()[v], made);
            }
        }
        let all = self.made.map_or_else(
            || (0..csr.nodes() as u32).map(|v| self.made_by(v)).sum::<u64>(),
            |made| made * living,
        );
        let dead = self.alive.is_some() && self.made.is_none();
        for lane in self.lanes.clone() {
            let run = &mut self.runs[lane];
            run.informed = informed.sum(lane);
            run.made_by_informed = by_informed.sum(lane);
            run.made_by_living = if dead { by_living.sum(lane) } else { all };
        }
    }

    fn made_by(&self, node: u32) -> u64 {
        let degree = || self.question.csr.neighbours(node).len() as u64;
        self.made.unwrap_or_else(|| self.question.contacts.made_by(degree()))
    }

    /// Returns how many can be reached in each run: what the origins' neighbours and theirs add up
    /// to.
    fn find_reach(&mut self) {
        let Self { question, before, is_informed, alive, .. } = self;
        let csr = question.csr;
        let n = csr.nodes() as u32;
        // The nodes within reach are worked out in the memory of the informed ones.
        let nodes = is_informed.nodes_mut();
        let mut backwards = false;
        loop {
            let mut changed = false;
            let mut visit = |v: u32| {
                let mut sum = nodes[v as usize];
                for &other in csr.neighbours(v) {
                    (0..W).for_each(|w| sum[w] |= nodes[other as usize][w]);
                }
                if let Some(alive) = alive {
                    (0..W).for_each(|w| sum[w] &= alive.nodes()[v as usize][w]);
                }
                changed |= sum != nodes[v as usize];
                nodes[v as usize] = sum;
            };
            // There and back again: chains in the order of the nodes take one pass.
            if backwards {
                (0..n).rev().for_each(&mut visit);
            } else {
                (0..n).for_each(&mut visit);
            }
            backwards = !backwards;
            if !changed {
                break;
            }
        }
        let mut tally = Tally::<W>::new();
        nodes.iter().for_each(|bits| tally.add(bits, 1));
        nodes.copy_from_slice(before.nodes());
        for lane in self.lanes.clone() {
            self.runs[lane].reach = tally.sum(lane);
        }
    }

    /// Plays all runs to their ends, and adds them up. If it is stopped no run is added: those that
    /// have ended by then are the quick ones.
    pub(super) fn play(mut self, summary: &mut Summary, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let goal = self.question.spread.goal();
        for lane in self.lanes.clone() {
            let run = &mut self.runs[lane];
            run.record.start(run.informed, goal);
        }
        let mut round = 0;
        loop {
            self.end_runs();
            if none(&self.live) {
                break;
            }
            round += 1;
            self.round(round, watch)?;
        }
        for lane in self.lanes.clone() {
            summary.add(&self.runs[lane].record);
        }
        watch.runs_done(self.lanes.len() as u64);
        ControlFlow::Continue(())
    }

    /// Marks the runs that go on.
    fn end_runs(&mut self) {
        let spread = self.question.spread;
        self.live = [0; W];
        for lane in self.lanes.clone() {
            let run = &self.runs[lane];
            let stuck = spread.loss >= 1.0 || run.informed == run.reach;
            let over = spread.stop.is_none() && (run.record.finished.is_some() || stuck);
            if run.record.rounds < spread.last_round() && !over {
                self.live[lane / 64] |= 1 << (lane % 64);
            }
        }
    }

    fn round(&mut self, round: u32, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let spread = self.question.spread;
        let (pushes, pulls) = (spread.pushes_in(round), spread.pulls_in(round));
        let stream = Stream::new(self.question.seed, Purpose::Lanes);
        let word = |w: usize| stream.child(self.first + w as u64).child(round.into());
        let words = Words {
            picks: std::array::from_fn(|w| word(w).child(0)),
            losses: std::array::from_fn(|w| word(w).child(1)),
        };
        let mut turn = Turn { choice: Choice::new(), taken: [[0; W]; 64], words, pushes, pulls };
        let some = self.lanes.start;
        let n = self.question.csr.nodes() as u32;
        for v in 0..n {
            self.prepare(v.saturating_add(AHEAD).min(n - 1), &turn);
            if !self.done[v as usize] {
                self.turn(v, &mut turn);
            }
            if v % STEP == STEP - 1 {
                watch.worked(u64::from(STEP) * W as u64 * WORK, round, self.runs[some].informed)?;
            }
        }
        let newly = self.settle();
        for lane in self.lanes.clone() {
            if self.live[lane / 64] >> (lane % 64) & 1 == 0 {
                continue;
            }
            let run = &mut self.runs[lane];
            let asked = run.made_by_living - run.made_by_informed;
            let messages = u64::from(pushes) * run.made_by_informed + u64::from(pulls) * asked;
            run.informed += newly.0.sum(lane);
            run.made_by_informed += match self.made {
                Some(made) => made * newly.0.sum(lane),
                None => newly.1.sum(lane),
            };
            run.record.round(run.informed, messages);
        }
        ControlFlow::Continue(())
    }

    /// Asks for the memory that a node's calls will need.
    #[inline(always)]
    fn prepare(&self, v: u32, turn: &Turn<W>) {
        if self.done[v as usize] {
            return;
        }
        for &other in self.question.csr.neighbours(v) {
            if turn.pushes {
                prefetch(self.is_informed.nodes(), other as usize);
            }
            if turn.pulls {
                prefetch(self.before.nodes(), other as usize);
            }
        }
    }

    /// Returns a node's calls, in all runs.
    #[inline]
    fn turn(&mut self, v: u32, turn: &mut Turn<W>) {
        let Self { question, live, before, is_informed, alive, done, .. } = self;
        let (before, is_informed) = (before.nodes(), is_informed.nodes_mut());
        let was_informed = before[v as usize];
        let every = |call: bool| if call { !0 } else { 0 };
        let (pushers, pullers) = (every(turn.pushes), every(turn.pulls));
        let mut callers: [u64; W] = std::array::from_fn(|w| {
            live[w] & (pushers & was_informed[w] | pullers & !was_informed[w])
        });
        if let Some(alive) = alive {
            (0..W).for_each(|w| callers[w] &= alive.nodes()[v as usize][w]);
        }
        if none(&callers) {
            return;
        }
        let neighbours = question.csr.neighbours(v);
        let candidates = neighbours.len() + usize::from(question.spread.include_self);
        if candidates == 0 {
            return;
        }
        let fanout = question.contacts.fanout;
        let everyone = question.contacts.distinct && fanout >= candidates as u64;
        let lost = threshold(question.spread.loss);
        let keep = |words: &Words<W>, pick: u32| -> [u64; W] {
            match lost {
                0 => callers,
                _ if question.spread.loss >= 1.0 => [0; W],
                _ => {
                    let lost = happens(&words.losses, (v, pick), &callers, lost);
                    std::array::from_fn(|w| callers[w] & !lost[w])
                }
            }
        };
        let mut got = [0; W];
        let mut call = |other: u32, runs: [u64; W]| {
            if none(&runs) {
                return;
            }
            if turn.pushes {
                let newly = &mut is_informed[other as usize];
                for w in 0..W {
                    newly[w] |= runs[w] & was_informed[w];
                }
            }
            if turn.pulls {
                let asked = &before[other as usize];
                for w in 0..W {
                    got[w] |= runs[w] & asked[w];
                }
            }
        };
        if everyone {
            for (j, &other) in neighbours.iter().enumerate() {
                call(other, keep(&turn.words, j as u32));
            }
        } else {
            let distinct = question.distinct();
            if distinct {
                turn.taken[..candidates].fill([0; W]);
            }
            for pick in 0..fanout as u32 {
                let taken = distinct.then_some(&turn.taken);
                turn.choice.draw(&turn.words, (v, pick), &callers, candidates, taken);
                let kept = keep(&turn.words, pick);
                for (j, &other) in neighbours.iter().enumerate() {
                    let picked = turn.choice.picked[j];
                    call(other, std::array::from_fn(|w| picked[w] & kept[w]));
                }
                if distinct {
                    for (taken, picked) in
                        turn.taken.iter_mut().zip(&turn.choice.picked).take(candidates)
                    {
                        (0..W).for_each(|w| taken[w] |= picked[w]);
                    }
                }
            }
        }
        // An uninformed node may inform itself; an informed one is marked already.
        (0..W).for_each(|w| is_informed[v as usize][w] |= got[w]);
        let all = |bits: &[u64; W]| (0..W).all(|w| live[w] & !bits[w] == 0);
        if turn.pushes && alive.is_none() && all(&was_informed) {
            done[v as usize] = neighbours.iter().all(|&other| all(&is_informed[other as usize]));
        }
    }

    /// Ends a round: counts the nodes informed in it, and the contacts that these make when they
    /// call.
    fn settle(&mut self) -> (Tally<W>, Tally<W>) {
        let mut newly = (Tally::new(), Tally::new());
        let contacts = self.question.contacts;
        let csr = self.question.csr;
        let nodes = self.before.nodes_mut().iter_mut().zip(self.is_informed.nodes_mut());
        for (v, (before, is_informed)) in nodes.enumerate() {
            if let Some(alive) = &self.alive {
                (0..W).for_each(|w| is_informed[w] &= alive.nodes()[v][w]);
            }
            let fresh: [u64; W] = std::array::from_fn(|w| is_informed[w] & !before[w]);
            if none(&fresh) {
                continue;
            }
            newly.0.add(&fresh, 1);
            if self.made.is_none() {
                let made = contacts.made_by(csr.neighbours(v as u32).len() as u64);
                newly.1.add(&fresh, made as u32);
            }
            *before = *is_informed;
        }
        newly
    }
}

/// What all turns of a round need.
struct Turn<const W: usize> {
    choice: Choice<W>,
    taken: [[u64; W]; 64],
    words: Words<W>,
    pushes: bool,
    pulls: bool,
}
