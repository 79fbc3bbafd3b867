//! One run, followed round by round: who called whom, and what came of it.
//!
//! It is the run that the reference engine makes with the same seed and number, by the same code.

use crate::error::{Error, need};
use crate::graph::topology::Topology;
use crate::simulate::spread::contacts::Contact;
use crate::simulate::spread::engines::EngineKind;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::turns::{Nodes, Outcome, Witness};
use crate::spread::Spread;

/// A call, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The caller.
    pub from: u32,
    /// Whom it called.
    pub to: u32,
    /// Whether the caller asked for the rumor (pull) rather than passing it on (push).
    pub pulls: bool,
    /// Whether the network lost the call.
    pub lost: bool,
    /// Whether the partner is dead.
    pub dead: bool,
    /// Whether a push arrived at a living node, or a pull got the rumor.
    pub answers: bool,
    /// Whether somebody was informed by it: the partner by a push, the caller by a pull.
    pub informs: bool,
    /// Whether it cost the node that has the rumor its interest: the caller of a push, the
    /// answering node of a pull.
    pub loses_interest: bool,
}

impl Call {
    /// Returns the node to which the rumor came, or would have come.
    #[must_use]
    pub fn receiver(&self) -> u32 {
        if self.pulls { self.from } else { self.to }
    }

    /// Returns the node that has the rumor to give, if either has.
    #[must_use]
    pub fn giver(&self) -> u32 {
        if self.pulls { self.to } else { self.from }
    }
}

/// A round that was played.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Round<'a> {
    /// Its number, from 1.
    pub number: u32,
    /// The calls, in the order in which they were made.
    pub calls: &'a [Call],
    /// How many of the calls count as messages: all, but for pulls that nobody answered where
    /// [answers stop](Spread::stop).
    pub messages: u64,
    /// Number of nodes that are informed after it.
    pub informed: u64,
}

/// A run that can be stepped through.
///
/// ```
/// use rumormill_model::graph::Topology;
/// use rumormill_model::simulate::spread::follow::Follow;
/// use rumormill_model::spread::Spread;
/// use rumormill_proto::Style;
///
/// let (spread, topology) = (Spread::new(8, Style::Push), Topology::Complete(8));
/// let mut run = Follow::new(&spread, &topology, 7, 0)?;
/// let first = run.step().expect("a round");
/// assert_eq!((first.number, first.calls.len(), first.informed), (1, 1, 2));
/// while run.step().is_some() {}
/// assert!(run.informed_in().iter().all(Option::is_some));
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Follow {
    nodes: Nodes,
    record: Run,
    log: Log,
}

/// What happened.
#[derive(Clone, Debug)]
struct Log {
    /// Which nodes are dead; empty if none is.
    dead: Vec<bool>,
    /// The calls of the last round.
    calls: Vec<Call>,
    /// The present round.
    round: u32,
    informed_in: Vec<Option<u32>>,
    lost_interest_in: Vec<Option<u32>>,
}

impl Witness for Log {
    fn call(&mut self, node: u32, contact: Contact, outcome: Outcome) {
        let to = contact.target as u32;
        let Outcome { pulls, answers, informs } = outcome;
        let dead = self.dead.get(to as usize).is_some_and(|&dead| dead);
        let (from, lost) = (node, !contact.arrives);
        let call = Call { from, to, pulls, lost, dead, answers, informs, loses_interest: false };
        if informs {
            self.informed_in[call.receiver() as usize] = Some(self.round);
        }
        self.calls.push(call);
    }

    fn loses_interest(&mut self, node: u32) {
        self.lost_interest_in[node as usize] = Some(self.round);
        let cause = self.calls.iter_mut().rev().find(|call| call.giver() == node);
        if let Some(call) = cause {
            call.loses_interest = true;
        }
    }
}

