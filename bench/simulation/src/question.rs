//! What is asked, and who answers: `questions.toml`.

use std::fmt::Display;
use std::str::FromStr;

use rumormill_model::graph::GraphKind;
use rumormill_model::simulate::EngineKind;
use rumormill_proto::Style;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
struct File {
    question: Vec<Question>,
}

/// A question, and all that are measured on it by turns.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Question {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) size: Size,
    #[serde(deserialize_with = "parsed")]
    pub(crate) graph: GraphKind,
    pub(crate) nodes: u64,
    #[serde(flatten)]
    pub(crate) task: Task,
    /// The first is the one that others are compared with.
    pub(crate) by: Vec<By>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Task {
    /// Inform all nodes, with fan-out 1; contacts are counted.
    Spread(Style),
    /// Push-pull averaging for this many rounds; nodes times rounds are counted.
    Average(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Size {
    #[default]
    Small,
    Large,
    Huge,
}

/// Who answers.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct By {
    #[serde(deserialize_with = "parsed")]
    pub(crate) who: Who,
    /// Runs of each measurement.
    pub(crate) runs: u64,
    #[serde(default = "one")]
    pub(crate) threads: usize,
    /// Measurements at most.
    pub(crate) times: Option<usize>,
    #[serde(default)]
    pub(crate) note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Engine(EngineKind),
    /// Averaging has engines of its own, of which the fastest is taken.
    Averaging,
    Numba,
    Networkx,
}

impl FromStr for Who {
    type Err = <EngineKind as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "averaging" => Self::Averaging,
            "numba" => Self::Numba,
            "networkx" => Self::Networkx,
            engine => Self::Engine(engine.parse()?),
        })
    }
}

impl Who {
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Numba | Self::Networkx)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Engine(engine) => engine.name(),
            Self::Averaging => "averaging",
            Self::Numba => "numba",
            Self::Networkx => "networkx",
        }
    }
}

fn one() -> usize {
    1
}

fn parsed<'a, D: Deserializer<'a>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// Returns all questions.
pub(crate) fn questions() -> anyhow::Result<Vec<Question>> {
    Ok(toml::from_str::<File>(include_str!("../questions.toml"))?.question)
}
