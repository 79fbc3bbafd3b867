//! What a node can say of a figure, and what that rests on.

use core::fmt;
use core::net::SocketAddr;

use serde::{Serialize, Serializer};

use super::Mode;
use crate::identity::{Name, NodeId};
use crate::time::Duration;

/// A value with an enclosure; `None` for what is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Statistic {
    /// The node's own estimate.
    pub value: Option<f64>,
    /// The truth at an instant of the last window was not below this.
    pub lower: Option<f64>,
    /// The truth at an instant of the last window was not above this.
    pub upper: Option<f64>,
}

impl Statistic {
    /// The width of the enclosure, if there is one.
    pub fn width(&self) -> Option<f64> {
        Some(self.upper? - self.lower?)
    }

    /// The same with the value moved into the enclosure, if there are both.
    pub(crate) fn clamped(self) -> Self {
        let into = |value: f64| {
            let value = self.lower.map_or(value, |lower| value.max(lower));
            self.upper.map_or(value, |upper| value.min(upper))
        };
        Self { value: self.value.map(into), ..self }
    }

    /// Whether the enclosure contains `x`; false if there is none.
    pub fn encloses(&self, x: f64) -> bool {
        self.lower.is_some_and(|lower| lower <= x) && self.upper.is_some_and(|upper| x <= upper)
    }
}

/// What a node can say of one figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// The figure's name.
    pub name: Name,
    /// Whether it follows the inputs, or is settled round by round.
    pub mode: Mode,
    /// In round mode: the finished round that this is the result of.
    pub round: Option<u64>,
    /// The sum of the inputs.
    pub sum: Statistic,
    /// Their average, over the nodes that report the figure.
    pub average: Statistic,
    /// The number of nodes that report it.
    pub count: Statistic,
    /// The smallest input during the last window.
    pub min: Option<f64>,
    /// The largest input during the last window.
    pub max: Option<f64>,
    /// The inputs' variance (mean squared deviation, not the sample's). While `converged` it is
    /// right to 1e-9 of itself for an instant of the last window, and `None` until that is certain;
    /// otherwise it is this node's estimate, if one is possible.
    pub variance: Option<f64>,
    /// The square root of the variance; known when that is.
    pub standard_deviation: Option<f64>,
    /// Three standard errors of the sum, judged by the disagreements met in the last exchanges;
    /// not more than the enclosure allows, once those bring nothing new.
    pub spread: Option<f64>,
    /// Whether the estimate has settled: exchanges get through and bring nothing new, the last
    /// window's enclosure is narrower than the tolerance, and the count is certain.
    pub converged: bool,
    /// How many members are up, in this node's eyes, itself included.
    pub members: usize,
    /// How long ago an input or the membership changed, as far as this node knows. In seconds in
    /// JSON.
    #[serde(rename = "disturbed_seconds_ago", serialize_with = "seconds")]
    pub disturbed: Option<Duration>,
    /// The enclosure holds for an instant this long ago at most. In seconds in JSON.
    #[serde(rename = "enclosed_seconds_ago", serialize_with = "seconds")]
    pub enclosed: Option<Duration>,
    /// What this reading can't see.
    pub caveats: Vec<Caveat>,
}

fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_some(&duration.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}

/// Something that a reading can't see, or does not know yet. A sentence in JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    /// There is no other member.
    Alone,
    /// No anchor's mass has arrived yet, so sums and counts are not known.
    NoAnchor,
    /// No window is complete since the membership changed.
    NoEnclosure,
    /// An input changed during the last window, or after it.
    InputChanged,
    /// No node reports this figure any more.
    NobodyReports,
    /// There are more members than a window can cover.
    TooManyMembers(usize, usize),
    /// No round is finished yet.
    NoRound,
    /// What no reading can see: a partition or a death that is younger than this.
    Undetected(Duration),
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => write!(f, "this node knows no other member: the figures are its own"),
            Self::NoAnchor => {
                write!(f, "sum and count are not known yet: no anchor has been heard of")
            }
            Self::NoEnclosure => {
                write!(f, "no enclosure yet: no window is complete since the membership changed")
            }
            Self::InputChanged => write!(
                f,
                "an input has changed: the enclosure holds for an instant before or while it did"
            ),
            Self::NobodyReports => write!(f, "no node reports this figure any more"),
            Self::TooManyMembers(n, limit) => {
                write!(f, "no enclosure: windows cover up to {limit} members, there are {n}")
            }
            Self::NoRound => write!(f, "no round is finished yet"),
            Self::Undetected(time) => write!(
                f,
                "a partition or a death shows only once it is detected, after about {:.1} s",
                time.as_secs_f64()
            ),
        }
    }
}

impl Serialize for Caveat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a figure rests on at this node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The reading itself.
    pub reading: Reading,
    /// This node's input, if it reports the figure.
    pub input: Option<f64>,
    /// The figure's components here.
    pub components: Vec<ComponentLine>,
    /// The anchors, from which the number of nodes is taken.
    pub anchors: Vec<AnchorLine>,
    /// The number of nodes, as the median of what the anchors say.
    pub nodes: Option<f64>,
    /// The peers that this node exchanges with.
    pub links: Vec<LinkLine>,
    /// The current window.
    pub window: WindowLine,
}

/// One component of a figure at this node. `mass == input + taken - given`, always.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComponentLine {
    /// `participation`, `value` or `square`.
    pub component: &'static str,
    /// What this node put in.
    pub input: f64,
    /// What it holds now.
    pub mass: f64,
    /// The mass exactly, in units of 2⁻¹⁹², as a decimal number.
    pub units: String,
    /// All that it ever took from its peers (Σ out).
    pub taken: f64,
    /// All that its peers took from it, as far as it has heard (Σ inn).
    pub given: f64,
}

/// One anchor: a member that holds the weight 1, of which every node gets its share of 1/N.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnchorLine {
    /// The anchor's name.
    pub name: Name,
    /// Its incarnation.
    pub id: NodeId,
    /// The share that is here.
    pub mass: f64,
    /// What it says of the number of nodes: the inverse of the share.
    pub nodes: Option<f64>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkLine {
    /// The peer's name.
    pub name: Name,
    /// The peer's address.
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

/// Where the current window stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WindowLine {
    /// The window's number since the membership changed.
    pub number: u64,
    /// `opening` until all members have begun to record, then `closing` until all have reported.
    pub phase: &'static str,
    /// How many members are known to have got that far.
    pub reached: usize,
    /// How many there are.
    pub of: usize,
}
