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
//! [`ledger`] has the arithmetic, [`window`] the enclosure and its proof, [`links`] the peers,
//! [`schedule`] when a node exchanges with which of them, [`epoch`] the mode of that name, [`reading`]
//! the result. This file is the protocol between them.

mod anchors;
pub(crate) mod bounds;
pub(crate) mod component;
pub(crate) mod contribution;
pub(crate) mod disagreement;
pub(crate) mod enclosed;
pub(crate) mod epoch;
pub(crate) mod estimate;
mod exchange;
pub(crate) mod input;
pub(crate) mod ledger;
pub(crate) mod links;
pub(crate) mod local;
pub(crate) mod mass;
pub(crate) mod masses;
pub(crate) mod messages;
mod pace;
mod ranks;
pub(crate) mod reading;
mod resting;
mod schedule;
pub(crate) mod settings;
pub(crate) mod view;
pub(crate) mod window;

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;

use crate::aggregate::anchors::Anchors;
use crate::aggregate::component::Component;
use crate::aggregate::epoch::{Epochs, NewInput};
use crate::aggregate::input::{InputError, MAX_AGGREGATES, Mode};
use crate::aggregate::ledger::Ledger;
use crate::aggregate::links::Links;
use crate::aggregate::local::Aggregate;
use crate::aggregate::pace::{Budget, Gaps};
use crate::aggregate::resting::Resting;
use crate::aggregate::view::View;
use crate::config::Config;
use crate::identity::{Identity, Name, NodeId};
use crate::protocol::{Context, Protocol};
use crate::time::Instant;

/// The number of departed members that are remembered. The component of one that was forgotten would
/// be carried on needlessly, but harmlessly.
const REMEMBERED: usize = 1 << 14;

/// Ledgered symmetric push-sum as a [`Protocol`].
pub(crate) struct Aggregation {
    /// In mode epoch.
    epochs: Option<Epochs>,
    /// The identity under which this node takes part.
    me: Option<NodeId>,
    view: View,
    links: Links,
    anchors: Anchors,
    aggregates: BTreeMap<Name, Aggregate>,
    /// The books of aggregates that this node has forgotten.
    resting: Resting,
    /// Members that are gone, whose components must not come back.
    departed: BTreeSet<NodeId>,
    gaps: Gaps,
    budget: Budget,
    /// When the last exchange of a pair was started here.
    last_exchange: Option<Instant>,
    /// Whether a change waits for its broadcast, and when that may begin.
    change_to_broadcast: bool,
    next_broadcast: Instant,
    /// With a periodic schedule: when the next exchange is due.
    next_period: Instant,
    /// When to look for more links, if there are too few.
    tend_links: Option<Instant>,
}

