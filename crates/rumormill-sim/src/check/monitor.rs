//! Watches a network: what must hold at every instant, and what must come to hold.

use std::collections::BTreeMap;

use rumormill_proto::{Instant, Name, NodeId};

use super::conservation::{Book, book, books, conservation, quiet};
use super::estimates::{Said, aggregates, enclosures, said};
use super::rosters::{rosters, views};
use super::truth::Truth;
use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// In a larger cluster than this some exchange is always under way, and masses can't be added up.
const MOST_TO_ADD_UP: usize = 256;

/// Number of past states of the inputs that are kept, to compare bounds with.
const MOST_STATES: usize = 64;

/// Looks at a network again and again. What is said is held against the inputs not of all nodes but
/// of each *closed group*: nodes that hold exactly each other for members. In a network without
/// faults that is everybody, in one that is split long enough, each side.
pub(crate) struct Watch {
    aggregates: Vec<Name>,
    /// Those in mode epoch, whose masses are not those of the present inputs.
    epochs: Vec<Name>,
    /// The closed groups, by the digest of their rosters.
    groups: BTreeMap<u64, Group>,
    /// How many enclosures were looked at.
    pub(crate) enclosures: u64,
    /// How often all masses of a group were added up.
    pub(crate) balances: u64,
}

/// Nodes that hold exactly each other for members.
struct Group {
    members: Vec<NodeIndex>,
    /// For each aggregate, what was true since when; the last is what is true now.
    states: Vec<Vec<State>>,
    /// How often all its masses were added up.
    balances: u64,
}

/// What an aggregate was from some instant on.
struct State {
    truth: Truth,
    /// That instant, in the own time of each member.
    since: Vec<Instant>,
}

impl Watch {
    pub(crate) fn new(aggregates: Vec<Name>, epochs: &[String]) -> Self {
        let in_epochs = |name: &&Name| epochs.iter().any(|epoch| epoch == name.as_str());
        let epochs = aggregates.iter().filter(in_epochs).cloned().collect();
        Self { aggregates, epochs, groups: BTreeMap::new(), enclosures: 0, balances: 0 }
    }

    /// Takes down who is with whom, and what is true there. To be called right after every change
    /// of an input: what was true in between is never known otherwise.
    pub(crate) fn observe(&mut self, net: &VirtualNetwork) {
        let mut closed = closed_groups(net);
        self.groups.retain(|digest, _| closed.contains_key(digest));
        for (digest, group) in &mut self.groups {
            group.members = closed.remove(digest).unwrap_or_default();
        }
        for (digest, members) in closed {
            let states = self.aggregates.iter().map(|_| Vec::new()).collect();
            self.groups.insert(digest, Group { members, states, balances: 0 });
        }
        for group in self.groups.values_mut() {
            for (aggregate, states) in self.aggregates.iter().zip(&mut group.states) {
                let inputs = group.members.iter().filter_map(|&node| net.input(node, aggregate));
                let truth = Truth::of(inputs);
                if states.last().is_none_or(|last| last.truth != truth) {
                    let since = group.members.iter().map(|&node| net.local_now(node)).collect();
                    states.push(State { truth, since });
                }
                if states.len() > MOST_STATES {
                    states.remove(0);
                }
            }
        }
    }

    /// Looks at what must hold at all times: that enclosures contain the truth, and that masses
    /// add up to the inputs.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub(crate) fn check(&mut self, net: &VirtualNetwork) -> Result<(), Violation> {
        self.observe(net);
        let Self { aggregates, epochs, groups, enclosures, balances } = self;
        for group in groups.values_mut() {
            for (at, aggregate) in aggregates.iter().enumerate() {
                *enclosures += group.enclosures(net, aggregate, &group.states[at])?;
            }
            if group.add_up(net, aggregates, epochs)? {
                *balances += 1;
            }
        }
        Ok(())
    }

    /// Looks at what must have come to hold in the end: that all agree on who is there, and that
    /// what they say is true.
    ///
    /// # Errors
    /// The first thing that does not hold yet.
    pub(crate) fn settled(&self, net: &VirtualNetwork, tolerance: f64) -> Result<(), Violation> {
        let running = net.running().count();
        // Those of one closed group hold exactly each other: no need to compare one by one.
        if !closed_groups(net).values().any(|members| members.len() == running) {
            rosters(&views(net))?;
        }
        for aggregate in &self.aggregates {
            let truth = truth(net, aggregate);
            // What nobody reports is forgotten, and nothing need be known of it.
            if truth.count > 0 {
                aggregates(aggregate, &truth, &said(net, aggregate), tolerance)?;
            }
        }
        Ok(())
    }

    /// Returns whether the masses of all running nodes were added up this many times since their
    /// memberships agreed; in a large cluster they cannot be.
    ///
    /// # Errors
    /// What keeps them from being added up.
    pub(crate) fn added_up(&self, net: &VirtualNetwork, times: u64) -> Result<(), Violation> {
        let running = net.running().count();
        if self.aggregates.is_empty() || running == 0 || running > MOST_TO_ADD_UP {
            return Ok(());
        }
        let whole = self.groups.values().find(|group| group.members.len() == running);
        if whole.is_some_and(|group| group.balances >= times) {
            return Ok(());
        }
        let reported =
            |aggregate: &&Name| !self.epochs.contains(aggregate) && truth(net, aggregate).count > 0;
        for aggregate in self.aggregates.iter().filter(reported) {
            let books = books(net, aggregate);
            if let Err(what) = quiet(&books) {
                return Err(Violation::NeverQuiet { aggregate: aggregate.clone(), what });
            }
            conservation(aggregate, &truth(net, aggregate), &books)?;
        }
        let what = "it was quiet too seldom".to_owned();
        match self.aggregates.iter().find(reported) {
            Some(aggregate) => Err(Violation::NeverQuiet { aggregate: aggregate.clone(), what }),
            None => Ok(()),
        }
    }
}

