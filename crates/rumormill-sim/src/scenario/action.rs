//! Everything that can happen in a scenario, declared once: how it is written, which nodes it takes,
//! what is allowed, and how it is described.

use serde::{Deserialize, Serialize};

use super::error::ScenarioError;
use super::link::LinkSettings;
use super::nodes::{Nodes, names};
use super::payload::{
    Churn, ClockChange, DeleteKey, Join, OneWay, Publish, Put, SetInput, Sides, UnsetInput,
};
use super::slice::Tone;
use super::span::{Shift, Span};
use super::values::{check_name, check_values};
use crate::network::spec::check_rate;

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident: $variant:ident($type:ty),)+) => {
        /// One thing that happens to nodes or to the network.
        ///
        /// In a scenario, nodes may be chosen at random; in a
        /// [`Step`](crate::scenario::Step) they are drawn.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Action {
            $($(#[doc = $doc])+ $variant($type),)+
        }

        impl Action {
            /// The keys by which actions are written.
            pub const NAMES: &[&'static str] = &[$(stringify!($name)),+];

            /// All keys of an entry of `[[action]]`.
            pub(crate) const FIELDS: &[&'static str] =
                &["at", "for", "times", $(stringify!($name)),+];

            /// Returns the key by which it is written.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => stringify!($name),)+
                }
            }
        }
    };
}

actions! {
    /// Nodes stop without goodbye, and lose their state; those with a store, all but their keys.
    crash: Crash(Nodes),
    /// Nodes that have stopped start again, with what their stores hold; they join, and report as
    /// before.
    restart: Restart(Nodes),
    /// Nodes leave the cluster, and stop.
    leave: Leave(Nodes),
    /// New nodes start and join.
    join: Join(Join),
    /// Processes stop for a while (`for`), as with SIGSTOP.
    pause: Pause(Nodes),
    /// Nodes are cut off from all others for a while (`for`).
    isolate: Isolate(Nodes),
    /// The network splits: these nodes from the others (`"n0-n3"`, `"50%"`), or a list of sides.
    partition: Partition(Sides),
    /// Nothing gets from some nodes to others; the way back stays open.
    cut: Cut(OneWay),
    /// All partitions and cuts end; `true`.
    heal: Heal(bool),
    /// Links differ from `[link]`; `{}` takes it back.
    link: Link(LinkSettings),
    /// Nodes report a value from now on.
    set: Set(SetInput),
    /// Nodes stop reporting an aggregate.
    unset: Unset(UnsetInput),
    /// Nodes' clocks run at another rate from now on, or their wall clocks are stepped.
    clock: Clock(ClockChange),
    /// Nodes publish an event.
    publish: Publish(Publish),
    /// Nodes write a key.
    put: Put(Put),
    /// Nodes delete a key.
    delete: Delete(DeleteKey),
    /// Random nodes crash all the time between the two times of `at`, and restart.
    churn: Churn(Churn),
}

/// The nodes that an action takes, borrowed as the action is.
macro_rules! chosen {
    ($action:expr) => {
        match $action {
            Action::Crash(nodes)
            | Action::Restart(nodes)
            | Action::Leave(nodes)
            | Action::Pause(nodes)
            | Action::Isolate(nodes)
            | Action::Set(SetInput { nodes, .. })
            | Action::Unset(UnsetInput { nodes, .. })
            | Action::Clock(ClockChange { nodes, .. })
            | Action::Publish(Publish { nodes, .. })
            | Action::Put(Put { nodes, .. })
            | Action::Delete(DeleteKey { nodes, .. }) => Some(nodes),
            Action::Join(_)
            | Action::Partition(_)
            | Action::Cut(_)
            | Action::Heal(_)
            | Action::Link(_)
            | Action::Churn(_) => None,
        }
    };
}

/// Whether an action ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    Never,
    IfAsked,
    Always,
}

/// What keys may be.
const KEYS: &str = "1 to 512 bytes of text without control characters";

impl Action {
    /// Returns the nodes that each have it happen to them; `None` for what concerns the network.
    pub(crate) fn nodes(&self) -> Option<&Nodes> {
        chosen!(self)
    }

    /// Returns the same action for other nodes.
    pub(crate) fn for_nodes(&self, others: Vec<u32>) -> Self {
        let mut action = self.clone();
        if let Some(nodes) = chosen!(&mut action) {
            *nodes = Nodes::These(others);
        }
        action
    }

    /// Returns the numbers of all nodes that a drawn action names.
    pub(crate) fn named(&self) -> Vec<u32> {
        match self {
            Self::Partition(sides) => sides.0.iter().flat_map(Nodes::listed).copied().collect(),
            Self::Cut(way) => [way.from.listed(), way.to.listed()].concat(),
            _ => self.nodes().map_or(Vec::new(), |nodes| nodes.listed().to_vec()),
        }
    }

