//! The reading of an aggregate at a node, and its basis.

use core::fmt;
use core::net::SocketAddr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::aggregate::input::Mode;
use crate::identity::{Name, NodeId};
use crate::json::seconds;
use crate::membership::expected::Expected;
use crate::time::Duration;
use crate::words;

/// A node's estimate of a statistic now; `None` for what is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The estimate.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub value: Option<f64>,
    /// Its standard error, estimated from the disagreements met in the last exchanges; at most a third
    /// of what the bounds allow, once exchanges bring nothing new.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub standard_error: Option<f64>,
}

/// A statistic at an instant, which provably lay within bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Bounded {
    /// A value within the bounds: their middle, or the shortest decimal between them once the
    /// aggregate has converged.
    pub value: f64,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
}

impl Bounded {
    /// Returns the width of the bounds.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }

    /// Returns whether `x` lies within the bounds.
    #[must_use]
    pub fn encloses(&self, x: f64) -> bool {
        self.lower <= x && x <= self.upper
    }
}

/// What is certain: statistics of one instant, with bounds that provably contain them
/// (`docs/enclosure.md`). Inputs that have changed since then are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Certified {
    /// The greatest age of the instant: it is no longer ago. In seconds in JSON.
    #[serde(rename = "seconds_ago", with = "seconds")]
    #[cfg_attr(feature = "schema", schema(value_type = f64))]
    pub age: Duration,
    /// The sum of the inputs.
    pub sum: Bounded,
    /// Their average; `None` where maybe no node reported.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub average: Option<Bounded>,
    /// The number of nodes that reported.
    pub count: Bounded,
    /// The smallest input during the window around the instant; `None` if no node reported.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub min: Option<f64>,
    /// The largest input during that window.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub max: Option<f64>,
    /// The inputs' variance (mean squared deviation, not the sample's), if it is known to 1e-9 of
    /// itself.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub variance: Option<f64>,
}

/// The state of an aggregate at a node, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
pub enum State {
    /// It has converged: exchanges get through and change nothing.
    Settled,
    /// Exchanges get through, and inputs or masses still move.
    Following,
    /// Members have come or gone or a link was undone, and no window is complete since; or exchanges
    /// do not get through; or this node is alone since its start, though it knew others before.
    Disturbed,
}

words!(State { Settled => "settled", Following => "following", Disturbed => "disturbed" });

/// The reading of one aggregate at a node: the estimate now, and what is certain, of an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Reading {
    /// The aggregate's name.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub name: Name,
    /// Whether it follows the inputs, or is computed epoch by epoch.
    pub mode: Mode,
    /// In mode epoch: the finished epoch that this is the result of.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub epoch: Option<u64>,
    /// The aggregate's state here, in a word.
    pub state: State,
    /// The sum of the inputs: this node's estimate now; in mode epoch, that of the epoch's instant.
    pub sum: Estimate,
    /// Their average, over the nodes that report the aggregate.
    pub average: Estimate,
    /// The number of nodes that report it.
    pub count: Estimate,
    /// The inputs' variance (mean squared deviation, not the sample's). While `converged` it is the
    /// certified one, and `None` until that is known; otherwise it is this node's estimate, if one is
    /// possible.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub variance: Option<f64>,
    /// The square root of the variance; known when that is.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub standard_deviation: Option<f64>,
    /// What is certain, of an instant that is not long ago; `None` before the first complete window.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub certified: Option<Certified>,
    /// Whether the estimate has settled: exchanges get through and change nothing, the last window's
    /// bounds are narrower than the tolerance, and the count is certain.
    pub converged: bool,
    /// The number of members that are up, as far as is known here, this node included.
    pub members: usize,
    /// The time since an input or the membership changed, as far as is known here. In seconds in JSON.
    #[serde(rename = "disturbed_seconds_ago", with = "seconds")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<f64>, required = true))]
    pub disturbed: Option<Duration>,
    /// What this reading doesn't show.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub caveats: Vec<Caveat>,
}

impl Reading {
    /// Returns the reading without its ages, which change as time passes: two readings differ in
    /// substance if these differ.
    #[must_use]
    pub fn substance(&self) -> Self {
        let ageless = |certified| Certified { age: Duration::ZERO, ..certified };
        Self { disturbed: None, certified: self.certified.map(ageless), ..self.clone() }
    }
}

