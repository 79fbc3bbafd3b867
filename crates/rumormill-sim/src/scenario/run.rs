//! A scenario under way.

mod act;
mod phase;
mod start;

use std::collections::BTreeMap;

use rumormill_proto::{Config, Duration, Instant, Mode, Name};

use self::phase::{Beginning, Phase};
use super::action::Action;
use super::calm::{BALANCES, ENCORE, LOOK_EVERY, end_faults};
use super::durable::Drawn;
use super::entry::{Step, in_words};
use super::error::ScenarioError;
use super::slice::{Mark, Moment, NoticeLine, Slice, Tone};
use super::values::Values;
use super::{Scenario, observe};
use crate::check::chronicle::Chronicle;
use crate::check::clocks::times;
use crate::check::monitor::Watch;
use crate::check::violation::{Failure, Violation};
use crate::network::VirtualNetwork;
use crate::network::counters::Counters;
use crate::network::error::SimError;
use crate::network::spec::NetworkConfig;

/// In a cluster up to this size, everything is looked at more often than it is sampled.
const SMALL: usize = 128;

/// How a run ended, or how it stands.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run's seed.
    pub seed: u64,
    /// One number for the whole run; see [`VirtualNetwork::digest`].
    pub digest: u64,
    /// What really happened.
    pub counters: Counters,
    /// How many nodes run.
    pub survivors: usize,
    /// How far the run has come.
    pub at: Instant,
    /// How long after the beginning of the calm everything held.
    pub settled_after: Option<Duration>,
    /// How many enclosures were looked at.
    pub enclosures: u64,
    /// How often all masses were added up.
    pub balances: u64,
    /// How many events were published.
    pub published: usize,
    /// How many deliveries of events there were, those at their origins included.
    pub delivered: usize,
    /// How many versions of keys were written.
    pub writes: usize,
    /// What did not hold, if anything.
    pub failure: Option<Failure>,
}

/// A scenario under way: [`ScenarioRun::advance`] goes on to the next sample.
pub struct ScenarioRun {
    scenario: Scenario,
    config: Config,
    durable: Drawn,
    aggregates: Vec<Name>,
    values: BTreeMap<String, Values>,
    steps: Vec<Step>,
    next: usize,
    net: VirtualNetwork,
    watch: Watch,
    /// What each node reports when it runs.
    assigned: Vec<BTreeMap<String, f64>>,
    phase: Phase,
    beginning: Beginning,
    settled_after: Option<Duration>,
    failure: Option<Failure>,
    marks: Vec<Mark>,
    details: bool,
    chronicle: Chronicle,
    notices: Vec<NoticeLine>,
}

impl core::fmt::Debug for ScenarioRun {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ScenarioRun")
            .field("scenario", &self.scenario)
            .field("net", &self.net)
            .finish_non_exhaustive()
    }
}

impl Scenario {
    /// Makes the whole run, and returns how it ended.
    ///
    /// # Errors
    /// When the scenario makes no sense.
    pub fn run(&self) -> Result<Outcome, ScenarioError> {
        Ok(ScenarioRun::new(self)?.finish())
    }
}

impl ScenarioRun {
    /// A run at its start.
    ///
    /// # Errors
    /// When the scenario makes no sense.
    pub fn new(scenario: &Scenario) -> Result<Self, ScenarioError> {
        scenario.check_settings()?;
        Self::with_steps(scenario, scenario.steps()?, false)
    }

    /// The same, with the details in its slices: states of nodes, what they say, packets.
    ///
    /// # Errors
    /// When the scenario makes no sense.
    pub fn detailed(scenario: &Scenario) -> Result<Self, ScenarioError> {
        scenario.check_settings()?;
        Self::with_steps(scenario, scenario.steps()?, true)
    }

    /// A run of other steps than the scenario's own.
    pub(crate) fn with_steps(
        scenario: &Scenario,
        steps: Vec<Step>,
        details: bool,
    ) -> Result<Self, ScenarioError> {
        let refused = |error| ScenarioError::of_network("", error);
        let values = scenario.aggregates();
        let mut names: Vec<String> = values.keys().cloned().collect();
        for step in &steps {
            if let Action::Set(set) = &step.action
                && !names.contains(&set.aggregate)
            {
                names.push(set.aggregate.clone());
            }
        }
        let aggregates: Vec<Name> = names
            .iter()
            .map(|name| Name::new(name).map_err(|error| refused(error.into())))
            .collect::<Result<_, _>>()?;
        let net = VirtualNetwork::new(NetworkConfig {
            seed: scenario.seed,
            link: scenario.first_link(),
            keep_traffic: details,
            count_reordering: details || scenario.nodes as usize <= SMALL,
            ..NetworkConfig::default()
        });
        Ok(Self {
            config: scenario.config()?,
            durable: scenario.durable().draw(scenario.seed, scenario.nodes),
            watch: Watch::new(aggregates.clone(), &scenario.epochs),
            aggregates,
            values,
            steps,
            next: 0,
            net: net.map_err(refused)?,
            assigned: Vec::new(),
            phase: Phase::Start,
            beginning: Beginning::Nodes(0),
            settled_after: None,
            failure: None,
            marks: Vec::new(),
            details,
            chronicle: Chronicle::default(),
            notices: Vec::new(),
            scenario: scenario.clone(),
        })
    }

    /// Goes on to the next sample; `None` when the run is over.
    pub fn advance(&mut self) -> Option<Slice> {
        while self.start().is_some() {}
        if self.phase == Phase::Over {
            return None;
        }
        if let Err(failure) = self.play() {
            self.fail(failure);
        }
        if self.net.len() <= SMALL {
            self.net.sample_suspicions();
        }
        let sample = observe::sample(&self.net, &self.aggregates, &self.chronicle);
        let marks = core::mem::take(&mut self.marks);
        let (mut nodes, mut notices, mut traffic) = Default::default();
        if self.details {
            nodes = observe::nodes(&self.net, &self.aggregates);
            notices = core::mem::take(&mut self.notices);
            traffic = observe::traffic(&mut self.net);
        }
        Some(Slice { marks, sample, nodes, notices, traffic })
    }

