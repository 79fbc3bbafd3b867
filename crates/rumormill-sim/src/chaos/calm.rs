//! The calm phase: faults have ended, and everything must come to hold, and then stay so.

use rumormill_proto::{Duration, Name, Node};

use super::{Failure, Run};
use crate::check::{self, Violation};
use crate::spec::{NodeIndex, SimError};
use crate::truth::Truth;

/// How often everything is looked at: no divisor of any period in the nodes, so that all phases of
/// an exchange come up.
const LOOK_EVERY: Duration = Duration::from_micros(47_113);

/// The masses must add up at so many instants.
const BALANCES: u64 = 3;

/// How long everything is watched after it came to hold.
const ENCORE: Duration = Duration::from_secs(2);

impl Run {
    /// Ends all faults and waits until everything holds; returns how long that took.
    pub(super) fn calm_phase(&mut self) -> Result<Duration, Failure> {
        self.end_faults()?;
        let began = self.net.now();
        let deadline = began + self.plan.patience;
        let mut held = None;
        loop {
            self.net.run_for(LOOK_EVERY);
            let now = self.net.now();
            match (self.look()?, held) {
                (Ok(()), None) => held = Some(now),
                (Ok(()), Some(since)) if now.since(since) >= ENCORE => {
                    return Ok(since.since(began));
                }
                (Ok(()), Some(_)) => {}
                (Err(_), _) => held = None,
            }
            if now >= deadline
                && let Err(violation) = self.look()?
            {
                return Err(Failure::Never(self.plan.patience, violation));
            }
        }
    }

    fn end_faults(&mut self) -> Result<(), SimError> {
        self.net.heal();
        self.net.resume_all();
        self.net.set_link(self.plan.calm_link)?;
        // A node whose seeds are gone for good can't know where the others are: somebody tells it.
        let running: Vec<NodeIndex> = self.net.running().map(|(index, _)| index).collect();
        let lost = |&index: &NodeIndex| self.net.node(index).is_some_and(Node::is_joining);
        let lost: Vec<NodeIndex> = running.iter().copied().filter(lost).collect();
        for node in lost {
            self.net.join(node, running[0]);
        }
        Ok(())
    }

    /// Looks at everything once. The outer error is what must never be, the inner one what may
    /// yet come right.
    fn look(&mut self) -> Result<Result<(), Violation>, Failure> {
        self.take_notes()?;
        if let Err(violation) = check::rosters(&check::views(&self.net)) {
            self.settled = None;
            self.balances = 0;
            return Ok(Err(violation));
        }
        if self.settled.is_none() {
            let local = |(index, _)| (index, self.net.local_now(index));
            self.settled = Some(self.net.running().map(local).collect());
        }
        if !self.plan.node.aggregates {
            return Ok(Ok(()));
        }
        let heard = self.chronicle.everybody_heard(&self.net);
        let mut verdict = heard.and_then(|()| self.chronicle.replicas(&self.net));
        let mut unbalanced = None;
        for figure in self.plan.figures.clone() {
            let truth = self.truth(&figure);
            // What nobody reports is forgotten, and nothing need be known of it.
            if truth.count > 0 {
                unbalanced = unbalanced.or(self.balance(&figure, &truth)?);
                verdict = verdict.and(self.look_at(&figure, &truth)?);
            }
        }
        match unbalanced {
            None => self.balances += 1,
            Some(violation) if self.balances < BALANCES => verdict = Err(violation),
            Some(_) => {}
        }
        Ok(verdict)
    }

    /// Adds up the figure's masses, if nothing is under way; returns what keeps them from being
    /// right, or from being added up.
    fn balance(&self, figure: &Name, truth: &Truth) -> Result<Option<Violation>, Failure> {
        let books = check::books(&self.net, figure);
        if let Err(what) = check::quiet(&books) {
            return Ok(Some(Violation::NeverQuiet { figure: figure.clone(), what }));
        }
        match check::conservation(figure, truth, &books) {
            Ok(()) => Ok(None),
            // Once the two sides of all links agree, they agree for ever.
            Err(violation) if self.balances > 0 => Err(Failure::Broken(self.net.now(), violation)),
            Err(violation) => Ok(Some(violation)),
        }
    }

    /// What nodes say of the figure: enclosures must contain the truth at all times, estimates
    /// must come right.
    fn look_at(&mut self, figure: &Name, truth: &Truth) -> Result<Result<(), Violation>, Failure> {
        let now = self.net.now();
        let said = check::said(&self.net, figure);
        let settled = self.settled.as_deref().unwrap_or_default();
        let since = |node| settled.iter().find(|entry| entry.0 == node).map(|entry| entry.1);
        let seen = check::enclosures(figure, truth, &said, since);
        self.enclosures += seen.map_err(|violation| Failure::Broken(now, violation))?;
        let tolerance = self.plan.node.config.tolerance;
        Ok(check::figures(figure, truth, &said, tolerance))
    }

    /// What the figure is, from the inputs that running nodes were given.
    fn truth(&self, figure: &Name) -> Truth {
        let running = self.net.running();
        Truth::of(running.filter_map(|(index, _)| self.net.input(index, figure)))
    }
}
