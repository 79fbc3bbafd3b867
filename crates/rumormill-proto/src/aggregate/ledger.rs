//! The ledger: who took how much from whom, and the mass that follows from it.
//!
//! Symmetric push-sum (Blasa, Cafiero, Fortino, Di Fatta 2011) moves half of the mass to and fro;
//! here only half of the *difference* moves, and it is booked. For every linked peer there are two
//! cumulatives, each with a single writer: `out`, all that this node ever took from the peer when
//! the peer pushed, and `inn`, all that the peer says it ever took from this node. At any time
//!
//! ```text
//! mass = input + Σ over peers (out − inn)
//! ```
//!
//! so mass is never a second truth. A cumulative that arrives twice, late or out of order says
//! nothing new; a peer that is forgotten takes its two terms with it, and that is all of rollback.
//! Summed over the nodes, every `out` meets its `inn`, and what is left is Σ input.

use std::collections::BTreeMap;

use crate::identity::NodeId;
use crate::sabotage::{Rule, broken};

/// The name of one component of mass within its ledger.
pub(crate) type Component = u64;

/// Component and mass.
pub(crate) type Masses = Vec<(Component, i128)>;

/// A range of masses; empty as `None` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: i128,
    pub(crate) high: i128,
}

impl Span {
    fn at(mass: i128) -> Self {
        Self { low: mass, high: mass }
    }

    fn include(&mut self, mass: i128) {
        self.low = self.low.min(mass);
        self.high = self.high.max(mass);
    }

    fn include_shifted(&mut self, other: Span, by: i128) {
        self.include(other.low.wrapping_add(by));
        self.include(other.high.wrapping_add(by));
    }
}

/// One component at this node.
#[derive(Clone, Debug)]
struct Account {
    component: Component,
    input: i128,
    mass: i128,
    /// All values that this component may have had since [`Ledger::restart_spans`], counting what
    /// peers had taken already as gone.
    span: Span,
    /// All values of the mass since the earliest push that is still in flight.
    flight: Span,
}

/// The two cumulatives of one component and one peer.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    component: Component,
    out: i128,
    inn: i128,
}

/// The books that are kept with one peer.
#[derive(Clone, Debug, Default)]
struct Book {
    flows: Vec<Flow>,
    /// The peer's latest push that was answered.
    answered: u32,
    /// The latest push that this node sent with these components.
    asked: u32,
    /// The latest reply that came.
    settled: u32,
}

impl Book {
    fn flow(&mut self, component: Component) -> &mut Flow {
        let at = self.flows.binary_search_by_key(&component, |flow| flow.component);
        let at = at.unwrap_or_else(|at| {
            self.flows.insert(at, Flow { component, ..Flow::default() });
            at
        });
        &mut self.flows[at]
    }

    fn in_flight(&self) -> bool {
        self.asked != self.settled
    }
}

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is new: mass has moved.
    Fresh,
    /// It was answered before; the answer is the same.
    Repeated,
    /// It is older than one that was answered; it gets no answer.
    Stale,
}

/// A group of components that are exchanged together, with the books kept on them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// Sorted by component.
    accounts: Vec<Account>,
    books: BTreeMap<NodeId, Book>,
}

impl Ledger {
    fn find(&self, component: Component) -> Result<usize, usize> {
        self.accounts.binary_search_by_key(&component, |account| account.component)
    }

    fn account(&mut self, component: Component) -> &mut Account {
        let at = self.find(component).unwrap_or_else(|at| {
            let zero = Span::at(0);
            let account = Account { component, input: 0, mass: 0, span: zero, flight: zero };
            self.accounts.insert(at, account);
            at
        });
        &mut self.accounts[at]
    }

    /// This node's mass of a component; zero if it never met it.
    pub(crate) fn mass(&self, component: Component) -> i128 {
        self.find(component).map_or(0, |at| self.accounts[at].mass)
    }

    /// This node's input to a component.
    pub(crate) fn input(&self, component: Component) -> i128 {
        self.find(component).map_or(0, |at| self.accounts[at].input)
    }

    /// The values that the component may have had since [`Ledger::restart_spans`].
    pub(crate) fn span(&self, component: Component) -> Span {
        self.find(component).map_or(Span::at(0), |at| self.accounts[at].span)
    }

    /// The components known here, with their masses.
    pub(crate) fn masses(&self) -> Masses {
        self.accounts.iter().map(|account| (account.component, account.mass)).collect()
    }

    /// The input changes; the mass follows.
    pub(crate) fn set_input(&mut self, component: Component, input: i128) {
        let account = self.account(component);
        let change = input.wrapping_sub(account.input);
        account.input = input;
        account.shift(change);
    }

    /// A push with these components is on its way to the peer.
    pub(crate) fn ask(&mut self, peer: NodeId, seq: u32) {
        if !self.books.values().any(Book::in_flight) {
            for account in &mut self.accounts {
                account.flight = Span::at(account.mass);
            }
        }
        self.books.entry(peer).or_default().asked = seq;
    }

    /// Whether the peer's reply to the push `seq` is still to come.
    pub(crate) fn awaits(&self, peer: NodeId, seq: u32) -> bool {
        self.books.get(&peer).is_some_and(|book| book.asked == seq && book.in_flight())
    }

