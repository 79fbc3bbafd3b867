//! The settings of a spread, as flags: what the command line and a sweep have in common.

use clap::Args;
use rumormill_model::simulate::{
    BroadcastKind, EngineKind, Origin, Semantics, SpreadModel, StopRule, Targets,
};
use rumormill_proto::{Counted, Decided, Style};

use crate::spread::graph::GraphArg;
use crate::term::exit::Usage;
use crate::term::parse::{count, runs, small_count, word};

/// What spreads how.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// How many nodes; a graph from a file says so itself.
    #[arg(long, value_parser = count)]
    pub(crate) nodes: Option<u64>,
    /// Who can call whom: complete, ring, path, star, wheel, grid, torus, tree, hypercube,
    /// `random-regular[:DEGREE]`, `erdos-renyi[:MEAN]`, `barabasi-albert[:M]`, `small-world[:K,BETA]`,
    /// `k-out[:K]` or `file:EDGES`.
    #[arg(long, default_value = "complete", value_name = "GRAPH")]
    pub(crate) graph: GraphArg,
    /// Who calls: push, pull, push-pull or push-then-pull.
    #[arg(long, default_value = "push", value_parser = style)]
    pub(crate) style: Style,
    /// Switch to pull after this many rounds of push [default with push-then-pull: log2 of the
    /// number of nodes, rounded up].
    #[arg(long, value_parser = small_count, value_name = "ROUNDS")]
    pub(crate) pull_after: Option<u32>,
    /// Partners that a caller picks each round.
    #[arg(long, default_value = "1", value_parser = small_count, value_name = "K")]
    pub(crate) fanout: u32,
    /// Probability that a contact is lost, [0, 1].
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) loss: f64,
    /// Whether a caller's picks of one round all differ (distinct) or are drawn afresh
    /// (independent).
    #[arg(long, default_value = "distinct", value_parser = targets)]
    pub(crate) targets: Targets,
    /// A caller may pick itself.
    #[arg(long)]
    pub(crate) include_self: bool,
    /// How many nodes know at the start.
    #[arg(long, value_parser = count, default_value = "1")]
    pub(crate) origins: u64,
    /// The node, numbered from 0, that knows first [default: another one in each run].
    #[arg(long, value_parser = count, value_name = "NODE")]
    pub(crate) origin: Option<u64>,
    /// Fraction of nodes that are dead, [0, 1).
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) dead: f64,
    /// Share of the living that must know, (0, 1].
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) coverage: f64,
    /// When nodes stop telling: never, rounds:R, or when they lose interest: feedback-coin:K,
    /// feedback-counter:K, blind-coin:K, blind-counter:K.
    #[arg(long, default_value = "never", value_parser = stop, value_name = "RULE")]
    pub(crate) stop: StopRule,
    /// A contact that tells someone sets the counter back to zero.
    #[arg(long)]
    pub(crate) reset: bool,
    /// When contacts take effect: synchronous (all act on the state at the round's start),
    /// sequential (one after another) or asynchronous (Poisson clocks).
    #[arg(long, default_value = "synchronous", value_parser = semantics)]
    pub(crate) semantics: Semantics,
    /// A run that has gone this many rounds ends as it is.
    #[arg(long, value_parser = small_count, value_name = "ROUNDS")]
    pub(crate) max_rounds: Option<u32>,
    /// Instead of gossip, one sender tells all: single-shot, repeated:R (R times, blindly),
    /// acknowledged (again until all have answered) or eager (whoever hears it first sends it to
    /// all).
    #[arg(long, value_parser = broadcast, value_name = "WAY", conflicts_with_all = [
        "style", "pull_after", "fanout", "targets", "include_self", "origins", "origin", "coverage",
        "stop", "reset", "semantics", "engine", "graph",
    ])]
    pub(crate) broadcast: Option<BroadcastKind>,
    /// How many runs to make.
    #[arg(long, value_parser = runs, default_value = "1000")]
    pub(crate) runs: u64,
    /// How to compute it: reference, count, bitset, csr or bit-parallel [default: the fastest that
    /// can].
    #[arg(long, value_parser = engine)]
    pub(crate) engine: Option<EngineKind>,
}

fn style(text: &str) -> Result<Style, String> {
    let names = Style::ALL.map(Style::name);
    let found = Style::ALL.into_iter().find(|style| style.name() == text);
    found.ok_or_else(|| format!("must be one of {}", names.join(", ")))
}

fn targets(text: &str) -> Result<Targets, String> {
    word(text)
}

fn semantics(text: &str) -> Result<Semantics, String> {
    word(text)
}

fn engine(text: &str) -> Result<EngineKind, String> {
    word(text)
}

