//! What nodes report at first: one value for all, or one for each.

use core::fmt;

use rand::{RngExt, SeedableRng};
use rumormill_proto::{MAX_INPUT, Name, Rng};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::ScenarioError;
use crate::network::digest::seed;

/// The purpose of the seeds of values.
const VALUES: u64 = 4;

/// How inputs are laid over the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "lowercase")]
pub enum Values {
    /// The same everywhere; written as a number.
    Constant(f64),
    /// Each its own: uniform between the two.
    Uniform(f64, f64),
    /// Rising evenly from the first node's to the last one's; nodes that join later report the
    /// last.
    Linear(f64, f64),
    /// This at the first node, 0 at all others.
    Spike(f64),
    /// One for each node, in order; nodes beyond the list report nothing.
    Each(Vec<f64>),
}

impl Values {
    /// Returns a node's value, in a cluster that starts with `nodes` nodes. It depends only on the
    /// run's seed, the aggregate's place and the node's number.
    pub(crate) fn of(&self, run: u64, aggregate: usize, node: usize, nodes: usize) -> Option<f64> {
        Some(match self {
            Self::Constant(value) => *value,
            Self::Uniform(low, high) => {
                let which = ((aggregate as u64) << 32) | node as u64;
                let u: f64 = Rng::seed_from_u64(seed(run, VALUES, which)).random();
                low + u * (high - low)
            }
            Self::Linear(first, last) => {
                let share = node.min(nodes - 1) as f64 / nodes.saturating_sub(1).max(1) as f64;
                first + share * (last - first)
            }
            Self::Spike(value) => {
                if node == 0 {
                    *value
                } else {
                    0.0
                }
            }
            Self::Each(values) => *values.get(node)?,
        })
    }

    /// Returns all numbers in it, to be checked.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Constant(value) | Self::Spike(value) => vec![*value],
            Self::Uniform(a, b) | Self::Linear(a, b) => vec![*a, *b],
            Self::Each(values) => values.clone(),
        }
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => value.serialize(serializer),
            // As serde derives it.
            table => Self::serialize(table, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrTable;
        impl<'de> Visitor<'de> for NumberOrTable {
            type Value = Values;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number, or one of { uniform = [0, 100] }, { linear = [1, 64] }, \
                     { spike = 100 }, { each = [5, 10] }",
                )
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Values, E> {
                Ok(Values::Constant(value))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Values, E> {
                Ok(Values::Constant(value as f64))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Values, E> {
                Ok(Values::Constant(value as f64))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Values, A::Error> {
                Values::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(NumberOrTable)
    }
}

/// Checks the name of an aggregate.
pub(crate) fn check_name(key: &str, name: &str) -> Result<Name, ScenarioError> {
    let range = "1 to 64 letters, digits and . _ - / :";
    Name::new(name).map_err(|_| ScenarioError::new(key, format!("{name:?}"), range))
}

/// Checks that a node can report the values.
pub(crate) fn check_values(key: &str, values: &Values) -> Result<(), ScenarioError> {
    for number in values.numbers() {
        if !number.is_finite() || number.abs() > MAX_INPUT {
            return Err(ScenarioError::new(key, number.to_string(), "a number within ±2^53"));
        }
    }
    match values {
        Values::Uniform(low, high) if low > high => {
            let value = format!("uniform from {low} to {high}");
            Err(ScenarioError::new(key, value, "the lower number first"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_gives_each_node_its_value() {
        let all = |values: Values| -> Vec<Option<f64>> {
            (0..4).map(|node| values.of(7, 0, node, 3)).collect()
        };
        assert_eq!(all(Values::Constant(5.0)), [Some(5.0); 4]);
        assert_eq!(all(Values::Linear(1.0, 3.0)), [1.0, 2.0, 3.0, 3.0].map(Some));
        assert_eq!(all(Values::Spike(9.0)), [9.0, 0.0, 0.0, 0.0].map(Some));
        assert_eq!(all(Values::Each(vec![5.0])), [Some(5.0), None, None, None]);
        let uniform = Values::Uniform(10.0, 20.0);
        let drawn = all(uniform.clone());
        assert!(drawn.iter().flatten().all(|x| (10.0..20.0).contains(x)) && drawn[0] != drawn[1]);
        assert_eq!(drawn[2], uniform.of(7, 0, 2, 1000), "whatever else there is");
        assert_ne!(drawn[2], uniform.of(8, 0, 2, 3), "another seed");
        assert_ne!(drawn[2], uniform.of(7, 1, 2, 3), "another aggregate");
    }
}
