//! The settings of nodes: the table `[node]` of a scenario.

use rumormill_proto::{Beside, Config, read_beside};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::{Map, Value, to_value};

use super::durable::Durable;
use super::error::ScenarioError;

/// The name of the cluster, if the settings have the default one.
const CLUSTER: &str = "scenario";

/// Settings of all nodes: those of a [`Config`], and two of the virtual network beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeSettings {
    /// The settings of the protocols.
    pub config: Config,
    /// Which nodes have a store, and so still hold their keys when they start again. Default none.
    pub durable: Option<Durable>,
    /// How far clocks are off at most, either way: 0.01 is 1 %. Default 0; at most 0.5.
    pub drift: f64,
}

impl NodeSettings {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the settings of a node.
    ///
    /// # Errors
    /// When one is out of its range.
    pub(crate) fn config(&self) -> Result<Config, ScenarioError> {
        let mut config = self.config.clone();
        if config.cluster == Config::default().cluster {
            CLUSTER.clone_into(&mut config.cluster);
        }
        config.check().map_err(|error| ScenarioError::under("node.", &error))?;
        if !(0.0..=0.5).contains(&self.drift) {
            let value = self.drift.to_string();
            return Err(ScenarioError::new("node.drift", value, "from 0 to 0.5"));
        }
        Ok(config)
    }
}

/// The keys beside the settings of the protocols.
#[derive(Default)]
struct Virtual {
    durable: Option<Durable>,
    drift: f64,
}

impl Beside for Virtual {
    const KEYS: &'static [&'static str] = &["durable", "drift"];

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "durable" => self.durable = Some(map.next_value()?),
            "drift" => self.drift = map.next_value()?,
            _ => return Err(A::Error::unknown_field(key, Self::KEYS)),
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for NodeSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (config, Virtual { durable, drift }) = read_beside(deserializer)?;
        Ok(Self { config, durable, drift })
    }
}

impl Serialize for NodeSettings {
    /// Writes the settings that differ from the default.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = |config: &Config| to_value(config).map_err(S::Error::custom);
        let mut table = differing(value(&self.config)?, &value(&Config::default())?);
        if let Some(durable) = &self.durable {
            table.insert("durable".into(), to_value(durable).map_err(S::Error::custom)?);
        }
        if self.drift != 0.0 {
            table.insert("drift".into(), self.drift.into());
        }
        table.serialize(serializer)
    }
}

/// Returns the entries of a table that differ from the usual ones.
fn differing(table: Value, usual: &Value) -> Map<String, Value> {
    let Value::Object(table) = table else { return Map::new() };
    let entry = |(key, value): (String, Value)| {
        let usual = usual.get(&key).unwrap_or(&Value::Null);
        match (&value, usual) {
            _ if value == *usual => None,
            (Value::Object(_), Value::Object(_)) => Some((key, differing(value, usual).into())),
            _ => Some((key, value)),
        }
    };
    table.into_iter().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NodeSettings, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn what_differs_is_written_and_read_again() {
        let text = "drift = 0.01\ninterval = \"100ms\"\n\n\
                    [events]\nfanout = 2\nstop = \"rounds:9\"\n\n\
                    [membership]\nprobe_timeout = \"90ms\"\n";
        let settings = read(text).unwrap();
        assert_eq!(settings.config.events.fanout, 2);
        assert_eq!(toml::to_string(&settings).as_deref(), Ok(text));
        assert_eq!(toml::to_string(&NodeSettings::default()).as_deref(), Ok(""));
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        for (text, says) in [
            (
                "intervall = \"1s\"",
                &["1 | intervall", "unknown field", "`interval`", "`drift`"][..],
            ),
            ("drift = 0\n[events]\nfan_out = 2", &["3 | fan_out", "unknown field", "`fanout`"]),
            ("drift = 0\n[events]\nfanout = \"2\"", &["3 | fanout = \"2\"", "invalid type"]),
            ("drift = true", &["1 | drift = true", "invalid type"]),
            ("[rumor]\nfanout = 2", &["1 | [rumor]", "unknown field `rumor`"]),
        ] {
            let error = read(text).expect_err(text);
            for part in says {
                assert!(error.contains(part), "{text:?} does not say {part:?}:\n{error}");
            }
        }
    }
}
