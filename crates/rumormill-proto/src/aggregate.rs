//! Aggregates: sums without a coordinator, by ledgered symmetric push-sum.
//!
//! Every node holds *mass* of each component: its input at first, and the mean of all inputs once
//! it has exchanged enough. An aggregate has a value component (the inputs) and a participation
//! component (1 where the aggregate is reported), and one for the inputs' squares. Three *anchors*,
//! the oldest members, each hold 1 of a component of their own, whose mean is 1/N; the median of
//! the inverses is the number of nodes. Sum = mean value × N, average = value / participation,
//! count = participation × N: with A = 5 and B = 10 both nodes end with value 7.5 and anchor 0.5,
//! which is 15.
//!
//! [`ledger`] has the arithmetic, [`window`] the enclosure and its proof, [`links`] the choice of
//! peers, [`reading`] the result. This file is the protocol between them.

pub(crate) mod bounds;
pub(crate) mod component;
pub(crate) mod contribution;
pub(crate) mod disagreement;
pub(crate) mod enclosed;
pub(crate) mod estimate;
mod exchange;
pub(crate) mod input;
pub(crate) mod ledger;
pub(crate) mod links;
pub(crate) mod local;
pub(crate) mod mass;
pub(crate) mod masses;
pub(crate) mod messages;
pub(crate) mod reading;
mod resting;
pub(crate) mod settings;
pub(crate) mod view;
pub(crate) mod window;

use std::collections::{BTreeMap, BTreeSet};

use crate::aggregate::component::Component;
use crate::aggregate::disagreement::Disagreement;
use crate::aggregate::input::{InputError, MAX_AGGREGATES, Mode};
use crate::aggregate::ledger::Ledger;
use crate::aggregate::links::Links;
use crate::aggregate::local::Aggregate;
use crate::aggregate::mass::Mass;
use crate::aggregate::messages::Message;
use crate::aggregate::reading::Reading;
use crate::aggregate::resting::Resting;
use crate::aggregate::view::View;
use crate::config::Config;
use crate::identity::{Identity, Name, NodeId};
use crate::notice::Notice;
use crate::protocol::{Context, Protocol};
use crate::rounds::RoundProtocol;
use crate::time::Duration;

/// The number of departed members that are remembered. The component of one that was forgotten would
/// be carried on needlessly, but harmlessly.
const REMEMBERED: usize = 1 << 14;

/// Ledgered symmetric push-sum as a [`Protocol`].
pub(crate) struct Aggregation {
    mode: Mode,
    period: Duration,
    round_length: u32,
    /// The identity under which this node takes part.
    me: Option<NodeId>,
    view: View,
    links: Links,
    anchors: Ledger,
    anchor_disagreement: Disagreement,
    /// Whether the last exchange of anchors' masses changed nothing.
    anchors_quiet: bool,
    aggregates: BTreeMap<Name, Aggregate>,
    /// The books of aggregates that this node has forgotten.
    resting: Resting,
    /// Mode epoch: the inputs for the epochs to come.
    inputs: BTreeMap<Name, (f64, Mass)>,
    /// Mode epoch: the readings at the end of the last epoch.
    finished: BTreeMap<Name, Reading>,
    /// Members that are gone, whose components must not come back.
    departed: BTreeSet<NodeId>,
}

