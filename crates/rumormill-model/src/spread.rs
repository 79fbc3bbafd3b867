//! The question: who gossips with whom, how often, and what gets lost.

use crate::exact::error::{Error, count, real};

/// The largest number of nodes: counts up to here are exact in double precision.
pub const MAX_NODES: u64 = 1_000_000_000_000_000;

/// The largest fan-out, unless it reaches everyone (then any is allowed).
pub const MAX_FANOUT: u64 = 64;

/// Who calls, and which way the rumor travels along a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Style {
    /// Nodes that know call; the rumor travels to the called.
    Push,
    /// Nodes that do not know call; the rumor travels back to the caller.
    Pull,
    /// Every node calls; the rumor travels both ways.
    PushPull,
}

impl Style {
    /// All styles, in the order tables list them.
    pub const ALL: [Self; 3] = [Self::Push, Self::Pull, Self::PushPull];

    /// The name used in commands and JSON: `push`, `pull` or `push-pull`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::PushPull => "push-pull",
        }
    }

    /// Whether informed nodes call.
    #[must_use]
    pub fn pushes(self) -> bool {
        self != Self::Pull
    }

    /// Whether uninformed nodes call.
    #[must_use]
    pub fn pulls(self) -> bool {
        self != Self::Push
    }
}

/// How one node picks its `fanout` partners of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Targets {
    /// All different.
    Distinct,
    /// Each drawn afresh, so repeats happen.
    Independent,
}

/// A rumor spreading on the complete graph in synchronous rounds: all act on the state at the
/// round's start.
///
/// Each calling node picks `fanout` partners uniformly from all other nodes, dead ones included
/// (nobody knows who is dead), and from itself too if `include_self`. Loss strikes each contact on
/// its own; a lost contact carries nothing either way. The spread is finished when `coverage` of
/// the living know.
///
/// ```
/// use rumormill_model::exact::{Spread, Style};
/// let spread = Spread { loss: 0.1, ..Spread::new(64, Style::Push) };
/// let exact = spread.solve()?;
/// assert!((exact.mean - 12.194).abs() < 5e-4);
/// # Ok::<(), rumormill_model::exact::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// How many nodes there are, 1..=10¹⁵, dead ones included.
    pub nodes: u64,
    /// Who calls.
    pub style: Style,
    /// Partners a calling node picks each round: 1..=64, or any number that reaches everyone.
    pub fanout: u64,
    /// The probability that a contact is lost, in [0, 1].
    pub loss: f64,
    /// Whether a node's picks of one round differ.
    pub targets: Targets,
    /// Whether a node may pick itself.
    pub include_self: bool,
    /// How many living nodes know at the start, at least 1.
    pub origins: u64,
    /// The fraction of nodes that are dead from the start, in [0, 1); rounded to whole nodes.
    pub dead: f64,
    /// The fraction of the living that must know, in (0, 1]; rounded up to whole nodes.
    pub coverage: f64,
}

impl Spread {
    /// One origin, fan-out 1, nothing lost, everybody alive and to be told.
    #[must_use]
    pub fn new(nodes: u64, style: Style) -> Self {
        Self {
            nodes,
            style,
            fanout: 1,
            loss: 0.0,
            targets: Targets::Distinct,
            include_self: false,
            origins: 1,
            dead: 0.0,
            coverage: 1.0,
        }
    }

    /// Checks every field against its range.
    ///
    /// # Errors
    /// The first field out of range, with its value and limit.
    pub fn check(&self) -> Result<(), Error> {
        count("nodes", self.nodes, 1, MAX_NODES)?;
        real("loss", self.loss, "[0, 1]", (0.0..=1.0).contains(&self.loss))?;
        real("dead", self.dead, "[0, 1)", (0.0..1.0).contains(&self.dead))?;
        real("coverage", self.coverage, "(0, 1]", self.coverage > 0.0 && self.coverage <= 1.0)?;
        let everyone = self.targets == Targets::Distinct && self.fanout >= self.pool();
        if !everyone {
            count("fanout", self.fanout, 1, MAX_FANOUT)?;
        }
        count("fanout", self.fanout, 1, u64::MAX)?;
        count("origins", self.origins, 1, self.alive())
    }

    /// How many nodes are alive: at least 1.
    #[must_use]
    pub fn alive(&self) -> u64 {
        let dead = (self.nodes as f64 * self.dead).round() as u64;
        (self.nodes - dead.min(self.nodes)).max(1)
    }

    /// How many nodes a caller picks from.
    #[must_use]
    pub fn pool(&self) -> u64 {
        if self.include_self { self.nodes } else { self.nodes.saturating_sub(1) }
    }

    /// How many contacts a caller makes in a round: distinct picks can't be more than there are to
    /// pick from.
    #[must_use]
    pub fn picks(&self) -> u64 {
        match self.targets {
            Targets::Distinct => self.fanout.min(self.pool()),
            Targets::Independent if self.pool() == 0 => 0,
            Targets::Independent => self.fanout,
        }
    }

    /// How many living nodes must know for the spread to be finished.
    #[must_use]
    pub fn goal(&self) -> u64 {
        let exact = self.coverage * self.alive() as f64;
        // 0.1 · 30 must ask for 3 nodes, not 4: forgive the rounding of the product.
        let slack = exact * 4.0 * f64::EPSILON;
        ((exact - slack).ceil() as u64).clamp(1, self.alive())
    }

    /// Whether the spread can never reach its goal: everything is lost, and the goal is not met at
    /// the start.
    #[must_use]
    pub fn never_finishes(&self) -> bool {
        self.loss >= 1.0 && self.goal() > self.origins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_fields_are_named() {
        let good = Spread::new(10, Style::Push);
        assert_eq!(good.check(), Ok(()));
        let cases = [
            (Spread { nodes: 0, ..good.clone() }, "nodes"),
            (Spread { nodes: MAX_NODES + 1, ..good.clone() }, "nodes"),
            (Spread { loss: -0.1, ..good.clone() }, "loss"),
            (Spread { loss: 1.1, ..good.clone() }, "loss"),
            (Spread { loss: f64::NAN, ..good.clone() }, "loss"),
            (Spread { dead: 1.0, ..good.clone() }, "dead"),
            (Spread { coverage: 0.0, ..good.clone() }, "coverage"),
            (Spread { fanout: 0, ..good.clone() }, "fanout"),
            (Spread { nodes: 10_000, fanout: 2000, ..good.clone() }, "fanout"),
            (Spread { origins: 0, ..good.clone() }, "origins"),
            (Spread { origins: 11, ..good.clone() }, "origins"),
            (Spread { origins: 6, dead: 0.5, ..good.clone() }, "origins"),
        ];
        for (spread, name) in cases {
            let message = spread.check().expect_err(name).to_string();
            assert!(message.starts_with(name), "{message}");
        }
    }

    #[test]
    fn goals_are_whole_nodes() {
        let spread = Spread { coverage: 0.1, ..Spread::new(30, Style::Push) };
        assert_eq!(spread.goal(), 3);
        let spread = Spread { coverage: 0.101, ..spread };
        assert_eq!(spread.goal(), 4);
        assert_eq!(Spread { dead: 0.5, coverage: 1.0, ..spread }.goal(), 15);
    }

    #[test]
    fn a_fanout_that_reaches_everyone_is_always_allowed() {
        let spread = Spread { fanout: 1 << 40, ..Spread::new(10_000, Style::Pull) };
        assert_eq!(spread.check(), Ok(()));
    }
}
