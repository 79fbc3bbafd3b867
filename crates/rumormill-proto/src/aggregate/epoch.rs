//! Epochs: the exact sum of inputs that never rest.
//!
//! At the start of an epoch (Jelasity, Montresor, Babaoglu 2005 restart aggregation in this way) each
//! node *latches* its inputs, and holds them: a change is kept back. The set of the members that have
//! latched is gossiped. A node that knows that **all** have latched releases its inputs, and only
//! then windows begin to close. So at the instant τ at which the first node released, every node's
//! inputs were those that it had latched: their sum is that of the inputs at τ, which was not
//! before this node entered the epoch. The epoch is over once every aggregate is certified; the next one
//! begins a set time later, at the node whose time comes first, and the others follow.
//!
//! Whoever can't keep to that is *barred*: it releases its inputs early (a member does not answer, or
//! the membership has changed), and its contributions prove nothing. Then this epoch has no result,
//! and the next one follows soon.

use std::collections::BTreeMap;

use crate::aggregate::contribution::Contribution;
use crate::aggregate::local::Aggregate;
use crate::aggregate::mass::Mass;
use crate::aggregate::ranks::Ranks;
use crate::aggregate::{Aggregation, begin};
use crate::codec::{Read, Reader, Write};
use crate::config::Config;
use crate::identity::{Name, NodeId};
use crate::membership::roster::Roster;
use crate::notice::Notice;
use crate::numbering::{Numbering, Place};
use crate::protocol::Context;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The longest time for which a change of an input is kept back, in gossip periods.
const LONGEST_HOLD: u32 = 5;

/// The longest epoch, in gossip periods. After it the next one begins, whatever is certified.
const LONGEST_EPOCH: u32 = 64;

/// An input and its mass, or none.
pub(super) type NewInput = Option<(f64, Mass)>;

/// The result of an epoch for one aggregate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) epoch: u64,
    pub(crate) contribution: Contribution,
    /// The number of members.
    pub(crate) members: usize,
    /// When this node latched its inputs: the instant of the result was not earlier.
    pub(crate) latched: Instant,
    /// The time from there to the end of the epoch.
    pub(crate) took: Duration,
}

/// The state of the epochs at this node.
pub(super) struct Epochs {
    pub(super) numbering: Numbering,
    /// The members that have latched their inputs.
    latched: Ranks,
    members: usize,
    /// Whether changes of inputs are kept back.
    pub(super) held: bool,
    /// Whether this node's part in the epoch proves nothing.
    pub(super) barred: bool,
    /// Whether all aggregates are certified.
    over: bool,
    /// When the next epoch begins, if this node begins it.
    next: Option<Instant>,
    /// This node's inputs, which the next epoch latches.
    pub(super) inputs: BTreeMap<Name, (f64, Mass)>,
    /// The changes that are kept back.
    pending: BTreeMap<Name, NewInput>,
    /// The results of the last epoch that had any.
    pub(super) finished: BTreeMap<Name, Finished>,
}

/// What precedes each message of an epoch.
pub(super) struct Head {
    number: u64,
    view: u64,
    latched: Vec<u8>,
}

impl Head {
    pub(super) fn read(reader: &mut Reader<'_>) -> Read<Self> {
        let (number, view) = (reader.varint64()?, reader.u64()?);
        let length = reader.count(reader.0.len())?;
        Ok(Self { number, view, latched: reader.take(length)?.to_vec() })
    }
}

