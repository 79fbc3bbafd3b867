//! The question of a rumor: how many nodes there are, which of them call which others, and when the
//! rumor counts as spread.

use rumormill_proto::{Counted, Stop, Style};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, count, need};
use crate::graph::kind::GraphKind;
use crate::graph::topology::{MAX_NODES, Topology};
use rumormill_proto::words;

/// The largest fan-out, unless it reaches every candidate (then any is allowed).
pub const MAX_FANOUT: u64 = 64;

/// The largest limit of a counter, and one over the smallest probability of a coin.
pub const MAX_K: u32 = 1000;

/// The styles that do not change during a spread, in the order tables list them.
pub const STEADY: [Style; 3] = [Style::Push, Style::Pull, Style::PushPull];

/// How a node picks its `fanout` partners of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Targets {
    /// All different; all neighbours, if there are no more than `fanout`.
    Distinct,
    /// Each drawn afresh, so repeats happen.
    Independent,
}

/// When a node's contacts take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Semantics {
    /// All nodes act on the state at the round's start.
    Synchronous,
    /// One node after another, in an order shuffled afresh for each round; each sees what the last
    /// one left (`PeerSim`'s cycles).
    Sequential,
    /// Every node has a clock of its own that rings at random, once a round on average (a Poisson
    /// process); a round is a unit of time, and a finish counts as in the round it lies in.
    Asynchronous,
}

words!(Targets { Distinct => "distinct", Independent => "independent" });
words!(Semantics {
    Synchronous => "synchronous",
    Sequential => "sequential",
    Asynchronous => "asynchronous",
});

/// A rumor that spreads in rounds.
///
/// Each calling node picks `fanout` partners uniformly from its neighbours, dead ones included (no
/// node knows which are dead), and from itself too if `include_self`. Loss strikes each contact
/// independently; a lost contact carries nothing either way. Under push the informed nodes call,
/// under pull the others, under push-pull all. The spread is finished when `coverage` of the living
/// are informed.
///
/// The mathematics ([`crate::exact`]) and the round models ([`crate::simulate`]) answer the same
/// question; each says which settings it supports.
///
/// ```
/// use rumormill_model::spread::Spread;
/// use rumormill_proto::Style;
/// let spread = Spread { loss: 0.1, ..Spread::new(64, Style::Push) };
/// let exact = spread.solve()?;
/// assert!((exact.mean - 12.194).abs() < 5e-4);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
// Not `non_exhaustive`: users build it from `new` with `..`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spread {
    /// Number of nodes, 1..=10¹⁵, dead ones included.
    pub nodes: u64,
    /// Which nodes can call which.
    #[serde(skip_serializing, deserialize_with = "graph_kind")]
    pub graph: GraphKind,
    /// Which nodes call. Push-then-pull is push with a default for `pull_after`.
    pub style: Style,
    /// Last round of the style; in later rounds nodes pull. Default `None`: the style does not
    /// change; under push-then-pull log₂ of the number of nodes, rounded up.
    pub pull_after: Option<u32>,
    /// Partners that a calling node picks each round: 1 to 64, or any number that reaches every
    /// candidate.
    pub fanout: u64,
    /// Probability that a contact is lost, in [0, 1].
    pub loss: f64,
    /// Whether a node's picks of one round differ.
    pub targets: Targets,
    /// Whether a node may pick itself.
    pub include_self: bool,
    /// Number of living nodes that are informed at the start: from 1 to all that live.
    pub origins: u64,
    /// The node, from 0, that is informed at the start; further origins are random in each run.
    /// `None`: all origins are random in each run. On the complete graph all nodes are alike.
    pub origin: Option<u64>,
    /// Fraction of nodes that are dead from the start, in [0, 1), rounded to whole nodes: the same
    /// number in each run, other nodes in each run. An origin lives.
    pub dead: f64,
    /// Fraction of the living that must be informed, in (0, 1]; rounded up to whole nodes.
    pub coverage: f64,
    /// When nodes stop pushing. `None`: never; a run ends when the goal is met, or when no more
    /// nodes can be informed.
    ///
    /// Under [`Stop::Rounds`] and [`Stop::Log`] all stop together and the run has this many rounds.
    /// Under [`Stop::Interest`] each node stops when it loses interest (Demers et al. 1987), and
    /// the run ends when no node pushes or pulls any more. A node that has lost interest does not
    /// call; it still answers calls. A contact that is lost or finds a dead node brings no
    /// feedback.
    ///
    /// Under pull alone it is the answers that stop: every living node calls each round, because it
    /// cannot know whether there is a rumor; a node answers while it is interested, and each answer
    /// counts as a message and brings feedback. In synchronous rounds a counter takes all that a
    /// node answered in a round as one contact, useful if any was (the note to their Table 3).
    #[serde(serialize_with = "or_never", deserialize_with = "stop_or_never")]
    pub stop: Option<Stop>,
    /// Whether a contact that informed a node sets the counter of [`Stop::Interest`] back to 0.
    /// Demers' tables need it.
    pub reset: bool,
    /// When contacts take effect.
    pub semantics: Semantics,
    /// Most rounds of a run, at least 1; it then ends as it is. `None`: as many as it takes.
    pub max_rounds: Option<u32>,
}

