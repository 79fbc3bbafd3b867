//! An entry of `[[action]]`: a time and what happens then; and a step, which has everything random
//! drawn.

use core::fmt;

use rumormill_proto::Instant;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::action::Action;
use super::nodes::{Nodes, names};
use super::slice::Tone;
use super::span::{Span, When};

/// An entry of `[[action]]`: when, and one thing that happens then.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScenarioAction {
    /// When it happens: `"10s"`, or `["10s", "20s"]` for a random time between the two.
    pub at: When,
    /// After how long it is undone: nodes restart or go on, partitions heal, links are as at first.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Span>,
    /// How often it happens, each time at a random time and to random nodes of its own. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What happens.
    #[serde(flatten)]
    pub action: Action,
}

impl ScenarioAction {
    /// Returns an action at a given time, once.
    pub fn new(at: Span, action: Action) -> Self {
        Self { at: When::At(at), lasting: None, times: None, action }
    }
}

/// One action to one node, or to the network, at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When it happens.
    pub at: Instant,
    /// How long a pause or an isolation lasts; `None` for all others.
    pub lasting: Option<Span>,
    /// What happens. Nodes are numbers.
    pub action: Action,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.action.words(self.lasting))?;
        self.action.nodes().map_or(Ok(()), |nodes| write!(f, ": {nodes}"))
    }
}

/// Describes steps of one instant: those that differ in their nodes alone as one.
pub(crate) fn in_words(steps: &[Step]) -> Vec<(Tone, String)> {
    let mut words: Vec<(Tone, String, Vec<u32>)> = Vec::new();
    for Step { action, lasting, .. } in steps {
        let text = action.words(*lasting);
        let nodes = action.nodes().map_or(&[][..], Nodes::listed);
        match words.last_mut().filter(|last| last.1 == text) {
            Some(last) => last.2.extend(nodes),
            None => words.push((action.tone(), text, nodes.to_vec())),
        }
    }
    let line = |(tone, text, mut nodes): (Tone, String, Vec<u32>)| {
        nodes.sort_unstable();
        let nodes = names(&nodes).join(", ");
        (tone, if nodes.is_empty() { text } else { format!("{text}: {nodes}") })
    };
    words.into_iter().map(line).collect()
}

/// Returns the steps as entries; those in a row that differ in their nodes alone share one.
pub(crate) fn entries(steps: &[Step]) -> Vec<ScenarioAction> {
    let mut entries: Vec<ScenarioAction> = Vec::new();
    for step in steps {
        let (at, action) = (Span::from(step.at), step.action.clone());
        let entry = ScenarioAction { lasting: step.lasting, ..ScenarioAction::new(at, action) };
        if let Some(last) = entries.last_mut()
            && let (Some(before), Some(more)) = (last.action.nodes(), entry.action.nodes())
        {
            let both = [before.listed(), more.listed()].concat();
            let (joined, other) =
                (last.action.for_nodes(both.clone()), entry.action.for_nodes(both));
            if (last.at, last.lasting) == (entry.at, entry.lasting) && joined == other {
                last.action = joined;
                continue;
            }
        }
        entries.push(entry);
    }
    entries
}

impl<'de> Deserialize<'de> for ScenarioAction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;
        impl<'de> Visitor<'de> for Entry {
            type Value = ScenarioAction;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with a time and one action")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ScenarioAction, A::Error> {
                let (mut at, mut lasting, mut times) = (None, None, None);
                let mut action: Option<Action> = None;
                while let Some(Key(key)) = map.next_key()? {
                    match (key.as_str(), &action) {
                        ("at", _) => at = Some(map.next_value()?),
                        ("for", _) => lasting = Some(map.next_value()?),
                        ("times", _) => times = Some(map.next_value()?),
                        (second, Some(first)) => {
                            let first = first.name();
                            let why = format!("{first} and {second} in one; make it two actions");
                            return Err(A::Error::custom(why));
                        }
                        (name, None) => {
                            let one = OneEntry { key: Some(name), map: &mut map };
                            action = Some(Action::deserialize(MapAccessDeserializer::new(one))?);
                        }
                    }
                }
                let nothing = || {
                    let names = Action::NAMES.join(", ");
                    A::Error::custom(format!("nothing happens; write one of {names}"))
                };
                let at = at.ok_or_else(|| A::Error::missing_field("at"))?;
                Ok(ScenarioAction { at, lasting, times, action: action.ok_or_else(nothing)? })
            }
        }
        deserializer.deserialize_map(Entry)
    }
}

/// A key of an entry. An unknown one is refused where it is read, so that its place is known.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        if Action::FIELDS.contains(&key.as_str()) {
            return Ok(Self(key));
        }
        Err(D::Error::unknown_field(&key, Action::FIELDS))
    }
}

/// The entry of a map whose key has been read.
struct OneEntry<'a, A> {
    key: Option<&'a str>,
    map: &'a mut A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for OneEntry<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.key.take().map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
