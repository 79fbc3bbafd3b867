//! The question of an average: which nodes exchange with which, when, from which values, and what
//! goes wrong.

pub mod following;

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, need};
use crate::graph::topology::Topology;
use rumormill_proto::words;

/// How two nodes come closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// Both take the mean of their values (Jelasity, Montresor, Babaoglu 2005).
    PushPull,
    /// A node keeps half of its value and weight and sends half (Kempe, Dobra, Gehrke 2003). On the
    /// complete graph the receiver may be the node itself, as there.
    PushSum,
    /// Symmetric push-sum: both send half (Blasa, Cafiero, Fortino, Di Fatta 2011).
    Spsp,
    /// What rumormill runs: half of the difference moves and is booked, and what is not answered is
    /// sent again. Masses are integers in units of 2⁻⁶⁴.
    Ledger,
}

words!(Protocol {
    Ledger => "ledger",
    Spsp => "spsp",
    PushSum => "push-sum",
    PushPull => "push-pull",
});

impl Protocol {
    /// Returns the schedule of its paper, which is the default.
    #[must_use]
    pub fn usual_schedule(self) -> Schedule {
        match self {
            Self::PushSum => Schedule::Synchronous,
            Self::PushPull | Self::Spsp | Self::Ledger => Schedule::Shuffled,
        }
    }

    /// Returns the messages of an exchange in which nothing is lost.
    #[must_use]
    pub fn messages(self) -> u64 {
        if self == Self::PushSum { 1 } else { 2 }
    }
}

/// When nodes start exchanges. A round is one period: each node starts one on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// Every node once a round, in an order shuffled each round (PeerSim's cycles).
    Shuffled,
    /// Every node once a round, always in the same order.
    Fixed,
    /// n times a round, a random node.
    RandomPair,
    /// A random matching, each pair exchanging once: a perfect one on the complete graph, one that
    /// cannot be extended on others.
    Matching,
    /// All at once, each on its state at the round's start.
    Synchronous,
    /// Every node by a Poisson clock that ticks once a round on average.
    Asynchronous,
}

words!(Schedule {
    Shuffled => "shuffled",
    Fixed => "fixed-order",
    RandomPair => "random-pair",
    Matching => "matching",
    Synchronous => "synchronous",
    Asynchronous => "asynchronous",
});

/// What the nodes are to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Aggregate {
    /// The mean of the inputs: every weight starts at 1.
    Average,
    /// Their sum: the first node's weight starts at 1, all others at 0. Push-sum and SPSP only.
    Sum,
}

words!(Aggregate {
    Average => "average",
    Sum => "sum",
});

/// The inputs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// Drawn uniformly from (0, 1), afresh in each run.
    Uniform,
    /// The first node has n, all others 0: the mean is 1.
    Spike,
    /// Evenly spaced from 0 at the first node to 1 at the last.
    Linear,
    /// These, node by node.
    Given(Arc<[f64]>),
}

/// Reads `"uniform"`, `"spike"`, `"linear"`, or a list of numbers.
impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "values are uniform, spike, linear or a list of numbers")]
        enum Written {
            Named(String),
            Given(Vec<f64>),
        }
        match Written::deserialize(from)? {
            Written::Given(values) => Ok(Self::Given(values.into())),
            Written::Named(name) => match name.as_str() {
                "uniform" => Ok(Self::Uniform),
                "spike" => Ok(Self::Spike),
                "linear" => Ok(Self::Linear),
                other => {
                    let why = "must be uniform, spike, linear or a list of numbers";
                    Err(D::Error::custom(format!("values {other:?}: {why}")))
                }
            },
        }
    }
}

/// Something that strikes a share of the nodes, chosen at random.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strike {
    /// Share of all nodes, (0, 1); of n nodes the nearest whole number, at least one.
    pub share: f64,
    /// Number of rounds after which it happens.
    pub after: u32,
}

/// What goes wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default = "Faults::nothing")]
pub struct Faults {
    /// The probability that a message is lost, [0, 1).
    pub loss: f64,
    /// How long a message takes, in rounds: uniform between the two, each within [0, 1]. Above 0,
    /// exchanges overlap.
    #[serde(rename = "overlap")]
    pub latency: (f64, f64),
    /// Nodes that stop for good. The truth is then that of the others.
    pub crashes: Vec<Strike>,
    /// Nodes whose inputs rise by the range of all inputs (by 1 if they are all equal).
    pub changes: Vec<Strike>,
    /// Rounds until a crash is detected: until then the others go on sending to the dead.
    pub detection: u32,
}

impl Faults {
    /// Returns that nothing goes wrong; were a node to crash, the others would notice after 5 rounds.
    #[must_use]
    pub fn nothing() -> Self {
        Self { detection: 5, ..Self::default() }
    }

    /// Returns whether nothing goes wrong.
    #[must_use]
    pub fn none(&self) -> bool {
        self.loss == 0.0
            && self.latency.1 == 0.0
            && self.crashes.is_empty()
            && self.changes.is_empty()
    }
}

/// Which code runs the rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// A tight loop over an array of floats: the complete graph, no faults, no ledger.
    Dense,
    /// The protocols themselves, message by message; exchanges take no time. The reference.
    Instant,
    /// The same protocols, with messages that take time.
    Events,
}

