//! The settings of nodes, as a scenario writes them.

use rumormill_proto::{Config, Overlap, RumorConfig, Stop};
use serde::{Deserialize, Serialize};

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
    /// How rumors are told; what is not set has its default ([`RumorConfig`]).
    RumorSettings
    /// Who calls: `push`, `pull`, `push-pull` or `push-then-pull`.
    style: String,
    /// How many peers a node tells in each round.
    fanout: u32,
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
        let or = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
        let decline = self.decline_overlap.unwrap_or(false);
        let config = Config {
            cluster: "scenario".into(),
            interval: or(self.interval, usual.interval),
            view_size: self.view_size.unwrap_or(usual.view_size),
            probe_interval: or(self.probe_interval, usual.probe_interval),
            probe_timeout: or(self.probe_timeout, usual.probe_timeout),
            suspicion_timeout: or(self.suspicion_timeout, usual.suspicion_timeout),
            reconnect_interval: or(self.reconnect_interval, usual.reconnect_interval),
            sync_interval: or(self.sync_interval, usual.sync_interval),
            tolerance: self.tolerance.unwrap_or(usual.tolerance),
            max_datagram: self.max_datagram.unwrap_or(usual.max_datagram),
            overlap: if decline { Overlap::Decline } else { Overlap::Answer },
            rumor: self.rumor.clone().unwrap_or_default().config(usual.rumor.clone())?,
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
    fn config(&self, usual: RumorConfig) -> Result<RumorConfig, ScenarioError> {
        let or = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
        let style = match &self.style {
            Some(style) => style.parse().map_err(|_| {
                let range = "push, pull, push-pull or push-then-pull";
                ScenarioError::new("node.rumor.style", format!("{style:?}"), range)
            })?,
            None => usual.style,
        };
        let stop = match (self.round_cap, self.round_factor) {
            (Some(rounds), None) => Stop::Rounds(rounds),
            (None, Some(factor)) => Stop::Log(factor),
            (None, None) => usual.stop,
            (Some(rounds), Some(_)) => {
                let range = "left out where round_factor is set";
                let key = "node.rumor.round_cap";
                return Err(ScenarioError::new(key, rounds.to_string(), range));
            }
        };
        Ok(RumorConfig {
            style,
            stop,
            fanout: self.fanout.unwrap_or(usual.fanout),
            interval: or(self.interval, usual.interval),
            pull_interval: or(self.pull_interval, usual.pull_interval),
            eager: self.eager.unwrap_or(usual.eager),
            retention: or(self.retention, usual.retention),
            ..usual
        })
    }
}
