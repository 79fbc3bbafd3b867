//! From masses to readings: estimates, bounds and caveats.

use crate::aggregate::Aggregation;
use crate::aggregate::bounds::Bounds;
use crate::aggregate::component::{PARTICIPATION, SQUARE, VALUE};
use crate::aggregate::enclosed::Enclosed;
use crate::aggregate::input::Mode;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::links::Link;
use crate::aggregate::local::Aggregate;
use crate::aggregate::mass::{self};
use crate::aggregate::reading::{
    AnchorLine, Bounded, Caveat, Certified, ComponentKind, ComponentLine, Estimate, Explanation,
    LinkLine, Reading, State, WindowLine, WindowPhase,
};
use crate::aggregate::window::Window;
use crate::config::Config;
use crate::core::Core;
use crate::identity::{Name, NodeId};
use crate::time::{Duration, Instant};

/// Exchanges in a row without a change after which an aggregate may count as converged.
const QUIET: u32 = 4;

/// Periods after which a push without an answer, or a window that does not end, means that exchanges
/// do not get through. Less than a death takes to be detected by default.
const STUCK: u32 = 16;

impl Aggregation {
    /// Returns the reading of an aggregate: the estimate, or in mode epoch the last epoch's result.
    pub(crate) fn reading(&self, now: Instant, name: &Name, core: &Core) -> Option<Reading> {
        match self.mode {
            Mode::Live => self.estimate(now, name, core),
            Mode::Epoch => match self.finished.get(name) {
                Some(finished) => Some(finished.clone()),
                None => self.contains(name).then(|| Reading {
                    caveats: vec![Caveat::NoEpoch],
                    ..nothing_known(name, self.mode, core.roster.len())
                }),
            },
        }
    }

    /// Returns the number of nodes: the median of the inverses of the anchors' masses.
    fn nodes(&self) -> Option<f64> {
        let mut inverses: Vec<f64> = (self.view.anchors.iter())
            .map(|id| mass::to_f64(self.anchors.mass(id.0)))
            .filter(|&mass| mass > 0.0)
            .map(|mass| 1.0 / mass)
            .collect();
        inverses.sort_by(f64::total_cmp);
        let n = inverses.len();
        let pair = (inverses.get(n.checked_sub(1)? / 2)?, inverses.get(n / 2)?);
        Some((pair.0 + pair.1) / 2.0)
    }

