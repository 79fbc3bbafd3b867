//! Messages of peers: links, pushes, and replies to them.

use bnum::cast::As;

use crate::aggregate::Aggregation;
use crate::aggregate::epoch::Head;
use crate::aggregate::input::MAX_AGGREGATES;
use crate::aggregate::ledger::{Answer, Ledger};
use crate::aggregate::links::Order;
use crate::aggregate::local::is_dust;
use crate::aggregate::mass::{Mass, Steps};
use crate::aggregate::masses::{Masses, of_one_aggregate};
use crate::aggregate::messages::{Message, Section, write_sections};
use crate::aggregate::schedule::{Group, HALF};
use crate::aggregate::settings::Overlap;
use crate::aggregate::view::OVERHEAD;
use crate::aggregate::window::Window;
use crate::codec::{Read, Reader};
use crate::identity::{Name, NodeId};
use crate::protocol::Context;

/// The largest divisor of a difference; a larger one in a message is taken for it.
const MOST_DIVISOR: u32 = 1 << 16;

impl Aggregation {
    /// Handles a message of a peer.
    pub(super) fn message(&mut self, cx: &mut Context<'_>, from: NodeId, bytes: &[u8]) -> Read<()> {
        let mut reader = Reader(bytes);
        let head = match self.epochs {
            Some(_) => Some(Head::read(&mut reader)?),
            None => None,
        };
        let message = Message::read(reader.0)?;
        self.refresh(cx);
        let belongs = head.is_none_or(|head| self.meet_epoch(cx, from, &head));
        // A link outlasts the epochs.
        let links = matches!(message, Message::Open | Message::Accept | Message::Refuse);
        if belongs || links {
            self.handle(cx, from, message);
        }
        self.run(cx);
        Ok(())
    }

