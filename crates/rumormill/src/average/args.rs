//! The averaging question as flags, for predictions, simulations and sweeps.

use std::ops::ControlFlow;

use clap::Args;
use rumormill_model::graph::{Csr, GraphKind, Topology};
use rumormill_model::simulate::average::{
    Aggregate, Averaging, Engine, Faults, Protocol, Schedule, Strike, Values, bytes_with_degree,
};

use crate::average::values::ValuesArg;
use crate::graph::args::GraphArg;
use crate::term::exit::Usage;
use crate::term::parse::{count, runs, small_count, word};
use crate::term::refuse::refuse;

/// Rounds of a run that has no goal.
const ROUNDS: u32 = 50;

/// Rounds after which a run gives up its goal.
const MOST_ROUNDS: u32 = 10_000;

/// When exchanges start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// In rounds.
    Rounds(Schedule),
    /// When there is news: an input has changed.
    EventTriggered,
}

/// Reads a schedule.
fn when(text: &str) -> Result<When, String> {
    match text {
        "event-triggered" => Ok(When::EventTriggered),
        _ => word::<Schedule>(text)
            .map(When::Rounds)
            .map_err(|error| format!("{error}, event-triggered")),
    }
}

/// The question: nodes, protocol, and what goes wrong.
#[derive(Args, Clone, Debug)]
pub(crate) struct AverageArgs {
    /// Number of nodes; a file of values or edges has its own number.
    #[arg(long, value_parser = count)]
    pub(crate) nodes: Option<u64>,
    /// Protocol of an exchange: ledger (as agents run it), spsp, push-sum or push-pull.
    #[arg(long, default_value = "ledger", value_parser = word::<Protocol>)]
    pub(crate) protocol: Protocol,
    /// Which nodes can call which: complete, ring, path, star, wheel, grid, torus, tree, hypercube,
    /// `random-regular[:DEGREE]`, `erdos-renyi[:MEAN]`, `barabasi-albert[:M]`,
    /// `small-world[:K,BETA]`, `k-out[:K]` or `file:EDGES`.
    #[arg(long, default_value = "complete", value_name = "GRAPH")]
    pub(crate) graph: GraphArg,
    /// When nodes start exchanges: shuffled (each once a round, in a new order each round),
    /// fixed-order, random-pair, matching, synchronous (push-sum only), asynchronous (Poisson
    /// clocks) or event-triggered (with --changes, and then the default) [default: synchronous for
    /// push-sum, shuffled for the others].
    #[arg(long, value_parser = when)]
    pub(crate) schedule: Option<When>,
    /// Aggregate to compute: average, or sum (spsp and push-sum; one node has all the weight).
    #[arg(long, default_value = "average", value_parser = word::<Aggregate>)]
    pub(crate) aggregate: Aggregate,
    /// Inputs of the nodes: uniform (0 to 1, drawn for each run), spike (one node has n), linear
    /// (0 to 1 by number) or <file:CSV> (a line for each node, its value the last field).
    #[arg(long, default_value = "uniform", value_name = "VALUES")]
    pub(crate) values: ValuesArg,
    /// Probability that a message is lost, [0, 1).
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) loss: f64,
    /// Time that a message takes, as a share of a round: 0.1, or a range 0.01..0.1. Exchanges then
    /// overlap.
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = overlap,
          allow_hyphen_values = true)]
    pub(crate) overlap: (f64, f64),
    /// Share of the nodes that crashes, (0, 1), and the round after which it does, such as 0.1@20;
    /// may be repeated.
    #[arg(long, value_name = "SHARE@ROUND", value_parser = crash, allow_hyphen_values = true)]
    pub(crate) crash: Vec<Strike>,
    /// Rounds until the other nodes notice a crash.
    #[arg(long, value_name = "ROUNDS", value_parser = small_count, default_value = "5")]
    pub(crate) detection: u32,
    /// Share of the nodes whose inputs rise by the range of all inputs, (0, 1], and the round after
    /// which they do, such as 0.25@20; may be repeated.
    #[arg(long, value_name = "SHARE@ROUND", value_parser = strike, allow_hyphen_values = true)]
    pub(crate) change: Vec<Strike>,
}

