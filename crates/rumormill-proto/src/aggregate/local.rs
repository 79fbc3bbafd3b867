//! The state of one aggregate at this node: its ledger, its window, and whether it has settled.

use crate::aggregate::bounds::Bounds;
use crate::aggregate::component::{Component, PARTICIPATION, SQUARE, VALUE};
use crate::aggregate::contribution::Contribution;
use crate::aggregate::disagreement::Disagreement;
use crate::aggregate::enclosed::Enclosed;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::mass::{self, Mass, Steps};
use crate::aggregate::masses::{Masses, mass_of};
use crate::aggregate::pace::{Gaps, Pace};
use crate::aggregate::view::View;
use crate::aggregate::window::{Progress, Window};
use crate::config::Config;
use crate::identity::NodeId;
use crate::membership::roster::Roster;
use crate::protocol::Context;
use crate::time::Instant;

use std::collections::BTreeSet;

/// An aggregate whose masses are all below this, with no input anywhere, is forgotten. What rounding
/// leaves behind is 2²² times smaller.
const DUST: Mass = mass::ONE.wrapping_shr(40);

/// The state of one aggregate at this node.
pub(super) struct Aggregate {
    pub(super) ledger: Ledger,
    /// `None` if there are more members than a window can cover.
    pub(super) window: Option<Window>,
    /// When this node met it.
    pub(super) began: Instant,
    /// This node's input.
    pub(super) input: Option<f64>,
    /// Of the masses of the value.
    pub(super) disagreement: Disagreement,
    /// Of the masses of the participation.
    pub(super) participation_disagreement: Disagreement,
    /// Exchanges in a row that changed nothing.
    pub(super) quiet: u32,
    /// When an input last changed, as far as is known here.
    pub(super) disturbed: Option<Instant>,
    pub(super) pace: Pace,
    /// The peers that a change of this node's mass is still to be broadcast to.
    pub(super) owed: BTreeSet<NodeId>,
    /// In an epoch: whether some member has not latched its inputs yet, so that no window may close.
    pub(super) held: bool,
}

impl Aggregate {
    pub(super) fn new(now: Instant, ledger: Ledger, gaps: Gaps) -> Self {
        Self {
            ledger,
            window: None,
            began: now,
            input: None,
            disagreement: Disagreement::default(),
            participation_disagreement: Disagreement::default(),
            quiet: 0,
            disturbed: None,
            pace: Pace::new(now, gaps),
            owed: BTreeSet::new(),
            held: false,
        }
    }

    /// Begins an aggregate of an epoch with this node's latched input.
    pub(super) fn latched(now: Instant, (value, mass): (f64, Mass), gaps: Gaps) -> Self {
        let mut aggregate = Self::new(now, Ledger::default(), gaps);
        aggregate.input = Some(value);
        aggregate.ledger.set_inputs(&inputs(Some(mass)));
        aggregate
    }

    /// Opens the first window of a membership, of which this is the only stay if `stays`.
    pub(super) fn restart_window(
        &mut self,
        now: Instant,
        view: &View,
        roster: &Roster,
        stays: bool,
    ) {
        let first = || Window::first(now, roster, &mut self.ledger, self.input, stays);
        self.window = view.certifiable.then(first);
    }

    pub(super) fn set_input(&mut self, now: Instant, input: Option<(f64, Mass)>) {
        self.input = input.map(|(value, _)| value);
        let before = self.ledger.mass(VALUE);
        self.ledger.set_inputs(&inputs(input.map(|(_, mass)| mass)));
        if let Some(window) = &mut self.window {
            window.input_changed(self.input);
        }
        // This node's mass now differs from its peers' by the change.
        self.disagreement.meet(mass::to_f64(self.ledger.mass(VALUE) - before));
        self.quiet = 0;
        self.disturbed = Some(now);
    }

    /// Voids this node's windows, this one and those that follow.
    pub(super) fn bar(&mut self) {
        if let Some(window) = &mut self.window {
            window.bar();
        }
    }

    /// Returns the result of the last window, if its bounds are as narrow as the tolerance, and the
    /// number of inputs is certain.
    pub(super) fn certified(&self, config: &Config, members: usize) -> Option<Contribution> {
        let complete = self.window.as_ref().and_then(Window::result)?;
        let enclosed = Enclosed::new(&complete.contribution, members);
        let narrow = enclosed.sum.width() <= self.tolerated(config, members);
        (narrow && enclosed.counted().is_some()).then_some(complete.contribution)
    }

    /// Returns the width of the bounds of the sum up to which they are within the tolerance.
    pub(super) fn tolerated(&self, config: &Config, members: usize) -> f64 {
        (config.aggregates.tolerance * self.scale() + mass::RESOLUTION) * members as f64
    }

    /// Returns whether nothing is left to exchange: no mass moves, and the bounds say so.
    pub(super) fn is_calm(&self) -> bool {
        self.window.as_ref().is_none_or(Window::is_calm)
    }