impl Aggregation {
    pub(crate) fn new(mode: Mode, config: &Config) -> Self {
        Self {
            mode,
            period: config.interval,
            round_length: config.aggregates.round_length,
            me: None,
            view: View::default(),
            links: Links::default(),
            anchors: Ledger::default(),
            anchor_disagreement: Disagreement::default(),
            anchors_quiet: false,
            aggregates: BTreeMap::new(),
            resting: Resting::default(),
            inputs: BTreeMap::new(),
            finished: BTreeMap::new(),
            departed: BTreeSet::new(),
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn contains(&self, name: &Name) -> bool {
        self.aggregates.contains_key(name)
            || self.inputs.contains_key(name)
            || self.finished.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        let all = self.aggregates.keys().chain(self.inputs.keys()).chain(self.finished.keys());
        all.collect::<BTreeSet<_>>().into_iter()
    }

    pub(crate) fn input(&self, name: &Name) -> Option<f64> {
        match self.mode {
            Mode::Live => self.aggregates.get(name).and_then(|aggregate| aggregate.input),
            Mode::Epoch => self.inputs.get(name).map(|input| input.0),
        }
    }

    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&Name, f64)> {
        self.names().filter_map(|name| Some((name, self.input(name)?)))
    }

    pub(crate) fn set_input(
        &mut self,
        cx: &mut Context<'_>,
        name: &Name,
        value: f64,
    ) -> Result<(), InputError> {
        let mass = mass::of_input(name, value)?;
        // Zero has no sign here.
        let value = value + 0.0;
        if !self.contains(name) && self.aggregates.len().max(self.inputs.len()) >= MAX_AGGREGATES {
            return Err(InputError::TooMany { name: name.clone() });
        }
        match self.mode {
            Mode::Live => {
                self.refresh(cx);
                self.aggregate(cx, name, None).set_input(cx.now(), Some((value, mass)));
            }
            Mode::Epoch => {
                self.inputs.insert(name.clone(), (value, mass));
            }
        }
        Ok(())
    }

    pub(crate) fn unset_input(
        &mut self,
        cx: &mut Context<'_>,
        name: &Name,
    ) -> Result<(), InputError> {
        let nothing = || InputError::NoInput { name: name.clone() };
        match self.mode {
            Mode::Live => {
                let aggregate =
                    self.aggregates.get_mut(name).filter(|aggregate| aggregate.input.is_some());
                aggregate.ok_or_else(nothing)?.set_input(cx.now(), None);
            }
            Mode::Epoch => {
                self.inputs.remove(name).ok_or_else(nothing)?;
            }
        }
        Ok(())
    }

    /// Returns an aggregate, which begins if it is not known here. What `pusher` has sent last is not
    /// answered yet; what other peers have pushed so far was answered without this aggregate.
    fn aggregate(
        &mut self,
        cx: &Context<'_>,
        name: &Name,
        pusher: Option<NodeId>,
    ) -> &mut Aggregate {
        let (links, resting) = (&self.links, &mut self.resting);
        let fresh = || {
            let mut ledger = resting.take(name);
            for (peer, link) in
                links.iter().filter(|(peer, link)| Some(*peer) != pusher && link.received > 0)
            {
                ledger.pass_over(peer, link.received);
            }
            Aggregate::new(cx.now(), &self.view, cx.roster(), ledger)
        };
        self.aggregates.entry(name.clone()).or_insert_with(fresh)
    }

    /// Forgets an aggregate. What was exchanged of it stays in the books.
    fn forget(&mut self, name: &Name) {
        if let Some(aggregate) = self.aggregates.remove(name) {
            self.resting.put(name.clone(), aggregate.ledger);
        }
    }

    /// Follows the membership: elects the anchors, and restarts the windows.
    fn refresh(&mut self, cx: &Context<'_>) {
        let roster = cx.roster();
        if self.view.digest == roster.digest() && self.me == Some(roster.id()) {
            return;
        }
        self.me = Some(roster.id());
        self.view = View {
            digest: roster.digest(),
            anchors: roster.oldest().collect(),
            certifiable: roster.len() <= cx.config().most_enclosed(),
            changed: Some(cx.now()),
        };
        let elected = self.view.anchors.contains(&roster.id());
        let own = roster.id().0;
        if elected {
            self.anchors.set_inputs(&[(own, mass::ONE)]);
        } else if !self.anchors.input(own).is_zero() {
            self.anchors.set_inputs(&[(own, mass::ZERO)]);
        }
        // The component of an anchor that was deposed before it had a link is nowhere else.
        let settled = |c: Component| c != own || elected || self.links.iter().next().is_some();
        self.anchors.retain(|c| settled(c) && !self.departed.contains(&NodeId(c)));
        for aggregate in self.aggregates.values_mut() {
            aggregate.restart_window(cx.now(), &self.view, roster);
        }
    }

    /// Undoes a link, with all mass that moved over it.
    fn unlink(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        if self.links.remove(peer) {
            cx.stats().unlinked += 1;
        }
        self.anchors.forget(peer);
        for aggregate in self.aggregates.values_mut() {
            aggregate.ledger.forget(peer);
            aggregate.quiet = 0;
        }
        self.resting.unlink(peer);
    }

    /// Undoes all exchanges.
    fn reset(&mut self) {
        self.anchors = Ledger::default();
        self.resting.clear();
        self.view = View::default();
        for aggregate in self.aggregates.values_mut() {
            aggregate.ledger.forget_all();
            aggregate.quiet = 0;
        }
    }
}

impl Protocol for Aggregation {
    fn name(&self) -> &str {
        match self.mode {
            Mode::Live => "aggregate.live",
            Mode::Epoch => "aggregate.epoch",
        }
    }

