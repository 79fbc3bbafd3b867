//! A scenario: which cluster, what befalls it, and for how long. Plain data, as a file says it.
//!
//! [`ScenarioRun`] runs it in the virtual network and says what users of the cluster would see
//! over time; it checks throughout what must hold at all times, and at the end, after a calm, what
//! must hold then. [`Shrink`] looks for the shortest scenario that still fails.
//!
//! ```
//! use rumormill_sim::scenario::{Scenario, ScenarioRun};
//!
//! let scenario = Scenario { nodes: 4, ..Scenario::default() };
//! let mut run = ScenarioRun::new(&scenario)?;
//! while let Some(slice) = run.advance() {
//!     assert!(slice.sample.running <= 4);
//! }
//! assert!(run.outcome().failure.is_none());
//! # Ok::<(), rumormill_sim::scenario::ScenarioError>(())
//! ```

mod action;
mod calm;
mod contacts;
mod deliveries;
mod durable;
mod entry;
mod error;
mod link;
mod nodes;
mod observe;
mod payload;
pub mod random;
mod run;
mod schedule;
mod settings;
mod shrink;
mod slice;
mod span;
mod tracker;
mod values;

use std::collections::BTreeMap;

use rumormill_proto::Config;
use serde::{Deserialize, Serialize};

pub use action::Action;
pub use durable::Durable;
pub use entry::{ScenarioAction, Step};
pub use error::ScenarioError;
pub use link::{LatencyText, LinkSettings, NotALatency};
pub use nodes::{Nodes, NotNodes};
pub use payload::{
    Churn, ClockChange, DeleteKey, Join, OneWay, Publish, Put, SetInput, Sides, UnsetInput,
};
pub use run::{Outcome, ScenarioRun};
pub use settings::NodeSettings;
pub use shrink::{Shrink, Shrunk};
pub use slice::{
    AggregateLine, AggregateSample, Band, CertifiedSum, EventSample, Fate, KvSample, Mark, Moment,
    NodeLine, NodeStatus, NoticeLine, Sample, Slice, Tone, Traffic,
};
pub use span::{Shift, Span, When};
pub use values::Values;

use self::values::{check_name, check_values};
use crate::network::link::Link;

/// More nodes than this are refused: their state would not fit an ordinary machine.
pub const MOST_NODES: u32 = 100_000;

/// Largest number of nodes that join the first one at the start, unless the scenario says
/// otherwise.
const MOST_THAT_JOIN: u32 = 500;

/// More samples than this are refused.
const MOST_SAMPLES: u128 = 1_000_000;

/// A cluster and what befalls it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// How many nodes start. Default 16.
    pub nodes: u32,
    /// Whether they know each other from the start, rather than all join the first. Default: beyond
    /// 500 nodes they do; that many who join at once are slow to simulate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formed: Option<bool>,
    /// How long the run lasts; then the calm begins. Default 60 s.
    pub duration: Span,
    /// Where everything random comes from. Default 0.
    pub seed: u64,
    /// How often everything is looked at. Default 250 ms, or a 2000th of the duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Span>,
    /// Whether nodes run nothing but the membership: no aggregates, no events, no keys. Default
    /// false.
    #[serde(skip_serializing_if = "is_default")]
    pub bare: bool,
    /// The settings of the nodes.
    #[serde(skip_serializing_if = "NodeSettings::is_default")]
    pub node: NodeSettings,
    /// What nodes report: aggregates and how their inputs are laid over the nodes. Default
    /// `requests`, from 1 at the first node to the number of nodes at the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregates: Option<BTreeMap<String, Values>>,
    /// Names of the aggregates in mode epoch. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<String>,
    /// What links do. Default 0.5 to 2 ms, without loss.
    #[serde(skip_serializing_if = "is_default")]
    pub link: LinkSettings,
    /// The calm at the end.
    #[serde(skip_serializing_if = "is_default")]
    pub calm: Calm,
    /// What happens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub action: Vec<ScenarioAction>,
}

/// The calm at the end: partitions heal, whoever is stopped goes on, and everything must come to
/// hold. Nodes that have crashed stay so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calm {
    /// How long it may last until everything holds. 0: nothing is asked of the end. Default 60 s.
    pub patience: Span,
    /// What links do then, where it differs from `[link]`.
    #[serde(skip_serializing_if = "is_default")]
    pub link: LinkSettings,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            nodes: 16,
            formed: None,
            duration: Span::from_secs_f64(60.0),
            seed: 0,
            sample: None,
            bare: false,
            node: NodeSettings::default(),
            aggregates: None,
            epochs: Vec::new(),
            link: LinkSettings::default(),
            calm: Calm::default(),
            action: Vec::new(),
        }
    }
}

