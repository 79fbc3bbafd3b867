//! Sums that nobody owns: ledgered symmetric push-sum.
//!
//! Every node holds *mass* of each component: its input at first, and the mean of all inputs once
//! it has exchanged enough. A figure has a value component (the inputs) and a participation
//! component (1 where the figure is reported), and one for the inputs' squares. Three *anchors*,
//! the oldest members, each hold 1 of a component of their own, whose mean is 1/N; the median of
//! the inverses is the number of nodes. Sum = mean value × N, average = value / participation,
//! count = participation × N: with A = 5 and B = 10 both nodes end with value 7.5 and anchor 0.5,
//! which is 15.
//!
//! [`ledger`] has the arithmetic, [`window`] the enclosure and its proof, [`links`] the choice of
//! peers, [`reading`] what is made of it all. This file is the protocol between them.

pub(crate) mod bounds;
pub(crate) mod component;
pub(crate) mod contribution;
pub(crate) mod disagreement;
pub(crate) mod enclosed;
pub(crate) mod estimate;
pub(crate) mod input;
pub(crate) mod ledger;
pub(crate) mod links;
pub(crate) mod mass;
pub(crate) mod masses;
pub(crate) mod messages;
pub(crate) mod metric;
pub(crate) mod reading;
pub(crate) mod settings;
pub(crate) mod view;
pub(crate) mod window;

use std::collections::{BTreeMap, BTreeSet};

use crate::aggregate::component::{Component, PARTICIPATION, VALUE};
use crate::aggregate::disagreement::Disagreement;
use crate::aggregate::input::{InputError, MAX_AGGREGATES, Mode};
use crate::aggregate::ledger::{Answer, Ledger};
use crate::aggregate::links::{Links, Order};
use crate::aggregate::mass::{Mass, Steps};
use crate::aggregate::masses::{Masses, mass_of, of_one_aggregate};
use crate::aggregate::messages::{Message, Section, write_sections};
use crate::aggregate::metric::{Metric, is_dust};
use crate::aggregate::reading::Reading;
use crate::aggregate::settings::Overlap;
use crate::aggregate::view::{OVERHEAD, View};
use crate::aggregate::window::{Progress, Window};
use crate::config::Config;
use crate::identity::{Identity, Name, NodeId};
use crate::notice::Notice;
use crate::protocol::{Context, Protocol};
use crate::rounds::RoundProtocol;
use crate::time::Duration;

/// How many departed members are remembered. A component of one that was forgotten would be carried
/// on for nothing, but does no harm.
const REMEMBERED: usize = 1 << 14;

/// Ledgered symmetric push-sum as a [`Protocol`].
pub(crate) struct Aggregation {
    mode: Mode,
    period: Duration,
    round_length: u32,
    /// The identity that the anchors' books are kept under.
    me: Option<NodeId>,
    view: View,
    links: Links,
    anchors: Ledger,
    anchor_disagreement: Disagreement,
    /// The last exchange of anchors' masses brought nothing new.
    anchors_quiet: bool,
    metrics: BTreeMap<Name, Metric>,
    /// Round mode: the inputs for the rounds to come.
    inputs: BTreeMap<Name, (f64, Mass)>,
    /// Round mode: what the last round ended with.
    finished: BTreeMap<Name, Reading>,
    /// Anchors that are gone; nobody's component comes back.
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
            metrics: BTreeMap::new(),
            inputs: BTreeMap::new(),
            finished: BTreeMap::new(),
            departed: BTreeSet::new(),
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn knows(&self, name: &Name) -> bool {
        self.metrics.contains_key(name)
            || self.inputs.contains_key(name)
            || self.finished.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        let all = self.metrics.keys().chain(self.inputs.keys()).chain(self.finished.keys());
        all.collect::<BTreeSet<_>>().into_iter()
    }

