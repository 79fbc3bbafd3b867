//! From masses to readings: estimates, bounds and caveats.

use crate::aggregate::Aggregation;
use crate::aggregate::bounds::Bounds;
use crate::aggregate::component::{PARTICIPATION, SQUARE, VALUE};
use crate::aggregate::enclosed::Enclosed;
use crate::aggregate::epoch::Finished;
use crate::aggregate::input::Mode;
use crate::aggregate::ledger::Ledger;
use crate::aggregate::links::Link;
use crate::aggregate::local::Aggregate;
use crate::aggregate::mass::{self};
use crate::aggregate::reading::{
    AnchorLine, Bounded, Caveat, Certified, ComponentKind, ComponentLine, Estimate, Explanation,
    LinkLine, Reading, State, WindowLine, WindowPhase,
};
use crate::aggregate::settings::REST_INTERVALS;
use crate::aggregate::window::Window;
use crate::config::Config;
use crate::core::Core;
use crate::identity::{Name, NodeId};
use crate::time::{Duration, Instant};

/// Exchanges in a row without a change after which an aggregate may count as converged.
const QUIET: u32 = 4;

/// Periods after which a push without an answer means that exchanges do not get through. At rest a node
/// pushes every [`REST_INTERVALS`], and both together are about what a death takes to be detected.
const UNANSWERED: u32 = 8;

/// Periods by which a window or an epoch may be late before that means the same.
const STUCK: u32 = 16;

impl Aggregation {
    /// Returns the reading of an aggregate: the estimate, or in mode epoch the last epoch's result.
    pub(crate) fn reading(&self, now: Instant, name: &Name, core: &Core) -> Option<Reading> {
        let Some(epochs) = &self.epochs else { return self.estimate(now, name, core) };
        let nothing = nothing_known(name, Mode::Epoch, core.roster.len());
        let Some(finished) = epochs.finished.get(name) else {
            let known = self.contains(name);
            return known.then(|| Reading { caveats: vec![Caveat::NoEpoch], ..nothing });
        };
        Some(result(now, finished, core, nothing))
    }

