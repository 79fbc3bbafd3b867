//! What is seen of a run in a slice of time: what happened, and how things stand at its end. What
//! is recorded, and shown.

use core::fmt;

use rumormill_proto::{Duration, Instant, State};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::network::traffic::Fate;

use super::span::Span;

/// An instant of a run. In JSON, seconds since the start; in traces, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// Seconds since the start.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Self {
        Self(instant.as_nanos())
    }
}

impl From<Span> for Moment {
    fn from(span: Span) -> Self {
        Self(span.instant().as_nanos())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(Duration::from_nanos(self.0)).fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.seconds())
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let seconds = f64::deserialize(deserializer)?;
            Ok(Self((seconds * 1e9).round() as u64))
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

/// A slice of a run's time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// What the scenario let happen.
    pub marks: Vec<Mark>,
    /// How things stand at the end of the slice.
    pub sample: Sample,
    /// The state of every node at the end of the slice; empty unless details are kept.
    pub nodes: Vec<NodeLine>,
    /// What nodes said; empty unless details are kept.
    pub notices: Vec<NoticeLine>,
    /// What became of packets; empty unless details are kept.
    pub traffic: Vec<Traffic>,
}

/// Something that the scenario let happen, in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Moment,
    /// Whether it is bad news.
    pub tone: Tone,
    /// What.
    pub text: String,
}

/// What kind of news something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Something breaks.
    Fault,
    /// Something is whole again.
    Repair,
    /// Something changes as it should.
    Change,
    /// A phase of the run begins.
    Phase,
}

/// How things stand in the whole cluster at one instant: what its users see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Moment,
    /// How many nodes there have been.
    pub nodes: u32,
    /// How many run.
    pub running: u32,
    /// How many members running nodes know of; `None` if none runs.
    pub members: Option<Band>,
    /// The share of running nodes that hold exactly the running ones for members.
    pub agreed: f64,
    /// How each aggregate stands.
    pub aggregates: Vec<AggregateSample>,
    /// How far events have spread; `None` before the first.
    pub events: Option<EventSample>,
    /// How equal the keys of the nodes are; `None` before the first write.
    pub kv: Option<KvSample>,
    /// Datagrams sent since the start.
    pub packets_sent: u64,
    /// Of those, how many were lost or stopped, or found nobody.
    pub packets_lost: u64,
}

/// The smallest, the mean and the largest of something.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The smallest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
}

impl Band {
    /// Of some numbers; `None` if there are none.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let (mut count, mut sum) = (0.0, 0.0);
        let mut band = Self { min: f64::INFINITY, mean: 0.0, max: f64::NEG_INFINITY };
        for x in numbers {
            band = Self { min: band.min.min(x), max: band.max.max(x), ..band };
            (count, sum) = (count + 1.0, sum + x);
        }
        (count > 0.0).then(|| Self { mean: sum / count, ..band })
    }
}

/// How a aggregate's sum stands. Errors and widths are relative to the sum of the inputs'
/// magnitudes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggregateSample {
    /// The aggregate.
    pub name: String,
    /// The sum of the inputs of all running nodes.
    pub truth: f64,
    /// The largest error of a node's estimate; `None` if none has one.
    pub worst_error: Option<f64>,
    /// The mean error.
    pub mean_error: Option<f64>,
    /// The width of the widest certified bounds; `None` if there are none.
    pub width: Option<f64>,
    /// The share of running nodes that have certified bounds.
    pub enclosed: f64,
    /// The share of running nodes at which it has converged: their state is settled.
    pub converged: f64,
    /// The share of running nodes whose state is disturbed.
    pub disturbed: f64,
    /// How many running nodes have no estimate.
    pub unknown: u32,
}

/// How far events have spread. An event is due at the nodes that were up when it was published and
/// still are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventSample {
    /// How many were published.
    pub published: u32,
    /// The share of deliveries that have been made, over all events.
    pub delivered: f64,
    /// How many deliveries are still to come.
    pub waiting: u64,
}

/// How equal the keys of the nodes are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KvSample {
    /// How many keys running nodes hold.
    pub keys: Option<Band>,
    /// The share of running nodes in the largest group that hold the same.
    pub equal: f64,
}

/// The state of a node at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeLine {
    /// Whether it runs.
    pub status: NodeStatus,
    /// How many members it knows of; 0 if it doesn't run.
    pub members: u32,
    /// The digest of whom it holds for members: the same at nodes that agree.
    pub roster: u64,
    /// How many events it keeps.
    pub events: u32,
    /// How many keys it holds.
    pub keys: u32,
    /// The digest of its keys and values: the same at nodes that hold the same.
    pub kv: u64,
    /// What it says of each aggregate, in the order of the header.
    pub aggregates: Vec<AggregateLine>,
}

/// A node's reading of an aggregate's sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AggregateLine {
    /// Its own input.
    pub input: Option<f64>,
    /// Its estimate.
    pub value: Option<f64>,
    /// The standard error of the estimate.
    pub standard_error: Option<f64>,
    /// The state of the aggregate there; `None` if the node does not know it.
    pub state: Option<State>,
    /// What is certain of the sum, of an instant.
    pub certified: Option<CertifiedSum>,
}

/// The certified bounds of a sum at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertifiedSum {
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// The greatest age of the instant.
    pub seconds_ago: f64,
}

/// Whether a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStatus {
    /// It runs.
    Running,
    /// Its process is stopped.
    Paused,
    /// It has crashed.
    Crashed,
    /// It has left.
    Left,
    /// It has not started yet.
    Waiting,
}

impl NodeStatus {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Crashed => "crashed",
            Self::Left => "left",
            Self::Waiting => "waiting",
        }
    }
}

/// Something that a node said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoticeLine {
    /// When.
    pub at: Moment,
    /// Which node, by its number.
    pub node: u32,
    /// What, in words.
    pub text: String,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// When.
    pub at: Moment,
    /// Who sent it, by its number.
    pub from: u32,
    /// To whom.
    pub to: u32,
    /// Its length in bytes.
    pub bytes: u32,
    /// What became of it.
    pub fate: Fate,
}
