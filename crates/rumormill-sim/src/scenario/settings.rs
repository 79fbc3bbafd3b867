//! The settings of nodes, as a scenario writes them.

use rumormill_proto::{
    AggregateSettings, Config, Counted, Decided, EventSettings, MembershipSettings, Overlap, Stop,
};
use serde::{Deserialize, Serialize};

use super::durable::Durable;
use super::error::ScenarioError;
use super::span::Span;

macro_rules! settings {
    ($(#[doc = $about:literal])+ $name:ident $($(#[doc = $doc:literal])+ $field:ident: $type:ty,)+) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )+
        }
    };
}

settings! {
    /// How rumors are told; what is not set has its default ([`EventSettings`]).
    RumorSettings
    /// Who calls: `push`, `pull`, `push-pull` or `push-then-pull`.
    style: String,
    /// How many peers a node tells in each round.
    fanout: u32,
    /// When a node stops telling: `round-cap`, or when it loses interest: `feedback-coin`,
    /// `feedback-counter`, `blind-coin` or `blind-counter`.
    stop: String,
    /// A node loses interest with one chance in k, or at the k-th contact.
    k: u32,
    /// A node stops telling after so many rounds.
    round_cap: u32,
    /// A node stops telling after so many times log₂ n rounds.
    round_factor: f64,
    /// The length of a round.
    interval: Span,
    /// How often a node that pulls asks a random peer.
    pull_interval: Span,
    /// Whether a node tells a rumor on at once when it first hears it.
    eager: bool,
    /// How long a rumor is kept.
    retention: Span,
    /// The largest payload, in bytes.
    max_payload: usize,
    /// How many rumors are kept at most.
    max_events: usize,
    /// How many bytes of payload are kept at most.
    max_bytes: usize,
    /// How many rumors of its own a node may be telling.
    max_queue: usize,
}

settings! {
    /// Settings of all nodes; what is not set has its default ([`Config`]).
    NodeSettings
    /// The gossip period.
    interval: Span,
    /// About how many peers a node exchanges with.
    view_size: usize,
    /// How often a node probes one member.
    probe_interval: Span,
    /// How long a direct probe may take.
    probe_timeout: Span,
    /// How long a suspect has to refute.
    suspicion_timeout: Span,
    /// How often a node tries those that it holds for dead.
    reconnect_interval: Span,
    /// How often the whole membership is exchanged with a random member.
    sync_interval: Span,
    /// The relative width of an enclosure at which a figure has converged.
    tolerance: f64,
    /// The largest datagram, in bytes.
    max_datagram: usize,
    /// Whether a push that arrives while another is outstanding is declined, so that exchanges are
    /// atomic.
    decline_overlap: bool,
    /// Which nodes have a store, and so still hold their keys when they start again. Default none.
    durable: Durable,
    /// How rumors are told.
    rumor: RumorSettings,
    /// How far clocks are off at most, either way: 0.01 is 1 %. Default 0; at most 0.5.
    drift: f64,
}

impl NodeSettings {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The settings of a node.
    ///
    /// # Errors
    /// When one is out of its range.
    pub(crate) fn config(&self) -> Result<Config, ScenarioError> {
        let usual = Config::default();
        let peers = &usual.membership;
        let or = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
        let decline = self.decline_overlap.unwrap_or(false);
        let config = Config {
            cluster: "scenario".into(),
            interval: or(self.interval, usual.interval),
            max_datagram: self.max_datagram.unwrap_or(usual.max_datagram),
            aggregates: AggregateSettings {
                view_size: self.view_size.unwrap_or(usual.aggregates.view_size),
                tolerance: self.tolerance.unwrap_or(usual.aggregates.tolerance),
                overlap: if decline { Overlap::Decline } else { Overlap::Answer },
                ..usual.aggregates
            },
            membership: MembershipSettings {
                probe_interval: or(self.probe_interval, peers.probe_interval),
                probe_timeout: self.probe_timeout.map(|span| span.0),
                suspicion_timeout: or(self.suspicion_timeout, peers.suspicion_timeout),
                reconnect_interval: or(self.reconnect_interval, peers.reconnect_interval),
                sync_interval: or(self.sync_interval, peers.sync_interval),
            },
            events: self.rumor.clone().unwrap_or_default().config(&usual.events)?,
            ..usual
        };
        config.check().map_err(|error| ScenarioError::under("node.", &error))?;
        if !(0.0..=0.5).contains(&self.drift()) {
            let value = self.drift().to_string();
            return Err(ScenarioError::new("node.drift", value, "from 0 to 0.5"));
        }
        Ok(config)
    }