    fn handle(&mut self, cx: &mut Context<'_>, from: NodeId, message: Message) {
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
                if self.links.get(from).is_some() {
                    self.links.establish(from);
                }
            }
            Message::Refuse => {
                if self.links.get(from).is_some_and(|link| !link.linked) {
                    self.links.remove(from);
                    self.tend_links = Some(cx.now() + cx.config().interval);
                }
            }
            Message::Stale { seq } => {
                // Two ends that do not agree on the number of the latest push: the next one is
                // later than both.
                if self.links.catch_up(from, seq) {
                    self.start(cx, from, &[]);
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

    /// Sends a message, after the number of the epoch if there is one.
    pub(super) fn send(&self, cx: &mut Context<'_>, to: NodeId, message: &Message) {
        let mut bytes = self.head();
        message.write(&mut bytes);
        cx.send(to, &bytes);
    }

    fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        if let Some(epochs) = &self.epochs {
            epochs.write_head(self.view.digest, &mut head);
        }
        head
    }

    /// Shows a peer the epoch that this node is in.
    pub(super) fn send_epoch(&self, cx: &mut Context<'_>, to: NodeId) {
        self.send(cx, to, &Message::Stale { seq: 0 });
    }

    /// Returns the bytes of a message that fit in a datagram.
    pub(super) fn datagram(&self, cx: &Context<'_>) -> usize {
        cx.config().max_datagram - OVERHEAD - self.head().len()
    }

    pub(super) fn send_sections(
        &self,
        cx: &mut Context<'_>,
        to: NodeId,
        reply: bool,
        seq: u64,
        sections: &[Section],
    ) {
        let head = self.head();
        for mut message in write_sections(reply, seq, self.view.digest, sections, self.datagram(cx))
        {
            message.splice(0..0, head.iter().copied());
            cx.send(to, &message);
        }
    }

    pub(super) fn section(
        &self,
        name: Option<&Name>,
        masses: Masses,
        divisor: Option<u32>,
    ) -> Section {
        let aggregate = name.and_then(|name| self.aggregates.get(name));
        let window = aggregate.and_then(|aggregate| aggregate.window.as_ref()).map(Window::part);
        Section { aggregate: name.cloned(), masses, divisor, window }
    }

    /// Returns this node's masses of a group.
    pub(super) fn masses(&self, group: &Group) -> Masses {
        match group {
            None => self.anchors.ledger.masses(),
            Some(name) => self.aggregates.get(name).map_or_else(Masses::new, |a| a.ledger.masses()),
        }
    }

    pub(super) fn receive_push(
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
        let order = self.links.receive(from, seq);
        match order {
            Order::New | Order::Again => {}
            Order::Older(seq) => return self.send(cx, from, &Message::Stale { seq }),
            Order::TooFar => {
                cx.stats().refused_jumps += 1;
                return;
            }
        }
        let decline =
            cx.config().aggregates.overlap == Overlap::Decline && self.links.has_outstanding();
        let mut replies = Vec::with_capacity(sections.len());
        let (mut fresh, mut repeated) = (false, false);
        for section in sections {
            let answer = match &section.aggregate {
                None => {
                    let masses = self.without_departed(&section.masses);
                    Some(self.answer_anchors(cx, (from, seq), section, &masses, decline))
                }
                Some(name) => self.answer_aggregate(cx, from, (order, seq), name, section, decline),
            };
            match answer {
                Some(Answer::Stale) => continue,
                Some(Answer::Fresh) => fresh = true,
                Some(Answer::Repeated) => repeated = true,
                None => {}
            }
            let masses = match &section.aggregate {
                None => self.anchors.ledger.taken(from),
                Some(name) => {
                    self.meet_window(cx, name, view, section);
                    match self.aggregates.get(name) {
                        Some(aggregate) => aggregate.ledger.taken(from),
                        None => self.resting.taken(name, from, seq),
                    }
                }
            };
            replies.push(self.section(section.aggregate.as_ref(), masses, None));
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

    /// Returns the divisor of the difference that this node takes for a section of a push: of the two
    /// ends' degrees the larger one counts in a broadcast.
    fn divisor(&self, section: &Section) -> u32 {
        match section.divisor {
            None => HALF,
            Some(theirs) => {
                theirs.max(1 + self.links.linked().count() as u32).clamp(HALF, MOST_DIVISOR)
            }
        }
    }

    fn answer_anchors(
        &mut self,
        cx: &Context<'_>,
        (from, seq): (NodeId, u64),
        section: &Section,
        masses: &Masses,
        decline: bool,
    ) -> Answer {
        let difference = self.anchors.difference(masses);
        let divisor = self.divisor(section);
        let declined = decline || declines(cx.id(), from, &self.anchors.ledger);
        let steps = (!declined).then_some(Steps::COARSE);
        let answer = self.anchors.ledger.answer(from, seq, masses, steps, divisor);
        if answer == Answer::Fresh {
            let tolerance = cx.config().aggregates.tolerance;
            self.anchors.met(cx.now(), &difference, tolerance, self.gaps);
        }
        answer
    }

    fn without_departed(&self, masses: &Masses) -> Masses {
        masses.iter().filter(|(c, _)| !self.departed.contains(&NodeId(*c))).copied().collect()
    }

    /// Answers the push of an aggregate; returns `None` if this node does not take part in it.
    fn answer_aggregate(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        (order, seq): (Order, u64),
        name: &Name,
        section: &Section,
        decline: bool,
    ) -> Option<Answer> {
        let full = self.aggregates.len() >= MAX_AGGREGATES;
        if !self.aggregates.contains_key(name) && (full || is_dust(&section.masses)) {
            return None;
        }
        let (tolerance, members) = (cx.config().aggregates.tolerance, cx.roster().len());
        let (now, me, gaps) = (cx.now(), cx.id(), self.gaps);
        let anchors_quiet = self.anchors_quiet();
        let divisor = self.divisor(section);
        let pusher = (order == Order::New).then_some(from);
        let aggregate = self.aggregate(cx, name, pusher);
        let masses = of_one_aggregate(&section.masses);
        let difference = aggregate.difference(&masses);
        let steps = aggregate.steps(members);
        let taking = !decline && !declines(me, from, &aggregate.ledger);
        let answer = aggregate.ledger.answer(from, seq, &masses, taking.then_some(steps), divisor);
        if answer == Answer::Fresh {
            aggregate.met(&difference, anchors_quiet, tolerance);
            aggregate.differs(now, &difference, steps, gaps);
        }
        Some(answer)
    }

    pub(super) fn receive_reply(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        seq: u64,
        view: u64,
        sections: &[Section],
    ) {
        let (now, gaps) = (cx.now(), self.gaps);
        let (tolerance, members) = (cx.config().aggregates.tolerance, cx.roster().len());
        for section in sections {
            match &section.aggregate {
                None => {
                    let taken = self.without_departed(&section.masses);
                    let before = self.anchors.ledger.masses();
                    let divisor = self.anchors.ledger.divisor(from);
                    if self.anchors.ledger.settle(from, seq, &taken) {
                        let difference = self.anchors.difference(&before);
                        let difference = times(&difference, divisor);
                        self.anchors.met(now, &difference, tolerance, gaps);
                    }
                }
                Some(name) => {
                    let anchors_quiet = self.anchors_quiet();
                    let keeps = self.epochs.is_some();
                    let Some(aggregate) = self.aggregates.get_mut(name) else {
                        self.resting.settle(name, from, seq, &of_one_aggregate(&section.masses));
                        continue;
                    };
                    let gone = section.masses.is_empty() && !keeps;
                    if gone && aggregate.input.is_none() && aggregate.is_dust() {
                        // The peer has forgotten the aggregate, and this node has no reason to keep it.
                        aggregate.ledger.settle(from, seq, &section.masses);
                        self.forget(name);
                        continue;
                    }
                    let divisor = aggregate.ledger.divisor(from);
                    let before = aggregate.ledger.masses();
                    if aggregate.ledger.settle(from, seq, &of_one_aggregate(&section.masses)) {
                        if !section.masses.is_empty() {
                            // The peer took one part in `divisor` of the difference.
                            let moved = aggregate.difference(&before);
                            let difference = times(&moved, divisor);
                            let steps = aggregate.steps(members);
                            aggregate.met(&difference, anchors_quiet, tolerance);
                            aggregate.differs(now, &difference, steps, gaps);
                        }
                        if let Some(window) = &mut aggregate.window {
                            window.settled(from, &aggregate.ledger);
                        }
                        aggregate.advance(cx);
                    }
                    self.meet_window(cx, name, view, section);
                }
            }
        }
        let awaited = self.anchors.ledger.awaits(from, seq)
            || self.aggregates.values().any(|aggregate| aggregate.ledger.awaits(from, seq));
        let current = self.links.get(from).is_some_and(|link| link.seq == seq);
        if current && !awaited && self.links.answered(cx.now(), from).is_some() {
            cx.stats().exchanges += 1;
        }
        self.forget_spent();
    }

    /// Merges the state of a peer's window, if it has the same members.
    fn meet_window(&mut self, cx: &mut Context<'_>, name: &Name, view: u64, section: &Section) {
        let (Some(part), Some(aggregate)) = (&section.window, self.aggregates.get_mut(name)) else {
            return;
        };
        let Some(window) = aggregate.window.as_mut().filter(|_| view == self.view.digest) else {
            return;
        };
        let before = window.progress();
        let progress = window.receive(cx.now(), part, &mut aggregate.ledger, aggregate.input);
        aggregate.note(cx, progress);
        aggregate.advance(cx);
        if aggregate.window.as_ref().is_some_and(|window| window.progress() != before) {
            aggregate.progressed(cx.now(), self.gaps);
        }
    }

    fn anchors_quiet(&self) -> bool {
        self.anchors.quiet || !self.has_anchors()
    }

    pub(super) fn forget_spent(&mut self) {
        if self.epochs.is_some() {
            return;
        }
        let spent = self.aggregates.iter().filter(|(_, aggregate)| aggregate.is_spent());
        let spent: Vec<Name> = spent.map(|(name, _)| name.clone()).collect();
        spent.iter().for_each(|name| self.forget(name));
    }
}

/// Returns whether this node takes nothing from a push of a peer: its own push to the peer is under
/// way, and of two that cross only the one from the smaller id moves mass.
fn declines(me: NodeId, from: NodeId, ledger: &Ledger) -> bool {
    from > me && ledger.in_flight_to(from)
}

/// Returns the masses multiplied.
fn times(masses: &Masses, by: u32) -> Masses {
    masses.iter().map(|&(c, mass)| (c, mass * by.as_::<Mass>())).collect()
}
