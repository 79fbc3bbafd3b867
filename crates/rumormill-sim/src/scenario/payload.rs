//! What the actions of a scenario take: the tables behind their keys.

use core::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::nodes::Nodes;
use super::span::{Shift, Span};
use super::values::Values;

/// The sides of a partition. Nodes on none form one more.
#[derive(Clone, Debug, PartialEq)]
pub struct Sides(pub Vec<Nodes>);

/// The direction of a one-way cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneWay {
    /// Senders.
    pub from: Nodes,
    /// Receivers.
    pub to: Nodes,
}

/// New nodes; written as their number, or as a table if their clocks are wrong from the start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Join {
    /// How many.
    pub count: u32,
    /// Rate of their clocks. Default: within `node.drift`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How far the time of day that they show is ahead, such as `+2d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Shift>,
}

impl Join {
    /// Returns new nodes with the clocks of any other.
    pub fn of(count: u32) -> Self {
        Self { count, rate: None, step: None }
    }
}

impl<'de> Deserialize<'de> for Join {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            count: u32,
            rate: Option<f64>,
            step: Option<Shift>,
        }
        struct NumberOrTable;
        impl<'de> Visitor<'de> for NumberOrTable {
            type Value = Join;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of nodes, or a table such as { count = 1, step = \"+10m\" }")
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Join, E> {
                let wrong = || E::invalid_value(de::Unexpected::Signed(count), &self);
                u32::try_from(count).map(Join::of).map_err(|_| wrong())
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Join, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(count), &self);
                u32::try_from(count).map(Join::of).map_err(|_| wrong())
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Join, A::Error> {
                let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Join { count: table.count, rate: table.rate, step: table.step })
            }
        }
        deserializer.deserialize_any(NumberOrTable)
    }
}

/// Inputs to set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetInput {
    /// Name of the aggregate.
    pub aggregate: String,
    /// Value of the input.
    pub value: Values,
    /// Which nodes. Default all.
    #[serde(default = "all")]
    pub nodes: Nodes,
}

/// Inputs to remove.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsetInput {
    /// Name of the aggregate.
    pub aggregate: String,
    /// Which nodes. Default all.
    #[serde(default = "all")]
    pub nodes: Nodes,
}

/// A change of clocks: another rate, a step, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockChange {
    /// Which nodes.
    pub nodes: Nodes,
    /// Rate: 1 is right, 1.01 gains 1 %. From 0.1 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Step of the time of day, such as `+2d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Shift>,
}

/// An event to publish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Topic.
    pub topic: String,
    /// Length of the payload in bytes. Default 64.
    #[serde(default = "some_bytes")]
    pub bytes: u32,
    /// Which nodes publish, each an event of its own. Default 1, drawn at random.
    #[serde(default = "one")]
    pub nodes: Nodes,
}

/// A key to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// Length in bytes to which the value is filled up with dots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
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

/// Crashes and restarts at random times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// Mean number of crashes in a minute; their times are those of a Poisson process.
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
