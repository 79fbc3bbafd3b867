//! The plain case, as fast as memory allows: the complete graph, nothing lost, no time taken.
//!
//! On the complete graph nodes are told apart by nothing but their values, so instead of going
//! through the nodes in a random order this shuffles the values and goes through them as they lie:
//! the law is the same, and one of two random accesses is gone. Random places are worked out a
//! block ahead and fetched early, so that the memory answers many requests at once.
//!
//! Push-pull and SPSP are the same here: weights stay 1.

use crate::average::{Averaging, Protocol, Schedule};
use crate::simulate::average::measure::{Moment, Truth};
use crate::simulate::prefetch::prefetch;
use crate::simulate::stream::{Draws, Purpose, Stream};

/// Places worked out ahead. Enough for the memory to be busy, few enough to stay in the first
/// cache.
const BLOCK: usize = 128;

/// One run.
pub(super) struct Dense {
    cells: Cells,
    schedule: Schedule,
    truth: Truth,
    contacts: Draws,
    order: Draws,
    per_exchange: u64,
}

enum Cells {
    Values(Vec<f64>),
    /// Value and weight, side by side, and what arrives in a round.
    Masses {
        held: Vec<[f64; 2]>,
        next: Vec<[f64; 2]>,
    },
}

/// Returns the bytes of a node beside its input.
pub(super) fn bytes_per_node(protocol: Protocol) -> u64 {
    // Values are averaged in place, over the inputs.
    if protocol == Protocol::PushSum { 2 * size_of::<[f64; 2]>() as u64 } else { 0 }
}

impl Dense {
    pub(super) fn new(settings: &Averaging, run: u64, inputs: Vec<f64>) -> Self {
        let truth = Truth::of(inputs.iter().copied(), false);
        let cells = if settings.protocol == Protocol::PushSum {
            let held: Vec<_> = inputs.iter().map(|&value| [value, 1.0]).collect();
            Cells::Masses { next: vec![[0.0; 2]; held.len()], held }
        } else {
            Cells::Values(inputs)
        };
        let stream = |purpose| Stream::new(settings.seed, purpose).child(run);
        Self {
            cells,
            schedule: settings.schedule,
            truth,
            contacts: stream(Purpose::Contacts).child(0).draws(),
            order: stream(Purpose::Order).draws(),
            per_exchange: settings.protocol.messages(),
        }
    }

    /// Runs a round; the messages sent in it.
    pub(super) fn round(&mut self) -> u64 {
        let exchanges = match &mut self.cells {
            Cells::Masses { held, next } => {
                scatter(held, next, &mut self.contacts);
                std::mem::swap(held, next);
                held.len() as u64
            }
            Cells::Values(values) => match self.schedule {
                Schedule::Fixed => sweep(values, &mut self.contacts),
                Schedule::Shuffled => {
                    shuffle(values, &mut self.order);
                    sweep(values, &mut self.contacts)
                }
                Schedule::Matching => {
                    shuffle(values, &mut self.order);
                    pair_up(values)
                }
                Schedule::RandomPair => {
                    let exchanges = values.len() as u64;
                    pairs(values, exchanges, &mut self.contacts);
                    exchanges
                }
                // Never with values: `Averaging::engine` sees to it.
                Schedule::Synchronous | Schedule::Asynchronous => {
                    let exchanges = poisson(values.len() as f64, &mut self.order);
                    pairs(values, exchanges, &mut self.contacts);
                    exchanges
                }
            },
        };
        exchanges * self.per_exchange
    }

    /// Returns the values and weights that the nodes hold.
    #[cfg(test)]
    pub(super) fn masses(&self) -> Vec<(f64, f64)> {
        match &self.cells {
            Cells::Values(values) => values.iter().map(|&value| (value, 1.0)).collect(),
            Cells::Masses { held, .. } => held.iter().map(|&[v, w]| (v, w)).collect(),
        }
    }

    pub(super) fn measure(&self) -> Moment {
        match &self.cells {
            Cells::Values(values) => self.truth.judge_values(values),
            Cells::Masses { held, .. } => {
                let mut moment = self.truth.judge(held.iter().map(|&[v, w]| (v, w)));
                let mut excess = super::protocol::Compensated::default();
                held.iter().for_each(|&[value, _]| excess.add(value - self.truth.answer));
                moment.mass_lost = excess.value() / self.truth.inputs;
                moment
            }
        }
    }
}

/// Averages each place in turn with a random other one.
fn sweep(values: &mut [f64], draws: &mut Draws) -> u64 {
    let nodes = values.len();
    let mut peers = [0u32; BLOCK];
    for start in (0..nodes).step_by(BLOCK) {
        let peers = &mut peers[..BLOCK.min(nodes - start)];
        for (at, peer) in peers.iter_mut().enumerate() {
            let other = draws.below(nodes as u64 - 1) as u32;
            *peer = other + u32::from(other as usize >= start + at);
            prefetch(values, *peer as usize);
        }
        for (at, &peer) in peers.iter().enumerate() {
            meet(values, start + at, peer as usize);
        }
    }
    nodes as u64
}

