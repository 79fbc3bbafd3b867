//! Windows: the protocol that yields bounds which enclose the truth.
//!
//! All members go through the same phases, counted from 0. In an even phase they are *opening* a
//! window: each records the range of its masses from then on, and the set of those who have opened
//! is gossiped. A node that knows that **all** have opened moves on to the odd phase and is
//! *closing*: it stops waiting, contributes its range, and the ranges are gossiped, merged, with
//! the set of those who have contributed. When **all** have contributed, the merged range is the
//! result, and the next window opens.
//!
//! **Theorem.** There is an instant at which every member's mass, with what is under way counted
//! where it belongs, lay in the merged range; so the mean of the masses, which is Σ input / n, lies
//! there, too. The same holds for every sum that is linear in the masses. Three are recorded: the
//! participation, and the first and second power of the inputs' distance from a common *centre*,
//! which follow from the masses of value and square ([`mass::about`]). The centre is a function of
//! the merged contributions to the window before, so all members use the same one.
//!
//! *Proof.* Let τ be the first instant at which a member closes. It knew that all had opened, and
//! each adds itself to that set only when it opens, so all opened before τ and none closed before.
//! Hence every member was recording at τ. Links exist only between members (a window belongs to
//! one membership, told by its digest), and a link lives as long as its two incarnations, and its
//! books as long as the link (`resting`), so at τ every amount that a peer took is booked by both
//! sides, or the reply that books it is under way.
//! In the latter case the mass that counts is what the node held less that amount; a node waits for
//! the replies to all pushes that were in flight when it closed before it contributes, and widens
//! its range by what they say (`Ledger::settle`). So every range contains the mass that counts at
//! τ, and these add up to Σ input exactly. ∎
//!
//! One thing could break this: a membership that comes back (a node joins, and dies before all have
//! heard of it), where a node may stand in a set from its earlier stay. Therefore a node's first
//! window in a membership is void, and so is one that it has jumped to; its later windows have
//! phases that its earlier stay did not reach, because the others never run ahead by more than one.
//!
//! No clock enters, and no assumption on delays. If a member stops answering, the window is not
//! completed until it is declared dead; then the membership is another and windows start afresh.

use std::collections::BTreeSet;

use crate::aggregate::bounds::Bounds;
use crate::aggregate::contribution::Contribution;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::mass::{self};
use crate::aggregate::messages::WindowPart;
use crate::aggregate::ranks::Ranks;
use crate::aggregate::reading::WindowPhase;
use crate::identity::NodeId;
use crate::membership::roster::Roster;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// The largest step by which a received phase advances a node. Counting never gets there, and one
/// message with a number far ahead does not exhaust the numbers.
const MAX_STEP: u64 = 1 << 40;

/// A window that is complete.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complete {
    pub(crate) contribution: Contribution,
    /// When this node opened the window: τ was not earlier.
    pub(crate) opened: Instant,
    /// The time from there to its end.
    pub(crate) took: Duration,
}

/// The end of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A window has ended with an enclosure.
    Enclosed,
    /// A window has ended and proves nothing.
    Void,
}

/// The state of a window at this node.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    phase: u64,
    /// The members that have reached this phase.
    reached: Ranks,
    members: usize,
    rank: usize,
    opened: Instant,
    /// Whether the node's own window proves nothing.
    void: bool,
    /// Whether none of the node's windows proves anything.
    barred: bool,
    /// Whether the node's own input changed since it opened.
    changed: bool,
    /// Whether an exchange has moved mass since it opened.
    moved: bool,
    input: Option<Bounds>,
    /// Closing: peers whose replies this node awaits before it contributes.
    awaited: BTreeSet<NodeId>,
    contributed: bool,
    merged: Option<Contribution>,
    /// The merged contributions to the window before, void or not.
    last: Option<Contribution>,
    /// The origin of the distances that this window records.
    centre: f64,
    result: Option<Complete>,
}