words!(Engine {
    Dense => "dense",
    Instant => "instant",
    Events => "events",
});

/// A question of averaging, for [`crate::simulate::average::simulate`] and
/// [`crate::compare::average`].
///
/// In JSON it is read without its graph, which is made from a seed; and its schedule is shuffled if
/// none is given, whatever the protocol.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Averaging {
    /// Which nodes can exchange with which.
    #[serde(skip)]
    pub topology: Topology,
    /// How two nodes come closer.
    pub protocol: Protocol,
    /// When nodes start exchanges.
    pub schedule: Schedule,
    /// What the nodes are to find out.
    pub aggregate: Aggregate,
    /// The inputs.
    #[serde(skip_serializing)]
    pub values: Values,
    /// What goes wrong.
    #[serde(flatten)]
    pub faults: Faults,
    /// Rounds of a run, 1 or more.
    pub rounds: u32,
    /// A run ends early when every node's relative error is at most this.
    pub until: Option<f64>,
    /// What all random choices follow from.
    pub seed: u64,
    /// The code to use; `None` for the fastest that fits.
    #[serde(skip_serializing)]
    pub engine: Option<Engine>,
}

/// The ledger among 64 nodes.
impl Default for Averaging {
    fn default() -> Self {
        Self::new(64, Protocol::Ledger)
    }
}

impl Averaging {
    /// Returns the average of uniform values, on the complete graph, without faults, for 40 rounds.
    #[must_use]
    pub fn new(nodes: u64, protocol: Protocol) -> Self {
        Self::on(Topology::Complete(nodes), protocol)
    }

    /// Returns the same on another graph.
    #[must_use]
    pub fn on(topology: Topology, protocol: Protocol) -> Self {
        Self {
            topology,
            protocol,
            schedule: protocol.usual_schedule(),
            aggregate: Aggregate::Average,
            values: Values::Uniform,
            faults: Faults::nothing(),
            rounds: 40,
            until: None,
            seed: 1,
            engine: None,
        }
    }

    /// Returns how many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.topology.nodes()
    }

    /// Returns whether messages take time.
    pub(crate) fn overlaps(&self) -> bool {
        self.faults.latency.1 > 0.0
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// The first setting that is out of range or does not fit the others, with its value.
    pub fn check(&self) -> Result<(), Error> {
        let nodes = self.nodes();
        need((2..=MAX_NODES).contains(&nodes), "nodes", nodes, format!("2 to {MAX_NODES}"))?;
        need(self.rounds >= 1, "rounds", self.rounds, "at least 1")?;
        if let Some(until) = self.until {
            need(until > 0.0 && until < 1.0, "until", until, "above 0 and below 1")?;
        }
        let faults = &self.faults;
        need((0.0..1.0).contains(&faults.loss), "loss", faults.loss, "from 0 to below 1")?;
        let (low, high) = faults.latency;
        for end in [low, high] {
            need((0.0..=1.0).contains(&end), "overlap", end, "from 0 to 1 (a whole round)")?;
        }
        need(low <= high, "overlap", format!("{low}..{high}"), "a range from low to high")?;
        for &Strike { share, .. } in &faults.crashes {
            need(share > 0.0 && share < 1.0, "crash", share, "a share above 0 and below 1")?;
        }
        for &Strike { share, .. } in &faults.changes {
            need(share > 0.0 && share <= 1.0, "change", share, "a share above 0 and at most 1")?;
        }
        if let Values::Given(values) = &self.values {
            let all = format!("as many as the nodes, {nodes}");
            need(values.len() as u64 == nodes, "the number of values", values.len(), all)?;
            let wrong = |x: &&f64| !x.is_finite() || x.abs() > MAX_INPUT;
            if let Some(x) = values.iter().find(wrong) {
                return Err(Error::setting("a value", x, "a finite number within ±2^53"));
            }
            let all = "not 0 at every node: errors are relative to the inputs";
            need(values.iter().any(|x| *x != 0.0), "each value", 0, all)?;
        }
        self.fits()
    }

    /// Refuses protocols and schedules that do not go together.
    fn fits(&self) -> Result<(), Error> {
        let pushes = self.protocol == Protocol::PushSum;
        let schedule = match self.schedule {
            Schedule::Synchronous if !pushes => {
                "anything but synchronous, unless for push-sum: nodes that answer cannot all act at \
                 once"
            }
            Schedule::Matching if pushes => "synchronous for push-sum, where every node sends",
            Schedule::Matching | Schedule::Synchronous | Schedule::RandomPair
                if self.overlaps() =>
            {
                "shuffled, fixed-order or asynchronous if exchanges overlap"
            }
            _ => "",
        };
        need(schedule.is_empty(), "schedule", self.schedule.name(), schedule)?;
        let weights = matches!(self.protocol, Protocol::PushSum | Protocol::Spsp);
        let sum = self.aggregate == Aggregate::Sum;
        need(!sum || weights, "protocol", self.protocol.name(), "spsp or push-sum for a sum")
    }
}

/// The most nodes: they are numbered in 32 bits.
pub const MAX_NODES: u64 = u32::MAX as u64;

/// Inputs lie within ±2⁵³, as in the core: a mass can hold a thousand times that.
pub const MAX_INPUT: f64 = (1u64 << 53) as f64;
