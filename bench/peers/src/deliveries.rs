//! Which node received which message, and when: every harness reports to this.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rand::distr::{Alphanumeric, SampleString};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Messages of a run, with the instants at which each node's application first got them.
pub(crate) struct Deliveries {
    nodes: usize,
    payloads: Vec<String>,
    begin: Instant,
    published: Vec<AtomicU64>,
    first: Vec<AtomicU64>,
    times: Vec<AtomicU32>,
    wrong: AtomicU64,
}

/// Bytes of a payload that identify a message.
const NUMBER: usize = 8;

impl Deliveries {
    /// Messages of `size` bytes: a number, and letters and digits that don't compress.
    pub(crate) fn new(nodes: usize, messages: usize, size: usize, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let atomics = |n| (0..n).map(|_| AtomicU64::new(0)).collect();
        Self {
            nodes,
            payloads: (0..messages).map(|n| payload(n, size, &mut rng)).collect(),
            begin: Instant::now(),
            published: atomics(messages),
            first: atomics(messages * nodes),
            times: (0..messages * nodes).map(|_| AtomicU32::new(0)).collect(),
            wrong: AtomicU64::new(0),
        }
    }

    pub(crate) fn payload(&self, message: usize) -> &str {
        &self.payloads[message]
    }

    /// The number of the message in `payload`, which every harness may use as its key.
    pub(crate) fn number(payload: &[u8]) -> Option<u32> {
        let number = core::str::from_utf8(payload.get(..NUMBER)?).ok()?;
        u32::from_str_radix(number, 16).ok()
    }

    /// `message` is handed to the implementation now.
    pub(crate) fn published(&self, message: usize) {
        self.published[message].store(self.now(), Relaxed);
    }

    /// The application at `node` has got this.
    pub(crate) fn delivered(&self, node: usize, payload: &[u8]) {
        let now = self.now();
        let message = Self::number(payload).map(|number| number as usize);
        let known =
            |message: &usize| self.payloads.get(*message).is_some_and(|p| p.as_bytes() == payload);
        let Some(message) = message.filter(known) else {
            self.wrong.fetch_add(1, Relaxed);
            return;
        };
        let at = message * self.nodes + node;
        if self.times[at].fetch_add(1, Relaxed) == 0 {
            self.first[at].store(now, Relaxed);
        }
    }

    /// When each node but `origin` first got `message`, ascending; those that missed it are left
    /// out.
    pub(crate) fn delays(&self, message: usize, origin: usize) -> Vec<Duration> {
        let published = self.published[message].load(Relaxed);
        let received =
            (0..self.nodes).filter(|&node| node != origin && self.received(message, node) > 0);
        let delay = |node: usize| {
            let first = self.first[message * self.nodes + node].load(Relaxed);
            Duration::from_nanos(first.saturating_sub(published))
        };
        let mut delays: Vec<_> = received.map(delay).collect();
        delays.sort_unstable();
        delays
    }

    /// How often the application at `node` got `message`.
    pub(crate) fn received(&self, message: usize, node: usize) -> u32 {
        self.times[message * self.nodes + node].load(Relaxed)
    }

    /// How often an application got a message that was never published.
    pub(crate) fn wrong(&self) -> u64 {
        self.wrong.load(Relaxed)
    }

    fn now(&self) -> u64 {
        // Never 0, and more than 500 years fit.
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

fn payload(number: usize, size: usize, rng: &mut impl Rng) -> String {
    format!("{number:0NUMBER$x}{}", Alphanumeric.sample_string(rng, size - NUMBER))
}
