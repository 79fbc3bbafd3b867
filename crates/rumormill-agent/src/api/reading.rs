//! Figures: what an agent can say of them, and what that rests on.

use std::net::SocketAddr;

use rumormill_proto as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a figure follows its inputs or is settled round by round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// For ever, following the inputs.
    #[default]
    Live,
    /// Started afresh at each round, from the inputs of that instant.
    Round,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        proto::Mode::from(*self).fmt(f)
    }
}

impl From<proto::Mode> for Mode {
    fn from(mode: proto::Mode) -> Self {
        match mode {
            proto::Mode::Live => Self::Live,
            proto::Mode::Round => Self::Round,
        }
    }
}

impl From<Mode> for proto::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self::Live,
            Mode::Round => Self::Round,
        }
    }
}

/// A value with an enclosure; `null` for what is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// This agent's own estimate.
    #[schema(required = true)]
    pub value: Option<f64>,
    /// The truth at an instant of the last window was not below this.
    #[schema(required = true)]
    pub lower: Option<f64>,
    /// The truth at an instant of the last window was not above this.
    #[schema(required = true)]
    pub upper: Option<f64>,
}

impl From<proto::Statistic> for Figure {
    fn from(figure: proto::Statistic) -> Self {
        Self { value: figure.value, lower: figure.lower, upper: figure.upper }
    }
}

/// What an agent can say of one figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// The figure's name.
    pub name: String,
    /// The sum of the inputs.
    pub sum: Figure,
    /// Their average, over the nodes that report the figure.
    pub average: Figure,
    /// The number of nodes that report it.
    pub count: Figure,
    /// Three standard errors of the sum, judged by the disagreements met in the last exchanges.
    #[schema(required = true)]
    pub spread: Option<f64>,
    /// Whether the estimate has settled: exchanges get through and bring nothing new, the last
    /// window's enclosure is narrower than the tolerance, and the count is certain.
    pub converged: bool,
    /// How many members are up, in this agent's eyes, itself included.
    pub members: usize,
    /// How many seconds ago an input or the membership changed, as far as this agent knows.
    #[schema(required = true)]
    pub disturbed_seconds_ago: Option<f64>,
    /// What this reading can't see, in sentences.
    pub caveats: Vec<String>,
    /// Whether it follows the inputs, or is settled round by round.
    pub mode: Mode,
    /// In round mode: the finished round that this is the result of.
    #[schema(required = true)]
    pub round: Option<u64>,
    /// The smallest input during the last window.
    #[schema(required = true)]
    pub min: Option<f64>,
    /// The largest input during the last window.
    #[schema(required = true)]
    pub max: Option<f64>,
    /// The inputs' variance (mean squared deviation, not the sample's). While `converged` it is
    /// right to 1e-9 of itself for an instant of the last window, and `null` until that is certain;
    /// otherwise it is this agent's estimate, if one is possible.
    #[schema(required = true)]
    pub variance: Option<f64>,
    /// The square root of the variance; known when that is.
    #[schema(required = true)]
    pub standard_deviation: Option<f64>,
    /// The enclosure holds for an instant this many seconds ago at most.
    #[schema(required = true)]
    pub enclosed_seconds_ago: Option<f64>,
}

impl From<proto::Reading> for Reading {
    fn from(reading: proto::Reading) -> Self {
        let seconds = |duration: Option<proto::Duration>| duration.map(|d| d.as_secs_f64());
        Self {
            name: reading.name.to_string(),
            sum: reading.sum.into(),
            average: reading.average.into(),
            count: reading.count.into(),
            spread: reading.spread,
            converged: reading.converged,
            members: reading.members,
            disturbed_seconds_ago: seconds(reading.disturbed),
            caveats: reading.caveats.iter().map(ToString::to_string).collect(),
            mode: reading.mode.into(),
            round: reading.round,
            min: reading.min,
            max: reading.max,
            variance: reading.variance,
            standard_deviation: reading.standard_deviation,
            enclosed_seconds_ago: seconds(reading.enclosed),
        }
    }
}

impl Reading {
    /// The reading without what changes by the mere passing of time: two readings differ in
    /// substance when these differ.
    pub(crate) fn substance(&self) -> Self {
        Self { disturbed_seconds_ago: None, enclosed_seconds_ago: None, ..self.clone() }
    }
}

/// What a figure rests on at this agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The reading itself.
    pub reading: Reading,
    /// This agent's input, if it reports the figure.
    #[schema(required = true)]
    pub input: Option<f64>,
    /// The figure's components here.
    pub components: Vec<Component>,
    /// The anchors, from which the number of nodes is taken.
    pub anchors: Vec<Anchor>,
    /// The number of nodes, as the median of what the anchors say.
    #[schema(required = true)]
    pub nodes: Option<f64>,
    /// The peers that this agent exchanges with.
    pub links: Vec<Link>,
    /// The current window.
    pub window: Window,
}

/// One component of a figure at this agent: `mass` is `input + taken - given`, always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// `participation`, `value` or `square`.
    pub component: String,
    /// What this agent put in.
    pub input: f64,
    /// What it holds now.
    pub mass: f64,
    /// The mass exactly, in units of 2⁻¹⁹², as a decimal number.
    pub units: String,
    /// All that it ever took from its peers.
    pub taken: f64,
    /// All that its peers took from it, as far as it has heard.
    pub given: f64,
}

/// One anchor: a member that holds the weight 1, of which every node gets its share of 1/N.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The anchor's name.
    pub name: String,
    /// Its incarnation.
    pub id: String,
    /// The share that is here.
    pub mass: f64,
    /// What it says of the number of nodes: the inverse of the share.
    #[schema(required = true)]
    pub nodes: Option<f64>,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The peer's name.
    pub name: String,
    /// The peer's address.
    #[schema(value_type = String)]
    pub addr: SocketAddr,
    /// Whether the peer has accepted the link.
    pub linked: bool,
    /// Whether a message awaits its answer.
    pub outstanding: bool,
    /// Exchanges started by this agent.
    pub exchanges: u64,
    /// The value mass that this agent took from the peer, less what the peer took from it.
    pub net: f64,
}

/// Where the current window stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The window's number since the membership changed.
    pub number: u64,
    /// `opening` until all members have begun to record, then `closing` until all have reported.
    pub phase: String,
    /// How many members are known to have got that far.
    pub reached: usize,
    /// How many there are.
    pub of: usize,
}

impl From<proto::Explanation> for Explanation {
    fn from(explanation: proto::Explanation) -> Self {
        let component = |line: proto::ComponentLine| Component {
            component: line.component.to_owned(),
            input: line.input,
            mass: line.mass,
            units: line.units,
            taken: line.taken,
            given: line.given,
        };
        let anchor = |line: proto::AnchorLine| Anchor {
            name: line.name.to_string(),
            id: line.id.to_string(),
            mass: line.mass,
            nodes: line.nodes,
        };
        let link = |line: proto::LinkLine| Link {
            name: line.name.to_string(),
            addr: line.addr,
            linked: line.linked,
            outstanding: line.outstanding,
            exchanges: line.exchanges,
            net: line.net,
        };
        let window = explanation.window;
        Self {
            reading: explanation.reading.into(),
            input: explanation.input,
            components: explanation.components.into_iter().map(component).collect(),
            anchors: explanation.anchors.into_iter().map(anchor).collect(),
            nodes: explanation.nodes,
            links: explanation.links.into_iter().map(link).collect(),
            window: Window {
                number: window.number,
                phase: window.phase.to_owned(),
                reached: window.reached,
                of: window.of,
            },
        }
    }
}
