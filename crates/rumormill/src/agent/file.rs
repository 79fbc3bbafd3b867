//! The settings of an agent, as its configuration file has them.

mod queries;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context;
use rumormill_proto::{Beside, Config, Name, read_beside};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess};
use tracing_subscriber::filter::LevelFilter;

use crate::agent::file::queries::Queries;
use crate::agent::handler::Handler;
use crate::agent::log;
use crate::term::exit::Usage;
use crate::term::parse;
use crate::term::parse::{Input, Listen};

/// The settings of an agent: those of the protocols, and the keys beside them in its file.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) agent: AgentKeys,
}

/// The settings that are not those of a protocol.
#[derive(Debug)]
pub(crate) struct AgentKeys {
    /// `None`: the name of the data directory, or else the host's.
    pub(crate) name: Option<Name>,
    pub(crate) bind: SocketAddr,
    pub(crate) advertise: Option<SocketAddr>,
    pub(crate) http: Listen,
    pub(crate) join: Vec<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) loss: f64,
    pub(crate) log: LevelFilter,
    pub(crate) data: Option<PathBuf>,
    pub(crate) keep_old_kv: bool,
    /// The table `[set]`.
    pub(crate) inputs: Vec<Input>,
    /// The table `[queries.handlers]`.
    pub(crate) handlers: Vec<Handler>,
}

impl Default for AgentKeys {
    fn default() -> Self {
        Self {
            name: None,
            bind: (Ipv4Addr::LOCALHOST, 7946).into(),
            advertise: None,
            http: Listen::At((Ipv4Addr::LOCALHOST, 7980).into()),
            join: Vec::new(),
            seed: None,
            loss: 0.0,
            log: LevelFilter::INFO,
            data: None,
            keep_old_kv: false,
            inputs: Vec::new(),
            handlers: Vec::new(),
        }
    }
}

impl Beside for AgentKeys {
    const KEYS: &'static [&'static str] = &[
        "name",
        "bind",
        "advertise",
        "http",
        "join",
        "seed",
        "loss",
        "log",
        "data",
        "keep_old_kv",
        "set",
        "queries",
    ];

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let address = || Parse(|text: String| parse::socket(&text));
        match key {
            "name" => {
                self.name = Some(map.next_value_seed(Parse(|text: String| parse::name(&text)))?);
            }
            "bind" => self.bind = map.next_value_seed(address())?,
            "advertise" => self.advertise = Some(map.next_value_seed(address())?),
            "http" => {
                self.http = map.next_value_seed(Parse(|text: String| parse::listen(&text)))?;
            }
            "join" => {
                self.join = map.next_value_seed(Parse(|addresses: Vec<String>| {
                    addresses.iter().map(|address| parse::host_port(address)).collect()
                }))?;
            }
            "seed" => self.seed = Some(map.next_value()?),
            "loss" => {
                self.loss =
                    map.next_value_seed(Parse(|loss: f64| parse::loss(&loss.to_string())))?;
            }
            "log" => self.log = map.next_value_seed(Parse(|text: String| log::level(&text)))?,
            "data" => self.data = Some(map.next_value_seed(Parse(directory))?),
            "keep_old_kv" => self.keep_old_kv = map.next_value()?,
            "set" => self.inputs = map.next_value_seed(Parse(inputs))?,
            "queries" => self.handlers = map.next_value_seed(Parse(Queries::handlers))?,
            _ => return Err(A::Error::unknown_field(key, Self::KEYS)),
        }
        Ok(())
    }
}

/// Reads a value and checks it, so that an error shows its line.
struct Parse<V, T>(fn(V) -> Result<T, String>);

impl<'de, V: Deserialize<'de>, T> DeserializeSeed<'de> for Parse<V, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        (self.0)(V::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

fn directory(path: PathBuf) -> Result<PathBuf, String> {
    if path.as_os_str().is_empty() {
        return Err("data is \"\", but must be a directory; leave it out to keep nothing".into());
    }
    Ok(path)
}

fn inputs(set: BTreeMap<String, f64>) -> Result<Vec<Input>, String> {
    let inputs = set.into_iter().map(|(name, value)| parse::input(&format!("{name}={value}")));
    inputs.collect()
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (config, agent) = read_beside(deserializer)?;
        Ok(Self { config, agent })
    }
}