    pub(crate) fn drift(&self) -> f64 {
        self.drift.unwrap_or(0.0)
    }
}

impl RumorSettings {
    /// `usual` with what is set here.
    fn config(&self, usual: &EventSettings) -> Result<EventSettings, ScenarioError> {
        let or = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
        let style = match &self.style {
            Some(style) => style.parse().map_err(|_| {
                let range = "push, pull, push-pull or push-then-pull";
                ScenarioError::new("node.rumor.style", format!("{style:?}"), range)
            })?,
            None => usual.style,
        };
        let stop = self.stop()?.unwrap_or(usual.stop);
        Ok(EventSettings {
            style,
            stop,
            fanout: self.fanout.unwrap_or(usual.fanout),
            interval: or(self.interval, usual.interval),
            pull_interval: or(self.pull_interval, usual.pull_interval),
            eager: self.eager.unwrap_or(usual.eager),
            retention: or(self.retention, usual.retention),
            max_payload: self.max_payload.unwrap_or(usual.max_payload),
            max_events: self.max_events.unwrap_or(usual.max_events),
            max_bytes: self.max_bytes.unwrap_or(usual.max_bytes),
            max_queue: self.max_queue.unwrap_or(usual.max_queue),
        })
    }

    /// When to stop telling; `None` leaves the default.
    fn stop(&self) -> Result<Option<Stop>, ScenarioError> {
        let wrong = |key: &str, value: String, range: &str| {
            Err(ScenarioError::new(format!("node.rumor.{key}"), value, range))
        };
        let interest = |counted, decided| Some((counted, decided));
        let rule = match self.stop.as_deref() {
            None | Some("round-cap") => None,
            Some("feedback-coin") => interest(Counted::Feedback, Decided::Coin),
            Some("feedback-counter") => interest(Counted::Feedback, Decided::Counter),
            Some("blind-coin") => interest(Counted::Blind, Decided::Coin),
            Some("blind-counter") => interest(Counted::Blind, Decided::Counter),
            Some(other) => {
                let range =
                    "round-cap, feedback-coin, feedback-counter, blind-coin or blind-counter";
                return wrong("stop", format!("{other:?}"), range);
            }
        };
        if let Some((counted, decided)) = rule {
            let only = "left out where stop is a loss of interest";
            return match (self.k, self.round_cap, self.round_factor) {
                (_, Some(rounds), _) => wrong("round_cap", rounds.to_string(), only),
                (_, _, Some(factor)) => wrong("round_factor", factor.to_string(), only),
                (None, ..) => wrong("k", "not set".into(), "at least 1 where stop needs it"),
                (Some(k), ..) => Ok(Some(Stop::Interest { counted, decided, k })),
            };
        }
        match (self.k, self.round_cap, self.round_factor) {
            (Some(k), ..) => {
                let range = "left out unless stop is feedback-coin, feedback-counter, blind-coin or \
                             blind-counter";
                wrong("k", k.to_string(), range)
            }
            (_, Some(rounds), Some(_)) => {
                wrong("round_cap", rounds.to_string(), "left out where round_factor is set")
            }
            (_, Some(rounds), None) => Ok(Some(Stop::Rounds(rounds))),
            (_, None, Some(factor)) => Ok(Some(Stop::Log(factor))),
            (_, None, None) => Ok(None),
        }
    }
}