fn stop_name(stop: &Option<Stop>) -> String {
    stop.map_or_else(|| "never".to_owned(), |stop| stop.to_string())
}

fn or_never<S: Serializer>(stop: &Option<Stop>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&stop_name(stop))
}

fn stop_or_never<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Stop>, D::Error> {
    match String::deserialize(from)?.as_str() {
        "never" => Ok(None),
        rule => rule.parse().map(Some).map_err(serde::de::Error::custom),
    }
}

fn graph_kind<'de, D: Deserializer<'de>>(from: D) -> Result<GraphKind, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// Plain push among 64 nodes.
impl Default for Spread {
    fn default() -> Self {
        Self::new(64, Style::Push)
    }
}

impl Spread {
    /// Returns the plain spread on the complete graph: one random origin, fan-out 1, no loss, all
    /// nodes alive and to be informed, synchronous rounds, as many as it takes.
    #[must_use]
    pub fn new(nodes: u64, style: Style) -> Self {
        Self {
            nodes,
            graph: GraphKind::Complete,
            style,
            pull_after: None,
            fanout: 1,
            loss: 0.0,
            targets: Targets::Distinct,
            include_self: false,
            origins: 1,
            origin: None,
            dead: 0.0,
            coverage: 1.0,
            stop: None,
            reset: false,
            semantics: Semantics::Synchronous,
            max_rounds: None,
        }
    }

    /// Returns plain push on the same graph, with the settings that do not change its law.
    pub(crate) fn plain_push(&self) -> Self {
        Self {
            graph: self.graph,
            targets: self.targets,
            origin: self.origin,
            ..Self::new(self.nodes, Style::Push)
        }
    }

    /// Returns the stop rule as it is written.
    #[must_use]
    pub fn stop_name(&self) -> String {
        stop_name(&self.stop)
    }

    /// Checks every setting against its range, on the complete graph.
    ///
    /// # Errors
    /// The first setting out of range, with its value and its limits.
    pub fn check(&self) -> Result<(), Error> {
        self.check_with(self.pool())
    }

    /// Checks every setting against its range, for runs on this graph.
    ///
    /// # Errors
    /// The first setting out of range, with its value and its limits.
    pub fn check_on(&self, topology: &Topology) -> Result<(), Error> {
        let nodes = topology.nodes();
        let range = format!("{nodes}, the number of nodes of the graph");
        need(self.nodes == nodes, "nodes", self.nodes, range)?;
        let pushes = matches!(self.style, Style::Push | Style::PushThenPull);
        let range = "left out: only push can switch to pull";
        let after = self.pull_after.unwrap_or_default();
        need(pushes || self.pull_after.is_none(), "pull_after", after, range)?;
        self.check_with(topology.largest_degree() + u64::from(self.include_self))
    }

    /// Checks every setting, where the best connected node picks from `most` candidates.
    fn check_with(&self, most: u64) -> Result<(), Error> {
        count("nodes", self.nodes, 1, MAX_NODES)?;
        need((0.0..=1.0).contains(&self.loss), "loss", self.loss, "from 0 to 1")?;
        need((0.0..1.0).contains(&self.dead), "dead", self.dead, "from 0 to below 1")?;
        let coverage = self.coverage > 0.0 && self.coverage <= 1.0;
        need(coverage, "coverage", self.coverage, "above 0 and at most 1")?;
        need(self.fanout >= 1, "fanout", self.fanout, "at least 1")?;
        let everyone = self.targets == Targets::Distinct && self.fanout >= most;
        let range = match self.targets {
            Targets::Distinct => format!("1 to {MAX_FANOUT}, or at least {most} (all candidates)"),
            Targets::Independent => format!("1 to {MAX_FANOUT}"),
        };
        need(self.fanout <= MAX_FANOUT || everyone, "fanout", self.fanout, range)?;
        let alive = self.alive();
        let living = format!("1 to {alive}, the number of nodes that live");
        need((1..=alive).contains(&self.origins), "origins", self.origins, living)?;
        if let Some(node) = self.origin {
            need(node < self.nodes, "origin", node, format!("0 to {}", self.nodes - 1))?;
        }
        match self.stop {
            Some(Stop::Rounds(rounds)) => need(rounds >= 1, "stop", rounds, "at least 1 round")?,
            Some(Stop::Log(c)) => {
                need(c > 0.0 && c <= 1000.0, "stop", c, "above 0 and at most 1000")?;
            }
            Some(Stop::Interest { k, counted, .. }) => {
                need((1..=MAX_K).contains(&k), "stop", k, format!("1 to {MAX_K}"))?;
                let ends =
                    self.loss < 1.0 || counted == Counted::Blind && self.style != Style::Pull;
                need(ends, "loss", self.loss, "below 1, or no feedback ends the spread")?;
            }
            None => {}
        }
        let rounds = self.max_rounds.unwrap_or(u32::MAX);
        need(rounds >= 1, "max_rounds", rounds, "at least 1")
    }