    fn period(&self) -> Option<Duration> {
        Some(self.period)
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.refresh(cx);
        for aggregate in self.aggregates.values_mut() {
            aggregate.advance(cx);
        }
        self.forget_spent();
        let core = &mut *cx.core;
        self.links.fill(&core.roster, &core.config, &mut core.rng);
        // A node without an aggregate has nothing to push. But it opens links, over which it receives
        // the others' aggregates.
        let pushing = !self.aggregates.is_empty();
        if let Some(peer) = self.links.next(pushing, cx.rng()) {
            self.turn_to(cx, peer);
            self.alarm(cx);
        }
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        for peer in self.links.due(cx.now()) {
            cx.stats().retransmissions += 1;
            match self.links.get(peer) {
                Some(link) if link.linked => {
                    let seq = link.seq;
                    self.push(cx, peer, seq);
                }
                _ => self.send(cx, peer, &Message::Open),
            }
            self.links.sent(cx.now(), peer, self.period);
        }
        self.alarm(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        let Ok(message) = Message::read(message) else {
            cx.stats().dropped_malformed += 1;
            return;
        };
        self.refresh(cx);
        match message {
            Message::Open => {
                let room = self.links.has_room(cx.roster(), cx.config());
                if room || self.links.get(from).is_some() {
                    self.links.establish(from);
                    self.send(cx, from, &Message::Accept);
                } else {
                    self.send(cx, from, &Message::Refuse);
                }
            }
            Message::Accept => {
                // The link was opened because it was the peer's turn, so the push follows at once.
                if self.links.get(from).is_some() && self.links.establish(from) {
                    self.turn_to(cx, from);
                    self.alarm(cx);
                }
            }
            Message::Refuse => {
                if self.links.get(from).is_some_and(|link| !link.linked) {
                    self.links.remove(from);
                }
            }
            Message::Stale { seq } => {
                // Two ends that do not agree on the number of the latest push: the next one is
                // later than both.
                if self.links.catch_up(from, seq) {
                    self.turn_to(cx, from);
                    self.alarm(cx);
                }
            }
            Message::Push { seq, view, sections } => {
                self.receive_push(cx, from, seq, view, &sections);
            }
            Message::Reply { seq, view, sections } => {
                self.receive_reply(cx, from, seq, view, &sections);
            }
        }
    }

    fn peer_expired(&mut self, cx: &mut Context<'_>, peer: &Identity) {
        self.departed.insert(peer.id());
        if self.departed.len() > REMEMBERED {
            self.departed.pop_first();
        }
        self.unlink(cx, peer.id());
    }

    fn renewed(&mut self, cx: &mut Context<'_>) {
        self.departed.extend(self.me);
        self.links.clear();
        self.reset();
        self.refresh(cx);
    }
}

impl RoundProtocol for Aggregation {
    fn round_length(&self) -> u32 {
        self.round_length
    }

    fn round_started(&mut self, cx: &mut Context<'_>, _round: u64, newcomer: bool) {
        self.aggregates.clear();
        self.links.restart();
        self.reset();
        self.refresh(cx);
        if !newcomer {
            for (name, input) in self.inputs.clone() {
                self.aggregate(cx, &name, None).set_input(cx.now(), Some(input));
            }
        }
    }

    fn round_finished(&mut self, cx: &mut Context<'_>, round: u64, participants: usize) {
        let names: Vec<_> = self.aggregates.keys().cloned().collect();
        let read = |name: Name| {
            let mut reading = self.estimate(cx.now(), &name, cx.core)?;
            reading.epoch = Some(round);
            Some((name, reading))
        };
        self.finished = names.into_iter().filter_map(read).collect();
        cx.notify(Notice::EpochFinished { epoch: round, participants });
    }
}