impl Epochs {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            numbering: Numbering::new(now),
            latched: Ranks::default(),
            members: 0,
            held: false,
            barred: false,
            over: false,
            next: None,
            inputs: BTreeMap::new(),
            pending: BTreeMap::new(),
            finished: BTreeMap::new(),
        }
    }

    /// Returns the input that is in effect.
    pub(super) fn input(&self, name: &Name) -> Option<f64> {
        self.inputs.get(name).map(|input| input.0)
    }

    pub(super) fn is_pending(&self, name: &Name) -> bool {
        self.pending.contains_key(name)
    }

    /// Returns the latest input, which may be kept back.
    pub(super) fn latest(&self, name: &Name) -> Option<f64> {
        let latest = self.pending.get(name).copied();
        latest.unwrap_or_else(|| self.inputs.get(name).copied()).map(|input| input.0)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Name> {
        self.inputs.keys().chain(self.pending.keys()).chain(self.finished.keys())
    }

    /// Sets or removes an input; while inputs are held the change is kept back. The first epoch begins
    /// after a `delay`, so that it has all inputs that are set one after the other.
    pub(super) fn set(&mut self, now: Instant, name: &Name, input: NewInput, delay: Duration) {
        if self.held && !broken(Rule::HoldInputs) {
            self.pending.insert(name.clone(), input);
        } else {
            self.apply(name.clone(), input);
        }
        if self.next.is_none() {
            self.next = Some(now + delay);
        }
    }

    fn apply(&mut self, name: Name, input: NewInput) {
        match input {
            Some(input) => self.inputs.insert(name, input),
            None => self.inputs.remove(&name),
        };
    }

    /// Ends the hold: what was kept back takes effect.
    fn release(&mut self) {
        self.held = false;
        for (name, input) in core::mem::take(&mut self.pending) {
            self.apply(name, input);
        }
    }

    pub(super) fn write_head(&self, view: u64, out: &mut Vec<u8>) {
        out.put_varint(u128::from(self.numbering.current));
        out.put(&view.to_be_bytes());
        out.put_varint(self.latched.bytes.len() as u128);
        out.put(&self.latched.bytes);
    }

    fn latch(&mut self, roster: &Roster) {
        self.members = roster.len();
        self.latched = Ranks::empty(self.members);
        if !self.barred
            && let Ok(rank) = roster.ids().binary_search(&roster.id())
        {
            self.latched.insert(rank);
        }
    }

    fn all_latched(&self) -> bool {
        self.members > 0 && self.latched.len() >= self.members
    }
}

impl Aggregation {
    /// Returns whether there are anchors: an epoch needs none, since its result is certified.
    pub(super) fn has_anchors(&self) -> bool {
        self.epochs.is_none()
    }

    pub(super) fn epoch_is_over(&self) -> bool {
        self.epochs.as_ref().is_some_and(|epochs| epochs.over || epochs.numbering.current == 0)
    }

    /// Handles what precedes a message: returns whether the message belongs to this node's epoch.
    pub(super) fn meet_epoch(&mut self, cx: &mut Context<'_>, from: NodeId, head: &Head) -> bool {
        let Some(epochs) = &mut self.epochs else { return true };
        let now = cx.now();
        match epochs.numbering.meet(now, from, head.number, cx.config().interval / 2) {
            Place::Same => {}
            // The answer to any message shows the peer the later epoch.
            Place::Earlier => {
                if head.number < epochs.numbering.current {
                    self.send_epoch(cx, from);
                }
                return false;
            }
            Place::TooFar => {
                cx.stats().refused_jumps += 1;
                return false;
            }
            Place::Later(number) => self.enter_epoch(cx, number),
        }
        self.meet_latched(cx, head);
        true
    }

    fn meet_latched(&mut self, cx: &mut Context<'_>, head: &Head) {
        let Some(epochs) = &mut self.epochs else { return };
        if epochs.barred || !epochs.held || head.view != self.view.digest {
            return;
        }
        let before = epochs.latched.len();
        epochs.latched.merge(&head.latched);
        if epochs.latched.len() == before {
            return;
        }
        let all = epochs.all_latched();
        if all {
            epochs.release();
        }
        for aggregate in self.aggregates.values_mut() {
            aggregate.held = !all;
            aggregate.pace.news(cx.now(), self.gaps);
            aggregate.advance(cx);
        }
    }

