//! A whole run drawn from a seed: a chaos phase full of faults, then a calm one, at whose end
//! everything must hold.

mod actions;
pub(crate) mod calm;
mod news;
mod plan;

use rumormill_proto::{Duration, Name, Rng};

use crate::check::chronicle::Chronicle;
use crate::check::monitor::Watch;
use crate::check::violation::Failure;
use crate::network::VirtualNetwork;
use crate::network::counters::Counters;
use crate::network::link::Link;
use crate::network::spec::NodeSpec;

/// A run to be made. [`Chaos::new`] draws everything from the seed; change what you like, then
/// [`Chaos::run`].
#[derive(Clone, Debug)]
pub struct Chaos {
    /// Where everything random comes from.
    pub seed: u64,
    /// How many nodes there are at the start; up to half as many more join later.
    pub nodes: usize,
    /// The aggregates that nodes report.
    pub aggregates: Vec<Name>,
    /// What nodes are made from; name and clock are each node's own.
    pub node: NodeSpec,
    /// How far clocks are off at most, either way: 0.02 is 2 %.
    pub drift: f64,
    /// Whether wall clocks are stepped, and newcomers' may be wrong: by seconds, or one at a time by
    /// minutes, days or decades.
    pub wrong_clocks: bool,
    /// What links do in the chaos phase, at first.
    pub link: Link,
    /// What links do in the calm phase.
    pub calm_link: Link,
    /// How long the chaos phase lasts.
    pub chaos: Duration,
    /// The longest time from one action to the next.
    pub gap: Duration,
    /// How long the calm phase may last until everything holds.
    pub patience: Duration,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run's seed.
    pub seed: u64,
    /// One number for the whole run; see [`VirtualNetwork::digest`].
    pub digest: u64,
    /// What really happened.
    pub counters: Counters,
    /// How many nodes ran at the end.
    pub survivors: usize,
    /// How long after the beginning of the calm phase everything held.
    pub settled_after: Option<Duration>,
    /// How many enclosures were looked at.
    pub enclosures: u64,
    /// At how many instants masses were added up.
    pub balances: u64,
    /// How many rumors were published, how often one was heard, and how many times a key was
    /// written.
    pub news: [usize; 3],
    /// `None` if everything held in the end.
    pub failure: Option<Failure>,
}

/// A run under way.
struct Run {
    plan: Chaos,
    net: VirtualNetwork,
    rng: Rng,
    /// How many nodes there may be.
    most: usize,
    watch: Watch,
    chronicle: Chronicle,
}

impl Chaos {
    /// Makes the run.
    pub fn run(&self) -> Outcome {
        match Run::new(self) {
            Ok(run) => run.finish(),
            Err(error) => Outcome {
                seed: self.seed,
                digest: 0,
                counters: Counters::default(),
                survivors: 0,
                settled_after: None,
                enclosures: 0,
                balances: 0,
                news: [0; 3],
                failure: Some(error.into()),
            },
        }
    }
}

impl Run {
    fn finish(mut self) -> Outcome {
        let result = self.chaos_phase().and_then(|()| self.calm_phase());
        let (rumors, heard) = self.chronicle.published();
        Outcome {
            seed: self.plan.seed,
            digest: self.net.digest(),
            counters: *self.net.counters(),
            survivors: self.net.running().count(),
            settled_after: result.as_ref().ok().copied(),
            enclosures: self.watch.enclosures,
            balances: self.watch.balances,
            news: [rumors, heard, self.chronicle.writes()],
            failure: result.err(),
        }
    }
}