    /// Goes on to the end, and returns how the run ended.
    pub fn finish(mut self) -> Outcome {
        while self.advance().is_some() {}
        self.outcome()
    }

    /// Returns how the run stands.
    pub fn outcome(&self) -> Outcome {
        let (published, delivered) = self.chronicle.published();
        Outcome {
            seed: self.scenario.seed,
            digest: self.net.digest(),
            counters: *self.net.counters(),
            survivors: self.net.running().count(),
            at: self.net.now(),
            settled_after: self.settled_after,
            enclosures: self.watch.enclosures,
            balances: self.watch.balances,
            published,
            delivered,
            writes: self.chronicle.writes(),
            failure: self.failure.clone(),
        }
    }

    /// Returns the aggregates that are looked at.
    pub fn aggregates(&self) -> &[Name] {
        &self.aggregates
    }

    /// Returns the mode of an aggregate.
    fn mode(&self, aggregate: &str) -> Mode {
        let epochs = &self.scenario.epochs;
        if epochs.iter().any(|name| name == aggregate) { Mode::Epoch } else { Mode::Live }
    }

    /// Returns what happens in it, with everything random drawn.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    // ------------------------------------------------------------------ time

    /// Plays until the next sample, or until something fails or all is over.
    fn play(&mut self) -> Result<(), Failure> {
        let period = self.scenario.sample_period().0.as_nanos() as u64;
        let next = (self.net.now().as_nanos() / period + 1) * period;
        let mut until = Instant::from_nanos(next);
        if self.phase == Phase::Play {
            until = until.min(self.scenario.duration.instant());
        }
        while self.net.now() < until && self.phase != Phase::Over {
            let look = if self.net.len() > SMALL { until } else { self.net.now() + LOOK_EVERY };
            let due = self.steps.get(self.next).filter(|_| self.phase == Phase::Play);
            let to = due.map_or(until, |step| step.at).min(look).min(until);
            self.net.run_to(to);
            let now = self.net.now();
            // Before anybody is stopped or started: their notices belong to these incarnations.
            self.note().map_err(|violation| Failure::Broken(now, violation))?;
            self.watch.check(&self.net).map_err(|violation| Failure::Broken(now, violation))?;
            match self.phase {
                Phase::Play => self.act()?,
                Phase::Calm(began, held) => self.judge(began, held)?,
                Phase::Start | Phase::Over => {}
            }
        }
        if self.phase == Phase::Play && self.net.now() >= self.scenario.duration.instant() {
            self.calm_down()?;
        }
        Ok(())
    }

    /// Takes down what nodes have said.
    fn note(&mut self) -> Result<(), Violation> {
        for (at, node, event) in self.net.take_events() {
            if self.details {
                self.notices.push(observe::notice(at, node, &event));
            }
            self.chronicle.record(&self.net, at, node, event)?;
        }
        Ok(())
    }

    /// Takes all steps that are due.
    fn act(&mut self) -> Result<(), SimError> {
        let now = self.net.now();
        let due = self.steps[self.next..].iter().take_while(|step| step.at <= now).count();
        if due == 0 {
            return Ok(());
        }
        let steps = self.steps[self.next..][..due].to_vec();
        self.next += due;
        for (tone, text) in in_words(&steps) {
            self.mark(tone, text);
        }
        for step in steps {
            self.apply(&step)?;
        }
        self.watch.observe(&self.net);
        Ok(())
    }

    fn calm_down(&mut self) -> Result<(), SimError> {
        let patience = self.scenario.calm.patience;
        if patience.0.is_zero() {
            self.phase = Phase::Over;
            return Ok(());
        }
        end_faults(&mut self.net)?;
        self.net.set_link(self.scenario.calm.link.over(self.scenario.first_link()))?;
        self.phase = Phase::Calm(self.net.now(), None);
        self.mark(Tone::Phase, "calm: faults end, and everything must come right".into());
        Ok(())
    }

    /// Returns whether everything holds by now, and has for a while.
    fn judge(&mut self, began: Instant, held: Option<Instant>) -> Result<(), Failure> {
        let now = self.net.now();
        let settled = self.watch.settled(&self.net, self.config.aggregates.tolerance);
        let holds = settled
            .and_then(|()| self.chronicle.delivered(&self.net))
            .and_then(|()| self.chronicle.kv(&self.net))
            .and_then(|()| times(&self.net))
            .and_then(|()| self.watch.added_up(&self.net, BALANCES));
        match (holds, held) {
            (Ok(()), None) => {
                self.settled_after = Some(now.since(began));
                self.phase = Phase::Calm(began, Some(now));
            }
            (Ok(()), Some(since)) if now.since(since) >= ENCORE => {
                self.mark(Tone::Phase, "everything holds".into());
                self.phase = Phase::Over;
            }
            (Ok(()), Some(_)) => {}
            (Err(violation), _) => {
                self.settled_after = None;
                self.phase = Phase::Calm(began, None);
                let patience = self.scenario.calm.patience.0;
                if now.since(began) >= patience {
                    return Err(Failure::Never(patience, violation));
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure) {
        self.mark(Tone::Fault, failure.to_string());
        self.failure = Some(failure);
        self.phase = Phase::Over;
    }

    fn mark(&mut self, tone: Tone, text: String) {
        self.marks.push(Mark { at: Moment::from(self.net.now()), tone, text });
    }
}
