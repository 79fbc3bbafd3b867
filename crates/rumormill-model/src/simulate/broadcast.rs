//! Broadcasts by one sender: the baselines that gossip is compared with.
//!
//! The graph is complete. Whether a node is reached in a round depends on no other node, so a run
//! is a chain of counts: each node that is left is reached with the same probability,
//! independently.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::str::FromStr;

use rumormill_proto::UnknownWord;

use crate::error::{Error, need};
use crate::graph::topology::MAX_NODES;
use crate::simulate::observer::{CONTACTS, Observer, Shared, Watch, reports};
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::stream::{Draws, Purpose, Stream};
use crate::simulate::work::{ByRuns, Desk, check_runs};

/// How the sender goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BroadcastKind {
    /// It sends to all nodes once in each of this many rounds, without answers. 1: single
    /// shot.
    Blind {
        /// How many rounds; at least 1.
        repeats: u32,
    },
    /// It sends again, round after round, to those that have not acknowledged.
    Acknowledged {
        /// The probability that an acknowledgement is lost, in [0, 1). Those are not counted as
        /// messages.
        ack_loss: f64,
    },
    /// Eager reliable broadcast: a node that first receives it in a round sends it to all others in
    /// the next, once.
    Eager,
}

/// Reads a way as it is written: `single-shot`, `repeated:3`, `acknowledged` or `eager`.
impl FromStr for BroadcastKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let repeats = text.strip_prefix("repeated:").and_then(|repeats| repeats.parse().ok());
        match (text, repeats) {
            (_, Some(repeats)) => Ok(Self::Blind { repeats }),
            ("single-shot", _) => Ok(Self::Blind { repeats: 1 }),
            ("acknowledged", _) => Ok(Self::Acknowledged { ack_loss: 0.0 }),
            ("eager", _) => Ok(Self::Eager),
            _ => {
                let allowed = "single-shot, repeated:R, acknowledged or eager";
                Err(UnknownWord { given: text.into(), allowed })
            }
        }
    }
}

impl fmt::Display for BroadcastKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blind { repeats: 1 } => f.write_str("single-shot"),
            Self::Blind { repeats } => write!(f, "repeated:{repeats}"),
            Self::Acknowledged { .. } => f.write_str("acknowledged"),
            Self::Eager => f.write_str("eager"),
        }
    }
}

/// A broadcast among `nodes`.
///
/// ```
/// use std::ops::ControlFlow;
/// use rumormill_model::simulate::{Broadcast, BroadcastKind};
/// let single = Broadcast { loss: 0.1, ..Broadcast::new(64, BroadcastKind::Blind { repeats: 1 }) };
/// let summary = single.simulate(0..1000, 7, 1, &|_| ControlFlow::Continue(()))?;
/// assert_eq!(summary.messages.mean(), 63.0);
/// assert!(summary.incomplete() > 0.99); // all but 0.00131, exactly
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Broadcast {
    /// How many nodes there are, the sender and dead ones included: 1 to 10⁹.
    pub nodes: u64,
    /// How the sender goes about it.
    pub kind: BroadcastKind,
    /// The probability that a message is lost, in [0, 1]; below 1 for acknowledged broadcasts.
    pub loss: f64,
    /// The fraction of nodes that are dead, in [0, 1), rounded to whole nodes. Nodes do not know
    /// which, so they are sent to; an acknowledged broadcast sends to them until the living have
    /// acknowledged.
    pub dead: f64,
    /// A run that has gone this many rounds ends as it is. At least 1.
    pub max_rounds: u32,
}

/// The most nodes of a broadcast: it costs a random number for each node left and round.
const MAX_BROADCAST_NODES: u64 = 1_000_000_000;
const _: () = assert!(MAX_BROADCAST_NODES < MAX_NODES);

impl Broadcast {
    /// Returns a broadcast without loss and dead nodes.
    #[must_use]
    pub fn new(nodes: u64, kind: BroadcastKind) -> Self {
        Self { nodes, kind, loss: 0.0, dead: 0.0, max_rounds: u32::MAX }
    }

