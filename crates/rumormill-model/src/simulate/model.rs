//! The question: how a rumor spreads, as settings.

use rumormill_proto::{Counted, Decided, Style};

use crate::graph::Topology;
use crate::simulate::error::{RoundsError, need};

/// The most nodes of a model: counts up to here are exact in double precision.
pub const MAX_NODES: u64 = 1_000_000_000_000_000;

/// The largest fan-out, unless it reaches everyone (then any is allowed).
pub const MAX_FANOUT: u32 = 64;

/// How one node picks its `fanout` partners of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Targets {
    /// All different; all neighbours, if there are no more than `fanout`.
    Distinct,
    /// Each drawn afresh, so repeats happen.
    Independent,
}

/// Which nodes know at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This node, from 0; and if there are several origins, others at random in each run.
    Node(u64),
    /// Nodes at random in each run.
    Random,
}

/// When nodes stop telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRule {
    /// Never: the run ends when the goal is met, or nothing more can be reached.
    Never,
    /// All together, after this many rounds: the run has this many rounds.
    Rounds(u32),
    /// Each node when it loses interest (Demers et al. 1987): the run ends when nobody tells or
    /// asks any more. A node that has lost interest does not call; it still answers who asks.
    ///
    /// Under pull alone it is the answers that stop: every living node asks each round, for nobody
    /// knows that there is news; a node answers while it is interested, and each answer counts as a
    /// message and brings feedback. In synchronous rounds a counter takes all that a node answered
    /// in a round as one contact, useful if any was (the note to their Table 3).
    Interest {
        /// Which contacts count. A contact that is lost or finds a dead node brings no feedback.
        counted: Counted,
        /// What decides.
        decided: Decided,
        /// One over the coin's probability, or the counter's limit; at least 1.
        k: u32,
        /// Whether a contact that told someone sets the counter back to 0. Demers' tables need it.
        reset: bool,
    },
}

/// When a node's contacts take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in commands and JSON.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl core::str::FromStr for $type {
            type Err = rumormill_proto::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let allowed = words!(@list $($word),+);
                Self::ALL.iter().copied().find(|x| x.name() == text).ok_or_else(|| {
                    rumormill_proto::UnknownWord { given: text.into(), allowed }
                })
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
    (@list $first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}
pub(crate) use words;

words!(Targets { Distinct => "distinct", Independent => "independent" });
words!(Semantics {
    Synchronous => "synchronous",
    Sequential => "sequential",
    Asynchronous => "asynchronous",
});

/// A rumor that spreads in rounds.
///
/// The fields mean what those of `crate::exact::Spread` mean. Each calling node picks `fanout`
/// partners uniformly from its neighbours, dead ones included (nobody knows who is dead), and from
/// itself too if `include_self`. Loss strikes each contact on its own; a lost contact carries
/// nothing either way. Under push the nodes that know call, under pull those that do not, under
/// push-pull all.
///
/// ```
/// use rumormill_proto::Style;
/// use rumormill_model::simulate::{SpreadModel, Topology};
/// let model = SpreadModel { loss: 0.1, ..SpreadModel::new(Style::PushPull) };
/// model.check(&Topology::Complete(64))?;
/// # Ok::<(), rumormill_model::simulate::RoundsError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SpreadModel {
    /// Who calls. Push-then-pull pushes in rounds 1..=`switch_after` and pulls afterwards.
    pub style: Style,
    /// The last round in which push-then-pull pushes; other styles ignore it.
    pub switch_after: u32,
    /// Partners that a calling node picks each round: 1 to 64, or any number that reaches everyone.
    pub fanout: u32,
    /// The probability that a contact is lost, in [0, 1].
    pub loss: f64,
    /// Whether a node's picks of one round differ.
    pub targets: Targets,
    /// Whether a node may pick itself.
    pub include_self: bool,
    /// How many living nodes know at the start: from 1 to all that live.
    pub origins: u64,
    /// The fraction of nodes that are dead from the start, in [0, 1), rounded to whole nodes: the
    /// same number in each run, other nodes in each run. An origin lives.
    pub dead: f64,
    /// The fraction of the living that must know, in (0, 1]; rounded up to whole nodes.
    pub coverage: f64,
    /// Which nodes know at the start. On the complete graph all are alike.
    pub origin: Origin,
    /// When nodes stop telling.
    pub stop: StopRule,
    /// When contacts take effect.
    pub semantics: Semantics,
    /// A run that has gone this many rounds ends as it is. At least 1.
    pub max_rounds: u32,
}