    /// Returns whether it ends by itself, or may.
    pub(crate) fn lasting(&self) -> Lasting {
        match self {
            Self::Pause(_) | Self::Isolate(_) => Lasting::Always,
            Self::Crash(_) | Self::Partition(_) | Self::Cut(_) | Self::Link(_) => Lasting::IfAsked,
            _ => Lasting::Never,
        }
    }

    /// Checks what depends neither on the time nor on the state of nodes.
    ///
    /// # Errors
    /// Names the part of `key` that makes no sense.
    pub(crate) fn check(&self, key: &str) -> Result<(), ScenarioError> {
        let wrong = |part: &str, value: &str, range: &str| {
            Err(ScenarioError::new(format!("{key}: {part}"), value, range))
        };
        let clock = |rate: Option<f64>| {
            let checked = rate.map_or(Ok(()), check_rate);
            checked.map_err(|error| ScenarioError::of_network(&format!("{key}: clock "), error))
        };
        match self {
            Self::Set(set) => {
                check_name(&format!("{key}: set.aggregate"), &set.aggregate)?;
                check_values(&format!("{key}: set.value"), &set.value)
            }
            Self::Unset(unset) => {
                check_name(&format!("{key}: unset.aggregate"), &unset.aggregate).map(drop)
            }
            Self::Publish(publish) => {
                let topic = check_name(&format!("{key}: publish.topic"), &publish.topic)?;
                if topic.as_str().starts_with('_') {
                    let range =
                        "a topic that does not begin with an underscore: those are reserved";
                    return wrong("publish.topic", &format!("{topic:?}"), range);
                }
                Ok(())
            }
            Self::Put(Put { key: name, .. }) if !is_key(name) => {
                wrong("put.key", &format!("{name:?}"), KEYS)
            }
            Self::Delete(DeleteKey { key: name, .. }) if !is_key(name) => {
                wrong("delete.key", &format!("{name:?}"), KEYS)
            }
            Self::Clock(ClockChange { rate: None, step: None, .. }) => {
                wrong("clock", "neither", "a rate or a step")
            }
            Self::Clock(change) => clock(change.rate),
            Self::Heal(false) => wrong("heal", "false", "true"),
            Self::Join(Join { count: 0, .. }) => wrong("join", "0", "at least 1"),
            Self::Join(join) => clock(join.rate),
            _ => Ok(()),
        }
    }

    /// Returns whether something breaks, is mended, or changes as it should.
    pub(crate) fn tone(&self) -> Tone {
        match self {
            Self::Crash(_)
            | Self::Pause(_)
            | Self::Isolate(_)
            | Self::Partition(_)
            | Self::Cut(_) => Tone::Fault,
            Self::Restart(_) | Self::Heal(_) | Self::Join(_) => Tone::Repair,
            Self::Link(settings) if *settings == LinkSettings::default() => Tone::Repair,
            Self::Link(_) => Tone::Fault,
            _ => Tone::Change,
        }
    }

    /// Returns a description without the nodes.
    pub(crate) fn words(&self, lasting: Option<Span>) -> String {
        let lasting = lasting.map_or(String::new(), |span| format!(" for {span}"));
        match self {
            Self::Pause(_) | Self::Isolate(_) => format!("{}{lasting}", self.name()),
            Self::Crash(_) | Self::Restart(_) | Self::Leave(_) | Self::Heal(_) => {
                self.name().into()
            }
            Self::Join(join) => match clock_words(join.rate, join.step) {
                Some(clock) => format!("join: a new node, its {clock}"),
                None => "join: a new node".into(),
            },
            Self::Partition(sides) => {
                let side = |side: &Nodes| names(side.listed()).join(", ");
                let sides: Vec<String> = sides.0.iter().map(side).collect();
                format!("partition: {} | the rest", sides.join(" | "))
            }
            Self::Cut(way) => format!("cut: nothing gets from {} to {}", way.from, way.to),
            Self::Link(settings) => format!("links: {settings}"),
            Self::Set(set) => format!("set {}", set.aggregate),
            Self::Unset(unset) => format!("unset {}", unset.aggregate),
            Self::Publish(publish) => format!("publish {}", publish.topic),
            Self::Put(put) => format!("put {} = {:?}", put.key, put.value),
            Self::Delete(delete) => format!("delete {}", delete.key),
            Self::Clock(change) => clock_words(change.rate, change.step).unwrap_or_default(),
            Self::Churn(churn) => format!("churn: {} crashes a minute", churn.per_minute),
        }
    }
}

fn clock_words(rate: Option<f64>, step: Option<Shift>) -> Option<String> {
    match (rate, step) {
        (Some(rate), Some(step)) => Some(format!("clock runs at {rate}, stepped by {step}")),
        (Some(rate), None) => Some(format!("clock runs at {rate}")),
        (None, Some(step)) => Some(format!("clock stepped by {step}")),
        (None, None) => None,
    }
}

fn is_key(text: &str) -> bool {
    (1..=512).contains(&text.len()) && !text.chars().any(char::is_control)
}