    /// Checks every field against its range.
    ///
    /// # Errors
    /// The first field out of range, with its value and range.
    pub fn check(&self) -> Result<(), Error> {
        let most = MAX_BROADCAST_NODES;
        need((1..=most).contains(&self.nodes), "nodes", self.nodes, format!("1 to {most}"))?;
        need((0.0..=1.0).contains(&self.loss), "loss", self.loss, "from 0 to 1")?;
        need((0.0..1.0).contains(&self.dead), "dead", self.dead, "from 0 to below 1")?;
        match self.kind {
            BroadcastKind::Blind { repeats } => {
                need(repeats >= 1, "repeats", repeats, "at least 1")?;
            }
            BroadcastKind::Acknowledged { ack_loss } => {
                let range = "from 0 to below 1, for an acknowledgement ever to come";
                need(self.loss < 1.0, "loss", self.loss, range)?;
                need((0.0..1.0).contains(&ack_loss), "ack loss", ack_loss, range)?;
            }
            BroadcastKind::Eager => {}
        }
        need(self.max_rounds >= 1, "max rounds", self.max_rounds, "at least 1")
    }

    /// Returns how many nodes are alive: at least the sender.
    #[must_use]
    pub fn alive(&self) -> u64 {
        let dead = (self.nodes as f64 * self.dead).round() as u64;
        (self.nodes - dead.min(self.nodes)).max(1)
    }

    /// Makes runs, as [`super::simulate`] does. The goal is to reach all living nodes.
    ///
    /// # Errors
    /// A field out of range; no runs; no threads.
    pub fn simulate(
        &self,
        runs: Range<u64>,
        seed: u64,
        threads: usize,
        observe: &Observer<'_>,
    ) -> Result<Summary, Error> {
        self.check()?;
        check_runs(&runs, threads)?;
        let alive = self.alive();
        let mut summary = Summary::new(self.nodes, alive, alive);
        let report = reports(observe, runs.end - runs.start, alive);
        let shared = Shared::new(&report, CONTACTS);
        let stream = Stream::new(seed, Purpose::Broadcast);
        let parts = Desk::new(runs, 1, threads).divide(&shared, &summary, || {
            let mut record = Run::default();
            ByRuns(move |runs: Range<u64>, summary: &mut Summary, watch: &mut Watch<'_>| {
                for run in runs {
                    self.play(&mut stream.child(run).draws(), &mut record, watch)?;
                    summary.add(&record);
                    watch.runs_done(1);
                }
                ControlFlow::Continue(())
            })
        });
        for part in &parts {
            summary.merge(part)?;
        }
        summary.cancelled = shared.cancelled();
        Ok(summary)
    }

    fn play(&self, draws: &mut Draws, record: &mut Run, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let alive = self.alive();
        let others = self.nodes - 1;
        // Nodes not reached, nodes reached but not acknowledged, and nodes that send next.
        let (mut left, mut unsure, mut fresh) = (alive - 1, 0, 1);
        record.start(1, alive);
        while record.rounds < self.max_rounds {
            let before = left;
            let messages = match self.kind {
                BroadcastKind::Blind { repeats } => {
                    if record.rounds == repeats {
                        break;
                    }
                    left -= hits(left, 1.0 - self.loss, draws);
                    others
                }
                BroadcastKind::Acknowledged { ack_loss } => {
                    if left + unsure == 0 {
                        break;
                    }
                    let sent = left + unsure + (self.nodes - alive);
                    let sure = hits(unsure, (1.0 - self.loss) * (1.0 - ack_loss), draws);
                    let reached = hits(left, 1.0 - self.loss, draws);
                    left -= reached;
                    unsure = unsure - sure + (reached - hits(reached, 1.0 - ack_loss, draws));
                    sent
                }
                BroadcastKind::Eager => {
                    if fresh == 0 {
                        break;
                    }
                    let sent = fresh * others;
                    let missed = self.loss.powf(fresh as f64);
                    fresh = hits(left, 1.0 - missed, draws);
                    left -= fresh;
                    sent
                }
            };
            record.round(alive - left, messages);
            watch.worked(before + 1, record.rounds, alive - left)?;
        }
        ControlFlow::Continue(())
    }
}

/// Returns how many of `count` come to pass, each with probability `p` on its own.
fn hits(count: u64, p: f64, draws: &mut Draws) -> u64 {
    (0..count).map(|_| u64::from(draws.chance(p))).sum()
}