/// A simulated average: the question, and how many runs are made with which engine.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) average: AverageArgs,
    /// Rounds of a run [default: 50, or with --until at most 10000].
    #[arg(long, value_parser = small_count)]
    pub(crate) rounds: Option<u32>,
    /// End a run when the relative error of its worst node is at most this, (0, 1).
    #[arg(long, value_name = "ERROR", allow_negative_numbers = true)]
    pub(crate) until: Option<f64>,
    /// Number of runs.
    #[arg(long, value_parser = runs, default_value = "20")]
    pub(crate) runs: u64,
    /// Engine: dense, instant or events [default: the fastest possible].
    #[arg(long, value_parser = word::<Engine>)]
    pub(crate) engine: Option<Engine>,
}

/// Parses `0.1` or `0.01..0.1`; the simulator checks the range.
fn overlap(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| {
        let wrong = || format!("{text:?} is not a number; write 0.1, or a range: 0.01..0.1");
        text.trim().parse::<f64>().map_err(|_| wrong())
    };
    match text.split_once("..") {
        Some((low, high)) => Ok((number(low)?, number(high)?)),
        None => number(text).map(|both| (both, both)),
    }
}

/// Parses as [`strike`], with a share below 1: some nodes have to stay.
fn crash(text: &str) -> Result<Strike, String> {
    match strike(text)? {
        Strike { share, .. } if share >= 1.0 => Err(format!(
            "the share is {share}, but must be above 0 and below 1: some nodes have to stay"
        )),
        strike => Ok(strike),
    }
}

/// Parses `0.1@20`.
fn strike(text: &str) -> Result<Strike, String> {
    let wrong = || format!("{text:?} must be a share and a round, such as 0.1@20");
    let (share, after) = text.split_once('@').ok_or_else(wrong)?;
    let share: f64 = share.trim().parse().map_err(|_| wrong())?;
    if !(share > 0.0 && share <= 1.0) {
        return Err(format!("the share is {share}, but must be above 0 and at most 1"));
    }
    let after =
        small_count(after.trim()).map_err(|error| format!("the round of {text}: {error}"))?;
    Ok(Strike { share, after })
}

/// Bytes of memory that a simulation needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Need {
    /// For the graph.
    pub(crate) graph: u64,
    /// For each run that goes on at the same time.
    pub(crate) run: u64,
}

impl AverageArgs {
    /// Returns the values, and the number of nodes if anything but the graph gives it.
    ///
    /// # Errors
    /// If the values cannot be read, or are more or fewer than the nodes; if the schedule has no rounds.
    pub(crate) fn inputs(&self) -> anyhow::Result<(Values, Option<u64>)> {
        if self.schedule == Some(When::EventTriggered) {
            let why = "--schedule event-triggered needs --changes, which predict average and simulate \
                       average have: exchanges follow inputs that change";
            return Err(Usage(why.to_owned()).into());
        }
        let values = self.values.read()?;
        let given = match &values {
            Values::Given(values) => Some(values.len() as u64),
            _ => None,
        };
        if let (Some(given), Some(nodes)) = (given, self.nodes)
            && given != nodes
        {
            let values = &self.values;
            let why = format!("--nodes is {nodes}, but --values {values} has {given} values");
            return Err(Usage(format!("{why}; leave out --nodes")).into());
        }
        Ok((values, self.nodes.or(given)))
    }

    /// Returns the schedule in rounds that was asked for.
    pub(crate) fn rounds(&self) -> Option<Schedule> {
        match self.schedule {
            Some(When::Rounds(schedule)) => Some(schedule),
            Some(When::EventTriggered) | None => None,
        }
    }

