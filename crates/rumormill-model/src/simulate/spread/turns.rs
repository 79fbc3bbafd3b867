//! The nodes of one run and their turns, contact after contact: what the reference engine plays to
//! the end, and a follower round by round.

use std::ops::ControlFlow;

use rumormill_proto::{Counted, Decided, Stop};

use crate::graph::topology::Topology;
use crate::simulate::observer::Watch;
use crate::simulate::spread::contacts::{Contact, Contacts};
use crate::simulate::spread::run::Run;
use crate::simulate::spread::start::Start;
use crate::simulate::stream::{Draws, Purpose, Stream, unit};
use crate::spread::{Semantics, Spread};

/// Sees what happens in a run, as it happens.
pub(crate) trait Witness {
    /// A node has called, and this came of it.
    fn call(&mut self, node: u32, contact: Contact, outcome: Outcome);

    /// A node has lost interest.
    fn loses_interest(&mut self, node: u32);
}

/// Nobody looks: what the engine is compiled with.
impl Witness for () {
    #[inline]
    fn call(&mut self, _: u32, _: Contact, _: Outcome) {}

    #[inline]
    fn loses_interest(&mut self, _: u32) {}
}

/// What came of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// The caller asks for the rumor, rather than passing it on.
    pub(crate) pulls: bool,
    /// A push has arrived at a living node, or a pull has got the rumor.
    pub(crate) answers: bool,
    /// The rumor is new to the node that got it.
    pub(crate) informs: bool,
}

/// A round, and the random numbers that its turns use.
struct Drawn {
    round: u32,
    contacts: Stream,
    coins: Stream,
}

/// The nodes of one run.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    spread: Spread,
    topology: Topology,
    seed: u64,
    run: u64,
    pub(crate) start: Start,
    is_informed: Vec<bool>,
    /// Which nodes were informed when the round began: what synchronous nodes see.
    before: Vec<bool>,
    informed: u64,
    /// Which nodes still push.
    pub(crate) interested: Vec<bool>,
    pushers: u64,
    /// Contacts that counted towards losing interest.
    counted: Vec<u32>,
    contacts: Contacts,
    made: Vec<Contact>,
    /// Nodes that answered in this synchronous round, whether that was useful, and a coin.
    answers: Vec<(usize, bool, u64)>,
    /// The side of a cut that each node is on. Empty if the network is whole.
    sides: Vec<bool>,
}

impl Nodes {
    pub(crate) fn new(spread: &Spread, topology: &Topology, seed: u64, run: u64) -> Self {
        let n = topology.nodes() as usize;
        let mut nodes = Self {
            spread: spread.clone(),
            topology: topology.clone(),
            seed,
            run,
            start: Start::new(spread, topology, seed, run),
            is_informed: vec![false; n],
            before: vec![false; n],
            informed: 0,
            interested: vec![false; n],
            pushers: 0,
            counted: vec![0; n],
            contacts: Contacts::new(spread),
            made: Vec::new(),
            answers: Vec::new(),
            sides: Vec::new(),
        };
        for origin in nodes.start.origins.clone() {
            nodes.inform(origin as usize);
        }
        nodes.before.copy_from_slice(&nodes.is_informed);
        nodes
    }

    /// Plays the run to its end.
    pub(crate) fn play(&mut self, record: &mut Run, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let n = self.topology.nodes();
        self.begin(record);
        while !self.over(record) {
            let messages = self.round(record, &mut ());
            watch.worked(n + messages, record.rounds, self.informed)?;
        }
        ControlFlow::Continue(())
    }

    /// Begins the record of the run.
    pub(crate) fn begin(&self, record: &mut Run) {
        record.start(self.informed, self.spread.goal());
    }

    /// Plays the next round, with a witness to each contact. Returns the messages of the round.
    pub(crate) fn round(&mut self, record: &mut Run, witness: &mut impl Witness) -> u64 {
        let n = self.topology.nodes();
        let round = record.rounds + 1;
        let messages = match self.spread.semantics {
            Semantics::Synchronous => self.in_order(round, 0..n as u32, witness),
            Semantics::Sequential => {
                let mut order: Vec<u32> = (0..n as u32).collect();
                self.order(round).shuffle(&mut order);
                self.in_order(round, order.into_iter(), witness)
            }
            Semantics::Asynchronous => self.by_clocks(round, witness),
        };
        self.weigh_answers(witness);
        self.before.copy_from_slice(&self.is_informed);
        record.round(self.informed, messages);
        messages
    }