    /// Begins an epoch: latches the inputs.
    fn enter_epoch(&mut self, cx: &mut Context<'_>, number: u64) {
        self.refresh(cx);
        self.aggregates.clear();
        self.links.restart();
        self.resting.clear();
        let Some(epochs) = &mut self.epochs else { return };
        epochs.release();
        // An epoch that is entered again may have this node in its sets from before.
        epochs.barred = number <= epochs.numbering.current;
        epochs.numbering.enter(cx.now(), number);
        epochs.over = false;
        epochs.latch(cx.roster());
        epochs.held = !epochs.barred && !epochs.all_latched();
        let limit = cx.config().interval * LONGEST_EPOCH;
        epochs.next = Some(cx.now() + limit);
        for (name, input) in epochs.inputs.clone() {
            self.latch_input(cx, &name, input);
            self.owe(cx, &Some(name));
        }
    }

    fn latch_input(&mut self, cx: &mut Context<'_>, name: &Name, input: (f64, Mass)) {
        let mut aggregate = Aggregate::latched(cx.now(), input, self.gaps);
        begin(cx, &self.view, self.epochs.as_ref(), &mut aggregate);
        self.aggregates.insert(name.clone(), aggregate);
    }

    /// Ends this node's part in an epoch whose result would prove nothing.
    pub(super) fn bar_epoch(&mut self, cx: &Context<'_>) {
        let Some(epochs) = self.epochs.as_mut().filter(|epochs| epochs.numbering.current > 0)
        else {
            return;
        };
        // Also after its end: others may still be in it, and this node's inputs are no longer the latched ones.
        epochs.barred = true;
        if !epochs.over {
            let soon = cx.now() + cx.config().interval;
            epochs.next = epochs.next.map(|next| next.min(soon));
        }
        epochs.release();
        epochs.latch(cx.roster());
        for aggregate in self.aggregates.values_mut() {
            aggregate.held = false;
            aggregate.bar();
        }
    }

    /// Does what is due: ends a hold that takes too long, ends the epoch, begins the next.
    pub(super) fn run_epoch(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let Some(epochs) = &self.epochs else { return };
        let entered = epochs.numbering.entered;
        if epochs.held && now >= entered + cx.config().interval * LONGEST_HOLD {
            self.bar_epoch(cx);
        }
        self.end_epoch(cx);
        let Some(epochs) = &mut self.epochs else { return };
        if epochs.next.is_none_or(|at| at > now) {
            return;
        }
        if epochs.inputs.is_empty() && epochs.pending.is_empty() && self.aggregates.is_empty() {
            // Nobody reports any more, as far as is known here.
            epochs.finished.clear();
            epochs.next = None;
            return;
        }
        let (number, elsewhere) = epochs.numbering.next();
        self.enter_epoch(cx, number);
        if elsewhere {
            self.bar_epoch(cx);
        }
        if cx.roster().is_empty() {
            self.advance_alone(cx);
            self.end_epoch(cx);
        }
    }

    /// Ends the epoch, if every aggregate is certified.
    fn end_epoch(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let Some(epochs) = self.epochs.as_mut().filter(|epochs| !epochs.barred) else { return };
        let (epoch, latched) = (epochs.numbering.current, epochs.numbering.entered);
        let certified = |aggregate: &Aggregate| aggregate.certified(cx.config(), epochs.members);
        let done = !epochs.held
            && !self.aggregates.is_empty()
            && self.aggregates.values().all(|aggregate| certified(aggregate).is_some());
        if done == epochs.over {
            return;
        }
        epochs.over = done;
        if !done {
            return;
        }
        let members = epochs.members;
        let took = now.since(latched);
        let result = |(name, aggregate): (&Name, &Aggregate)| {
            let contribution = certified(aggregate)?;
            Some((name.clone(), Finished { epoch, contribution, members, latched, took }))
        };
        epochs.finished = self.aggregates.iter().filter_map(result).collect();
        epochs.next = Some(now + cx.config().aggregates.epoch_pause);
        cx.notify(Notice::EpochFinished { epoch, participants: members });
    }

    /// Returns when [`Aggregation::run_epoch`] has something to do.
    pub(super) fn epoch_due(&self, config: &Config) -> Option<Instant> {
        let epochs = self.epochs.as_ref()?;
        let hold = epochs.numbering.entered + config.interval * LONGEST_HOLD;
        epochs.next.into_iter().chain(epochs.held.then_some(hold)).min()
    }
}