impl Aggregation {
    pub(crate) fn new(now: Instant, mode: Mode, config: &Config) -> Self {
        let gaps = Gaps::new(config);
        Self {
            epochs: (mode == Mode::Epoch).then(|| Epochs::new(now)),
            me: None,
            view: View::default(),
            links: Links::default(),
            anchors: Anchors::new(now, gaps),
            aggregates: BTreeMap::new(),
            resting: Resting::default(),
            departed: BTreeSet::new(),
            gaps,
            budget: Budget::default(),
            last_exchange: None,
            change_to_broadcast: false,
            next_broadcast: now,
            next_period: now,
            tend_links: None,
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        if self.epochs.is_some() { Mode::Epoch } else { Mode::Live }
    }

    pub(crate) fn contains(&self, name: &Name) -> bool {
        self.names().any(|known| known == name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        let latched = self.epochs.iter().flat_map(Epochs::names);
        self.aggregates.keys().chain(latched).collect::<BTreeSet<_>>().into_iter()
    }

    /// Returns this node's input that is in effect.
    pub(crate) fn input(&self, name: &Name) -> Option<f64> {
        match &self.epochs {
            None => self.aggregates.get(name).and_then(|aggregate| aggregate.input),
            Some(epochs) => epochs.input(name),
        }
    }

    pub(crate) fn inputs(&self) -> impl Iterator<Item = (&Name, f64)> {
        self.names().filter_map(|name| Some((name, self.input(name)?)))
    }

    /// Returns the latest input, also one that is kept back.
    pub(crate) fn latest(&self, name: &Name) -> Option<f64> {
        match &self.epochs {
            None => self.input(name),
            Some(epochs) => epochs.latest(name),
        }
    }

    /// Returns whether a change of this node's input to the aggregate is kept back.
    pub(crate) fn is_pending(&self, name: &Name) -> bool {
        self.epochs.as_ref().is_some_and(|epochs| epochs.is_pending(name))
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
        if !self.contains(name) && self.names().count() >= MAX_AGGREGATES {
            return Err(InputError::TooMany { name: name.clone() });
        }
        if self.latest(name) != Some(value) {
            self.change_input(cx, name, Some((value, mass)));
        }
        Ok(())
    }

    pub(crate) fn unset_input(
        &mut self,
        cx: &mut Context<'_>,
        name: &Name,
    ) -> Result<(), InputError> {
        if self.latest(name).is_none() {
            return Err(InputError::NoInput { name: name.clone() });
        }
        self.change_input(cx, name, None);
        Ok(())
    }

    fn change_input(&mut self, cx: &mut Context<'_>, name: &Name, input: NewInput) {
        self.refresh(cx);
        if let Some(epochs) = &mut self.epochs {
            epochs.set(cx.now(), name, input, self.gaps.shortest);
        } else {
            self.aggregate(cx, name, None).set_input(cx.now(), input);
            self.owe(cx, &Some(name.clone()));
        }
        self.run(cx);
    }

    /// Returns an aggregate, which begins if it is not known here. What `pusher` has sent last is not
    /// answered yet; what other peers have pushed so far was answered without this aggregate.
    fn aggregate(
        &mut self,
        cx: &Context<'_>,
        name: &Name,
        pusher: Option<NodeId>,
    ) -> &mut Aggregate {
        let Self { links, resting, view, epochs, gaps, .. } = self;
        let fresh = || {
            let mut ledger = resting.take(name);
            for (peer, link) in
                links.iter().filter(|(peer, link)| Some(*peer) != pusher && link.received > 0)
            {
                ledger.pass_over(peer, link.received);
            }
            let mut aggregate = Aggregate::new(cx.now(), ledger, *gaps);
            begin(cx, view, epochs.as_ref(), &mut aggregate);
            aggregate
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
            certifiable: roster.len() <= self.most_enclosed(cx.config()),
            changed: Some(cx.now()),
        };
        self.tend_links = Some(cx.now());
        if self.has_anchors() {
            self.elect(cx);
        }
        self.bar_epoch(cx);
        for aggregate in self.aggregates.values_mut() {
            begin(cx, &self.view, self.epochs.as_ref(), aggregate);
            aggregate.pace.news(cx.now(), self.gaps);
        }
    }

    /// Elects the anchors: this node's own component begins or ends with its office.
    fn elect(&mut self, cx: &Context<'_>) {
        self.anchors.elected = cx.roster().oldest().collect();
        let elected = self.anchors.elected.contains(&cx.id());
        let own = cx.id().0;
        let input = if elected { mass::ONE } else { mass::ZERO };
        if self.anchors.ledger.input(own) != input {
            self.anchors.ledger.set_inputs(&[(own, input)]);
            self.owe(cx, &None);
        }
        // The component of an anchor that was deposed before it had a link is nowhere else.
        let settled = |c: Component| c != own || elected || self.links.iter().next().is_some();
        self.anchors.ledger.retain(|c| settled(c) && !self.departed.contains(&NodeId(c)));
        self.anchors.pace.news(cx.now(), self.gaps);
    }

    /// Returns the number of members that windows can cover: in an epoch there are two sets of members
    /// in each message.
    pub(crate) fn most_enclosed(&self, config: &Config) -> usize {
        if self.has_anchors() { config.most_enclosed() } else { config.most_enclosed() / 2 }
    }

    /// Undoes a link, with all mass that moved over it.
    fn unlink(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        let linked = self.links.remove(peer);
        cx.stats().unlinked += u64::from(linked);
        self.anchors.ledger.forget(peer);
        self.anchors.owed.remove(&peer);
        for aggregate in self.aggregates.values_mut() {
            aggregate.ledger.forget(peer);
            aggregate.owed.remove(&peer);
            aggregate.quiet = 0;
        }
        self.resting.unlink(peer);
        if linked {
            let names: Vec<Name> = self.aggregates.keys().cloned().collect();
            names.into_iter().map(Some).for_each(|group| self.owe(cx, &group));
            if self.has_anchors() {
                self.owe(cx, &None);
            }
        }
    }

    /// Undoes all exchanges.
    fn reset(&mut self) {
        self.anchors.ledger = Ledger::default();
        self.resting.clear();
        self.view = View::default();
        for aggregate in self.aggregates.values_mut() {
            aggregate.ledger.forget_all();
            aggregate.quiet = 0;
        }
    }
}

/// Opens the first window of an aggregate in this membership.
fn begin(cx: &Context<'_>, view: &View, epochs: Option<&Epochs>, aggregate: &mut Aggregate) {
    let barred = epochs.is_some_and(|epochs| epochs.barred);
    aggregate.held = epochs.is_some_and(|epochs| epochs.held);
    aggregate.restart_window(cx.now(), view, cx.roster(), epochs.is_some() && !barred);
    if barred {
        aggregate.bar();
    }
}

impl Protocol for Aggregation {
    fn name(&self) -> &str {
        match self.mode() {
            Mode::Live => "aggregate.live",
            Mode::Epoch => "aggregate.epoch",
        }
    }

    fn start(&mut self, cx: &mut Context<'_>) {
        let share = cx.rng().random_range(0.0..1.0);
        self.next_period = cx.now() + cx.config().interval.mul_f64(share);
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        self.refresh(cx);
        self.repeat(cx);
        self.run(cx);
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        if self.message(cx, from, message).is_err() {
            cx.stats().dropped_malformed += 1;
        }
    }

    fn peer_joined(&mut self, cx: &mut Context<'_>, _: &Identity) {
        cx.wake_at(cx.now());
    }

    fn peer_expired(&mut self, cx: &mut Context<'_>, peer: &Identity) {
        self.departed.insert(peer.id());
        if self.departed.len() > REMEMBERED {
            self.departed.pop_first();
        }
        if let Some(epochs) = &mut self.epochs {
            epochs.numbering.forget(peer.id());
        }
        self.unlink(cx, peer.id());
        cx.wake_at(cx.now());
    }

    fn renewed(&mut self, cx: &mut Context<'_>) {
        self.departed.extend(self.me);
        self.links.clear();
        self.reset();
        self.refresh(cx);
        self.run(cx);
    }
}
