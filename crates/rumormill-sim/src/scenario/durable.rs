//! Which nodes have a store, and so keep their keys when they crash.

use core::fmt;

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rumormill_proto::Rng;
use serde::de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ScenarioError;
use super::nodes::Nodes;
use crate::network::digest::seed;

/// The purpose of the draw.
const STORES: u64 = 8;

/// Nodes with a store; `true` or `false` for all, or a choice of those that start.
#[derive(Clone, Debug, PartialEq)]
pub struct Durable(pub Nodes);

impl Durable {
    /// No node.
    pub(crate) fn none() -> Self {
        Self(Nodes::Some(0))
    }

    /// Refuses nodes that there will never be.
    pub(crate) fn check(&self, start: u32, all: u32) -> Result<(), ScenarioError> {
        let wrong =
            |value: String, range: String| Err(ScenarioError::new("node.durable", value, &range));
        match &self.0 {
            Nodes::Some(count) if *count > start => {
                wrong(count.to_string(), format!("at most {start}, the number of nodes that start"))
            }
            Nodes::These(nodes) => match nodes.iter().find(|&&node| node >= all) {
                Some(node) => wrong(format!("n{node}"), format!("one of n0 to n{}", all - 1)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Those of the nodes that start, by their numbers, drawn if need be; whoever joins later is
    /// durable if all are, or if it is named.
    pub(crate) fn draw(&self, run: u64, nodes: u32) -> Drawn {
        let mut rng = Rng::seed_from_u64(seed(run, STORES, 0));
        let start: Vec<u32> = (0..nodes).collect();
        let mut some = |count: usize| start.sample(&mut rng, count).copied().collect();
        Drawn(match &self.0 {
            Nodes::All => None,
            Nodes::These(named) => Some(named.clone()),
            Nodes::Some(count) => Some(some(*count as usize)),
            Nodes::Share(share) => Some(some((share * f64::from(nodes)).round() as usize)),
        })
    }
}

/// The nodes with a store; `None`: all.
#[derive(Debug)]
pub(crate) struct Drawn(Option<Vec<u32>>);

impl Drawn {
    pub(crate) fn has(&self, node: u32) -> bool {
        self.0.as_ref().is_none_or(|nodes| nodes.contains(&node))
    }
}

impl Serialize for Durable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Nodes::All => serializer.serialize_bool(true),
            Nodes::Some(0) => serializer.serialize_bool(false),
            nodes => nodes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Durable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = Durable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "true, false, or nodes: \"n3\", [\"n3\", \"n5\"], \"n3-n7\", \"25%\" or a number",
                )
            }
            fn visit_bool<E: de::Error>(self, all: bool) -> Result<Durable, E> {
                Ok(if all { Durable(Nodes::All) } else { Durable::none() })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Durable, E> {
                text.parse().map(Durable).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Durable, E> {
                let wrong = || E::invalid_value(de::Unexpected::Signed(count), &self);
                u32::try_from(count).map(|count| Durable(Nodes::Some(count))).map_err(|_| wrong())
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Durable, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(count), &self);
                u32::try_from(count).map(|count| Durable(Nodes::Some(count))).map_err(|_| wrong())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Durable, A::Error> {
                Nodes::deserialize(SeqAccessDeserializer::new(seq)).map(Durable)
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Table {
        durable: Durable,
    }

    #[test]
    fn every_way_of_writing_is_read_and_written() {
        for text in ["true", "false", "\"n3\"", "\"n3-n7\"", "\"25%\"", "3"] {
            let written = format!("durable = {text}\n");
            let table: Table = toml::from_str(&written).expect(text);
            assert_eq!(toml::to_string(&table).expect(text), written);
        }
        let list: Table = toml::from_str("durable = ['n1', 'n4']").expect("a list");
        assert_eq!(list.durable, Durable(Nodes::These(vec![1, 4])));
        for bad in ["\"some\"", "-1", "0.5", "\"120%\""] {
            assert!(toml::from_str::<Table>(&format!("durable = {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn as_many_are_drawn_as_asked_for_always_the_same() {
        let drawn = |text: &str, seed| {
            let durable: Table = toml::from_str(&format!("durable = {text}")).expect(text);
            let drawn = durable.durable.draw(seed, 40);
            (0..50).filter(|&node| drawn.has(node)).collect::<Vec<u32>>()
        };
        assert_eq!(drawn("true", 1).len(), 50);
        assert!(drawn("false", 1).is_empty());
        assert_eq!(drawn("'n3, n45'", 1), [3, 45]);
        assert_eq!((drawn("7", 1).len(), drawn("'25%'", 1).len()), (7, 10));
        assert_eq!(drawn("7", 1), drawn("7", 1));
        assert_ne!(drawn("7", 1), drawn("7", 2));
    }
}
