//! The state of one aggregate at this node: its ledger, its window, and whether it has settled.

use crate::aggregate::bounds::Bounds;
use crate::aggregate::component::{Component, PARTICIPATION, SQUARE, VALUE};
use crate::aggregate::disagreement::Disagreement;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::mass::{self, Mass, Steps};
use crate::aggregate::view::View;
use crate::aggregate::window::{Progress, Window};
use crate::membership::roster::Roster;
use crate::protocol::Context;
use crate::time::Instant;

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
}

impl Aggregate {
    pub(super) fn new(now: Instant, view: &View, roster: &Roster, ledger: Ledger) -> Self {
        let mut aggregate = Self {
            ledger,
            window: None,
            began: now,
            input: None,
            disagreement: Disagreement::default(),
            participation_disagreement: Disagreement::default(),
            quiet: 0,
            disturbed: None,
        };
        aggregate.restart_window(now, view, roster);
        aggregate
    }

    pub(super) fn restart_window(&mut self, now: Instant, view: &View, roster: &Roster) {
        let first = || Window::first(now, roster, &mut self.ledger, self.input);
        self.window = view.certifiable.then(first);
    }

    pub(super) fn set_input(&mut self, now: Instant, input: Option<(f64, Mass)>) {
        self.input = input.map(|(value, _)| value);
        let mass = input.map_or(mass::ZERO, |(_, mass)| mass);
        let participation = if input.is_some() { mass::ONE } else { mass::ZERO };
        self.ledger.set_inputs(&[
            (PARTICIPATION, participation),
            (VALUE, mass),
            (SQUARE, mass::square(mass)),
        ]);
        if let Some(window) = &mut self.window {
            window.input_changed(self.input);
        }
        self.quiet = 0;
        self.disturbed = Some(now);
    }

    /// Returns the steps in which this aggregate's masses move.
    pub(super) fn steps(&self, members: usize) -> Steps {
        let input = self.window.as_ref().and_then(Window::input_range);
        input.map_or(Steps::COARSE, |input| Steps::new(input, members))
    }

    /// Notes the differences to the masses of a peer.
    pub(super) fn met(
        &mut self,
        value: Mass,
        participation: Mass,
        anchors_quiet: bool,
        tolerance: f64,
    ) {
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
        if let Some(window) = &mut self.window {
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