    /// Returns the number of nodes that are alive: at least 1.
    #[must_use]
    pub fn alive(&self) -> u64 {
        let dead = (self.nodes as f64 * self.dead).round() as u64;
        (self.nodes - dead.min(self.nodes)).max(1)
    }

    /// Returns the number of candidates that a caller picks from, on the complete graph.
    #[must_use]
    pub fn pool(&self) -> u64 {
        if self.include_self { self.nodes } else { self.nodes.saturating_sub(1) }
    }

    /// Returns the number of contacts that a caller makes in a round, on the complete graph:
    /// distinct picks cannot outnumber the candidates.
    #[must_use]
    pub fn picks(&self) -> u64 {
        match self.targets {
            Targets::Distinct => self.fanout.min(self.pool()),
            Targets::Independent if self.pool() == 0 => 0,
            Targets::Independent => self.fanout,
        }
    }

    /// Returns the number of living nodes that must be informed for the spread to be finished.
    #[must_use]
    pub fn goal(&self) -> u64 {
        let exact = self.coverage * self.alive() as f64;
        // 0.1 · 30 must ask for 3 nodes, not 4: forgive the rounding of the product.
        let slack = exact * 4.0 * f64::EPSILON;
        ((exact - slack).ceil() as u64).clamp(1, self.alive())
    }

    /// Returns whether the spread can never reach its goal: all contacts are lost, and the goal is
    /// not met at the start.
    #[must_use]
    pub fn never_finishes(&self) -> bool {
        self.loss >= 1.0 && self.goal() > self.origins
    }

    /// Returns the last round before all nodes change to pull; `None` if the style does not change.
    #[must_use]
    pub fn switches_after(&self) -> Option<u32> {
        let doublings = self.nodes.max(2).next_power_of_two().ilog2();
        self.pull_after.or((self.style == Style::PushThenPull).then_some(doublings))
    }

    /// Returns whether informed nodes call in a round (from 1).
    #[must_use]
    pub fn pushes_in(&self, round: u32) -> bool {
        self.style != Style::Pull && self.switches_after().is_none_or(|last| round <= last)
    }

    /// Returns whether uninformed nodes call in a round (from 1).
    #[must_use]
    pub fn pulls_in(&self, round: u32) -> bool {
        matches!(self.style, Style::Pull | Style::PushPull)
            || self.switches_after().is_some_and(|last| round > last)
    }

    /// Returns whether uninformed nodes call in some round.
    #[must_use]
    pub fn pulls(&self) -> bool {
        self.style != Style::Push || self.pull_after.is_some()
    }

    /// Returns the round after which all nodes stop together, if they do.
    #[must_use]
    pub fn round_cap(&self) -> Option<u32> {
        match self.stop {
            Some(Stop::Rounds(rounds)) => Some(rounds),
            Some(Stop::Log(c)) => Some((c * (self.nodes.max(2) as f64).log2()).ceil() as u32),
            _ => None,
        }
    }

    /// Returns whether nodes stop one by one, when they lose interest.
    #[must_use]
    pub fn loses_interest(&self) -> bool {
        matches!(self.stop, Some(Stop::Interest { .. }))
    }

    /// Returns whether nodes that lose interest stop answering: see [`Self::stop`].
    #[must_use]
    pub fn answers_while_interested(&self) -> bool {
        self.style == Style::Pull && self.loses_interest()
    }

    /// Returns the last round that a run may have.
    #[must_use]
    pub fn last_round(&self) -> u32 {
        let cap = self.round_cap().unwrap_or(u32::MAX);
        cap.min(self.max_rounds.unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests;