    /// Returns the present estimate.
    pub(crate) fn estimate(&self, now: Instant, name: &Name, core: &Core) -> Option<Reading> {
        let Core { roster, config, .. } = core;
        let aggregate = self.aggregates.get(name)?;
        let held = |component| mass::to_f64(aggregate.ledger.mass(component));
        let (value, participation) = (held(VALUE), held(PARTICIPATION));
        let nodes = self.nodes();
        let reported = participation > 0.0 && !aggregate.is_dust();
        let average = reported.then(|| value / participation);

        // A window of another membership proves nothing about this one.
        let current = self.view.digest == roster.digest();
        let complete = aggregate.window.as_ref().and_then(Window::result).filter(|_| current);
        let last = complete.map(|complete| &complete.contribution);
        let enclosed = last.map(|last| Enclosed::new(last, roster.len()));
        let (sum, count) = (nodes.map(|n| value * n), nodes.map(|n| participation * n));

        let quiet = roster.is_empty() || aggregate.quiet >= QUIET;
        let stuck = self.is_stuck(now, aggregate);
        let changed = if current { self.view.changed } else { Some(now) };
        let tolerated = (config.aggregates.tolerance * aggregate.scale() + mass::RESOLUTION)
            * roster.len() as f64;
        // The window is narrow, and the estimate lies in it or at least near it.
        let settled = |bounds: Bounds, value: f64| {
            let with_value = bounds.hull(Bounds { lower: value, upper: value });
            bounds.width() <= tolerated && with_value.width() <= 2.0 * tolerated
        };
        let since_change = complete.is_some_and(|complete| {
            Some(complete.opened) >= aggregate.disturbed && !complete.contribution.changed
        });
        let converged = quiet
            && since_change
            && enclosed.is_some_and(|e| e.counted().is_some())
            && enclosed.zip(sum).is_some_and(|(e, value)| settled(e.sum, value))
            && !stuck;
        let state = if converged {
            State::Settled
        } else if stuck || self.is_shaken(now, aggregate, changed, complete.is_some()) {
            State::Disturbed
        } else {
            State::Following
        };
        let known_variance = enclosed.and_then(|enclosed| enclosed.known_variance());
        // With `converged` it is known; otherwise it is an estimate that is possible.
        let variance = if converged {
            known_variance
        } else {
            let masses = [PARTICIPATION, VALUE, SQUARE].map(|c| aggregate.ledger.mass(c));
            let estimate = reported.then(|| mass::variance(masses));
            estimate.filter(|&v| last.is_some_and(|last| Enclosed::allows(last, roster.len(), v)))
        };

        // The average disagreement lags behind. Once exchanges change nothing, the enclosure holds for
        // now, too, and bounds the error better.
        let estimate = |value: Option<f64>, met: Option<f64>, bounds: Option<Bounds>| {
            let value = match bounds {
                Some(bounds) if converged => Some(bounds.shortest()),
                _ => value,
            };
            let bound = bounds.zip(value).filter(|_| quiet).map(|(bounds, value)| {
                (value - bounds.lower).abs().max((bounds.upper - value).abs()) / 3.0
            });
            let met = met.filter(|_| value.is_some());
            let standard_error = met.zip(bound).map(|(met, bound)| met.min(bound));
            Estimate { value, standard_error: standard_error.or(met).or(bound) }
        };
        let of_value = aggregate.disagreement.standard_error();
        let of_participation = aggregate.participation_disagreement.standard_error();
        let of_nodes = self.anchor_disagreement.standard_error().unwrap_or(0.0);
        let of_total = |error: Option<f64>, mass: f64| {
            error.zip(nodes).map(|(error, n)| (error * n).hypot(mass * n * of_nodes))
        };
        let of_average = of_value.zip(of_participation).zip(average).map(
            |((of_value, of_participation), average)| {
                of_value.hypot(average * of_participation) / participation
            },
        );
        let bounds_of_average = enclosed.and_then(|enclosed| enclosed.average);
        let sum = estimate(sum, of_total(of_value, value), enclosed.map(|e| e.sum));
        let count =
            estimate(count, of_total(of_participation, participation), enclosed.map(|e| e.count));
        let average = estimate(average, of_average, bounds_of_average);
        let bounded = |bounds: Bounds| Bounded {
            value: if converged { bounds.shortest() } else { bounds.middle() },
            lower: bounds.lower,
            upper: bounds.upper,
        };
        let certified = complete.zip(enclosed).map(|(complete, enclosed)| Certified {
            age: now.since(complete.opened),
            sum: bounded(enclosed.sum),
            average: enclosed.average.map(bounded),
            count: bounded(enclosed.count),
            min: complete.contribution.input.map(|input| input.lower),
            max: complete.contribution.input.map(|input| input.upper),
            variance: known_variance,
        });

        let mut caveats = Vec::new();
        if roster.is_empty() {
            caveats.push(Caveat::Alone);
        }
        if nodes.is_none() {
            caveats.push(Caveat::NoAnchor);
        }
        if !self.view.certifiable {
            caveats.push(Caveat::TooManyMembers(roster.len(), config.most_enclosed()));
        } else if complete.is_none() {
            caveats.push(Caveat::NoEnclosure);
        }
        if last.is_some_and(|last| last.changed) || complete.is_some() && !since_change {
            caveats.push(Caveat::InputChanged);
        }
        if last.is_some_and(|last| last.input.is_none() && aggregate.input.is_none()) {
            caveats.push(Caveat::NobodyReports);
        }
        caveats.push(Caveat::Undetected(detection_time(config)));
        Some(Reading {
            state,
            sum,
            average,
            count,
            variance,
            standard_deviation: variance.map(f64::sqrt),
            certified,
            converged,
            disturbed: aggregate.disturbed.max(changed).map(|at| now.since(at)),
            caveats,
            ..nothing_known(name, self.mode, roster.len())
        })
    }

