//! A bit for each node, on the complete graph: contacts are drawn bucket by bucket.
//!
//! A node is a bit, and 65,536 of them are a bucket, 8 KiB, which stays in the first cache while
//! a round's contacts fall into it. How many fall into each bucket is drawn first (a multinomial,
//! as conditional binomials), then where in the bucket each falls. A push that is not lost is such
//! a ball. Calls of uninformed nodes find an informed one with the same chance, whatever the
//! others do: those are drawn 64 nodes at a time ([`bucket`]). A bucket in which few are left is
//! told how many contacts fall among these, and only those are placed; the others would change
//! nothing.
//!
//! Living nodes are numbered 0, 1, … here, dead ones not at all. Nodes are alike, so it does not
//! matter *which* nodes are informed; [`Nodes`] keeps the first few of them in front: with several
//! distinct picks (see [`super::complete`]) and without calls to oneself, contacts fall on the
//! nodes behind these.
//!
//! Every bucket has a random stream of its own in every round: the run is the same for any number
//! of threads.

mod bucket;

use std::ops::ControlFlow;

use crate::graph::topology::Topology;
use crate::simulate::engine::{Engine, Plan};
use crate::simulate::observer::Watch;
use crate::simulate::spread::asked::{self, Asked};
use crate::simulate::spread::binomial::{Chance, binomial};
use crate::simulate::spread::complete::{Complete, Level, callers};
use crate::simulate::spread::player::OneByOne;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::stream::{Draws, Purpose, Stream};
use crate::simulate::work::{Worker, in_parallel};
use crate::spread::Spread;
use bucket::{Bucket, SIZE, WORDS};

/// The most nodes: 12.5 GB of bits.
const MOST: u64 = 100_000_000_000;

/// Nodes for which another thread is worth starting.
const SHARE: u64 = 1 << 21;

/// Buckets between two looks at the watch.
const STEP: usize = 64;

/// The engine.
pub(super) struct BitsetEngine;

impl Engine<Asked> for BitsetEngine {
    fn supports(&self, Asked { spread, topology }: &Asked) -> Result<(), String> {
        let Topology::Complete(_) = topology else {
            return Err("its buckets are filled evenly, as on the complete graph only".into());
        };
        if spread.alive() > MOST {
            return Err(format!("it has a bit for each living node, and {MOST} at most"));
        }
        asked::supports(spread)
    }

    /// Returns a bit for each living node, and 12 bytes for each bucket.
    fn bytes_needed(&self, Asked { spread, .. }: &Asked, workers: usize) -> u64 {
        let buckets = spread.alive().div_ceil(SIZE);
        // Threads beyond the runs share the nodes of a run; the number of runs is not known here.
        buckets * (SIZE / 8 + 12) * workers as u64 + (1 << 20)
    }

    fn build<'a>(&self, asked: &'a Asked, seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        Box::new(Bitset::new(&asked.spread, seed))
    }
}

pub(super) struct Bitset<'a> {
    spread: &'a Spread,
    complete: Complete,
    stream: Stream,
}

impl<'a> Bitset<'a> {
    pub(super) fn new(spread: &'a Spread, seed: u64) -> Self {
        let stream = Stream::new(seed, Purpose::Buckets);
        Self { spread, complete: Complete::new(spread), stream }
    }
}

impl Plan<Asked> for Bitset<'_> {
    fn worker(&self) -> Box<dyn Worker<Summary> + '_> {
        let mut nodes = Nodes::new(self);
        let play = move |run, threads, record: &mut Run, watch: &mut Watch<'_>| {
            nodes.play(run, threads, record, watch)
        };
        Box::new(OneByOne::new(play))
    }
}

/// The nodes of one run.
struct Nodes<'a> {
    question: &'a Bitset<'a>,
    words: Vec<u64>,
    /// Number of uninformed nodes in each bucket.
    missing: Vec<u32>,
    /// Number of contacts that fall into each bucket in this round.
    balls: Vec<u64>,
    informed: u64,
    levels: Vec<Level>,
}

