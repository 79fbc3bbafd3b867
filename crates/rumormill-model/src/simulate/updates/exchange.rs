//! Exchanges of all that differs: a bit for each update at each node.
//!
//! The caller sends a digest of what it has. The partner answers with what the caller lacks (if the
//! style pulls) and its own digest (if it pushes); then the caller sends what the partner lacks, if
//! anything. A contact that is lost, or finds a dead node, costs the first message.

use std::ops::ControlFlow;

use super::Updates;
use crate::graph::topology::Topology;
use crate::simulate::observer::Watch;
use crate::simulate::spread::contacts::{Contact, Contacts};
use crate::simulate::spread::start::Start;
use crate::simulate::stream::{Purpose, Stream};
use crate::spread::Spread;

/// What a run cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) copies: u64,
}

/// The nodes of one run after another.
pub(super) struct Exchange<'a> {
    updates: &'a Updates,
    topology: &'a Topology,
    seed: u64,
    contacts: Contacts,
    /// The updates that each node has, a bit for each.
    has: Vec<u64>,
    /// And will have after the round.
    next: Vec<u64>,
    made: Vec<Contact>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(updates: &'a Updates, topology: &'a Topology, seed: u64) -> Self {
        let n = topology.nodes() as usize;
        let contacts = Contacts::new(&updates.spread);
        let (has, next) = (vec![0; n], vec![0; n]);
        Self { updates, topology, seed, contacts, has, next, made: Vec::new() }
    }

    /// Plays a run: the round after which all living nodes had all updates, and the cost until
    /// then.
    pub(super) fn play(
        &mut self,
        run: u64,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<(), (Option<u64>, Cost)> {
        let Updates { spread, updates, spacing, .. } = self.updates;
        let n = self.topology.nodes();
        let each = u64::from(*updates);
        let all = u64::MAX >> (64 - updates);
        // The dead are those of the run; every update has origins of its own.
        let start = Start::new(spread, self.topology, self.seed, run * each);
        let living: Vec<bool> = (0..n as u32).map(|v| start.lives(v)).collect();
        let origins: Vec<Vec<u32>> =
            (0..each).map(|update| self.origins(run, update, &start, &living)).collect();
        self.has.fill(0);
        let mut cost = Cost::default();
        let (mut round, mut published) = (0u32, 0u64);
        loop {
            while published < each && published * u64::from(*spacing) <= u64::from(round) {
                for &origin in &origins[published as usize] {
                    self.has[origin as usize] |= 1 << published;
                }
                published += 1;
            }
            let done = living.iter().zip(&self.has).filter(|(lives, has)| **lives && **has == all);
            let done = done.count() as u64;
            if done == spread.alive() {
                return ControlFlow::Continue((Some(round.into()), cost));
            }
            if round == spread.last_round() || spread.loss >= 1.0 {
                return ControlFlow::Continue((None, cost));
            }
            round += 1;
            let before = cost.messages;
            self.round(run, round, &living, &mut cost);
            watch.worked(n + cost.messages - before, round, done)?;
        }
    }

    /// Returns the nodes that an update starts from: as the model says, among those that live.
    fn origins(&self, run: u64, update: u64, start: &Start, living: &[bool]) -> Vec<u32> {
        let spread: &Spread = &self.updates.spread;
        if update == 0 || spread.origin.is_some() {
            return start.origins.clone();
        }
        let stream = Stream::new(self.seed, Purpose::Updates).child(run).child(update);
        let mut draws = stream.draws();
        let mut origins: Vec<u32> = Vec::new();
        while (origins.len() as u64) < spread.origins {
            let node = draws.below(living.len() as u64) as u32;
            if living[node as usize] && !origins.contains(&node) {
                origins.push(node);
            }
        }
        origins
    }

    fn round(&mut self, run: u64, round: u32, living: &[bool], cost: &mut Cost) {
        let updates = self.updates;
        let (pushes, pulls) = (updates.spread.style.pushes(), updates.spread.pulls());
        let stream = Contacts::round(self.seed, run, round);
        self.next.copy_from_slice(&self.has);
        for v in (0..self.has.len()).filter(|&v| living[v]) {
            self.contacts.draw(self.topology, v as u64, v as u64, stream, &mut self.made);
            for contact in &self.made {
                let w = contact.target as usize;
                cost.messages += 1;
                cost.bytes += updates.header + updates.digest;
                if !contact.arrives || !living[w] {
                    continue;
                }
                let lacks = if pulls { self.has[w] & !self.has[v] } else { 0 };
                let gives = if pushes { self.has[v] & !self.has[w] } else { 0 };
                self.next[v] |= lacks;
                self.next[w] |= gives;
                let copies = u64::from(lacks.count_ones() + gives.count_ones());
                let third = u64::from(gives != 0);
                cost.messages += 1 + third;
                cost.copies += copies;
                cost.bytes += updates.header * (1 + third) + updates.payload * copies;
                cost.bytes += if pushes { updates.digest } else { 0 };
            }
        }
        std::mem::swap(&mut self.has, &mut self.next);
    }
}