    /// Notes a difference between this node's masses and a peer's: if it is more than rounding leaves,
    /// it is news.
    pub(super) fn differs(&mut self, now: Instant, difference: &Masses, steps: Steps, gaps: Gaps) {
        if difference.iter().any(|&(component, mass)| steps.tells(component, mass)) {
            self.pace.news(now, gaps);
            if let Some(window) = &mut self.window {
                window.mass_moved();
            }
        }
    }

    /// Notes the progress of a window: it is news, unless there is nothing left to learn.
    pub(super) fn progressed(&mut self, now: Instant, gaps: Gaps) {
        if !self.is_calm() {
            self.pace.news(now, gaps);
        }
    }

    /// Returns the differences between a peer's masses and this node's.
    pub(super) fn difference(&self, theirs: &Masses) -> Masses {
        let all = [PARTICIPATION, VALUE, SQUARE];
        all.map(|c| (c, mass_of(theirs, c) - self.ledger.mass(c))).to_vec()
    }

    /// Returns the steps in which this aggregate's masses move.
    pub(super) fn steps(&self, members: usize) -> Steps {
        let input = self.window.as_ref().and_then(Window::input_range);
        input.map_or(Steps::COARSE, |input| Steps::new(input, members))
    }

    /// Notes the differences to the masses of a peer.
    pub(super) fn met(&mut self, difference: &Masses, anchors_quiet: bool, tolerance: f64) {
        let [value, participation] = [VALUE, PARTICIPATION].map(|c| mass_of(difference, c));
        self.disagreement.meet(mass::to_f64(value));
        self.participation_disagreement.meet(mass::to_f64(participation));
        let scale = self.scale() * tolerance + mass::RESOLUTION;
        let own =
            mass::to_f64(self.ledger.mass(PARTICIPATION)).abs() * tolerance + mass::RESOLUTION;
        let quiet = mass::to_f64(value).abs() <= scale
            && mass::to_f64(participation).abs() <= own
            && anchors_quiet;
        self.quiet = if quiet { self.quiet.saturating_add(1) } else { 0 };
    }

    /// Returns the scale of value masses: not the mass itself, which may be zero though the inputs are
    /// not.
    pub(super) fn scale(&self) -> f64 {
        let value = mass::to_f64(self.ledger.mass(VALUE)).abs();
        let participation = mass::to_f64(self.ledger.mass(PARTICIPATION)).abs();
        let result = self.window.as_ref().and_then(Window::result);
        let input = result.and_then(|complete| complete.contribution.input);
        let largest = input.map_or(0.0, |input| input.lower.abs().max(input.upper.abs()));
        value.max(participation * largest)
    }

    /// Advances the window, if all members have reached its phase.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) {
        if let Some(window) = self.window.as_mut().filter(|_| !self.held) {
            let progress = window.advance(cx.now(), &mut self.ledger, self.input);
            self.note(cx, progress);
        }
    }

    /// Counts the result of a window.
    pub(super) fn note(&mut self, cx: &mut Context<'_>, progress: Option<Progress>) {
        match progress {
            Some(Progress::Enclosed) => cx.stats().windows += 1,
            Some(Progress::Void) => cx.stats().windows_void += 1,
            None => return,
        }
        let result = self.window.as_ref().and_then(Window::result);
        if progress == Some(Progress::Enclosed) && result.is_some_and(|r| r.contribution.changed) {
            self.disturbed = Some(cx.now());
        }
    }

    /// Returns whether all members, at an instant of the last window, held nothing and reported
    /// nothing: then all forget the aggregate.
    pub(super) fn is_spent(&self) -> bool {
        let dust = mass::to_f64(DUST);
        let negligible = |bounds: Bounds| -dust < bounds.lower && bounds.upper < dust;
        let result = self.window.as_ref().and_then(Window::result);
        self.input.is_none()
            && self.is_dust()
            && result.is_some_and(|complete| {
                let last = &complete.contribution;
                last.input.is_none()
                    && !last.changed
                    && last.centre == 0.0
                    && negligible(last.deviation)
                    && negligible(last.participation)
            })
    }

    pub(super) fn is_dust(&self) -> bool {
        is_dust(&[VALUE, PARTICIPATION].map(|component| (component, self.ledger.mass(component))))
    }
}

/// Returns the inputs to the components, given this node's input.
fn inputs(input: Option<Mass>) -> [(Component, Mass); 3] {
    let mass = input.unwrap_or(mass::ZERO);
    let participation = if input.is_some() { mass::ONE } else { mass::ZERO };
    [(PARTICIPATION, participation), (VALUE, mass), (SQUARE, mass::square(mass))]
}

pub(super) fn is_dust(masses: &[(Component, Mass)]) -> bool {
    let negligible = |mass: Mass| -DUST < mass && mass < DUST;
    masses.iter().all(|&(c, mass)| c == SQUARE || negligible(mass))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dust_is_what_rounding_leaves_and_not_what_a_tiny_input_makes() {
        let units = mass::ONE >> 64u32;
        assert!(is_dust(&[(VALUE, units), (PARTICIPATION, -units)]));
        assert!(!is_dust(&[(VALUE, units), (PARTICIPATION, mass::ONE >> 14u32)]));
    }
}