impl Settings {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = crate::term::read::read(path).context("--config")?;
        let settings = toml::from_str(&text);
        Ok(settings.map_err(|error| Usage(format!("{}: {error}", path.display())))?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rumormill_proto::{
        AggregateSettings, EventSettings, KvSettings, MembershipSettings, Overlap, Schedule, Stop,
        Style,
    };

    use super::*;

    #[test]
    fn every_key_is_read() {
        let text = r#"
            name = "a"
            bind = "127.0.0.1:1"
            advertise = "10.0.0.1:1"
            http = "off"
            join = ["10.0.0.2:7946", "host:7946"]
            cluster = "shop"
            interval = "100ms"
            max_datagram = 1400
            max_clock_skew = "2m"
            seed = 7
            loss = 0.1
            log = "warn"
            data = "/var/lib/rumormill"
            keep_old_kv = true
            [set]
            requests = 5
            "disk/free" = 0.5
            [aggregates]
            view_size = 8
            schedule = "periodic"
            max_exchanges = 32
            epoch_pause = "2s"
            tolerance = 1e-3
            overlap = "decline"
            [membership]
            probe_interval = "1s"
            probe_timeout = "300ms"
            suspicion_timeout = "3s"
            reconnect_interval = "6s"
            sync_interval = "1m"
            [events]
            style = "pull"
            fanout = 2
            stop = "rounds:9"
            interval = "100ms"
            pull_interval = "2s"
            eager = false
            retention = "1m"
            max_payload = 10
            max_events = 20
            max_bytes = 30
            max_queue = 40
            [kv]
            max_key = 64
            max_value = 100
            max_bytes = 1000
            tombstone_life = "2h"
            [queries.handlers]
            disk = "df"
        "#;
        let Settings { config, agent } = toml::from_str(text).unwrap();
        assert_eq!(agent.name.as_ref().unwrap().as_str(), "a");
        assert_eq!((agent.bind.port(), agent.advertise.unwrap().port()), (1, 1));
        assert_eq!(agent.http, Listen::Off);
        assert_eq!(agent.join.len(), 2);
        assert_eq!((agent.seed, agent.loss, agent.log), (Some(7), 0.1, LevelFilter::WARN));
        assert_eq!((agent.data.is_some(), agent.keep_old_kv), (true, true));
        assert_eq!((agent.inputs.len(), agent.handlers.len()), (2, 1));
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let want = Config {
            cluster: "shop".into(),
            interval: ms(100),
            max_datagram: 1400,
            max_clock_skew: s(120),
            aggregates: AggregateSettings {
                view_size: 8,
                tolerance: 1e-3,
                schedule: Schedule::Periodic,
                max_exchanges: 32,
                epoch_pause: s(2),
                overlap: Overlap::Decline,
            },
            membership: MembershipSettings {
                probe_interval: s(1),
                probe_timeout: Some(ms(300)),
                suspicion_timeout: s(3),
                reconnect_interval: s(6),
                sync_interval: s(60),
            },
            events: EventSettings {
                style: Style::Pull,
                fanout: 2,
                stop: Stop::Rounds(9),
                interval: ms(100),
                pull_interval: s(2),
                eager: false,
                retention: s(60),
                max_payload: 10,
                max_events: 20,
                max_bytes: 30,
                max_queue: 40,
            },
            kv: KvSettings {
                max_key: 64,
                max_value: 100,
                max_bytes: 1000,
                tombstone_life: s(7200),
                ..KvSettings::default()
            },
        };
        assert_eq!(config, want);
        assert_eq!(toml::from_str::<Settings>("").unwrap().config, Config::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_key_value_and_range() {
        for (text, says) in [
            ("intervall = \"1s\"", &["intervall", "unknown field"][..]),
            ("interval = 200", &["interval = 200", "a duration such as \"200ms\""]),
            ("interval = \"fast\"", &["interval = \"fast\"", "not a duration"]),
            ("[aggregates]\nview_size = \"8\"", &["view_size = \"8\"", "invalid type: string"]),
            ("[aggregates]\nview_size = -8", &["view_size = -8", "-8"]),
            ("bind = \"localhost\"", &["localhost", "IP:PORT"]),
            ("join = \"10.0.0.1:1\"", &["join", "expected a sequence"]),
            ("join = [\"nowhere\"]", &["nowhere", "HOST:PORT"]),
            ("log = \"loud\"", &["loud", "off, error, warn, info, debug or trace"]),
            ("data = \"\"", &["data is \"\"", "directory"]),
            ("name = \"\"", &["name = \"\"", "empty"]),
            ("join = [\"\"]", &["join = [\"\"]", "HOST:PORT"]),
            ("[set]\n\"\" = 1", &["[set]", "empty"]),
            ("loss = 1.5", &["loss", "1.5", "below 1"]),
            ("[set]\nrequests = 1e30", &["[set]", "requests", "within"]),
            ("[set]\n\"no spaces\" = 1", &["[set]", "no spaces"]),
            ("[set]\nrequests = \"5\"", &["requests = \"5\"", "string"]),
            ("[rumor]\nfanout = 3", &["[rumor]", "unknown field `rumor`", "`events`", "`queries`"]),
            ("view_size = 8", &["view_size = 8", "unknown field `view_size`"]),
            ("[events]\nfan_out = 3", &["fan_out", "unknown field", "`fanout`"]),
            ("[events]\nfanout = 3.5", &["fanout = 3.5"]),
            ("[events]\nstyle = \"shout\"", &["style = \"shout\"", "is none of push, pull"]),
            ("[events]\nstop = \"never\"", &["stop = \"never\"", "rounds:R, log:C"]),
            ("[events]\nstop = \"blind-coin\"", &["stop = \"blind-coin\"", "blind-coin:K"]),
            ("[events]\nstop = \"rounds:0\"", &["stop = \"rounds:0\"", "at least rounds:1"]),
            ("name = \"a\"\nname = \"b\"", &["name", "duplicate key"]),
            ("name = a", &["name = a"]),
        ] {
            let error = toml::from_str::<Settings>(text).expect_err(text).to_string();
            for part in says {
                assert!(error.contains(part), "{text:?} does not say {part:?}:\n{error}");
            }
        }
    }
}