    pub(crate) fn input(&self, name: &Name) -> Option<f64> {
        match self.mode {
            Mode::Live => self.metrics.get(name).and_then(|metric| metric.input),
            Mode::Round => self.inputs.get(name).map(|input| input.0),
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
        if !self.knows(name) && self.metrics.len().max(self.inputs.len()) >= MAX_AGGREGATES {
            return Err(InputError::TooMany { name: name.clone() });
        }
        match self.mode {
            Mode::Live => {
                self.refresh(cx);
                self.metric(cx, name).set_input(cx.now(), Some((value, mass)));
            }
            Mode::Round => {
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
                let metric = self.metrics.get_mut(name).filter(|metric| metric.input.is_some());
                metric.ok_or_else(nothing)?.set_input(cx.now(), None);
            }
            Mode::Round => {
                self.inputs.remove(name).ok_or_else(nothing)?;
            }
        }
        Ok(())
    }

    fn metric(&mut self, cx: &Context<'_>, name: &Name) -> &mut Metric {
        let fresh = || Metric::new(cx.now(), &self.view, cx.roster());
        self.metrics.entry(name.clone()).or_insert_with(fresh)
    }

    /// Follows the membership: who the anchors are, and from where windows must start afresh.
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
        // Nobody has met the component of an anchor that was deposed before it had a link.
        let settled = |c: Component| c != own || elected || self.links.iter().next().is_some();
        self.anchors.retain(|c| settled(c) && !self.departed.contains(&NodeId(c)));
        for metric in self.metrics.values_mut() {
            metric.restart_window(cx.now(), &self.view, roster);
        }
    }

    /// A link is undone, with all that moved over it.
    fn unlink(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        if self.links.remove(peer) {
            cx.stats().unlinked += 1;
        }
        self.anchors.forget(peer);
        for metric in self.metrics.values_mut() {
            metric.ledger.forget(peer);
            metric.quiet = 0;
        }
    }

    /// Undoes all that was ever exchanged.
    fn reset(&mut self) {
        self.anchors = Ledger::default();
        self.view = View::default();
        for metric in self.metrics.values_mut() {
            metric.ledger.forget_all();
            metric.quiet = 0;
        }
    }

    fn send(&self, cx: &mut Context<'_>, to: NodeId, message: &Message) {
        let mut bytes = Vec::new();
        message.write(&mut bytes);
        cx.send(to, &bytes);
    }

    fn send_sections(
        &self,
        cx: &mut Context<'_>,
        to: NodeId,
        reply: bool,
        seq: u64,
        sections: &[Section],
    ) {
        let limit = cx.config().max_datagram - OVERHEAD;
        for message in write_sections(reply, seq, self.view.digest, sections, limit) {
            cx.send(to, &message);
        }
    }

    fn alarm(&self, cx: &mut Context<'_>) {
        if let Some(due) = self.links.next_due() {
            cx.wake_at(due);
        }
    }

    /// Turns to a peer: opens the link, or pushes.
    fn turn_to(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        match self.links.begin(peer) {
            None => self.send(cx, peer, &Message::Open),
            Some(seq) => {
                self.anchors.ask(peer, seq);
                for metric in self.metrics.values_mut() {
                    metric.ledger.ask(peer, seq);
                }
                self.push(cx, peer, seq);
            }
        }
        self.links.sent(cx.now(), peer, self.period);
    }

    /// Sends what the peer has not answered yet of the push `seq`, with the masses of now: what a
    /// reply books is what the peer took, whichever snapshot it saw.
    fn push(&self, cx: &mut Context<'_>, peer: NodeId, seq: u64) {
        let mut sections = Vec::with_capacity(1 + self.metrics.len());
        if self.anchors.awaits(peer, seq) {
            sections.push(self.section(None, self.anchors.masses()));
        }
        for (name, metric) in &self.metrics {
            if metric.ledger.awaits(peer, seq) {
                sections.push(self.section(Some(name), metric.ledger.masses()));
            }
        }
        self.send_sections(cx, peer, false, seq, &sections);
    }

    fn section(&self, name: Option<&Name>, masses: Masses) -> Section {
        let metric = name.and_then(|name| self.metrics.get(name));
        let window = metric.and_then(|metric| metric.window.as_ref()).map(Window::part);
        Section { metric: name.cloned(), masses, window }
    }

