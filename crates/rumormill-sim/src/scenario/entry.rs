//! What a scenario lets happen, as it is written.

use core::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ScenarioError;
use super::link::LinkSettings;
use super::nodes::Nodes;
use super::span::{Shift, Span, When};
use super::values::Values;

macro_rules! event {
    ($($(#[$doc:meta])+ $field:ident: $type:ty => $variant:ident,)+) => {
        /// An entry of `[[action]]`: when, and exactly one thing that happens then.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct ScenarioAction {
            /// When it happens: `"10s"`, or `["10s", "20s"]` for a random time between the two.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub at: Option<When>,
            /// After how long it is undone: nodes restart or go on, partitions heal, links are as
            /// at first.
            #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
            pub lasting: Option<Span>,
            /// How often it happens, each time at a random time and to random nodes of its own.
            /// Default 1.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub times: Option<u32>,
            $(
                $(#[$doc])+
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )+
        }

        /// The one thing that an event does.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Deed<'a> {
            $($variant(&'a $type),)+
        }

        impl ScenarioAction {
            /// What happens, and by which key it is written.
            ///
            /// # Errors
            /// When nothing happens, or more than one thing.
            pub(crate) fn deed(&self, key: &str) -> Result<(&'static str, Deed<'_>), ScenarioError> {
                let mut given = Vec::new();
                $(
                    if let Some(what) = &self.$field {
                        given.push((stringify!($field), Deed::$variant(what)));
                    }
                )+
                match given.as_slice() {
                    [one] => Ok(*one),
                    [] => Err(ScenarioError::new(
                        key,
                        "empty",
                        concat!("one of" $(, " ", stringify!($field))+),
                    )),
                    [(first, _), (second, _), ..] => Err(ScenarioError::new(
                        key,
                        format!("{first} and {second}"),
                        "one thing; make it two actions",
                    )),
                }
            }
        }
    };
}

event! {
    /// Nodes stop without goodbye, and lose their state; those with a store, all but their keys.
    crash: Nodes => Crash,
    /// Nodes that have stopped start again, with what their stores hold; they join, and report as
    /// before.
    restart: Nodes => Restart,
    /// Nodes take leave, and stop.
    leave: Nodes => Leave,
    /// So many new nodes start and join.
    join: u32 => Join,
    /// Processes stop for a while (`for`), as with SIGSTOP.
    pause: Nodes => Pause,
    /// Nodes are cut off from all others for a while (`for`).
    isolate: Nodes => Isolate,
    /// The network splits: these nodes from the others (`"n0-n3"`, `"50%"`), or a list of sides.
    partition: Sides => Partition,
    /// Nothing gets from some nodes to others; the way back stays open.
    cut: OneWay => Cut,
    /// All partitions and cuts end; `true`.
    heal: bool => Heal,
    /// Links do this instead of what `[link]` says; `{}` takes it back.
    link: LinkSettings => Link,
    /// Nodes report this from now on.
    set: SetInput => Set,
    /// Nodes don't report a aggregate any more.
    unset: UnsetInput => Unset,
    /// Nodes' clocks run at another rate from now on, or their wall clocks are stepped.
    clock: ClockChange => Clock,
    /// Nodes publish a rumor.
    publish: Publish => Publish,
    /// Nodes write a key.
    put: Put => Put,
    /// Nodes delete a key.
    delete: DeleteKey => Delete,
    /// Random nodes crash all the time between the two times of `at`, and restart.
    churn: Churn => Churn,
}

/// The sides of a partition. Nodes on none form one more.
#[derive(Clone, Debug, PartialEq)]
pub struct Sides(pub Vec<Nodes>);

/// A way from nodes to others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneWay {
    /// Those that are not heard any more.
    pub from: Nodes,
    /// By whom.
    pub to: Nodes,
}

/// New inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetInput {
    /// The aggregate.
    pub aggregate: String,
    /// What the nodes report.
    pub value: Values,
    /// Which nodes. Default all.
    #[serde(default = "all")]
    pub nodes: Nodes,
}

/// Inputs that are taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsetInput {
    /// The aggregate.
    pub aggregate: String,
    /// Which nodes. Default all.
    #[serde(default = "all")]
    pub nodes: Nodes,
}

/// What happens to clocks: another rate, a step, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockChange {
    /// Which nodes.
    pub nodes: Nodes,
    /// How fast they run: 1 is right, 1.01 gains 1 %. From 0.1 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// By how much the time of day that they show is stepped, such as `+2d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Shift>,
}

/// A rumor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// What it is about.
    pub topic: String,
    /// How long it is. Default 64 bytes.
    #[serde(default = "some_bytes")]
    pub bytes: u32,
    /// Which nodes publish it, each its own. Default 1, drawn at random.
    #[serde(default = "one")]
    pub nodes: Nodes,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Which nodes write it. Default 1, drawn at random.
    #[serde(default = "one")]
    pub nodes: Nodes,
}

/// A key to delete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteKey {
    /// The key.
    pub key: String,
    /// Which nodes delete it. Default 1, drawn at random.
    #[serde(default = "one")]
    pub nodes: Nodes,
}

/// Crashes and restarts, again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// How many crashes a minute, on average; their times are those of a Poisson process.
    pub per_minute: f64,
    /// How long a node is down. Default 5 s.
    #[serde(default = "five_seconds")]
    pub down: Span,
}

fn all() -> Nodes {
    Nodes::All
}

fn one() -> Nodes {
    Nodes::Some(1)
}

fn some_bytes() -> u32 {
    64
}

fn five_seconds() -> Span {
    Span::from_secs_f64(5.0)
}

impl Serialize for Sides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            // As one text: a list would be sides.
            [side @ Nodes::These(_)] => serializer.collect_str(side),
            [one] => one.serialize(serializer),
            sides => serializer.collect_seq(sides.iter().map(ToString::to_string)),
        }
    }
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Sides;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "one side, such as \"50%\" or \"n0-n3\", or a list: [\"n0-n3\", \"n4, n5\"]",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Sides, E> {
                Ok(Sides(vec![text.parse().map_err(E::custom)?]))
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Sides, E> {
                let wrong = || E::invalid_value(de::Unexpected::Signed(count), &self);
                Ok(Sides(vec![Nodes::Some(u32::try_from(count).map_err(|_| wrong())?)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Sides, A::Error> {
                let mut sides = Vec::new();
                while let Some(side) = seq.next_element::<String>()? {
                    sides.push(side.parse().map_err(de::Error::custom)?);
                }
                Ok(Sides(sides))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