impl Window {
    /// Opens the first window of a membership; void, as the proof requires, unless this is the only
    /// stay in it (`stays`).
    pub(crate) fn first(
        now: Instant,
        roster: &Roster,
        ledger: &mut Ledger,
        input: Option<f64>,
        stays: bool,
    ) -> Self {
        let members = roster.len();
        let mut window = Self {
            phase: 0,
            reached: Ranks::empty(members),
            members,
            rank: roster.ids().binary_search(&roster.id()).unwrap_or(members),
            opened: now,
            void: false,
            barred: false,
            changed: false,
            moved: false,
            input: None,
            awaited: BTreeSet::new(),
            contributed: false,
            merged: None,
            last: None,
            centre: 0.0,
            result: None,
        };
        window.open(now, 0, ledger, input);
        window.void = !stays;
        window
    }

    fn opening(&self) -> bool {
        self.phase.is_multiple_of(2)
    }

    pub(crate) fn number(&self) -> u64 {
        self.phase / 2
    }

    pub(crate) fn phase(&self) -> WindowPhase {
        if self.opening() { WindowPhase::Opening } else { WindowPhase::Closing }
    }

    pub(crate) fn reached(&self) -> usize {
        self.reached.len()
    }

    pub(crate) fn result(&self) -> Option<&Complete> {
        self.result.as_ref()
    }

    /// Returns the range of the inputs in the last window, void or not.
    pub(crate) fn input_range(&self) -> Option<Bounds> {
        self.last.and_then(|last| last.input)
    }

    fn open(&mut self, now: Instant, phase: u64, ledger: &mut Ledger, input: Option<f64>) {
        self.phase = phase;
        self.reached = Ranks::empty(self.members);
        self.reached.insert(self.rank);
        self.opened = now;
        self.void = false;
        self.changed = false;
        self.moved = false;
        self.input = input.map(|x| Bounds { lower: x, upper: x });
        self.merged = None;
        self.centre = self.last.map_or(0.0, |last| next_centre(&last));
        ledger.restart_record(self.centre);
    }

    fn close(&mut self, ledger: &Ledger) {
        self.phase = self.phase.saturating_add(1);
        self.reached = Ranks::empty(self.members);
        self.merged = None;
        self.contributed = false;
        self.awaited = ledger.in_flight().collect();
        self.contribute(ledger);
    }

    /// Contributes, once nothing is awaited.
    fn contribute(&mut self, ledger: &Ledger) {
        if self.opening() || self.contributed || !self.awaited.is_empty() {
            return;
        }
        let recorded = ledger.recorded().map(|span| mass::bounds(span.low, span.high));
        let [participation, deviation, squared] = recorded;
        let own = Contribution {
            centre: self.centre,
            participation,
            deviation,
            squared,
            input: self.input,
            void: self.void || self.barred,
            changed: self.changed,
            moving: self.moved,
        };
        self.merge(&own);
        self.reached.insert(self.rank);
        self.contributed = true;
    }

    fn merge(&mut self, contribution: &Contribution) {
        match &mut self.merged {
            Some(merged) => merged.merge(contribution),
            None => self.merged = Some(*contribution),
        }
    }

    /// Ends the window with this result, or with none, and opens the next one.
    fn end(
        &mut self,
        now: Instant,
        result: Option<Contribution>,
        ledger: &mut Ledger,
        input: Option<f64>,
    ) -> Progress {
        let opened = self.opened;
        let phase = self.phase.saturating_add(1);
        self.last = result;
        self.open(now, phase, ledger, input);
        match result.filter(|contribution| !contribution.void) {
            Some(contribution) => {
                let took = now.since(opened);
                self.result = Some(Complete { contribution, opened, took });
                Progress::Enclosed
            }
            None => Progress::Void,
        }
    }

    /// Notes that an exchange has moved mass.
    pub(crate) fn mass_moved(&mut self) {
        self.moved = true;
    }

    /// Voids the node's own windows, this one and those that follow.
    pub(crate) fn bar(&mut self) {
        self.barred = true;
    }