    /// Returns the present estimate.
    pub(crate) fn estimate(&self, now: Instant, name: &Name, core: &Core) -> Option<Reading> {
        let Core { roster, config, .. } = core;
        let aggregate = self.aggregates.get(name)?;
        let held = |component| mass::to_f64(aggregate.ledger.mass(component));
        let (value, participation) = (held(VALUE), held(PARTICIPATION));
        let nodes = self.anchors.nodes(roster.len());
        let reported = participation > 0.0 && !aggregate.is_dust();
        let average = reported.then(|| value / participation);

        // A window of another membership proves nothing about this one, and one of this node alone
        // nothing about the members that it expects.
        let current = self.view.digest == roster.digest();
        let complete = aggregate.window.as_ref().and_then(Window::result);
        let complete = complete.filter(|_| current && core.expected.is_none());
        let last = complete.map(|complete| &complete.contribution);
        let enclosed = last.map(|last| Enclosed::new(last, roster.len()));
        let (sum, count) = (nodes.map(|n| value * n), nodes.map(|n| participation * n));

        let quiet = roster.is_empty() || aggregate.quiet >= QUIET;
        let stuck = self.is_stuck(now, aggregate, core);
        let changed = if current { self.view.changed } else { Some(now) };
        let tolerated = aggregate.tolerated(config, roster.len());
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
        } else if stuck
            || core.expected.is_some()
            || self.is_shaken(now, aggregate, changed, complete.is_some(), config)
        {
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
        let estimate = |held: Option<f64>, met: Option<f64>, bounds: Option<Bounds>| {
            let value = match bounds {
                Some(bounds) if converged => Some(bounds.shortest()),
                _ => held,
            };
            // The shortest decimal errs by its distance from what is held, too.
            let moved = value.zip(held).map_or(0.0, |(value, held)| value - held);
            let bound = bounds.zip(value).filter(|_| quiet).map(|(bounds, value)| {
                (value - bounds.lower).abs().max((bounds.upper - value).abs()) / 3.0
            });
            // A node without peers disagrees with nobody.
            let met = met.filter(|_| value.is_some() && !roster.is_empty());
            let met = met.map(|met| met.hypot(moved));
            let standard_error = met.zip(bound).map(|(met, bound)| met.min(bound));
            Estimate { value, standard_error: standard_error.or(met).or(bound) }
        };
        let of_value = aggregate.disagreement.standard_error();
        let of_participation = aggregate.participation_disagreement.standard_error();
        // The anchors' masses may be far from even without a disagreement that this node has met: the
        // number of members, which it knows, tells.
        let missed = nodes.map_or(0.0, |n| roster.len() as f64 / n - 1.0);
        let of_nodes = self.anchors.disagreement.standard_error().unwrap_or(0.0).hypot(missed);
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
            // What a node without peers knows holds now.
            age: if roster.is_empty() { Duration::ZERO } else { now.since(complete.opened) },
            sum: bounded(enclosed.sum),
            average: enclosed.average.map(bounded),
            count: bounded(enclosed.count),
            min: complete.contribution.input.map(|input| input.lower),
            max: complete.contribution.input.map(|input| input.upper),
            variance: known_variance,
        });

        let mut caveats = Vec::from_iter(alone(core));
        if nodes.is_none() {
            caveats.push(Caveat::NoAnchor);
        }
        if !self.view.certifiable {
            caveats.push(Caveat::TooManyMembers(roster.len(), config.most_enclosed()));
        } else if complete.is_none() && core.expected.is_none() {
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
            ..nothing_known(name, Mode::Live, roster.len())
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
        config: &Config,
    ) -> bool {
        let patience = config.interval * STUCK;
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
    fn is_stuck(&self, now: Instant, aggregate: &Aggregate, core: &Core) -> bool {
        if core.roster.is_empty() {
            return false;
        }
        let patience = core.config.interval * STUCK;
        let longest_answer = core.config.interval * UNANSWERED;
        let unanswered = self.links.iter().any(|(peer, link)| {
            let awaits = |ledger: &Ledger| ledger.awaits(peer, link.seq);
            link.awaiting_since().is_some_and(|since| now.since(since) > longest_answer)
                && (awaits(&aggregate.ledger) || awaits(&self.anchors.ledger))
        });
        let result = aggregate.window.as_ref().and_then(Window::result);
        let usual = core.config.interval * window_at_rest(core.roster.len());
        let overdue = result.is_some_and(|complete| {
            now.since(complete.opened) > usual.max(complete.took * 4) + patience
        });
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
            let mass = mass::to_f64(self.anchors.ledger.mass(id.0));
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
            anchors: self.anchors.elected.iter().filter_map(anchor).collect(),
            nodes: self.anchors.nodes(roster.len()),
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

/// Returns the reading of a finished epoch.
fn result(now: Instant, finished: &Finished, core: &Core, nothing: Reading) -> Reading {
    let last = &finished.contribution;
    let enclosed = Enclosed::new(last, finished.members);
    let age = now.since(finished.latched);
    // Epochs follow each other, unless exchanges do not get through. One of another membership says
    // nothing about this one.
    let cycle = core.config.aggregates.epoch_pause + finished.took;
    let converged = age <= cycle * 2 + core.config.interval * STUCK
        && finished.members == core.roster.len()
        && core.expected.is_none();
    let bounded = |bounds: Bounds| Bounded {
        value: bounds.shortest(),
        lower: bounds.lower,
        upper: bounds.upper,
    };
    let estimate = |bounded: Bounded| {
        let error = (bounded.value - bounded.lower).max(bounded.upper - bounded.value) / 3.0;
        Estimate { value: Some(bounded.value), standard_error: Some(error) }
    };
    let certified = Certified {
        age,
        sum: bounded(enclosed.sum),
        average: enclosed.average.map(bounded),
        count: bounded(enclosed.count),
        min: last.input.map(|input| input.lower),
        max: last.input.map(|input| input.upper),
        variance: enclosed.known_variance(),
    };
    let mut caveats = Vec::from_iter(alone(core));
    caveats.push(Caveat::Undetected(detection_time(&core.config)));
    Reading {
        epoch: Some(finished.epoch),
        state: if converged { State::Settled } else { State::Disturbed },
        sum: estimate(certified.sum),
        average: certified.average.map(estimate).unwrap_or_default(),
        count: estimate(certified.count),
        variance: certified.variance,
        standard_deviation: certified.variance.map(f64::sqrt),
        converged,
        certified: core.expected.is_none().then_some(certified),
        caveats,
        ..nothing
    }
}

/// Returns the caveat of a node without peers.
fn alone(core: &Core) -> Option<Caveat> {
    match core.expected {
        Some(expected) => Some(Caveat::AloneSinceStart(expected)),
        None => core.roster.is_empty().then_some(Caveat::Alone),
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

/// Returns the gossip periods that a window may take at rest: each of its two phases informs all
/// members, which takes some exchanges more than log₂ n of each.
fn window_at_rest(members: usize) -> u32 {
    let exchanges = 2.0 * ((members.max(2) as f64).log2() + 6.0);
    REST_INTERVALS * exchanges.ceil() as u32
}