impl Follow {
    /// Returns run number `run` of a seed, before its first round.
    ///
    /// # Errors
    /// A setting out of range; a graph that is too large to follow each node.
    pub fn new(spread: &Spread, topology: &Topology, seed: u64, run: u64) -> Result<Self, Error> {
        spread.check_on(topology)?;
        EngineKind::Reference.supports(spread, topology)?;
        let nodes = Nodes::new(spread, topology, seed, run);
        let mut record = Run::default();
        nodes.begin(&mut record);
        let all = topology.nodes() as usize;
        let mut informed_in = vec![None; all];
        for &origin in &nodes.start.origins {
            informed_in[origin as usize] = Some(0);
        }
        let log = Log {
            dead: nodes.start.dead.clone(),
            calls: Vec::new(),
            round: 0,
            informed_in,
            lost_interest_in: vec![None; all],
        };
        Ok(Self { nodes, record, log })
    }

    /// Plays a round; `None` if the run is over.
    pub fn step(&mut self) -> Option<Round<'_>> {
        (!self.is_over()).then(|| self.step_on())
    }

    /// Plays a round, whether or not the run has ended: somebody may have been informed since, or a
    /// cut healed.
    pub fn step_on(&mut self) -> Round<'_> {
        self.log.calls.clear();
        self.log.round = self.record.rounds + 1;
        let messages = self.nodes.round(&mut self.record, &mut self.log);
        let (number, informed) = (self.record.rounds, self.record.reached);
        Round { number, calls: &self.log.calls, messages, informed }
    }

    /// Lets nodes die.
    ///
    /// # Errors
    /// If there is no such node.
    pub fn kill(&mut self, nodes: &[u32]) -> Result<(), Error> {
        nodes.iter().try_for_each(|&node| self.exists(node))?;
        nodes.iter().for_each(|&node| self.nodes.kill(node));
        self.log.dead.clone_from(&self.nodes.start.dead);
        Ok(())
    }

    /// Informs a node, as an origin is.
    ///
    /// # Errors
    /// If there is no such node, or it is dead.
    pub fn inform(&mut self, node: u32) -> Result<(), Error> {
        self.exists(node)?;
        need(self.lives(node), "node", node, "one that is alive")?;
        if self.nodes.tell(node) {
            self.log.informed_in[node as usize] = Some(self.record.rounds);
        }
        Ok(())
    }

    /// Sets the probability that a contact is lost.
    ///
    /// # Errors
    /// If it is not in [0, 1].
    pub fn set_loss(&mut self, loss: f64) -> Result<(), Error> {
        need((0.0..=1.0).contains(&loss), "loss", loss, "from 0 to 1")?;
        self.nodes.set_loss(loss);
        Ok(())
    }

    /// Cuts the network in two: no contact arrives between a node for which `side` is true and one
    /// for which it is not. The nodes do not know.
    pub fn cut(&mut self, side: impl Fn(u32) -> bool) {
        self.nodes.cut((0..self.log.informed_in.len() as u32).map(side).collect());
    }

    /// Heals the cut.
    pub fn heal(&mut self) {
        self.nodes.cut(Vec::new());
    }

    /// Goes on with the random numbers of another seed.
    pub fn reseed(&mut self, seed: u64) {
        self.nodes.reseed(seed);
    }

    fn exists(&self, node: u32) -> Result<(), Error> {
        let nodes = self.log.informed_in.len() as u32;
        need(node < nodes, "node", node, format!("0 to {}", nodes - 1))
    }

    /// Returns whether the run has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.nodes.over(&self.record)
    }

    /// Returns the record of the run so far.
    #[must_use]
    pub fn record(&self) -> &Run {
        &self.record
    }

    /// Returns the nodes that were informed at the start.
    #[must_use]
    pub fn origins(&self) -> &[u32] {
        &self.nodes.start.origins
    }

    /// Returns whether a node is alive.
    #[must_use]
    pub fn lives(&self, node: u32) -> bool {
        self.nodes.start.lives(node)
    }

    /// Returns whether a node is informed and interested in passing the rumor on.
    #[must_use]
    pub fn is_interested(&self, node: u32) -> bool {
        self.nodes.interested[node as usize]
    }

    /// Returns the round in which each node was informed, 0 at the start; `None` of those that are
    /// not.
    #[must_use]
    pub fn informed_in(&self) -> &[Option<u32>] {
        &self.log.informed_in
    }

    /// Returns the round in which each node lost interest; `None` of those that have not, or never
    /// had any.
    #[must_use]
    pub fn lost_interest_in(&self) -> &[Option<u32>] {
        &self.log.lost_interest_in
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use rumormill_proto::Style;

    use super::*;
    use crate::graph::kind::GraphKind;
    use crate::simulate::spread::job::{Job, simulate};
    use crate::spread::{Semantics, Targets};

    /// Follows a run to its end, checks its calls against the state, and compares it with what the
    /// engine made of it. Returns the number of calls.
    fn same(spread: &Spread, seed: u64, run: u64) -> usize {
        let go_on = |_: f64| ControlFlow::Continue(());
        let topology = spread.graph.build(spread.nodes, seed, u64::MAX, &go_on).unwrap();
        let engine = Some(EngineKind::Reference);
        let job = Job { engine, ..Job::new(spread, &topology, run..run + 1, seed) };
        let summary = simulate(&job, &|_| ControlFlow::Continue(())).unwrap();
        let mut follow = Follow::new(spread, &topology, seed, run).unwrap();
        let mut informed = vec![follow.origins().len() as f64];
        let mut sent = vec![0.0];
        let mut calls = 0;
        while let Some(round) = follow.step() {
            let (number, messages) = (round.number, round.messages);
            let made = round.calls.to_vec();
            informed.push(round.informed as f64);
            sent.push(sent.last().unwrap() + messages as f64);
            calls += made.len();
            let counted = match spread.answers_while_interested() {
                true => made.iter().filter(|call| call.answers).count(),
                false => made.len(),
            };
            assert_eq!(counted as u64, messages);
            for call in made {
                assert!(follow.lives(call.from));
                assert_eq!(call.dead, !follow.lives(call.to));
                assert!(!call.answers || !call.lost && !call.dead);
                assert!(!call.informs || call.answers);
                if call.informs {
                    assert_eq!(follow.informed_in()[call.receiver() as usize], Some(number));
                }
                if call.loses_interest {
                    assert_eq!(follow.lost_interest_in()[call.giver() as usize], Some(number));
                    assert!(!follow.is_interested(call.giver()));
                }
            }
        }
        let by_round = summary.by_round();
        let theirs: Vec<f64> = by_round.iter().map(|round| round.informed).collect();
        assert_eq!(informed, theirs, "{spread:?}");
        let theirs: Vec<f64> = by_round.iter().map(|round| round.sent).collect();
        assert_eq!(sent, theirs, "{spread:?}");
        assert_eq!(follow.record().messages as f64, summary.messages.mean());
        assert_eq!(follow.record().finished.map(u64::from), summary.finished.largest());
        let reached = follow.informed_in().iter().flatten().count();
        assert_eq!(reached as u64, follow.record().reached);
        calls
    }

    #[test]
    fn a_followed_run_is_the_engines() {
        let stops =
            ["never", "rounds:5", "feedback-coin:2", "blind-counter:3", "feedback-counter:2"];
        let graphs = [GraphKind::Complete, GraphKind::Ring, GraphKind::RandomRegular { degree: 4 }];
        let (mut calls, mut seed) = (0, 0);
        for graph in graphs {
            for style in [Style::Push, Style::Pull, Style::PushPull, Style::PushThenPull] {
                for semantics in
                    [Semantics::Synchronous, Semantics::Sequential, Semantics::Asynchronous]
                {
                    for stop in stops {
                        let stop = (stop != "never").then(|| stop.parse().unwrap());
                        seed += 1;
                        let plain = Spread { graph, semantics, stop, ..Spread::new(40, style) };
                        calls += same(&plain, seed, 0);
                        let worse = Spread {
                            loss: 0.2,
                            dead: 0.1,
                            fanout: 2,
                            origins: 2,
                            reset: seed % 2 == 0,
                            targets: Targets::Independent,
                            max_rounds: Some(200),
                            ..plain
                        };
                        calls += same(&worse, seed, 3);
                    }
                }
            }
        }
        assert!(calls > 100_000, "{calls}");
    }

    #[test]
    fn a_push_that_costs_interest_is_the_one_that_found_an_informed_node() {
        let stop = Some("feedback-counter:1".parse().unwrap());
        let spread = Spread { stop, ..Spread::new(30, Style::Push) };
        let topology = Topology::Complete(30);
        let mut follow = Follow::new(&spread, &topology, 5, 2).unwrap();
        let (mut costly, mut before) = (0, follow.informed_in().to_vec());
        while let Some(round) = follow.step() {
            for call in round.calls {
                assert_eq!(call.loses_interest, before[call.to as usize].is_some());
                costly += u64::from(call.loses_interest);
            }
            before = follow.informed_in().to_vec();
        }
        // In the end all that were informed have lost interest, each by one call.
        assert_eq!(costly, follow.record().reached);
        assert!(follow.lost_interest_in().iter().flatten().count() as u64 == costly);
    }

    #[test]
    fn whoever_looks_on_may_interfere() {
        let (spread, topology) = (Spread::new(200, Style::Push), Topology::Complete(200));
        let mut follow =
            Follow::new(&Spread { origin: Some(150), ..spread }, &topology, 1, 0).unwrap();
        follow.cut(|node| node < 100);
        (0..40).for_each(|_| {
            follow.step_on();
        });
        let informed = |follow: &Follow, range: core::ops::Range<usize>| {
            follow.informed_in()[range].iter().flatten().count()
        };
        assert_eq!((informed(&follow, 0..100), informed(&follow, 100..200)), (0, 100));
        // A copy goes on alike; with another seed it does not.
        follow.heal();
        let (mut alike, mut other) = (follow.clone(), follow.clone());
        other.reseed(9);
        let calls = |follow: &mut Follow| follow.step_on().calls.to_vec();
        let made = calls(&mut follow);
        assert_eq!(made, calls(&mut alike));
        assert_ne!(made, calls(&mut other));
        // The dead neither call nor hear.
        let mut dying = Follow::new(&Spread::new(200, Style::Push), &topology, 1, 0).unwrap();
        dying.kill(&[7]).unwrap();
        assert!(dying.inform(7).is_err() && dying.inform(200).is_err());
        dying.inform(8).unwrap();
        (0..60).for_each(|_| {
            dying.step_on();
        });
        assert_eq!((dying.informed_in()[7], dying.informed_in()[8]), (None, Some(0)));
        assert_eq!(informed(&dying, 0..200), 199);
        // All contacts lost: nothing spreads any more.
        let mut deaf = Follow::new(&Spread::new(200, Style::Push), &topology, 1, 0).unwrap();
        deaf.set_loss(1.0).unwrap();
        (0..10).for_each(|_| {
            deaf.step_on();
        });
        assert_eq!(deaf.record().reached, 1);
        assert!(deaf.set_loss(1.5).is_err());
    }

    #[test]
    fn what_the_engine_refuses_is_refused() {
        let spread = Spread { loss: 2.0, ..Spread::new(8, Style::Push) };
        assert!(Follow::new(&spread, &Topology::Complete(8), 1, 0).is_err());
        let spread = Spread::new(9, Style::Push);
        assert!(Follow::new(&spread, &Topology::Complete(8), 1, 0).is_err());
    }
}
