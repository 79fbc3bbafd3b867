//! What a seed makes of a run before it begins.

use rand::{RngExt, SeedableRng};
use rumormill_proto::{Config, Duration, MembershipSettings, Name, Rng};

use super::{Chaos, Run};
use crate::check::chronicle::Chronicle;
use crate::check::monitor::Watch;
use crate::network::VirtualNetwork;
use crate::network::digest::seed;
use crate::network::error::SimError;
use crate::network::link::{Latency, Link};
use crate::network::spec::{NetworkConfig, NodeSpec};

/// The purposes of a run's seeds, besides those of the network.
const PLAN: u64 = 2;
const ACTIONS: u64 = 3;

const MS: Duration = Duration::from_millis(1);

impl Chaos {
    /// Draws a run from the seed: 3 to 12 nodes (one run in twenty: up to 40), links from good to
    /// terrible, and some tens of seconds of chaos.
    ///
    /// # Errors
    /// Never for the settings that it draws; the type is that of [`NodeSpec::named`].
    pub fn new(seed_: u64) -> Result<Self, SimError> {
        let mut rng = Rng::seed_from_u64(seed(seed_, PLAN, 0));
        let large = rng.random_ratio(1, 20);
        let nodes = if large { rng.random_range(13..=40u64) } else { rng.random_range(3..=12) };
        let interval = MS * rng.random_range(100..=250);
        let config = Config {
            cluster: "chaos".into(),
            interval,
            membership: MembershipSettings {
                probe_interval: 300 * MS,
                probe_timeout: Some(100 * MS),
                suspicion_timeout: MS * rng.random_range(600..=2000),
                reconnect_interval: 1000 * MS,
                sync_interval: 3000 * MS,
                ..MembershipSettings::default()
            },
            ..Config::default()
        };
        let aggregates = ["requests", "queue", "disk/free"];
        let aggregates = aggregates.into_iter().take(rng.random_range(1..=3u64) as usize);
        Ok(Self {
            seed: seed_,
            nodes: nodes as usize,
            aggregates: aggregates.map(Name::new).collect::<Result<_, _>>()?,
            node: NodeSpec { durable: rng.random(), ..NodeSpec::named("node")?.config(config) },
            drift: [0.0, 0.001, 0.03][rng.random_range(0..3u64) as usize],
            wrong_clocks: rng.random(),
            link: draw_link(&mut rng, interval),
            calm_link: Link {
                latency: Latency::Uniform(MS / 2, MS * rng.random_range(1..=5)),
                loss: if rng.random() { 0.0 } else { rng.random_range(0.0..0.05) },
                ..Link::default()
            },
            chaos: MS * rng.random_range(10_000..=40_000),
            gap: MS * rng.random_range(300..=1500),
            // Longer than what is stamped just within `max_clock_skew` can be refused by a slow clock.
            patience: Duration::from_secs(450),
        })
    }
}

/// A link for a time of chaos: loss up to 40 %, latencies up to several gossip periods.
pub(super) fn draw_link(rng: &mut Rng, interval: Duration) -> Link {
    let latency = match rng.random_range(0..4u64) {
        0 => Latency::Fixed(MS * rng.random_range(1..=50)),
        1 => Latency::Uniform(MS, MS * rng.random_range(2..=100)),
        2 => Latency::Uniform(MS, interval * 3 / 2),
        _ => Latency::Pareto { min: MS * rng.random_range(1..=20), cap: interval * 5 },
    };
    let mut up_to = |most: f64| if rng.random() { rng.random_range(0.0..most) } else { 0.0 };
    Link {
        latency,
        loss: up_to(0.4),
        duplication: up_to(0.2),
        reordering: up_to(0.3),
        held_back: interval * 2,
        largest: None,
    }
}

impl Run {
    pub(super) fn new(plan: &Chaos) -> Result<Self, SimError> {
        let net = VirtualNetwork::new(NetworkConfig {
            seed: plan.seed,
            link: plan.link,
            ..NetworkConfig::default()
        })?;
        let aggregates = if !plan.node.bare { plan.aggregates.clone() } else { Vec::new() };
        let mut run = Self {
            net,
            rng: Rng::seed_from_u64(seed(plan.seed, ACTIONS, 0)),
            most: plan.nodes + plan.nodes.div_ceil(2),
            watch: Watch::new(aggregates),
            chronicle: Chronicle::default(),
            plan: plan.clone(),
        };
        for _ in 0..plan.nodes {
            run.add_node()?;
        }
        Ok(run)
    }
}
