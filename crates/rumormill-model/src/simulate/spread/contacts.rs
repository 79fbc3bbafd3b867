//! Whom a node contacts, and whether that is lost: the addresses of the random numbers, which all
//! engines share that follow nodes one by one.
//!
//! The j-th contact of node v in a round takes one number, at address v·k + j of the round's
//! stream, k being the fan-out. Its product with the number of partners says which partner (the
//! high half) and whether the contact is lost (the low half).

use crate::graph::topology::Topology;
use crate::simulate::stream::{Purpose, Stream, below, threshold};
use crate::spread::{MAX_FANOUT, Spread, Targets};

/// How the contacts of a model are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contacts {
    pub(crate) fanout: u64,
    pub(crate) distinct: bool,
    pub(crate) include_self: bool,
    pub(crate) loss: f64,
    /// A contact whose low half lies below this is lost.
    pub(crate) lost_below: u64,
}

/// One contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) target: u64,
    pub(crate) arrives: bool,
}

impl Contacts {
    pub(crate) fn new(spread: &Spread) -> Self {
        Self {
            fanout: spread.fanout,
            distinct: spread.targets == Targets::Distinct,
            include_self: spread.include_self,
            loss: spread.loss,
            lost_below: threshold(spread.loss),
        }
    }

    /// Returns the numbers of one round of one run.
    pub(crate) fn round(seed: u64, run: u64, round: u32) -> Stream {
        Stream::new(seed, Purpose::Contacts).child(run).child(round.into())
    }

    /// Returns how many contacts a node makes when it calls.
    pub(crate) fn made_by(&self, degree: u64) -> u64 {
        let pool = degree + u64::from(self.include_self);
        match (pool, self.distinct) {
            (0, _) => 0,
            (_, true) => self.fanout.min(pool),
            (_, false) => self.fanout,
        }
    }

    /// Returns whether a contact arrives whose number's low half is `low`.
    #[inline]
    pub(crate) fn arrives(&self, low: u64) -> bool {
        low >= self.lost_below && self.loss < 1.0
    }

    /// Calls `made` with each contact of a node, as target and whether it arrives. `turn` is the
    /// node, or the number of the turn where nodes have turns; `target` the partner in a slot below
    /// the degree.
    #[inline]
    pub(crate) fn pick<T: Copy + PartialEq>(
        &self,
        node: T,
        degree: u64,
        turn: u64,
        stream: Stream,
        target: impl Fn(u64) -> T,
        mut made: impl FnMut(T, bool),
    ) {
        let pool = degree + u64::from(self.include_self);
        let first = turn.wrapping_mul(self.fanout);
        let partner = |slot| if slot == degree { node } else { target(slot) };
        let bits = |j: u64| stream.at(first.wrapping_add(j));
        if pool == 0 {
            return;
        }
        if !self.distinct || self.fanout == 1 {
            for j in 0..self.fanout {
                let (slot, low) = below(bits(j), pool);
                made(partner(slot), self.arrives(low));
            }
        } else if self.fanout >= pool {
            for slot in 0..pool {
                made(partner(slot), self.arrives(bits(slot)));
            }
        } else {
            // Floyd's sampling (Bentley and Floyd 1987): among the first slots up to `last`, or
            // `last` itself if that one is taken.
            let mut picked = [0; MAX_FANOUT as usize];
            for j in 0..self.fanout {
                let last = pool - self.fanout + j;
                let (slot, low) = below(bits(j), last + 1);
                let slot = if picked[..j as usize].contains(&slot) { last } else { slot };
                picked[j as usize] = slot;
                made(partner(slot), self.arrives(low));
            }
        }
    }

    /// Returns the contacts of a node, into `made`.
    pub(crate) fn draw(
        &self,
        topology: &Topology,
        node: u64,
        turn: u64,
        stream: Stream,
        made: &mut Vec<Contact>,
    ) {
        made.clear();
        let target = |slot| topology.neighbour(node, slot);
        self.pick(node, topology.degree(node), turn, stream, target, |target, arrives| {
            made.push(Contact { target, arrives });
        });
    }
}