    fn receive_push(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        seq: u64,
        view: u64,
        sections: &[Section],
    ) {
        // A peer that pushes has the link. This node may have none, if it had given up opening it
        // when the peer accepted after all; nothing has moved between them then.
        self.links.establish(from);
        match self.links.hear(from, seq) {
            Order::Latest => {}
            Order::Older(seq) => return self.send(cx, from, &Message::Stale { seq }),
            Order::TooFar => {
                cx.stats().refused_jumps += 1;
                return;
            }
        }
        let decline =
            cx.config().aggregates.overlap == Overlap::Decline && self.links.has_outstanding();
        let tolerance = cx.config().aggregates.tolerance;
        let mut replies = Vec::with_capacity(sections.len());
        let (mut fresh, mut repeated) = (false, false);
        for section in sections {
            let answer = match &section.metric {
                None => {
                    let masses = self.without_departed(&section.masses);
                    Some(self.answer_anchors(from, seq, &masses, decline, tolerance))
                }
                Some(name) => self.answer_metric(cx, from, seq, name, section, decline),
            };
            match answer {
                Some(Answer::Stale) => continue,
                Some(Answer::Fresh) => fresh = true,
                Some(Answer::Repeated) => repeated = true,
                None => {}
            }
            let masses = match &section.metric {
                None => self.anchors.taken(from),
                Some(name) => {
                    self.meet_window(cx, name, view, section);
                    let metric = self.metrics.get(name);
                    metric.map_or(vec![], |metric| metric.ledger.taken(from))
                }
            };
            replies.push(self.section(section.metric.as_ref(), masses));
        }
        if replies.is_empty() {
            return;
        }
        let stats = cx.stats();
        stats.answered += u64::from(fresh);
        stats.answered_again += u64::from(repeated);
        stats.busy += u64::from(fresh && decline);
        self.send_sections(cx, from, true, seq, &replies);
        self.forget_spent();
    }

    fn answer_anchors(
        &mut self,
        from: NodeId,
        seq: u64,
        masses: &Masses,
        decline: bool,
        tolerance: f64,
    ) -> Answer {
        let theirs = |id: &NodeId| mass_of(masses, id.0);
        let differences: Vec<_> = (self.view.anchors.iter())
            .map(|id| (*id, theirs(id) - self.anchors.mass(id.0)))
            .collect();
        let steps = (!decline).then_some(Steps::COARSE);
        let answer = self.anchors.answer(from, seq, masses, steps);
        if answer == Answer::Fresh {
            self.met_anchors(&differences, tolerance);
        }
        answer
    }

    /// An exchange has met a peer whose anchor masses differ by so much.
    fn met_anchors(&mut self, differences: &[(NodeId, Mass)], tolerance: f64) {
        self.anchors_quiet = true;
        for (id, difference) in differences {
            let mass = mass::to_f64(self.anchors.mass(id.0));
            let relative = if mass > 0.0 { mass::to_f64(*difference) / mass } else { 1.0 };
            self.anchor_disagreement.meet(relative);
            self.anchors_quiet &= relative.abs() <= tolerance;
        }
    }

    fn without_departed(&self, masses: &Masses) -> Masses {
        masses.iter().filter(|(c, _)| !self.departed.contains(&NodeId(*c))).copied().collect()
    }

    /// `None` if this node does not take the figure up.
    fn answer_metric(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        seq: u64,
        name: &Name,
        section: &Section,
        decline: bool,
    ) -> Option<Answer> {
        let full = self.metrics.len() >= MAX_AGGREGATES;
        if !self.metrics.contains_key(name) && (full || is_dust(&section.masses)) {
            return None;
        }
        let (tolerance, members) = (cx.config().aggregates.tolerance, cx.roster().len());
        let anchors_quiet = self.anchors_quiet;
        let metric = self.metric(cx, name);
        let masses = of_one_aggregate(&section.masses);
        let difference = |component| mass_of(&masses, component) - metric.ledger.mass(component);
        let (value, participation) = (difference(VALUE), difference(PARTICIPATION));
        let steps = (!decline).then(|| metric.steps(members));
        let answer = metric.ledger.answer(from, seq, &masses, steps);
        if answer == Answer::Fresh {
            metric.met(value, participation, anchors_quiet, tolerance);
        }
        Some(answer)
    }

