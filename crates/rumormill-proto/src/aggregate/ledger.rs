//! The ledger: the amounts that a node and its peers took from each other, and the mass that follows.
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
//! so mass is always derived. A cumulative that arrives twice, late or out of order changes nothing;
//! rollback means that a peer's two terms are removed. Summed over the nodes, every `out` cancels its
//! `inn`, and Σ input is left.

use std::collections::BTreeMap;

use crate::aggregate::component::{Component, PARTICIPATION, SQUARE, VALUE};
use crate::aggregate::mass::{self, Mass, Steps, Wide};
use crate::aggregate::masses::Masses;
use crate::identity::NodeId;
use crate::sabotage::{Rule, broken};

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) low: Wide,
    pub(crate) high: Wide,
}

impl Span {
    fn at(value: Wide) -> Self {
        Self { low: value, high: value }
    }

    fn include(&mut self, value: Wide) {
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    fn include_shifted(&mut self, other: Self, by: Wide) {
        self.include(other.low + by);
        self.include(other.high + by);
    }
}

/// The record of a window: the ranges of three sums over a node's masses, which are conserved as the
/// masses are: participation, and the first and second power of the distance from `centre`.
#[derive(Clone, Debug)]
struct Record {
    centre: f64,
    held: [Wide; 3],
    /// All values since [`Ledger::restart_record`]; amounts that peers had taken already count as gone.
    span: [Span; 3],
    /// All values since then, or since the earliest push that is still in flight, if that is later.
    flight: [Span; 3],
}

impl Record {
    /// Returns the three sums of the masses of the components.
    fn measure(centre: f64, held: impl Fn(Component) -> Mass) -> [Wide; 3] {
        let masses = [PARTICIPATION, VALUE, SQUARE].map(held);
        let [deviation, squared] = mass::about(centre, masses);
        [mass::wide(masses[0]), deviation, squared]
    }

    fn new(centre: f64, held: [Wide; 3]) -> Self {
        let spans = held.map(Span::at);
        Self { centre, held, span: spans, flight: spans }
    }

    fn note(&mut self, held: [Wide; 3]) {
        self.held = held;
        for (n, held) in held.into_iter().enumerate() {
            self.span[n].include(held);
            self.flight[n].include(held);
        }
    }
}

/// One component at this node.
#[derive(Clone, Debug)]
struct Account {
    component: Component,
    input: Mass,
    mass: Mass,
}

/// The two cumulatives of one component and one peer.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    component: Component,
    out: Mass,
    inn: Mass,
}

/// The books that are kept with one peer.
#[derive(Clone, Debug, Default)]
struct Book {
    flows: Vec<Flow>,
    /// The peer's latest push that was answered.
    answered: u64,
    /// The latest push that this node sent with these components.
    pushed: u64,
    /// The divisor of the part of a difference that the peer takes for that push.
    divisor: u32,
    /// The latest reply that came.
    settled: u64,
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
        self.pushed != self.settled
    }
}

/// The outcome of a push.
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
    /// Since the first window; anchors have none.
    record: Option<Record>,
}

impl Ledger {
    fn find(&self, component: Component) -> Result<usize, usize> {
        self.accounts.binary_search_by_key(&component, |account| account.component)
    }

    fn account(&mut self, component: Component) -> &mut Account {
        let at = self.find(component).unwrap_or_else(|at| {
            let account = Account { component, input: mass::ZERO, mass: mass::ZERO };
            self.accounts.insert(at, account);
            at
        });
        &mut self.accounts[at]
    }

    /// Returns this node's mass of a component; zero if it has none.
    pub(crate) fn mass(&self, component: Component) -> Mass {
        self.find(component).map_or(mass::ZERO, |at| self.accounts[at].mass)
    }

    /// Returns this node's input to a component.
    pub(crate) fn input(&self, component: Component) -> Mass {
        self.find(component).map_or(mass::ZERO, |at| self.accounts[at].input)
    }

    /// Returns the ranges of participation, and of the first and second power of the distance from the
    /// centre, since [`Ledger::restart_record`].
    pub(crate) fn recorded(&self) -> [Span; 3] {
        self.record.as_ref().map_or([Span::at(Wide::default()); 3], |record| record.span)
    }

    /// Returns the components with their masses.
    pub(crate) fn masses(&self) -> Masses {
        self.accounts.iter().map(|account| (account.component, account.mass)).collect()
    }