    /// Returns whether the membership changed lately, so that the masses of those who came or went are
    /// still on their way: until a window is complete, or for a while if there is none.
    fn is_shaken(
        &self,
        now: Instant,
        aggregate: &Aggregate,
        changed: Option<Instant>,
        complete: bool,
    ) -> bool {
        let patience = self.period * STUCK;
        changed.is_some_and(|changed| {
            if self.view.certifiable {
                // An aggregate that began long after the change is new, and not shaken by it.
                !complete && changed + patience >= aggregate.began
            } else {
                now.since(changed) <= patience
            }
        })
    }

    /// Returns whether exchanges of an aggregate do not get through: to a peer, or somewhere beyond
    /// the peers, so that no window ends.
    fn is_stuck(&self, now: Instant, aggregate: &Aggregate) -> bool {
        let patience = self.period * STUCK;
        let unanswered = self.links.iter().any(|(peer, link)| {
            let awaits = |ledger: &Ledger| ledger.awaits(peer, link.seq);
            link.awaiting_since().is_some_and(|since| now.since(since) > patience)
                && (awaits(&aggregate.ledger) || awaits(&self.anchors))
        });
        let result = aggregate.window.as_ref().and_then(Window::result);
        let overdue = result
            .is_some_and(|complete| now.since(complete.opened) > complete.took * 4 + patience);
        unanswered || overdue
    }

    /// Returns the reading of an aggregate with its basis.
    pub(crate) fn explain(&self, now: Instant, name: &Name, core: &Core) -> Option<Explanation> {
        let roster = &core.roster;
        let reading = self.reading(now, name, core)?;
        let aggregate = self.aggregates.get(name);
        let component = |(kind, component)| {
            let ledger = &aggregate?.ledger;
            let (taken, given) = ledger.totals(component);
            Some(ComponentLine {
                component: kind,
                input: mass::to_f64(ledger.input(component)),
                mass: mass::to_f64(ledger.mass(component)),
                units: ledger.mass(component).to_string(),
                taken: mass::to_f64(taken),
                given: mass::to_f64(given),
            })
        };
        let labels = [
            (ComponentKind::Participation, PARTICIPATION),
            (ComponentKind::Value, VALUE),
            (ComponentKind::Square, SQUARE),
        ];
        let identity = |id| if id == roster.id() { Some(roster.me()) } else { roster.peer(id) };
        let anchor = |&id: &NodeId| {
            let mass = mass::to_f64(self.anchors.mass(id.0));
            let nodes = (mass > 0.0).then(|| 1.0 / mass);
            Some(AnchorLine { name: identity(id)?.name.clone(), id, mass, nodes })
        };
        let link = |(id, link): (NodeId, &Link)| {
            let peer = roster.peer(id)?;
            Some(LinkLine {
                name: peer.name.clone(),
                addr: peer.addr,
                linked: link.linked,
                outstanding: link.is_outstanding(),
                exchanges: link.seq,
                net: aggregate
                    .map_or(0.0, |aggregate| mass::to_f64(aggregate.ledger.net(id, VALUE))),
            })
        };
        let window = aggregate.and_then(|aggregate| aggregate.window.as_ref());
        Some(Explanation {
            input: self.input(name),
            components: labels.into_iter().filter_map(component).collect(),
            anchors: self.view.anchors.iter().filter_map(anchor).collect(),
            nodes: self.nodes(),
            links: self.links.iter().filter_map(link).collect(),
            window: WindowLine {
                number: window.map_or(0, Window::number),
                phase: window.map_or(WindowPhase::None, Window::phase),
                reached: window.map_or(0, Window::reached),
                of: roster.len(),
            },
            reading,
        })
    }
}

fn nothing_known(name: &Name, mode: Mode, members: usize) -> Reading {
    Reading {
        name: name.clone(),
        mode,
        epoch: None,
        state: State::Following,
        sum: Estimate::default(),
        average: Estimate::default(),
        count: Estimate::default(),
        variance: None,
        standard_deviation: None,
        certified: None,
        converged: false,
        members,
        disturbed: None,
        caveats: Vec::new(),
    }
}

/// Returns about how long a death stays undetected: until a probe fails and is not refuted.
fn detection_time(config: &Config) -> Duration {
    config.membership.probe_interval * 5 / 2 + config.membership.suspicion_timeout
}