/// Averages random pairs of different places.
fn pairs(values: &mut [f64], exchanges: u64, draws: &mut Draws) {
    let nodes = values.len() as u64;
    let mut block = [(0u32, 0u32); BLOCK];
    let mut left = exchanges;
    while left > 0 {
        let now = left.min(BLOCK as u64);
        for pair in &mut block[..now as usize] {
            let one = draws.below(nodes) as u32;
            let other = draws.below(nodes - 1) as u32;
            *pair = (one, other + u32::from(other >= one));
            prefetch(values, pair.0 as usize);
            prefetch(values, pair.1 as usize);
        }
        for &(one, other) in &block[..now as usize] {
            meet(values, one as usize, other as usize);
        }
        left -= now;
    }
}

#[inline]
fn meet(values: &mut [f64], one: usize, other: usize) {
    let mean = 0.5 * (values[one] + values[other]);
    values[one] = mean;
    values[other] = mean;
}

/// Returns the perfect matching of neighbours in the array; with an odd number the last one rests.
fn pair_up(values: &mut [f64]) -> u64 {
    for pair in values.chunks_exact_mut(2) {
        let mean = 0.5 * (pair[0] + pair[1]);
        pair.fill(mean);
    }
    values.len() as u64 / 2
}

/// Returns a uniformly random order (Fisher and Yates).
fn shuffle(values: &mut [f64], draws: &mut Draws) {
    let mut places = [0u32; BLOCK];
    let mut left = values.len();
    while left > 1 {
        let places = &mut places[..BLOCK.min(left - 1)];
        for (at, place) in places.iter_mut().enumerate() {
            *place = draws.below((left - at) as u64) as u32;
            prefetch(values, *place as usize);
        }
        for (at, &place) in places.iter().enumerate() {
            values.swap(left - 1 - at, place as usize);
        }
        left -= places.len();
    }
}

/// Returns all keep half and send half to a random place, their own allowed.
fn scatter(held: &[[f64; 2]], next: &mut [[f64; 2]], draws: &mut Draws) {
    let half = |mass: &[f64; 2]| mass.map(|x| 0.5 * x);
    for (next, held) in next.iter_mut().zip(held) {
        *next = half(held);
    }
    let mut peers = [0u32; BLOCK];
    for block in held.chunks(BLOCK) {
        let peers = &mut peers[..block.len()];
        for peer in &mut *peers {
            *peer = draws.below(held.len() as u64) as u32;
            prefetch(next, *peer as usize);
        }
        for (mass, &peer) in block.iter().zip(&*peers) {
            let [value, weight] = half(mass);
            let to = &mut next[peer as usize];
            *to = [to[0] + value, to[1] + weight];
        }
    }
}

/// Returns how often Poisson clocks of rate 1 tick in a time.
fn poisson(mean: f64, clock: &mut Draws) -> u64 {
    let mut ticks = 0;
    let mut time = clock.exponential();
    while time < mean {
        ticks += 1;
        time += clock.exponential();
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(seed: u64) -> Draws {
        Stream::new(seed, Purpose::Contacts).draws()
    }

    #[test]
    fn a_sweep_is_the_plain_loop() {
        for nodes in [2usize, 3, 127, 128, 129, 1000] {
            let start: Vec<f64> = (0..nodes).map(|i| (i as f64).sin()).collect();
            let (mut ours, mut plain) = (start.clone(), start);
            sweep(&mut ours, &mut draws(5));
            let mut same = draws(5);
            for i in 0..nodes {
                let j = same.below(nodes as u64 - 1) as usize;
                let j = if j >= i { j + 1 } else { j };
                let mean = 0.5 * (plain[i] + plain[j]);
                (plain[i], plain[j]) = (mean, mean);
            }
            assert_eq!(ours, plain);
        }
    }

    #[test]
    fn a_shuffle_is_that_of_the_stream() {
        for nodes in [1usize, 2, 128, 129, 130, 1001] {
            let start: Vec<f64> = (0..nodes).map(|i| i as f64).collect();
            let (mut ours, mut plain) = (start.clone(), start);
            shuffle(&mut ours, &mut draws(9));
            draws(9).shuffle(&mut plain);
            assert_eq!(ours, plain);
        }
    }

    #[test]
    fn ticks_have_the_mean_and_the_variance_of_poisson() {
        let mut clock = draws(3);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..20_000 {
            let ticks = poisson(7.0, &mut clock) as f64;
            sum += ticks;
            squares += ticks * ticks;
        }
        let mean = sum / 20_000.0;
        let variance = squares / 20_000.0 - mean * mean;
        assert!((mean - 7.0).abs() < 4.0 * (7.0f64 / 20_000.0).sqrt(), "{mean}");
        assert!((variance - 7.0).abs() < 0.3, "{variance}");
    }
}