    fn receive_reply(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        seq: u64,
        view: u64,
        sections: &[Section],
    ) {
        let tolerance = cx.config().aggregates.tolerance;
        for section in sections {
            match &section.metric {
                None => {
                    let taken = self.without_departed(&section.masses);
                    let before = self.anchor_masses();
                    if self.anchors.settle(from, seq, &taken) {
                        // The peer took half of the difference.
                        let moved = |(id, mass): &(NodeId, Mass)| {
                            (*id, (self.anchors.mass(id.0) - *mass) << 1u32)
                        };
                        let differences: Vec<_> = before.iter().map(moved).collect();
                        self.met_anchors(&differences, tolerance);
                    }
                }
                Some(name) => {
                    let anchors_quiet = self.anchors_quiet;
                    let Some(metric) = self.metrics.get_mut(name) else { continue };
                    if section.masses.is_empty() && metric.input.is_none() && metric.is_dust() {
                        // The peer has forgotten the figure, and this node has no reason to keep it.
                        self.metrics.remove(name);
                        continue;
                    }
                    let held = |metric: &Metric| {
                        [VALUE, PARTICIPATION].map(|component| metric.ledger.mass(component))
                    };
                    let before = held(metric);
                    if metric.ledger.settle(from, seq, &of_one_aggregate(&section.masses)) {
                        let after = held(metric);
                        let twice = |n: usize| (after[n] - before[n]) << 1u32;
                        if !section.masses.is_empty() {
                            metric.met(twice(0), twice(1), anchors_quiet, tolerance);
                        }
                        if let Some(window) = &mut metric.window {
                            window.settled(from, &metric.ledger);
                        }
                    }
                    self.meet_window(cx, name, view, section);
                }
            }
        }
        let awaited = self.anchors.awaits(from, seq)
            || self.metrics.values().any(|metric| metric.ledger.awaits(from, seq));
        let current = self.links.get(from).is_some_and(|link| link.seq == seq);
        if current && !awaited && self.links.answered(cx.now(), from).is_some() {
            cx.stats().exchanges += 1;
        }
        self.forget_spent();
    }

    fn anchor_masses(&self) -> Vec<(NodeId, Mass)> {
        self.view.anchors.iter().map(|id| (*id, self.anchors.mass(id.0))).collect()
    }

    /// Takes in where a peer's window stands, if it has the same members.
    fn meet_window(&mut self, cx: &mut Context<'_>, name: &Name, view: u64, section: &Section) {
        let (Some(part), Some(metric)) = (&section.window, self.metrics.get_mut(name)) else {
            return;
        };
        let Some(window) = metric.window.as_mut().filter(|_| view == self.view.digest) else {
            return;
        };
        let progress = window.receive(cx.now(), part, &mut metric.ledger, metric.input);
        note(cx, metric, progress);
        advance(cx, metric);
    }

    fn forget_spent(&mut self) {
        self.metrics.retain(|_, metric| !metric.is_spent());
    }
}

/// Moves a figure's window on, if all have got that far.
fn advance(cx: &mut Context<'_>, metric: &mut Metric) {
    if let Some(window) = &mut metric.window {
        let progress = window.advance(cx.now(), &mut metric.ledger, metric.input);
        note(cx, metric, progress);
    }
}

fn note(cx: &mut Context<'_>, metric: &mut Metric, progress: Option<Progress>) {
    match progress {
        Some(Progress::Enclosed) => cx.stats().windows += 1,
        Some(Progress::Void) => cx.stats().windows_void += 1,
        None => return,
    }
    let result = metric.window.as_ref().and_then(Window::result);
    if progress == Some(Progress::Enclosed) && result.is_some_and(|r| r.contribution.changed) {
        metric.disturbed = Some(cx.now());
    }
}

impl Protocol for Aggregation {
    fn name(&self) -> &str {
        match self.mode {
            Mode::Live => "aggregate.live",
            Mode::Round => "aggregate.round",
        }
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        self.refresh(cx);
        for metric in self.metrics.values_mut() {
            advance(cx, metric);
        }
        self.forget_spent();
        let core = &mut *cx.core;
        self.links.fill(&core.roster, &core.config, &mut core.rng);
        // A node without a figure has nothing to push. But it opens links, since over those it will
        // hear of the others' figures.
        let pushing = !self.metrics.is_empty();
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
        self.metrics.clear();
        self.links.restart();
        self.reset();
        self.refresh(cx);
        if !newcomer {
            for (name, input) in self.inputs.clone() {
                self.metric(cx, &name).set_input(cx.now(), Some(input));
            }
        }
    }

    fn round_finished(&mut self, cx: &mut Context<'_>, round: u64, participants: usize) {
        let names: Vec<_> = self.metrics.keys().cloned().collect();
        let read = |name: Name| {
            let mut reading = self.estimate(cx.now(), &name, cx.core)?;
            reading.round = Some(round);
            Some((name, reading))
        };
        self.finished = names.into_iter().filter_map(read).collect();
        cx.notify(Notice::RoundFinished { round, participants });
    }
}
