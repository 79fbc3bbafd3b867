//! A scenario full of faults, drawn from a seed: printed, recorded and shortened as any other.

mod draw;

use rand::{RngExt, SeedableRng};
use rumormill_proto::{Config, Duration, MembershipSettings, Rng};

use self::draw::{draw, link, share};
use super::durable::Durable;
use super::link::{LatencyText, LinkSettings};
use super::nodes::Nodes;
use super::settings::NodeSettings;
use super::span::Span;
use super::{Calm, Scenario};
use crate::network::digest::seed;
use crate::network::link::Latency;

/// The purposes of a scenario's seeds, besides those of its run.
const PLAN: u64 = 2;
const ACTIONS: u64 = 3;

const MS: Duration = Duration::from_millis(1);

/// What a random scenario is drawn from. [`Random::new`] draws all of it from the seed; change what
/// you like before [`Random::scenario`].
///
/// ```
/// use rumormill_sim::scenario::random::Random;
///
/// let scenario = Random::new(7).scenario();
/// assert!(scenario.check().is_ok());
/// assert_eq!(scenario, Random::new(7).scenario());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Random {
    /// Seed of everything random.
    pub seed: u64,
    /// Number of nodes at the start; up to half as many more join later.
    pub nodes: u32,
    /// Names of the aggregates that nodes report.
    pub aggregates: Vec<String>,
    /// Those of them in mode epoch.
    pub epochs: Vec<String>,
    /// Whether nodes run nothing but the membership.
    pub bare: bool,
    /// Settings of the nodes.
    pub node: NodeSettings,
    /// Whether wall clocks are stepped, and newcomers' may be wrong: by seconds, or one at a time by
    /// minutes, days or decades.
    pub wrong_clocks: bool,
    /// What links do at first.
    pub link: LinkSettings,
    /// The calm at the end.
    pub calm: Calm,
    /// Time with faults.
    pub duration: Duration,
    /// Longest time from one fault to the next.
    pub gap: Duration,
}

impl Random {
    /// Draws everything from the seed: 3 to 12 nodes (one time in twenty: up to 40), links from good
    /// to terrible, and some tens of seconds of faults.
    pub fn new(seed_: u64) -> Self {
        let mut rng = Rng::seed_from_u64(seed(seed_, PLAN, 0));
        let large = rng.random_ratio(1, 20);
        let nodes = if large { rng.random_range(13..=40) } else { rng.random_range(3..=12) };
        let interval = MS * rng.random_range(100..=250);
        let config = Config {
            interval,
            membership: MembershipSettings {
                probe_interval: 300 * MS,
                probe_timeout: Some(100 * MS),
                suspicion_timeout: MS * rng.random_range(600..=2000),
                reconnect_interval: 1000 * MS,
                sync_interval: 3000 * MS,
            },
            ..Config::default()
        };
        let aggregates = ["requests", "queue", "disk/free"];
        let aggregates = aggregates.into_iter().take(rng.random_range(1..=3));
        let epochs: Vec<&str> = rng.random::<bool>().then_some("peak").into_iter().collect();
        let durable = rng.random::<bool>().then_some(Durable(Nodes::All));
        let drift = [0.0, 0.001, 0.03][rng.random_range(0..3usize)];
        Self {
            seed: seed_,
            nodes,
            aggregates: aggregates.chain(epochs.iter().copied()).map(str::to_owned).collect(),
            epochs: epochs.into_iter().map(str::to_owned).collect(),
            bare: false,
            node: NodeSettings { config, durable, drift },
            wrong_clocks: rng.random(),
            link: link(&mut rng, interval),
            calm: Calm {
                // Longer than what is stamped just within `max_clock_skew` can be refused by a slow
                // clock.
                patience: Span::from_secs_f64(450.0),
                link: LinkSettings {
                    latency: Some(LatencyText(Latency::Uniform(
                        MS / 2,
                        MS * rng.random_range(1..=5),
                    ))),
                    loss: Some(if rng.random() { 0.0 } else { share(&mut rng, 0.05) }),
                    duplication: Some(0.0),
                    reordering: Some(0.0),
                    ..LinkSettings::default()
                },
            },
            duration: MS * rng.random_range(10_000..=40_000),
            gap: MS * rng.random_range(300..=1500),
        }
    }

    /// Draws what happens.
    pub fn scenario(&self) -> Scenario {
        let rng = Rng::seed_from_u64(seed(self.seed, ACTIONS, 0));
        let empty = Scenario {
            nodes: self.nodes,
            formed: Some(false),
            duration: Span(self.duration),
            seed: self.seed,
            bare: self.bare,
            epochs: if self.bare { Vec::new() } else { self.epochs.clone() },
            node: self.node.clone(),
            link: self.link.clone(),
            calm: self.calm.clone(),
            ..Scenario::default()
        };
        draw(self, empty, rng)
    }
}