    /// Returns the question on this graph.
    pub(crate) fn on(&self, topology: Topology, values: Values) -> Averaging {
        Averaging {
            schedule: self.rounds().unwrap_or_else(|| self.protocol.usual_schedule()),
            aggregate: self.aggregate,
            values,
            faults: Faults {
                loss: self.loss,
                latency: self.overlap,
                crashes: self.crash.clone(),
                changes: self.change.clone(),
                detection: self.detection,
            },
            ..Averaging::on(topology, self.protocol)
        }
    }
}

impl Settings {
    /// Returns the simulation, with its graph made within `memory` bytes.
    ///
    /// # Errors
    /// What is wrong, by the name of its flag.
    pub(crate) fn averaging(
        &self,
        seed: u64,
        memory: u64,
        observe: &dyn Fn(f64) -> ControlFlow<()>,
    ) -> anyhow::Result<Averaging> {
        let (values, nodes) = self.average.inputs()?;
        let topology = self.average.graph.build(nodes, seed, memory, observe)?;
        self.on(topology, values, seed)
    }

    /// Checks everything that can be checked without making the graph, and returns the memory that
    /// the simulation takes.
    ///
    /// # Errors
    /// As [`Self::averaging`].
    pub(crate) fn check(&self, seed: u64) -> anyhow::Result<Need> {
        let (values, nodes) = self.average.inputs()?;
        let graph = self.average.graph.check(nodes)?;
        // Of a graph in a file, nothing is known but that it is one.
        let among = nodes.unwrap_or(2);
        let mut averaging = self.on(Topology::Complete(among), values, seed)?;
        let GraphArg::Kind(kind) = self.average.graph else { return Ok(Need { graph, run: 0 }) };
        if kind != GraphKind::Complete {
            // The engines tell only the complete graph from others.
            let stand_in = Averaging {
                topology: Topology::Graph(Csr::from_edges(2, &[(0, 1)]).into()),
                ..averaging.clone()
            };
            averaging.engine = Some(stand_in.engine().map_err(|error| refuse(&error))?);
        }
        averaging.check().map_err(|error| refuse(&error))?;
        let run = bytes_with_degree(&averaging, kind.mean_degree(among));
        let run = run.map_err(|error| refuse(&error))?;
        Ok(Need { graph, run })
    }

    /// Returns the simulation on this graph.
    fn on(&self, topology: Topology, values: Values, seed: u64) -> anyhow::Result<Averaging> {
        let rounds = if self.until.is_some() { MOST_ROUNDS } else { ROUNDS };
        let rounds = self.rounds.unwrap_or(rounds);
        let question = self.average.on(topology, values);
        let faults = &question.faults;
        for &Strike { share, after } in faults.crashes.iter().chain(&faults.changes) {
            if after >= rounds {
                let why = format!("{share}@{after} comes after the last of {rounds} rounds");
                return Err(Usage(format!("{why}; use an earlier round or more --rounds")).into());
            }
        }
        Ok(Averaging { rounds, until: self.until, seed, engine: self.engine, ..question })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_a_number_or_a_range() {
        assert_eq!(overlap("0.1"), Ok((0.1, 0.1)));
        assert_eq!(overlap("0.01..0.1"), Ok((0.01, 0.1)));
        for bad in ["", "x", "0.1..", "10%"] {
            assert!(overlap(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn strikes_are_a_share_at_a_round() {
        assert_eq!(strike("0.1@20"), Ok(Strike { share: 0.1, after: 20 }));
        for bad in ["", "0.1", "@3", "0.1@", "0@3", "1.5@3", "0.1@-1", "NaN@2"] {
            assert!(strike(bad).is_err() && crash(bad).is_err(), "{bad:?} was accepted");
        }
        // All inputs may change; not all nodes may crash.
        assert_eq!(strike("1@3"), Ok(Strike { share: 1.0, after: 3 }));
        assert!(crash("1@3").is_err_and(|error| error.contains("below 1")));
        assert_eq!(crash("0.99@3"), strike("0.99@3"));
    }
}
