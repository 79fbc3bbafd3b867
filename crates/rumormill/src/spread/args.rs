//! The spreading question as flags, for predictions, simulations and sweeps.

use clap::Args;
use rumormill_model::simulate::{BroadcastKind, EngineKind};
use rumormill_model::spread::{MAX_K, Semantics, Spread, Targets};
use rumormill_proto::{Decided, Stop, Style};

use crate::graph::args::GraphArg;
use crate::term::exit::Usage;
use crate::term::parse::{count, runs, small_count, word};

/// The question: nodes, graph, style, and what goes wrong.
#[derive(Args, Clone, Debug)]
pub(crate) struct SpreadArgs {
    /// Number of nodes, 1..=1e15; a graph from a file has its own number.
    #[arg(long, value_parser = count)]
    pub(crate) nodes: Option<u64>,
    /// Which nodes can call which: complete, ring, path, star, wheel, grid, torus, tree, hypercube,
    /// `random-regular[:DEGREE]`, `erdos-renyi[:MEAN]`, `barabasi-albert[:M]`,
    /// `small-world[:K,BETA]`, `k-out[:K]` or `file:EDGES`.
    #[arg(long, default_value = "complete", value_name = "GRAPH")]
    pub(crate) graph: GraphArg,
    /// Which nodes call: push (informed ones), pull (the others), push-pull (all) or
    /// push-then-pull.
    #[arg(long, default_value = "push", value_parser = word::<Style>)]
    pub(crate) style: Style,
    /// Change to pull after this many rounds [default with push-then-pull: log2 of the number of
    /// nodes, rounded up].
    #[arg(long, value_parser = small_count, value_name = "ROUNDS")]
    pub(crate) pull_after: Option<u32>,
    /// Partners that a caller picks each round.
    #[arg(long, default_value = "1", value_parser = count, value_name = "K")]
    pub(crate) fanout: u64,
    /// Probability that a contact is lost, [0, 1].
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) loss: f64,
    /// Whether a caller's picks of one round all differ (distinct) or are drawn afresh
    /// (independent).
    #[arg(long, default_value = "distinct", value_parser = word::<Targets>)]
    pub(crate) targets: Targets,
    /// A caller may pick itself.
    #[arg(long)]
    pub(crate) include_self: bool,
    /// Number of nodes that are informed at the start.
    #[arg(long, value_parser = count, default_value = "1")]
    pub(crate) origins: u64,
    /// The node, numbered from 0, that is informed first [default: another one in each run].
    #[arg(long, value_parser = count, value_name = "NODE")]
    pub(crate) origin: Option<u64>,
    /// Fraction of nodes that are dead, [0, 1).
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) dead: f64,
    /// Share of the living that must be informed, (0, 1].
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) coverage: f64,
    /// When nodes stop: never, rounds:R, log:C (C times log2 of the nodes), or when they lose
    /// interest: feedback-coin:K, feedback-counter:K, blind-coin:K, blind-counter:K.
    #[arg(long, default_value = "never", value_parser = stop, value_name = "RULE")]
    pub(crate) stop: StopArg,
    /// A contact that informs a node sets the counter back to zero.
    #[arg(long)]
    pub(crate) reset: bool,
    /// When contacts take effect: synchronous (all act on the state at the round's start),
    /// sequential (one after another) or asynchronous (Poisson clocks).
    #[arg(long, default_value = "synchronous", value_parser = word::<Semantics>)]
    pub(crate) semantics: Semantics,
    /// A run that has gone this many rounds ends as it is.
    #[arg(long, value_parser = small_count, value_name = "ROUNDS")]
    pub(crate) max_rounds: Option<u32>,
}

/// Nodes that are all alike, and loss.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodesAndLoss {
    /// Number of nodes, 1..=1e15.
    #[arg(long, value_parser = count)]
    pub(crate) nodes: u64,
    /// Probability that a message is lost, [0, 1].
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) loss: f64,
}

/// A stop rule, or `None` for never.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StopArg(pub(crate) Option<Stop>);

fn stop(text: &str) -> Result<StopArg, String> {
    if text == "never" {
        return Ok(StopArg(None));
    }
    let rule =
        text.parse::<Stop>().map_err(|error| format!("{error}, or never; K is 1 to {MAX_K}"))?;
    Ok(StopArg(Some(rule)))
}

impl SpreadArgs {
    /// Returns the question among this many nodes.
    pub(crate) fn spread(&self, nodes: u64) -> Result<Spread, Usage> {
        let counter = matches!(self.stop.0, Some(Stop::Interest { decided: Decided::Counter, .. }));
        if self.reset && !counter {
            return Err(Usage("--reset: only a counter can be set back".to_owned()));
        }
        Ok(Spread {
            graph: self.graph.kind(),
            style: match (self.style, self.pull_after) {
                (Style::Push, Some(_)) => Style::PushThenPull,
                (style, _) => style,
            },
            pull_after: self.pull_after,
            fanout: self.fanout,
            // A zero with a sign is a zero.
            loss: self.loss + 0.0,
            targets: self.targets,
            include_self: self.include_self,
            origins: self.origins,
            origin: self.origin,
            dead: self.dead + 0.0,
            coverage: self.coverage,
            stop: self.stop.0,
            reset: self.reset,
            semantics: self.semantics,
            max_rounds: self.max_rounds,
            ..Spread::new(nodes, self.style)
        })
    }
}

/// A simulated spread: the question, and how many runs are made with which engine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) spread: SpreadArgs,
    /// Instead of gossip, one sender sends to all: single-shot, repeated:R (R times, blindly),
    /// acknowledged (again until all have answered) or eager (each node sends it to all when it
    /// first receives it).
    #[arg(long, value_parser = word::<BroadcastKind>, value_name = "WAY", conflicts_with_all = [
        "style", "pull_after", "fanout", "targets", "include_self", "origins", "origin", "coverage",
        "stop", "reset", "semantics", "engine", "graph",
    ])]
    pub(crate) broadcast: Option<BroadcastKind>,
    /// How many runs to make.
    #[arg(long, value_parser = runs, default_value = "1000")]
    pub(crate) runs: u64,
    /// How to compute it: reference, count, bitset, csr or bit-parallel [default: the fastest that
    /// can].
    #[arg(long, value_parser = word::<EngineKind>)]
    pub(crate) engine: Option<EngineKind>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasts_are_read_as_they_are_written() {
        for text in ["single-shot", "repeated:3", "acknowledged", "eager"] {
            assert_eq!(text.parse().map(|way: BroadcastKind| way.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "repeated", "repeated:x", "eager:2", "loud"] {
            assert!(bad.parse::<BroadcastKind>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn stop_rules_are_read_as_they_are_written() {
        for text in ["never", "rounds:12", "feedback-coin:3", "blind-counter:5"] {
            let stop = stop(text).expect("a rule").0;
            assert_eq!(Spread { stop, ..Spread::new(2, Style::Push) }.stop_name(), text);
        }
        for bad in ["", "sometimes", "rounds", "rounds:x", "feedback-coin:-1", "coin:2"] {
            assert!(stop(bad).is_err_and(|error| error.contains(", or never")), "{bad:?}");
        }
    }
}