impl Default for Calm {
    fn default() -> Self {
        Self { patience: Span::from_secs_f64(60.0), link: LinkSettings::default() }
    }
}

impl Scenario {
    pub(crate) fn check_settings(&self) -> Result<(), ScenarioError> {
        let wrong =
            |key: &str, value: String, range: &str| Err(ScenarioError::new(key, value, range));
        if !(1..=MOST_NODES).contains(&self.nodes) {
            return wrong("nodes", self.nodes.to_string(), "from 1 to 100000");
        }
        let day = Span::from_secs_f64(86_400.0);
        if self.duration.0.is_zero() || self.duration > day {
            return wrong("duration", self.duration.to_string(), "above 0s and at most 24h");
        }
        if self.calm.patience > day {
            return wrong("calm.patience", self.calm.patience.to_string(), "at most 24h");
        }
        let (sample, all) = (self.sample_period(), self.duration.0 + self.calm.patience.0);
        if sample.0.is_zero() || all.as_nanos() / sample.0.as_nanos() > MOST_SAMPLES {
            let range = "long enough that there are at most a million samples";
            return wrong("sample", sample.to_string(), range);
        }
        if sample > self.duration {
            return wrong("sample", sample.to_string(), "not longer than the duration");
        }
        let needs_more = |entry: &ScenarioAction| {
            use Action::{Delete, Publish, Put, Set, Unset};
            matches!(entry.action, Set(_) | Unset(_) | Publish(_) | Put(_) | Delete(_))
        };
        if self.bare && (self.aggregates.is_some() || self.action.iter().any(needs_more)) {
            let range = "false where nodes report, publish or write something";
            return wrong("bare", "true".into(), range);
        }
        self.config()?;
        self.durable().check(self.nodes, self.most_nodes())?;
        let link = self.first_link();
        link.check().map_err(|error| ScenarioError::of_network("link.", error))?;
        let calm = self.calm.link.over(link);
        calm.check().map_err(|error| ScenarioError::of_network("calm.link.", error))?;
        for (aggregate, values) in &self.aggregates() {
            check_name("aggregates", aggregate)?;
            check_values(&format!("aggregates.{aggregate}"), values)?;
            if let Values::Each(list) = values
                && list.len() > self.nodes as usize
            {
                let value = format!("a list of {}", list.len());
                let range = format!("at most one number for each of {} nodes", self.nodes);
                return wrong(&format!("aggregates.{aggregate}"), value, &range);
            }
        }
        Ok(())
    }

    /// Returns how many nodes there will have been in the end.
    fn most_nodes(&self) -> u32 {
        let joins = self.action.iter().filter_map(|entry| match &entry.action {
            Action::Join(join) => Some(join.count.saturating_mul(entry.times.unwrap_or(1))),
            _ => None,
        });
        joins.fold(self.nodes, u32::saturating_add)
    }

    /// Returns how often everything is looked at.
    pub fn sample_period(&self) -> Span {
        let usual = Span::from_secs_f64(0.25).max(Span(self.duration.0 / 2000));
        self.sample.unwrap_or(usual.min(self.duration))
    }

    /// Returns whether the nodes know each other from the start.
    pub fn starts_formed(&self) -> bool {
        self.formed.unwrap_or(self.nodes > MOST_THAT_JOIN)
    }

    /// Returns the aggregates and how their inputs are laid over the nodes.
    pub fn aggregates(&self) -> BTreeMap<String, Values> {
        if self.bare {
            return BTreeMap::new();
        }
        let rising = || Values::Linear(1.0, f64::from(self.nodes));
        self.aggregates
            .clone()
            .unwrap_or_else(|| BTreeMap::from([("requests".to_owned(), rising())]))
    }

    /// Returns the settings of its nodes.
    ///
    /// # Errors
    /// When one is out of its range.
    pub fn config(&self) -> Result<Config, ScenarioError> {
        self.node.config()
    }

    /// Returns the nodes with a store.
    pub(crate) fn durable(&self) -> Durable {
        self.node.durable.clone().unwrap_or_else(Durable::none)
    }

    /// Returns what links do at first.
    pub fn first_link(&self) -> Link {
        self.link.over(Link::default())
    }
}