impl SpreadModel {
    /// One random origin, fan-out 1, nothing lost, everybody alive and to be told; synchronous
    /// rounds, as many as it takes.
    #[must_use]
    pub fn new(style: Style) -> Self {
        Self {
            style,
            switch_after: 0,
            fanout: 1,
            loss: 0.0,
            targets: Targets::Distinct,
            include_self: false,
            origins: 1,
            dead: 0.0,
            coverage: 1.0,
            origin: Origin::Random,
            stop: StopRule::Never,
            semantics: Semantics::Synchronous,
            max_rounds: u32::MAX,
        }
    }

    /// Checks every field against its range, for these nodes.
    ///
    /// # Errors
    /// The first field out of range, with its value and range.
    pub fn check(&self, topology: &Topology) -> Result<(), RoundsError> {
        let nodes = topology.nodes();
        need((1..=MAX_NODES).contains(&nodes), "nodes", nodes, format!("1 to {MAX_NODES}"))?;
        need((0.0..=1.0).contains(&self.loss), "loss", self.loss, "from 0 to 1")?;
        need((0.0..1.0).contains(&self.dead), "dead", self.dead, "from 0 to below 1")?;
        let coverage = self.coverage > 0.0 && self.coverage <= 1.0;
        need(coverage, "coverage", self.coverage, "above 0 and at most 1")?;
        need(self.fanout >= 1, "fanout", self.fanout, "at least 1")?;
        let most = topology.largest_degree() + u64::from(self.include_self);
        let everyone = self.targets == Targets::Distinct && u64::from(self.fanout) >= most;
        if self.fanout > MAX_FANOUT && !everyone {
            let range = match self.targets {
                Targets::Distinct => format!("1 to {MAX_FANOUT}, or at least {most} (everyone)"),
                Targets::Independent => format!("1 to {MAX_FANOUT}"),
            };
            return Err(RoundsError::setting("fanout", self.fanout, range));
        }
        let alive = self.alive(nodes);
        let living = format!("1 to {alive}, the number of nodes that live");
        need((1..=alive).contains(&self.origins), "origins", self.origins, living)?;
        if let Origin::Node(node) = self.origin {
            need(node < nodes, "origin", node, format!("0 to {}", nodes - 1))?;
        }
        match self.stop {
            StopRule::Rounds(rounds) => need(rounds >= 1, "round cap", rounds, "at least 1")?,
            StopRule::Interest { k, counted, .. } => {
                need((1..=1000).contains(&k), "k", k, "1 to 1000")?;
                let ends =
                    self.loss < 1.0 || counted == Counted::Blind && self.style != Style::Pull;
                need(ends, "loss", self.loss, "below 1, or no feedback ends the telling")?;
            }
            StopRule::Never => {}
        }
        need(self.max_rounds >= 1, "max rounds", self.max_rounds, "at least 1")
    }

    /// How many of `nodes` are alive: at least 1.
    #[must_use]
    pub fn alive(&self, nodes: u64) -> u64 {
        let dead = (nodes as f64 * self.dead).round() as u64;
        (nodes - dead.min(nodes)).max(1)
    }

    /// How many living nodes must know for the rumor to have spread.
    #[must_use]
    pub fn goal(&self, nodes: u64) -> u64 {
        let alive = self.alive(nodes);
        let exact = self.coverage * alive as f64;
        // 0.1 · 30 must ask for 3 nodes, not 4: forgive the rounding of the product.
        let slack = exact * 4.0 * f64::EPSILON;
        ((exact - slack).ceil() as u64).clamp(1, alive)
    }

    /// Whether informed nodes call in a round (from 1).
    #[must_use]
    pub fn pushes_in(&self, round: u32) -> bool {
        match self.style {
            Style::Push | Style::PushPull => true,
            Style::Pull => false,
            Style::PushThenPull => round <= self.switch_after,
        }
    }

    /// Whether uninformed nodes call in a round (from 1).
    #[must_use]
    pub fn pulls_in(&self, round: u32) -> bool {
        match self.style {
            Style::Push => false,
            Style::Pull | Style::PushPull => true,
            Style::PushThenPull => round > self.switch_after,
        }
    }

    /// Whether nodes that lose interest stop answering: see [`StopRule::Interest`].
    #[must_use]
    pub fn answers_while_interested(&self) -> bool {
        self.style == Style::Pull && matches!(self.stop, StopRule::Interest { .. })
    }

    /// The last round that a run may have.
    #[must_use]
    pub fn last_round(&self) -> u32 {
        match self.stop {
            StopRule::Rounds(rounds) => rounds.min(self.max_rounds),
            _ => self.max_rounds,
        }
    }
}

#[cfg(test)]
mod tests;