impl Group {
    /// Checks that every enclosure contains what was true at one instant at least of the time that
    /// it speaks of (`docs/enclosure.md`). Returns how many could be looked at.
    fn enclosures(
        &self,
        net: &VirtualNetwork,
        aggregate: &Name,
        states: &[State],
    ) -> Result<u64, Violation> {
        let mut seen = 0;
        if states.last().is_none_or(|state| state.truth.count == 0) {
            return Ok(0);
        }
        for (at, &node) in self.members.iter().enumerate() {
            let now = net.local_now(node);
            let reading =
                net.node(node).and_then(|running| running.aggregates().get(now, aggregate));
            let certified = reading.as_ref().and_then(|reading| reading.certified);
            let Some(certified) = certified else { continue };
            let from = now - certified.age;
            // From before the group came together: who was there then is not known.
            if states[0].since[at] > from {
                continue;
            }
            let first = states.iter().rposition(|state| state.since[at] <= from).unwrap_or(0);
            let said = [Said { node, now, reading }];
            let mut verdict = Ok(0);
            for state in &states[first..] {
                verdict = enclosures(aggregate, &state.truth, &said, |_| Some(Instant::ZERO));
                if verdict.is_ok() {
                    break;
                }
            }
            seen += verdict?;
        }
        Ok(seen)
    }

    /// Adds up all masses, if nothing is under way; returns whether they could be.
    fn add_up(
        &mut self,
        net: &VirtualNetwork,
        aggregates: &[Name],
        epochs: &[Name],
    ) -> Result<bool, Violation> {
        if self.members.len() > MOST_TO_ADD_UP {
            return Ok(false);
        }
        let mut any = false;
        let live = |(name, _): &(&Name, _)| !epochs.contains(name);
        for (aggregate, states) in aggregates.iter().zip(&self.states).filter(live) {
            let Some(truth) = states.last().map(|state| &state.truth) else { continue };
            // What nobody reports is forgotten.
            if truth.count == 0 {
                continue;
            }
            any = true;
            let mut books: Vec<Book> = Vec::with_capacity(self.members.len());
            books.extend(self.members.iter().filter_map(|&node| book(net, node, aggregate)));
            if quiet(&books).is_err() {
                return Ok(false);
            }
            match conservation(aggregate, truth, &books) {
                Ok(()) => {}
                // Once the two sides of all links agree, they agree for ever.
                Err(violation) if self.balances > 0 => return Err(violation),
                Err(_) => return Ok(false),
            }
        }
        self.balances += u64::from(any);
        Ok(any)
    }
}

/// Returns the groups of nodes that hold exactly each other for members, by their rosters' digests.
fn closed_groups(net: &VirtualNetwork) -> BTreeMap<u64, Vec<NodeIndex>> {
    let mut groups: BTreeMap<u64, Vec<NodeIndex>> = BTreeMap::new();
    for (index, node) in net.running() {
        groups.entry(node.roster().digest()).or_default().push(index);
    }
    groups.retain(|_, members| {
        let nodes = || members.iter().filter_map(|&index| net.node(index));
        let mut ids: Vec<NodeId> = nodes().map(|node| node.roster().id()).collect();
        ids.sort_unstable();
        nodes().next().is_some_and(|node| node.roster().ids() == ids)
    });
    groups
}

/// Returns what the aggregate is, from the inputs that running nodes were given.
pub(crate) fn truth(net: &VirtualNetwork, aggregate: &Name) -> Truth {
    Truth::of(net.running().filter_map(|(index, _)| net.input(index, aggregate)))
}
