//! What a network and its nodes are made from.

use std::rc::Rc;

use rumormill_proto::{Config, Duration, Instant, Name, Protocol};

use super::error::SimError;
use super::link::Link;

/// Makes a node's protocols at each of its starts.
pub type Protocols = Rc<dyn Fn() -> Vec<Box<dyn Protocol>>>;

/// What a node is made from, at its start and at each restart.
#[derive(Clone)]
pub struct NodeSpec {
    /// Its name.
    pub name: Name,
    /// Its settings.
    pub config: Config,
    /// How fast its clock runs: 1 is right, 1.01 gains 1 %. From 0.1 to 10.
    pub clock_rate: f64,
    /// How far its wall clock is ahead of the true time of day, in milliseconds; negative if it is
    /// behind.
    pub wall_offset: i64,
    /// Whether it runs none of the built-in protocols beside the membership.
    pub bare: bool,
    /// Protocols that it runs besides.
    pub protocols: Option<Protocols>,
    /// When it starts; at once if that is past.
    pub start_at: Instant,
    /// Whether its replica survives crashes, as with a store on disk.
    pub durable: bool,
}

impl core::fmt::Debug for NodeSpec {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NodeSpec")
            .field("name", &self.name)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl NodeSpec {
    /// A node with default settings that runs all built-in protocols and starts at once.
    ///
    /// # Errors
    /// When the name is not one; see [`Name::new`].
    pub fn named(name: &str) -> Result<Self, SimError> {
        Ok(Self {
            name: Name::new(name)?,
            config: Config::default(),
            clock_rate: 1.0,
            wall_offset: 0,
            bare: false,
            protocols: None,
            start_at: Instant::ZERO,
            durable: false,
        })
    }

    /// The same with other settings.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// The same with a clock that runs at another rate.
    #[must_use]
    pub fn clock_rate(self, clock_rate: f64) -> Self {
        Self { clock_rate, ..self }
    }

    /// The same with a wall clock that is this many milliseconds ahead.
    #[must_use]
    pub fn wall_offset(self, wall_offset: i64) -> Self {
        Self { wall_offset, ..self }
    }

    /// The same with protocols that `make` makes at each start.
    #[must_use]
    pub fn protocols(self, make: impl Fn() -> Vec<Box<dyn Protocol>> + 'static) -> Self {
        Self { protocols: Some(Rc::new(make)), ..self }
    }

    /// The same without aggregates, events, queries and keys.
    #[must_use]
    pub fn bare(self) -> Self {
        Self { bare: true, ..self }
    }

    /// The same, but its replica survives crashes.
    #[must_use]
    pub fn durable(self) -> Self {
        Self { durable: true, ..self }
    }

    /// The same, but started at `start_at`.
    #[must_use]
    pub fn start_at(self, start_at: Instant) -> Self {
        Self { start_at, ..self }
    }
}

/// Checks the rate of a clock.
pub(crate) fn check_rate(rate: f64) -> Result<(), SimError> {
    if (0.1..=10.0).contains(&rate) {
        return Ok(());
    }
    let value = rate.to_string();
    Err(SimError::Parameter { parameter: "clock_rate", value, range: "from 0.1 to 10" })
}

/// What a network is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkConfig {
    /// Everything random in the run comes from here.
    pub seed: u64,
    /// What links do to packets, until [`crate::VirtualNetwork::set_link`].
    pub link: Link,
    /// When a sender on the reliable path gives up on a node that it is cut off from. Default 3 s.
    pub stream_timeout: Duration,
    /// How often [`crate::VirtualNetwork::run_until`] looks at its condition, in virtual time.
    /// Default 10 ms.
    pub look_every: Duration,
    /// Whether events are kept for [`crate::VirtualNetwork::take_events`]. Default true. The news
    /// of n members at n nodes is n² events.
    pub keep_events: bool,
    /// Whether the fates of packets are kept for [`crate::VirtualNetwork::take_traffic`]. Default
    /// false; 32 bytes a packet until they are taken.
    pub keep_traffic: bool,
    /// Whether the run's digest is taken. Default true; costs about a nanosecond a byte.
    pub digest: bool,
    /// Whether reordered packets are counted. Default true; takes 16 bytes for each pair that
    /// ever spoke.
    pub count_reordering: bool,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            link: Link::default(),
            stream_timeout: Duration::from_secs(3),
            look_every: Duration::from_millis(10),
            keep_events: true,
            keep_traffic: false,
            digest: true,
            count_reordering: true,
        }
    }
}
