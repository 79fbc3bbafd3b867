//! Whom a node contacts, and whether that is lost: the addresses of the random numbers, which all
//! engines share that follow nodes one by one.
//!
//! The j-th contact of node v in a round takes one number, at address v·k + j of the round's
//! stream, k being the fan-out. Its product with the number of partners says which partner (the
//! high half) and whether the contact is lost (the low half).

use super::graph::Topology;
use super::model::{SpreadModel, Targets};
use super::stream::{Purpose, Stream, below, threshold};

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
    pub(crate) fn new(model: &SpreadModel) -> Self {
        Self {
            fanout: model.fanout.into(),
            distinct: model.targets == Targets::Distinct,
            include_self: model.include_self,
            loss: model.loss,
            lost_below: threshold(model.loss),
        }
    }

    /// The numbers of one round of one run.
    pub(crate) fn round(seed: u64, run: u64, round: u32) -> Stream {
        Stream::new(seed, Purpose::Contacts).child(run).child(round.into())
    }

    /// How many contacts a node makes when it calls.
    pub(crate) fn made_by(&self, degree: u64) -> u64 {
        let pool = degree + u64::from(self.include_self);
        match (pool, self.distinct) {
            (0, _) => 0,
            (_, true) => self.fanout.min(pool),
            (_, false) => self.fanout,
        }
    }

    /// Whether a contact arrives whose number's low half is `low`.
    #[inline]
    pub(crate) fn arrives(&self, low: u64) -> bool {
        low >= self.lost_below && self.loss < 1.0
    }

    /// The contacts of a node, into `made`. `turn` is the node, or the number of the turn where
    /// nodes have turns.
    pub(crate) fn draw(
        &self,
        topology: &Topology,
        node: u64,
        turn: u64,
        stream: Stream,
        made: &mut Vec<Contact>,
    ) {
        made.clear();
        let degree = topology.degree(node);
        let pool = degree + u64::from(self.include_self);
        let first = turn.wrapping_mul(self.fanout);
        let target = |slot| if slot == degree { node } else { topology.neighbour(node, slot) };
        for j in 0..self.made_by(degree) {
            let bits = stream.at(first.wrapping_add(j));
            if !self.distinct {
                let (slot, low) = below(bits, pool);
                made.push(Contact { target: target(slot), arrives: self.arrives(low) });
                continue;
            }
            // Floyd's sampling: among the first 1 + last slots, or the last one if that is taken.
            let last = pool - self.fanout.min(pool) + j;
            let (slot, low) = below(bits, last + 1);
            let picked = target(slot);
            let taken = made.iter().any(|contact| contact.target == picked);
            let target = if taken { target(last) } else { picked };
            made.push(Contact { target, arrives: self.arrives(low) });
        }
    }
}