    /// Returns whether the run has ended, before its next round.
    pub(crate) fn over(&self, record: &Run) -> bool {
        let next = record.rounds + 1;
        if next > self.spread.last_round() {
            return true;
        }
        match self.spread.stop {
            Some(Stop::Rounds(_) | Stop::Log(_)) => false,
            None => record.finished.is_some() || !self.can_go_on(next),
            Some(Stop::Interest { .. }) => {
                if self.spread.answers_while_interested() {
                    return self.pushers == 0;
                }
                let pushes = self.pushers > 0 && self.spread.pushes_in(next);
                let pulls = self.spread.pulls() && self.can_go_on(next);
                !pushes && !pulls
            }
        }
    }

    /// Returns whether any call from this round on could inform a node.
    fn can_go_on(&self, next: u32) -> bool {
        let alive = self.spread.alive();
        if self.spread.loss >= 1.0 || self.informed == alive {
            return false;
        }
        let Topology::Graph(csr) = &self.topology else { return true };
        let (pushes, pulls) = (self.spread.pushes_in(next), self.spread.pulls());
        (0..csr.nodes() as u32).filter(|&v| self.start.lives(v)).any(|v| {
            let is_informed = self.is_informed[v as usize];
            let other =
                |&w: &u32| self.start.lives(w) && self.is_informed[w as usize] != is_informed;
            (if is_informed { pushes } else { pulls }) && csr.neighbours(v).iter().any(other)
        })
    }

    /// Plays a round in which each node has one turn. Returns the contacts made.
    fn in_order(
        &mut self,
        round: u32,
        order: impl Iterator<Item = u32>,
        witness: &mut impl Witness,
    ) -> u64 {
        let drawn = self.drawn(round);
        order.map(|node| self.turn(&drawn, node, node.into(), witness)).sum()
    }

    /// Plays a unit of time in which the living nodes' clocks ring.
    fn by_clocks(&mut self, round: u32, witness: &mut impl Witness) -> u64 {
        let drawn = self.drawn(round);
        let n = self.topology.nodes();
        let mut draws = self.order(round);
        let (mut time, mut turn, mut messages) = (0.0, 0, 0);
        loop {
            // All clocks together ring n times as often; those of the dead ring unheard.
            time += draws.exponential() / n as f64;
            if time >= 1.0 {
                return messages;
            }
            let node = draws.below(n) as u32;
            messages += self.turn(&drawn, node, turn, witness);
            turn += 1;
        }
    }

    /// Plays a node's turn, the number-th of the round: it calls, or does not. Returns the contacts
    /// it made.
    fn turn(&mut self, drawn: &Drawn, node: u32, number: u64, witness: &mut impl Witness) -> u64 {
        if self.spread.answers_while_interested() {
            return self.pull(drawn, node, number, witness);
        }
        let Drawn { round, contacts, coins } = *drawn;
        let v = node as usize;
        let synchronous = self.spread.semantics == Semantics::Synchronous;
        let was_informed = if synchronous { self.before[v] } else { self.is_informed[v] };
        let calls = if was_informed {
            self.spread.pushes_in(round) && self.interested[v]
        } else {
            self.spread.pulls_in(round)
        };
        if !calls || !self.start.lives(node) {
            return 0;
        }
        let mut made = std::mem::take(&mut self.made);
        self.contacts.draw(&self.topology, node.into(), number, contacts, &mut made);
        for (j, contact) in made.iter().enumerate() {
            let contact = &self.through(node, *contact);
            let w = contact.target as usize;
            let reaches = contact.arrives && self.start.lives(w as u32);
            let partner_was = if synchronous { self.before[w] } else { self.is_informed[w] };
            if was_informed {
                let informs = reaches && !partner_was && self.inform(w);
                witness.call(node, *contact, Outcome { pulls: false, answers: reaches, informs });
                let coin = coins.at(number * self.contacts.fanout + j as u64);
                self.feedback(v, reaches.then_some(partner_was), coin, witness);
            } else {
                let answers = reaches && partner_was;
                let informs = answers && self.inform(v);
                witness.call(node, *contact, Outcome { pulls: true, answers, informs });
            }
        }
        self.made = made;
        self.made.len() as u64
    }

    /// Plays a node's turn where interest is in answering. Returns the answers it got.
    fn pull(&mut self, drawn: &Drawn, node: u32, number: u64, witness: &mut impl Witness) -> u64 {
        let Drawn { contacts, coins, .. } = *drawn;
        if !self.start.lives(node) {
            return 0;
        }
        let v = node as usize;
        let synchronous = self.spread.semantics == Semantics::Synchronous;
        let (mut answered, mut made) = (0, std::mem::take(&mut self.made));
        self.contacts.draw(&self.topology, node.into(), number, contacts, &mut made);
        for (j, contact) in made.iter().enumerate() {
            let contact = &self.through(node, *contact);
            let w = contact.target as usize;
            // Interest comes with the rumor and goes at a synchronous round's end.
            let is_informed = if synchronous { &self.before } else { &self.is_informed };
            if !contact.arrives || !is_informed[w] || !self.interested[w] {
                witness.call(node, *contact, Outcome { pulls: true, ..Outcome::default() });
                continue;
            }
            answered += 1;
            let useful = !is_informed[v];
            let informs = self.inform(v);
            witness.call(node, *contact, Outcome { pulls: true, answers: true, informs });
            let coin = coins.at(number * self.contacts.fanout + j as u64);
            if synchronous {
                self.answers.push((w, useful, coin));
            } else {
                self.feedback(w, Some(!useful), coin, witness);
            }
        }
        self.made = made;
        answered
    }