    /// The peers whose replies are still to come.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = NodeId> {
        let allowed = !broken(Rule::AllowForFlight);
        self.books
            .iter()
            .filter(move |(_, book)| allowed && book.in_flight())
            .map(|(peer, _)| *peer)
    }

    /// A push came from the peer: take half of the difference, towards its snapshot. With
    /// `decline`, take nothing.
    pub(crate) fn answer(
        &mut self,
        peer: NodeId,
        seq: u32,
        snapshot: &Masses,
        decline: bool,
    ) -> Answer {
        let book = self.books.entry(peer).or_default();
        if seq < book.answered {
            return Answer::Stale;
        }
        if seq == book.answered && !broken(Rule::AnswerOnce) {
            return Answer::Repeated;
        }
        book.answered = seq;
        for &(component, _) in snapshot {
            self.account(component);
        }
        let Some(book) = self.books.get_mut(&peer) else { return Answer::Stale };
        for account in &mut self.accounts {
            let theirs = snapshot.iter().find(|(component, _)| *component == account.component);
            let difference = theirs.map_or(0, |theirs| theirs.1).wrapping_sub(account.mass);
            // The shift rounds towards minus infinity.
            let taken = if decline { 0 } else { difference >> 1 };
            let flow = book.flow(account.component);
            flow.out = flow.out.wrapping_add(taken);
            account.shift(taken);
        }
        Answer::Fresh
    }

    /// All that this node ever took from the peer: the answer to its latest push.
    pub(crate) fn taken(&self, peer: NodeId) -> Masses {
        let flows = self.books.get(&peer).map_or(&[][..], |book| &book.flows[..]);
        flows.iter().map(|flow| (flow.component, flow.out)).collect()
    }

    /// The peer's answer to the push `seq`: all that it ever took. False if it says nothing new.
    pub(crate) fn settle(&mut self, peer: NodeId, seq: u32, taken: &Masses) -> bool {
        if !self.awaits(peer, seq) {
            return false;
        }
        for &(component, _) in taken {
            self.account(component);
        }
        let Some(book) = self.books.get_mut(&peer) else { return false };
        book.settled = seq;
        let mut moved = Vec::with_capacity(taken.len());
        for &(component, cumulative) in taken {
            let flow = book.flow(component);
            moved.push((component, cumulative.wrapping_sub(flow.inn)));
            flow.inn = cumulative;
        }
        let others = self.books.values().any(Book::in_flight);
        for (component, moved) in moved {
            let account = self.account(component);
            // The peer took this at some time since the push: what this node held since then, it
            // may have held without it.
            let flight = account.flight;
            if !broken(Rule::AllowForFlight) {
                account.span.include_shifted(flight, moved.wrapping_neg());
            }
            if others {
                account.flight.include_shifted(flight, moved.wrapping_neg());
            }
            account.shift(moved.wrapping_neg());
        }
        true
    }

    /// The peer is gone: what it took comes back, and what was taken from it goes.
    pub(crate) fn forget(&mut self, peer: NodeId) {
        let Some(book) = self.books.remove(&peer) else { return };
        if broken(Rule::Rollback) {
            return;
        }
        for flow in book.flows {
            self.account(flow.component).shift(flow.inn.wrapping_sub(flow.out));
        }
    }

    /// Forgets all peers.
    pub(crate) fn forget_all(&mut self) {
        self.books.clear();
        for account in &mut self.accounts {
            account.shift(account.input.wrapping_sub(account.mass));
        }
    }

    /// Drops components that no longer mean anything.
    pub(crate) fn retain(&mut self, keep: impl Fn(Component) -> bool) {
        self.accounts.retain(|account| keep(account.component));
        for book in self.books.values_mut() {
            book.flows.retain(|flow| keep(flow.component));
        }
    }

    /// Spans begin anew, at the present masses.
    pub(crate) fn restart_spans(&mut self) {
        for account in &mut self.accounts {
            account.span = Span::at(account.mass);
        }
        // A push is in flight: the peer may have taken its share already, which only its reply
        // will tell. Until then `settle` widens the new span, too.
    }

    /// Σ out and Σ inn of a component: what was taken from peers, and what they took.
    pub(crate) fn totals(&self, component: Component) -> (i128, i128) {
        let mut totals = (0i128, 0i128);
        for book in self.books.values() {
            for flow in book.flows.iter().filter(|flow| flow.component == component) {
                totals.0 = totals.0.wrapping_add(flow.out);
                totals.1 = totals.1.wrapping_add(flow.inn);
            }
        }
        totals
    }

    /// What this node took from the peer, less what the peer took.
    pub(crate) fn net(&self, peer: NodeId, component: Component) -> i128 {
        let flows = self.books.get(&peer).map_or(&[][..], |book| &book.flows[..]);
        let flow = flows.iter().find(|flow| flow.component == component);
        flow.map_or(0, |flow| flow.out.wrapping_sub(flow.inn))
    }
}

impl Account {
    /// The mass changes.
    fn shift(&mut self, by: i128) {
        self.mass = self.mass.wrapping_add(by);
        self.span.include(self.mass);
        self.flight.include(self.mass);
    }
}

#[cfg(test)]
mod tests;