    /// Returns whether windows have nothing more to tell: the last one proves bounds about a centre that
    /// stays, and in it and since then no mass moved and no input changed.
    pub(crate) fn is_calm(&self) -> bool {
        let calm = |last: &Contribution| {
            !last.void && !last.changed && !last.moving && last.centre == self.centre
        };
        !self.changed && !self.moved && self.last.as_ref().is_some_and(calm)
    }

    /// Notes a change of this node's input.
    pub(crate) fn input_changed(&mut self, input: Option<f64>) {
        self.changed = true;
        if let Some(x) = input {
            let point = Bounds { lower: x, upper: x };
            self.input = Some(self.input.map_or(point, |bounds| bounds.hull(point)));
        }
    }

    /// Handles a reply, which may have been awaited.
    pub(crate) fn settled(&mut self, peer: NodeId, ledger: &Ledger) {
        if self.awaited.remove(&peer) {
            self.contribute(ledger);
        }
    }

    /// Returns the state to send to a peer.
    pub(crate) fn part(&self) -> WindowPart {
        let contribution = if self.opening() { self.last } else { self.merged };
        WindowPart { phase: self.phase, reached: self.reached.bytes.clone(), contribution }
    }

    /// Returns the phase, and the number of members that are known to have reached it: they rise when
    /// the window makes progress.
    pub(crate) fn progress(&self) -> (u64, usize) {
        (self.phase, self.reached.len())
    }

    /// Merges the state of a peer with the same membership.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        part: &WindowPart,
        ledger: &mut Ledger,
        input: Option<f64>,
    ) -> Option<Progress> {
        let mut progress = None;
        if part.phase == self.phase.saturating_add(1) {
            if self.opening() {
                // It knew that all have opened.
                self.close(ledger);
            } else {
                // It knew that all have contributed, and has the result.
                progress = Some(self.end(now, part.contribution, ledger, input));
            }
        } else if part.phase > self.phase {
            // This node is late. It takes part from the next opening on.
            let phase = part.phase.min(self.phase.saturating_add(MAX_STEP));
            self.last = part.contribution.filter(|_| part.phase.is_multiple_of(2));
            self.open(now, phase.saturating_add(phase % 2), ledger, input);
            self.void = true;
            progress = Some(Progress::Void);
        }
        if part.phase == self.phase {
            self.reached.merge(&part.reached);
            if !self.opening()
                && let Some(contribution) = &part.contribution
            {
                self.merge(contribution);
            }
        }
        progress
    }

    /// Advances by one phase, if all members have reached this one.
    pub(crate) fn advance(
        &mut self,
        now: Instant,
        ledger: &mut Ledger,
        input: Option<f64>,
    ) -> Option<Progress> {
        let awaited = if broken(Rule::WaitForAll) { self.members / 2 } else { self.members };
        if self.reached.len() < awaited {
            return None;
        }
        if self.opening() {
            self.close(ledger);
            None
        } else {
            Some(self.end(now, self.merged, ledger, input))
        }
    }
}

/// Returns the centre of the next window: the same again while it lies among the inputs, otherwise
/// the middle of them. So the inputs' distances from it are never more than the width of their range,
/// and it seldom changes.
fn next_centre(last: &Contribution) -> f64 {
    match last.input {
        None => 0.0,
        Some(input) if (input.lower..=input.upper).contains(&last.centre) => last.centre,
        Some(input) => mass::centre(f64::midpoint(input.lower, input.upper)),
    }
}

#[cfg(test)]
mod tests {
    use bnum::cast::As;

    use super::*;
    use crate::aggregate::component::{PARTICIPATION, VALUE};
    use crate::aggregate::mass::Mass;
    use crate::identity::{Identity, Name};