/// Something that a reading doesn't show, or that is not known yet. A sentence in JSON.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Caveat {
    /// There is no other member.
    Alone,
    /// This node has met no other member since its start, though it expects some.
    AloneSinceStart(Expected),
    /// No anchor's mass has arrived yet, so sums and counts are not known.
    NoAnchor,
    /// No window is complete since the membership changed.
    NoEnclosure,
    /// An input changed during the last window, or after it.
    InputChanged,
    /// No node reports this aggregate any more.
    NobodyReports,
    /// There are more members than a window can cover.
    TooManyMembers(usize, usize),
    /// No epoch is finished yet.
    NoEpoch,
    /// No reading shows a partition or a death that is younger than this.
    Undetected(Duration),
    /// A caveat that was read from JSON, in words.
    Words(String),
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => {
                write!(f, "this node has no peers: the readings are of its own inputs alone")
            }
            Self::AloneSinceStart(expected) => expected.fmt(f),
            Self::NoAnchor => {
                write!(f, "sum and count are not known yet: no mass of an anchor has arrived")
            }
            Self::NoEnclosure => {
                write!(f, "no bounds yet: no window is complete since the membership changed")
            }
            Self::InputChanged => write!(
                f,
                "an input has changed: the bounds hold for an instant before or while it did"
            ),
            Self::NobodyReports => write!(f, "no node reports this aggregate any more"),
            Self::TooManyMembers(n, limit) => {
                write!(f, "no bounds: windows cover up to {limit} members, there are {n}")
            }
            Self::NoEpoch => write!(f, "no epoch is finished yet"),
            Self::Undetected(time) => write!(
                f,
                "a partition or a death shows only once it is detected, after about {:.1} s",
                time.as_secs_f64()
            ),
            Self::Words(words) => f.write_str(words),
        }
    }
}

impl Serialize for Caveat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Caveat {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::Words)
    }
}

/// The basis of an aggregate's reading at this node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Explanation {
    /// The reading itself.
    pub reading: Reading,
    /// This node's input, if it reports the aggregate.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub input: Option<f64>,
    /// The aggregate's components here.
    pub components: Vec<ComponentLine>,
    /// The anchors, from which the number of nodes is taken.
    pub anchors: Vec<AnchorLine>,
    /// The number of nodes: the median of the anchors' estimates.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub nodes: Option<f64>,
    /// The peers that this node exchanges with.
    pub links: Vec<LinkLine>,
    /// The current window.
    pub window: WindowLine,
}

/// The components of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
pub enum ComponentKind {
    /// 1 for each input: their number.
    Participation,
    /// The inputs: their sum.
    Value,
    /// The squares of the inputs: their variance.
    Square,
}

words!(ComponentKind { Participation => "participation", Value => "value", Square => "square" });

/// One component of an aggregate at this node. `mass == input + taken - given`, always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ComponentLine {
    /// Which component it is.
    pub component: ComponentKind,
    /// The node's input.
    pub input: f64,
    /// The mass that it holds now.
    pub mass: f64,
    /// The mass exactly, in units of 2⁻¹⁹², as a decimal number.
    pub units: String,
    /// The mass that it ever took from its peers (Σ out).
    pub taken: f64,
    /// The mass that its peers took from it, as far as they have replied (Σ inn).
    pub given: f64,
}

/// One anchor: a member that holds the weight 1, of which every node gets a share of 1/N.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnchorLine {
    /// The anchor's name.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub name: Name,
    /// Its incarnation.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub id: NodeId,
    /// The share that is here.
    pub mass: f64,
    /// The estimate of the number of nodes: the inverse of the share.
    #[cfg_attr(feature = "schema", schema(required = true))]
    pub nodes: Option<f64>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LinkLine {
    /// The peer's name.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub name: Name,
    /// The peer's address.
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub addr: SocketAddr,
    /// Whether the peer has accepted the link.
    pub linked: bool,
    /// Whether a message awaits its answer.
    pub outstanding: bool,
    /// Exchanges started by this node.
    pub exchanges: u64,
    /// The value mass that this node took from the peer, less what the peer took from it.
    pub net: f64,
}

/// The phases of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum WindowPhase {
    /// There is no window.
    None,
    /// Some member has not begun to record yet.
    Opening,
    /// All members record, and some have not reported yet.
    Closing,
}

words!(WindowPhase { None => "none", Opening => "opening", Closing => "closing" });

/// The state of the current window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct WindowLine {
    /// The window's number since the membership changed.
    pub number: u64,
    /// The window's phase.
    pub phase: WindowPhase,
    /// The number of members that are known to have reached the phase.
    pub reached: usize,
    /// The number of members.
    pub of: usize,
}
