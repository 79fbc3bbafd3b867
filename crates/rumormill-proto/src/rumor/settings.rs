//! The settings of events: every parameter of rumor mongering (Demers et al. 1987), by its usual
//! name.

use serde::{Deserialize, Serialize};

use crate::config::range::{ConfigError, lasts, refuse, within};
use crate::rumor::stop::Stop;
use crate::time::Duration;
use crate::words;

/// The direction in which an event travels when a node contacts a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(rename_all = "kebab-case"))]
pub enum Style {
    /// Informed nodes push; no node pulls, so a node that every push misses stays uninformed.
    Push,
    /// Nodes pull from a random peer, once in a pull interval.
    Pull,
    /// Both, all the time.
    PushPull,
    /// Push while an event is young, pull to finish: nodes pull while new events arrive, and whenever
    /// a membership packet shows that its sender's events differ.
    PushThenPull,
}

words!(Style {
    Push => "push",
    Pull => "pull",
    PushPull => "push-pull",
    PushThenPull => "push-then-pull",
});

impl Style {
    /// Returns whether informed nodes push.
    pub fn pushes(self) -> bool {
        self != Self::Pull
    }

    /// Returns whether nodes pull what they have missed.
    pub fn pulls(self) -> bool {
        self != Self::Push
    }
}

/// The settings of events: the table `[events]` of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct EventSettings {
    /// Whether nodes push, pull or both. Default `push-then-pull`.
    pub style: Style,
    /// The number of distinct peers to which a node pushes in each round. Default 3; 1 to 64.
    pub fanout: u32,
    /// When a node stops pushing an event. Default `log:1.5`.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "log:1.5"))]
    pub stop: Stop,
    /// The length of a round. Default 200 ms; 10 ms to 60 s.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "200ms"))]
    pub interval: Duration,
    /// How often a node pulls: from `fanout` random peers, or with `push-then-pull` from one, while
    /// there are recent events. Default 1 s; 10 ms to 1 h.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "1s"))]
    pub pull_interval: Duration,
    /// Whether a node pushes an event at once when it first receives it, and then in its rounds, to
    /// peers that may lack it, its neighbors on the ring of all nodes first; with a style that pulls it
    /// stops early, once the event has come from log₂ n peers. Default true. Otherwise it waits for the next round: all nodes act on the state at the round's
    /// start, as in the synchronous rounds of the mathematics.
    pub eager: bool,
    /// How long an event is kept: for peers that have missed it, and to recognize it. A node that is
    /// cut off for longer misses it. Default 10 min; 10 s to 24 h.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "10m"))]
    pub retention: Duration,
    /// The largest payload, in bytes. Default 65,536; at most 1 MiB.
    #[serde(deserialize_with = "crate::size::deserialize")]
    pub max_payload: usize,
    /// The most events that are kept; beyond that the oldest are dropped. Default 65,536; at least 16.
    pub max_events: usize,
    /// The most bytes of payload that are kept. Default 64 MiB; at least `max_payload`.
    #[serde(deserialize_with = "crate::size::deserialize")]
    pub max_bytes: usize,
    /// The most events of its own that a node may be pushing; beyond that it refuses more. Default
    /// 1024; at least 1.
    pub max_queue: usize,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            style: Style::PushThenPull,
            fanout: 3,
            stop: Stop::Log(1.5),
            interval: Duration::from_millis(200),
            pull_interval: Duration::from_secs(1),
            eager: true,
            retention: Duration::from_secs(600),
            max_payload: 65_536,
            max_events: 65_536,
            max_bytes: 64 << 20,
            max_queue: 1024,
        }
    }
}

impl EventSettings {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        within("events.fanout", self.fanout, 1..=64, "from 1 to 64")?;
        if let Some(limit) = self.stop.out_of_range() {
            return refuse("events.stop", self.stop, limit);
        }
        lasts("events.interval", self.interval, ms(10)..=s(60), "from 10ms to 60s")?;
        let pull = self.pull_interval;
        lasts("events.pull_interval", pull, ms(10)..=s(3600), "from 10ms to 1h")?;
        lasts("events.retention", self.retention, s(10)..=s(86_400), "from 10s to 24h")?;
        within("events.max_payload", self.max_payload, ..=1 << 20, "at most 1048576 bytes")?;
        within("events.max_events", self.max_events, 16.., "at least 16")?;
        let least = self.max_payload;
        within("events.max_bytes", self.max_bytes, least.., "at least events.max_payload")?;
        within("events.max_queue", self.max_queue, 1.., "at least 1")
    }
}
