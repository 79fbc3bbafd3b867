//! The nodes that an action concerns: by name, all, a share, or a number drawn at random.

use core::fmt;
use core::str::FromStr;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A choice of nodes. Nodes are called `n0`, `n1` and so on, in the order in which they come.
#[derive(Clone, Debug, PartialEq)]
pub enum Nodes {
    /// These; `"n3"`, `["n3", "n5"]`, or `"n3-n7"` for five in a row.
    These(Vec<u32>),
    /// This number of nodes, drawn at random from those that it can happen to; written as a number.
    Some(u32),
    /// This share of all, drawn at random; `"25%"`.
    Share(f64),
    /// All; `"all"`.
    All,
}

/// A text that does not choose nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} does not choose nodes; write n3, n3-n7, 25% or all, or a number of nodes to draw")]
pub struct NotNodes(pub String);

/// Returns the number in a node's name.
fn number(name: &str) -> Option<u32> {
    let digits = name.trim().strip_prefix('n')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|&number| plain && number < MOST_NODES)
}

/// More nodes than this have no addresses.
pub(crate) const MOST_NODES: u32 = (1 << 24) - 1;

/// Adds the nodes of `n3` or `n3-n7` to the list.
fn add(list: &mut Vec<u32>, text: &str) -> Result<(), NotNodes> {
    let wrong = || NotNodes(text.to_owned());
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first).ok_or_else(wrong)?, number(last).ok_or_else(wrong)?);
    if first > last {
        return Err(wrong());
    }
    list.extend(first..=last);
    Ok(())
}

impl Nodes {
    /// Returns the numbers of nodes that are named; none if they are to be drawn.
    pub(crate) fn listed(&self) -> &[u32] {
        match self {
            Self::These(nodes) => nodes,
            _ => &[],
        }
    }
}

impl FromStr for Nodes {
    type Err = NotNodes;

    fn from_str(text: &str) -> Result<Self, NotNodes> {
        let text = text.trim();
        let wrong = || NotNodes(text.to_owned());
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(percent) = text.strip_suffix('%') {
            let share = percent.trim().parse::<f64>().map_err(|_| wrong())? / 100.0;
            return if (0.0..=1.0).contains(&share) {
                Ok(Self::Share(share))
            } else {
                Err(wrong())
            };
        }
        if let Ok(count) = text.parse() {
            return Ok(Self::Some(count));
        }
        let mut list = Vec::new();
        for part in text.split(',') {
            add(&mut list, part.trim())?;
        }
        Ok(Self::These(list))
    }
}

/// Returns the names of nodes, three or more in a row as a range.
pub(crate) fn names(nodes: &[u32]) -> Vec<String> {
    let mut names = Vec::new();
    for row in nodes.chunk_by(|a, b| a + 1 == *b) {
        match row {
            [first, _, .., last] => names.push(format!("n{first}-n{last}")),
            _ => names.extend(row.iter().map(|node| format!("n{node}"))),
        }
    }
    names
}

impl fmt::Display for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::These(nodes) => f.pad(&names(nodes).join(", ")),
            Self::Some(count) => write!(f, "{count} at random"),
            Self::Share(share) => write!(f, "{}%", 100.0 * share),
            Self::All => f.pad("all"),
        }
    }
}

impl Serialize for Nodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::These(nodes) => match names(nodes).as_slice() {
                [one] => one.serialize(serializer),
                names => names.serialize(serializer),
            },
            Self::Some(count) => count.serialize(serializer),
            Self::Share(_) | Self::All => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Nodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;
        impl<'de> Visitor<'de> for Choice {
            type Value = Nodes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "nodes: \"n3\", [\"n3\", \"n5\"], \"n3-n7\", \"25%\", \"all\" or a number",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Nodes, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Nodes, E> {
                let wrong = || E::invalid_value(de::Unexpected::Unsigned(count), &self);
                u32::try_from(count).map(Nodes::Some).map_err(|_| wrong())
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Nodes, E> {
                let wrong = || E::invalid_value(de::Unexpected::Signed(count), &self);
                u32::try_from(count).map(Nodes::Some).map_err(|_| wrong())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Nodes, A::Error> {
                let mut list = Vec::new();
                while let Some(name) = seq.next_element::<String>()? {
                    add(&mut list, &name).map_err(de::Error::custom)?;
                }
                Ok(Nodes::These(list))
            }
        }
        deserializer.deserialize_any(Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_is_read() {
        let read = |text: &str| text.parse::<Nodes>().unwrap();
        assert_eq!(read("n3"), Nodes::These(vec![3]));
        assert_eq!(read("n3-n6, n9"), Nodes::These(vec![3, 4, 5, 6, 9]));
        assert_eq!(read("25%"), Nodes::Share(0.25));
        assert_eq!(read("3"), Nodes::Some(3));
        assert_eq!(read("all"), Nodes::All);
        for bad in ["", "n", "x3", "n-1", "n+1", "n7-n3", "120%", "-3", "n99999999"] {
            assert!(bad.parse::<Nodes>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn rows_are_printed_as_ranges() {
        assert_eq!(names(&[0, 1, 2, 3, 5, 7, 8]), ["n0-n3", "n5", "n7", "n8"]);
    }
}