    /// Changes the inputs to these components; their masses follow.
    pub(crate) fn set_inputs(&mut self, inputs: &[(Component, Mass)]) {
        for &(component, input) in inputs {
            let account = self.account(component);
            account.mass += input - account.input;
            account.input = input;
        }
        self.note();
    }

    /// Records changed masses, only after all have changed: states between belong to no instant.
    fn note(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        record.note(Record::measure(record.centre, |component| self.mass(component)));
        self.record = Some(record);
    }

    /// Notes that a push was sent to the peer, which takes one part in `divisor` of a difference.
    pub(crate) fn pushed(&mut self, peer: NodeId, seq: u64, divisor: u32) {
        let others = self.books.values().any(Book::in_flight);
        if let Some(record) = self.record.as_mut().filter(|_| !others) {
            record.flight = record.held.map(Span::at);
        }
        let book = self.books.entry(peer).or_default();
        (book.pushed, book.divisor) = (seq, divisor);
    }

    /// Returns the divisor of the latest push to the peer.
    pub(crate) fn divisor(&self, peer: NodeId) -> u32 {
        self.books.get(&peer).map_or(2, |book| book.divisor.max(2))
    }

    /// Returns the part of this node's differences to its peers that they may have taken already,
    /// without its knowing.
    pub(crate) fn share_in_flight(&self) -> f64 {
        let in_flight = self.books.values().filter(|book| book.in_flight());
        in_flight.map(|book| 1.0 / f64::from(book.divisor.max(2))).sum()
    }

    /// Returns the number of pushes in flight of which the peer takes half of the difference.
    pub(crate) fn halves_in_flight(&self) -> usize {
        self.books.values().filter(|book| book.in_flight() && book.divisor <= 2).count()
    }

    /// Returns whether a push to the peer awaits its reply.
    pub(crate) fn in_flight_to(&self, peer: NodeId) -> bool {
        self.books.get(&peer).is_some_and(Book::in_flight)
    }

    /// Returns whether the peer's reply to the push `seq` is still to come.
    pub(crate) fn awaits(&self, peer: NodeId, seq: u64) -> bool {
        self.books.get(&peer).is_some_and(|book| book.pushed == seq && book.in_flight())
    }