    fn rosters(n: u16) -> Vec<Roster> {
        let identity = |port: u16| Identity {
            name: Name::new(&format!("n{port}")).unwrap(),
            addr: ([127, 0, 0, 1], port).into(),
            incarnation: 1,
        };
        let mut rosters: Vec<_> = (1..=n).map(|port| Roster::new(identity(port))).collect();
        for roster in &mut rosters {
            for port in 1..=n {
                roster.insert(identity(port));
            }
        }
        rosters
    }

    fn tell(windows: &mut [Window], ledgers: &mut [Ledger], from: usize, to: usize) {
        let part = windows[from].part();
        windows[to].receive(Instant::ZERO, &part, &mut ledgers[to], Some(1.0));
        windows[to].advance(Instant::ZERO, &mut ledgers[to], Some(1.0));
    }

    #[test]
    fn no_window_ends_before_all_have_contributed_and_then_all_agree() {
        let rosters = rosters(3);
        let mut ledgers = vec![Ledger::default(); 3];
        for (n, ledger) in ledgers.iter_mut().enumerate() {
            let input = mass::ONE * (n as i128).as_::<Mass>();
            ledger.set_inputs(&[(VALUE, input), (PARTICIPATION, mass::ONE)]);
        }
        let mut windows: Vec<_> = rosters
            .iter()
            .zip(&mut ledgers)
            .map(|(roster, ledger)| Window::first(Instant::ZERO, roster, ledger, Some(1.0), false))
            .collect();
        // Two of three may talk for ever: nothing is proven without the third.
        for _ in 0..20 {
            tell(&mut windows, &mut ledgers, 0, 1);
            tell(&mut windows, &mut ledgers, 1, 0);
        }
        assert!(windows[..2].iter().all(|w| w.result().is_none() && w.phase == 0));
        for _ in 0..10 {
            for (from, to) in [(0, 1), (1, 2), (2, 0), (2, 1), (1, 0), (0, 2)] {
                tell(&mut windows, &mut ledgers, from, to);
            }
        }
        // The first window is void; the second one counts.
        for window in &windows {
            assert!(window.number() >= 2);
            let result = window.result().unwrap().contribution;
            assert_eq!(result.deviation, Bounds { lower: -1.0, upper: 1.0 }, "from 1");
            assert_eq!(result.participation, Bounds { lower: 1.0, upper: 1.0 });
            assert!(!result.changed);
        }
    }

    #[test]
    fn a_node_with_a_push_in_flight_contributes_only_after_the_reply() {
        let rosters = rosters(2);
        let peer = rosters[1].id();
        let mut ledger = Ledger::default();
        ledger.set_inputs(&[(VALUE, mass::ONE << 3u32)]);
        ledger.pushed(peer, 1, 2);
        let first = Window::first(Instant::ZERO, &rosters[0], &mut ledger, None, false);
        let mut window = first;
        let opened = WindowPart { phase: 0, reached: vec![3], contribution: None };
        window.receive(Instant::ZERO, &opened, &mut ledger, None);
        window.advance(Instant::ZERO, &mut ledger, None);
        assert_eq!((window.phase, window.reached()), (1, 0));
        assert!(ledger.settle(peer, 1, &vec![(VALUE, mass::ONE << 2u32)]));
        window.settled(peer, &ledger);
        assert_eq!(window.reached(), 1);
        assert_eq!(window.merged.unwrap().deviation, Bounds { lower: 4.0, upper: 8.0 });
    }

    #[test]
    fn a_node_that_comes_late_joins_in_at_the_next_opening() {
        let rosters = rosters(2);
        let mut ledger = Ledger::default();
        let mut window = Window::first(Instant::ZERO, &rosters[0], &mut ledger, None, false);
        for (theirs, mine) in [(5, 6), (9, 10), (12, 12)] {
            let part = WindowPart { phase: theirs, reached: vec![3], contribution: None };
            let progress = window.receive(Instant::ZERO, &part, &mut ledger, None);
            assert_eq!(progress, Some(Progress::Void));
            assert_eq!(window.phase, mine);
            assert!(window.opening() && window.void);
        }
    }
}