/// A stop rule; [`Settings::model`] adds whether the counter is reset.
fn stop(text: &str) -> Result<StopRule, String> {
    if text == "never" {
        return Ok(StopRule::Never);
    }
    let wrong = || {
        "must be never, rounds:R, feedback-coin:K, feedback-counter:K, blind-coin:K or \
         blind-counter:K"
            .to_owned()
    };
    let (rule, number) = text.split_once(':').ok_or_else(wrong)?;
    let number =
        || small_count(number).map_err(|error| format!("the number after {rule}: {error}"));
    let interest =
        |counted, decided| Ok(StopRule::Interest { counted, decided, k: number()?, reset: false });
    match rule {
        "rounds" => Ok(StopRule::Rounds(number()?)),
        "feedback-coin" => interest(Counted::Feedback, Decided::Coin),
        "feedback-counter" => interest(Counted::Feedback, Decided::Counter),
        "blind-coin" => interest(Counted::Blind, Decided::Coin),
        "blind-counter" => interest(Counted::Blind, Decided::Counter),
        _ => Err(wrong()),
    }
}

fn broadcast(text: &str) -> Result<BroadcastKind, String> {
    match text.split_once(':') {
        None if text == "single-shot" => Ok(BroadcastKind::Blind { repeats: 1 }),
        None if text == "acknowledged" => Ok(BroadcastKind::Acknowledged { ack_loss: 0.0 }),
        None if text == "eager" => Ok(BroadcastKind::Eager),
        Some(("repeated", repeats)) => Ok(BroadcastKind::Blind { repeats: small_count(repeats)? }),
        _ => Err("must be single-shot, repeated:R, acknowledged or eager".to_owned()),
    }
}

/// A broadcast as it is written on the command line.
pub(crate) fn broadcast_name(kind: BroadcastKind) -> String {
    match kind {
        BroadcastKind::Blind { repeats: 1 } => "single-shot".to_owned(),
        BroadcastKind::Blind { repeats } => format!("repeated:{repeats}"),
        BroadcastKind::Acknowledged { .. } => "acknowledged".to_owned(),
        BroadcastKind::Eager => "eager".to_owned(),
    }
}

/// A stop rule as it is written on the command line.
pub(crate) fn stop_name(stop: StopRule) -> String {
    match stop {
        StopRule::Never => "never".to_owned(),
        StopRule::Rounds(rounds) => format!("rounds:{rounds}"),
        StopRule::Interest { counted, decided, k, .. } => {
            let counted = if counted == Counted::Feedback { "feedback" } else { "blind" };
            let decided = if decided == Decided::Coin { "coin" } else { "counter" };
            format!("{counted}-{decided}:{k}")
        }
    }
}

impl Settings {
    /// The question to the simulator, for this many nodes.
    pub(crate) fn model(&self, nodes: u64) -> Result<SpreadModel, Usage> {
        let style = match (self.style, self.pull_after) {
            (Style::Push, Some(_)) => Style::PushThenPull,
            (Style::Pull | Style::PushPull, Some(_)) => {
                let why = format!("--pull-after: --style {} does not switch", self.style.name());
                return Err(Usage(why));
            }
            (style, _) => style,
        };
        let stop = match self.stop {
            StopRule::Interest { counted, decided: Decided::Counter, k, .. } => {
                StopRule::Interest { counted, decided: Decided::Counter, k, reset: self.reset }
            }
            _ if self.reset => {
                return Err(Usage("--reset: only a counter can be set back".to_owned()));
            }
            stop => stop,
        };
        let doublings = nodes.max(2).next_power_of_two().ilog2();
        Ok(SpreadModel {
            style,
            switch_after: self.pull_after.unwrap_or(doublings),
            fanout: self.fanout,
            loss: self.loss,
            targets: self.targets,
            include_self: self.include_self,
            origins: self.origins,
            dead: self.dead,
            coverage: self.coverage,
            origin: self.origin.map_or(Origin::Random, Origin::Node),
            stop,
            semantics: self.semantics,
            max_rounds: self.max_rounds.unwrap_or(u32::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasts_are_read_as_they_are_written() {
        for text in ["single-shot", "repeated:3", "acknowledged", "eager"] {
            assert_eq!(broadcast(text).map(broadcast_name), Ok(text.to_owned()));
        }
        for bad in ["", "repeated", "repeated:x", "eager:2", "loud"] {
            assert!(broadcast(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn stop_rules_are_read_as_they_are_written() {
        for text in ["never", "rounds:12", "feedback-coin:3", "blind-counter:5"] {
            assert_eq!(stop(text).map(stop_name), Ok(text.to_owned()));
        }
        for bad in ["", "sometimes", "rounds", "rounds:x", "feedback-coin:-1", "coin:2"] {
            assert!(stop(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