    /// Returns the peers whose replies are still to come.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = NodeId> {
        let allowed = !broken(Rule::AllowForFlight);
        self.books
            .iter()
            .filter(move |(_, book)| allowed && book.in_flight())
            .map(|(peer, _)| *peer)
    }

    /// Answers a push of the peer: takes one part in `divisor` of the difference to its snapshot, in
    /// these steps. Without steps, takes nothing.
    pub(crate) fn answer(
        &mut self,
        peer: NodeId,
        seq: u64,
        snapshot: &Masses,
        steps: Option<Steps>,
        divisor: u32,
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
            let difference = theirs.map_or(mass::ZERO, |theirs| theirs.1) - account.mass;
            let share = |steps: Steps| steps.share(account.component, difference, divisor);
            let taken = steps.map_or(mass::ZERO, share);
            book.flow(account.component).out += taken;
            account.mass += taken;
        }
        self.note();
        Answer::Fresh
    }

    /// Returns the amounts that this node ever took from the peer: the answer to its latest push.
    pub(crate) fn taken(&self, peer: NodeId) -> Masses {
        let flows = self.books.get(&peer).map_or(&[][..], |book| &book.flows[..]);
        flows.iter().map(|flow| (flow.component, flow.out)).collect()
    }

    /// Returns what was taken from the peer, if that answered its push `seq`.
    pub(crate) fn taken_at(&self, peer: NodeId, seq: u64) -> Masses {
        let answered = self.books.get(&peer).is_some_and(|book| book.answered == seq);
        if answered { self.taken(peer) } else { Masses::new() }
    }

    /// Records that the peer's pushes up to `seq` were answered without these components: a late copy of
    /// one must not move mass, since the peer no longer awaits its reply.
    pub(crate) fn pass_over(&mut self, peer: NodeId, seq: u64) {
        let book = self.books.entry(peer).or_default();
        book.answered = book.answered.max(seq);
    }

    /// Books the peer's answer to the push `seq`: the amounts that it ever took. Returns false if the
    /// answer is not awaited.
    pub(crate) fn settle(&mut self, peer: NodeId, seq: u64, taken: &Masses) -> bool {
        if !self.awaits(peer, seq) {
            return false;
        }
        for &(component, _) in taken {
            self.account(component);
        }
        let Some(book) = self.books.get_mut(&peer) else { return false };
        book.settled = seq;
        for &(component, _) in taken {
            book.flow(component);
        }
        let mut moved = Vec::with_capacity(book.flows.len());
        for flow in &mut book.flows {
            // A peer without these components has taken nothing that would have to be booked.
            if taken.is_empty() {
                break;
            }
            // It lists all amounts that it ever took, so an amount that is not listed is zero.
            let named = taken.iter().find(|(component, _)| *component == flow.component);
            let cumulative = named.map_or(mass::ZERO, |named| named.1);
            moved.push((flow.component, cumulative - flow.inn));
            flow.inn = cumulative;
        }
        let others = self.books.values().any(Book::in_flight);
        if let Some(record) = &mut self.record {
            let of = |component| moved.iter().find(|(c, _)| *c == component);
            let gone =
                Record::measure(record.centre, |c| of(c).map_or(mass::ZERO, |moved| moved.1));
            // The peer took this at some time since the push: the masses since then may have been
            // lower by it.
            for (n, gone) in gone.into_iter().enumerate() {
                let flight = record.flight[n];
                if !broken(Rule::AllowForFlight) {
                    record.span[n].include_shifted(flight, -gone);
                }
                if others {
                    record.flight[n].include_shifted(flight, -gone);
                }
            }
        }
        for (component, moved) in moved {
            self.account(component).mass -= moved;
        }
        self.note();
        true
    }

    /// Forgets a peer: what it took comes back, and what was taken from it goes.
    pub(crate) fn forget(&mut self, peer: NodeId) {
        let Some(book) = self.books.remove(&peer) else { return };
        if broken(Rule::Rollback) {
            return;
        }
        for flow in book.flows {
            self.account(flow.component).mass += flow.inn - flow.out;
        }
        self.note();
    }

    /// Forgets all peers.
    pub(crate) fn forget_all(&mut self) {
        self.books.clear();
        for account in &mut self.accounts {
            account.mass = account.input;
        }
        self.note();
    }

    /// Drops components that `keep` refuses.
    pub(crate) fn retain(&mut self, keep: impl Fn(Component) -> bool) {
        self.accounts.retain(|account| keep(account.component));
        for book in self.books.values_mut() {
            book.flows.retain(|flow| keep(flow.component));
        }
    }

    /// Restarts the record, with the present masses and distances from `centre`.
    ///
    /// If a push is in flight, the peer may have taken its share already, which only its reply shows.
    /// `settle` then widens the new spans, too, by the masses from now on less that share; earlier
    /// masses don't concern the new record.
    pub(crate) fn restart_record(&mut self, centre: f64) {
        let held = Record::measure(centre, |component| self.mass(component));
        self.record = Some(Record::new(centre, held));
    }

    /// Ends the recording: nothing needs to be known of the masses from now on.
    pub(crate) fn end_record(&mut self) {
        self.record = None;
    }

    /// Returns whether any mass has moved, or may have, between this node and a peer that it has a link with.
    pub(crate) fn has_flows(&self) -> bool {
        let moved = |flow: &Flow| !flow.out.is_zero() || !flow.inn.is_zero();
        self.books.values().any(|book| book.in_flight() || book.flows.iter().any(moved))
    }

    /// Returns Σ out and Σ inn of a component: what was taken from peers, and what they took.
    pub(crate) fn totals(&self, component: Component) -> (Mass, Mass) {
        let mut totals = (mass::ZERO, mass::ZERO);
        for book in self.books.values() {
            for flow in book.flows.iter().filter(|flow| flow.component == component) {
                totals.0 += flow.out;
                totals.1 += flow.inn;
            }
        }
        totals
    }

    /// Returns what this node took from the peer, less what the peer took.
    pub(crate) fn net(&self, peer: NodeId, component: Component) -> Mass {
        let flows = self.books.get(&peer).map_or(&[][..], |book| &book.flows[..]);
        let flow = flows.iter().find(|flow| flow.component == component);
        flow.map_or(mass::ZERO, |flow| flow.out - flow.inn)
    }
}

#[cfg(test)]
mod tests;