impl Nodes<'_> {
    fn play(
        &mut self,
        run: u64,
        threads: usize,
        record: &mut Run,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        let Bitset { spread, complete, stream } = self.question;
        let stream = stream.child(run);
        self.begin(spread.origins);
        record.start(spread.origins, spread.goal());
        let last = spread.last_round();
        while record.rounds < last {
            let informed = self.informed;
            let stuck = spread.loss >= 1.0 || informed == complete.alive;
            if spread.stop.is_none() && (record.finished.is_some() || stuck) {
                break;
            }
            let round = record.rounds + 1;
            let calls = callers(spread, round);
            let messages = complete.messages(informed, calls.0, calls.1);
            self.round(stream.child(round.into()), round, calls, threads, watch)?;
            record.round(self.informed, messages);
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Nodes<'a> {
    fn new(question: &'a Bitset<'a>) -> Self {
        let (words, missing, balls) = (Vec::new(), Vec::new(), Vec::new());
        Self { question, words, missing, balls, informed: 0, levels: Vec::new() }
    }

    fn begin(&mut self, origins: u64) {
        let alive = self.question.complete.alive;
        let buckets = alive.div_ceil(SIZE) as usize;
        self.words.clear();
        self.words.resize(buckets * WORDS, 0);
        self.balls.clear();
        self.balls.resize(buckets, 0);
        self.missing.clear();
        self.missing.extend((0..buckets as u64).map(|b| (alive - b * SIZE).min(SIZE) as u32));
        self.informed = 0;
        self.inform_next(origins);
        // Bits beyond the last node look informed.
        let end = (alive / 64) as usize;
        if let Some(last) = self.words.get_mut(end) {
            *last |= !0 << (alive % 64);
        }
        self.words[alive.div_ceil(64) as usize..].fill(!0);
    }

    /// Informs the next nodes behind the informed ones, which are all in front.
    fn inform_next(&mut self, count: u64) {
        for node in self.informed..self.informed + count {
            self.set(node);
        }
    }

    fn set(&mut self, node: u64) {
        let (word, bit) = ((node / 64) as usize, 1 << (node % 64));
        if self.words[word] & bit == 0 {
            self.words[word] |= bit;
            self.missing[(node / SIZE) as usize] -= 1;
            self.informed += 1;
        }
    }

    /// Returns how many nodes in front must be informed, so that contacts can fall evenly on those
    /// behind: the last level's pool is this much smaller than the living.
    fn front(&self, pushes: bool) -> u64 {
        let complete = &self.question.complete;
        let levels = if complete.more().is_some() { complete.picks } else { 1 };
        let room = (complete.pool + 1).saturating_sub(levels);
        if complete.throws(pushes) { complete.alive.saturating_sub(room) } else { 0 }
    }

    fn round(
        &mut self,
        stream: Stream,
        round: u32,
        calls: (bool, bool),
        threads: usize,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        let complete = &self.question.complete;
        let mut draws = stream.child(u64::MAX).draws();
        let front = self.front(calls.0);
        if self.informed < front {
            // So few are informed that their distinct picks depend on one another: count, and
            // choose the next nodes. The informed ones are still all in front.
            let mut levels = std::mem::take(&mut self.levels);
            let next = complete.step(&mut draws, self.informed, calls, &mut levels);
            self.levels = levels;
            self.inform_next(next - self.informed);
            return watch.worked(1, round, self.informed);
        }
        let own = complete.own(self.informed, calls.0, calls.1);
        let mut fallen = 0;
        if complete.throws(calls.0) {
            complete.levels(&mut draws, self.informed, &mut self.levels);
            for &level in &self.levels {
                let fall = complete.fall(level, complete.alive - front);
                fallen += binomial(&mut draws, level.balls, fall);
            }
        }
        let buckets = self.missing.len();
        if own.hit <= 0.0 && fallen < buckets as u64 / 4 {
            // Too few to go through the buckets.
            for _ in 0..fallen {
                self.set(front + draws.below(complete.alive - front));
            }
            return watch.worked(fallen, round, self.informed);
        }
        self.spill(&mut draws, fallen, front);
        let wanted = usize::try_from(complete.alive / SHARE).unwrap_or(usize::MAX);
        let threads = threads.min(wanted).clamp(1, buckets);
        let sweep =
            Sweep { stream, round, own, front, alive: complete.alive, before: self.informed };
        let each = buckets.div_ceil(threads);
        if threads == 1 {
            let (words, missing) = (&mut self.words[..], &mut self.missing[..]);
            self.informed += sweep.go(0, words, missing, &self.balls, watch)?;
            return ControlFlow::Continue(());
        }
        let parts = self.words.chunks_mut(each * WORDS).zip(self.missing.chunks_mut(each));
        let parts = parts.zip(self.balls.chunks(each)).enumerate().collect();
        let watch = &*watch;
        let newly = in_parallel(parts, |(part, ((words, missing), balls))| {
            sweep.go(part * each, words, missing, balls, &mut watch.fork())
        });
        for part in newly {
            match part {
                ControlFlow::Continue(newly) => self.informed += newly,
                ControlFlow::Break(()) => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    /// Divides the contacts that fall behind the front among the buckets.
    fn spill(&mut self, draws: &mut Draws, mut fallen: u64, front: u64) {
        let alive = self.question.complete.alive;
        let mut left = alive - front;
        for (b, balls) in self.balls.iter_mut().enumerate() {
            let size = Bucket::span(b as u64, front, alive).1;
            *balls = binomial(draws, fallen, Chance::share(size, left));
            fallen -= *balls;
            left -= size;
        }
    }
}

/// One round's pass through buckets.
struct Sweep {
    stream: Stream,
    round: u32,
    /// The chance that an uninformed node is informed by a call of its own.
    own: Chance,
    front: u64,
    alive: u64,
    before: u64,
}

impl Sweep {
    /// Passes through the buckets from number `first` on, and returns how many nodes were informed.
    fn go(
        &self,
        first: usize,
        words: &mut [u64],
        missing: &mut [u32],
        balls: &[u64],
        watch: &mut Watch<'_>,
    ) -> ControlFlow<(), u64> {
        let (mut newly, mut work) = (0, 0);
        let mut open = Vec::new();
        let buckets = words.as_chunks_mut::<WORDS>().0.iter_mut().zip(missing).zip(balls);
        for (i, ((words, missing), &balls)) in buckets.enumerate() {
            if *missing > 0 {
                let number = (first + i) as u64;
                let (skip, size) = Bucket::span(number, self.front, self.alive);
                let draws = self.stream.child(number).draws();
                let mut bucket = Bucket { words, missing: *missing, draws, open: &mut open };
                bucket.pull(self.own);
                bucket.throw(balls, skip, size);
                newly += u64::from(*missing - bucket.missing);
                *missing = bucket.missing;
                work += balls + u64::from(*missing);
            }
            if i % STEP == STEP - 1 {
                watch.worked(work, self.round, self.before)?;
                work = 0;
            }
        }
        watch.worked(work, self.round, self.before)?;
        ControlFlow::Continue(newly)
    }
}