    /// Returns the feedback of all answers of a synchronous round.
    fn weigh_answers(&mut self, witness: &mut impl Witness) {
        let Some(Stop::Interest { decided, .. }) = self.spread.stop else { return };
        let mut answers = std::mem::take(&mut self.answers);
        answers.sort_unstable_by_key(|&(source, useful, _)| (source, !useful));
        if decided == Decided::Counter {
            answers.dedup_by_key(|&mut (source, ..)| source);
        }
        for (source, useful, coin) in answers.drain(..) {
            self.feedback(source, Some(!useful), coin, witness);
        }
        self.answers = answers;
    }

    /// Returns what of a contact the network lets through.
    #[inline]
    fn through(&self, node: u32, contact: Contact) -> Contact {
        let apart = !self.sides.is_empty()
            && self.sides[node as usize] != self.sides[contact.target as usize];
        Contact { arrives: contact.arrives && !apart, ..contact }
    }

    /// Cuts the network in two, or heals it with no sides at all.
    pub(crate) fn cut(&mut self, sides: Vec<bool>) {
        self.sides = sides;
    }

    /// Goes on with another probability that a contact is lost.
    pub(crate) fn set_loss(&mut self, loss: f64) {
        self.spread.loss = loss;
        self.contacts = Contacts::new(&self.spread);
    }

    /// Goes on with the random numbers of another seed.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Lets a node die.
    pub(crate) fn kill(&mut self, node: u32) {
        self.start.dead.resize(self.topology.nodes() as usize, false);
        self.start.dead[node as usize] = true;
    }

    /// Informs a node between two rounds. Returns whether the rumor is new to it.
    pub(crate) fn tell(&mut self, node: u32) -> bool {
        self.before[node as usize] = true;
        self.inform(node as usize)
    }

    /// Informs a node. Returns whether the rumor is new to it.
    #[inline]
    fn inform(&mut self, v: usize) -> bool {
        if self.is_informed[v] {
            return false;
        }
        self.is_informed[v] = true;
        self.informed += 1;
        let loses = self.spread.loses_interest();
        if !loses || self.has_a_partner(v as u32) {
            self.interested[v] = true;
            self.pushers += 1;
        }
        true
    }

    /// Returns whether the node has a living partner: without any, feedback would never come.
    fn has_a_partner(&self, node: u32) -> bool {
        match &self.topology {
            Topology::Complete(_) => self.spread.include_self || self.spread.alive() > 1,
            Topology::Graph(csr) => {
                self.spread.include_self
                    || csr.neighbours(node).iter().any(|&w| self.start.lives(w))
            }
        }
    }

    /// Applies a contact to the interest of the node that made it: `was_informed` is whether the
    /// partner was informed, if it answered.
    fn feedback(
        &mut self,
        v: usize,
        was_informed: Option<bool>,
        coin: u64,
        witness: &mut impl Witness,
    ) {
        let Some(Stop::Interest { counted, decided, k }) = self.spread.stop else { return };
        let useful = was_informed == Some(false);
        let counts = match counted {
            Counted::Feedback => was_informed == Some(true),
            Counted::Blind => true,
        };
        let loses = match decided {
            Decided::Coin => counts && unit(coin) * f64::from(k) < 1.0,
            Decided::Counter => {
                if useful && self.spread.reset {
                    self.counted[v] = 0;
                } else if counts {
                    self.counted[v] += 1;
                }
                self.counted[v] >= k
            }
        };
        if loses && self.interested[v] {
            self.interested[v] = false;
            self.pushers -= 1;
            witness.loses_interest(v as u32);
        }
    }

    /// Returns a round's random numbers.
    fn drawn(&self, round: u32) -> Drawn {
        let coins = Stream::new(self.seed, Purpose::Interest).child(self.run).child(round.into());
        Drawn { round, contacts: Contacts::round(self.seed, self.run, round), coins }
    }

    fn order(&self, round: u32) -> Draws {
        Stream::new(self.seed, Purpose::Order).child(self.run).child(round.into()).draws()
    }
}
