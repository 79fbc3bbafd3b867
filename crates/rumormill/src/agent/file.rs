//! The configuration file of `rumormill agent`: the settings of the protocols, and the keys of the agent
//! beside them.

mod queries;
mod text;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rumormill_proto::{Beside, Config, Name, read_beside};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess};
use tracing_subscriber::filter::LevelFilter;

use crate::agent::file::queries::Queries;
use crate::agent::file::text::{List, Text};
use crate::agent::log;
use crate::term::exit::Usage;
use crate::term::parse;
use crate::term::parse::{Input, Listen};

/// The contents of a configuration file.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// The settings of the protocols.
    pub(crate) config: Config,
    /// The keys beside them.
    pub(crate) agent: AgentKeys,
}

/// The keys of a file that are not settings of a protocol.
#[derive(Debug, Default)]
pub(crate) struct AgentKeys {
    pub(crate) name: Option<Name>,
    pub(crate) bind: Option<SocketAddr>,
    pub(crate) advertise: Option<SocketAddr>,
    pub(crate) http: Option<Listen>,
    pub(crate) join: Option<Vec<String>>,
    pub(crate) seed: Option<u64>,
    pub(crate) loss: Option<f64>,
    pub(crate) log: Option<LevelFilter>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) keep_old_kv: bool,
    set: BTreeMap<String, f64>,
    pub(crate) queries: Queries,
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
        let address =
            Text { expected: "an address such as \"127.0.0.1:7946\"", parse: parse::socket };
        match key {
            "name" => {
                let name = Text { expected: "a name such as \"a\"", parse: parse::name };
                self.name = Some(map.next_value_seed(&name)?);
            }
            "bind" => self.bind = Some(map.next_value_seed(&address)?),
            "advertise" => self.advertise = Some(map.next_value_seed(&address)?),
            "http" => {
                let expected = "an address such as \"127.0.0.1:7980\", or \"off\"";
                self.http = Some(map.next_value_seed(&Text { expected, parse: parse::listen })?);
            }
            "join" => {
                let expected = "an address such as \"10.0.0.1:7946\"";
                let addresses = List(Text { expected, parse: parse::host_port });
                self.join = Some(map.next_value_seed(addresses)?);
            }
            "seed" => self.seed = Some(map.next_value()?),
            "loss" => self.loss = Some(map.next_value()?),
            "log" => {
                let expected = "\"off\", \"error\", \"warn\", \"info\", \"debug\" or \"trace\"";
                self.log = Some(map.next_value_seed(&Text { expected, parse: log::level })?);
            }
            "data" => self.data = Some(map.next_value()?),
            "keep_old_kv" => self.keep_old_kv = map.next_value()?,
            "set" => self.set = map.next_value()?,
            "queries" => self.queries = map.next_value()?,
            _ => return Err(A::Error::unknown_field(key, Self::KEYS)),
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (config, agent) = read_beside(deserializer)?;
        Ok(Self { config, agent })
    }
}

impl File {
    /// Reads the file at `path`.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = crate::term::read::read(path).context("--config")?;
        let file = Self::parse(&text).map_err(|error| Usage(format!("{shown}: {error}")))?;
        Ok(file)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let agent = &file.agent;
        agent.inputs()?;
        agent.queries.handlers()?;
        if agent.data.as_ref().is_some_and(|data| data.as_os_str().is_empty()) {
            return Err(
                "data is \"\", but must be a directory; leave it out to keep nothing".into()
            );
        }
        if let Some(loss) = agent.loss {
            parse::loss(&loss.to_string()).map_err(|error| format!("loss: {error}"))?;
        }
        Ok(file)
    }
}

impl AgentKeys {
    /// Returns the inputs of the table `[set]`.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, String> {
        let one = |(name, value): (&String, &f64)| {
            parse::input(&format!("{name}={value}")).map_err(|error| format!("[set]: {error}"))
        };
        self.set.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rumormill_proto::{
        AggregateSettings, EventSettings, KvSettings, MembershipSettings, Overlap, Stop, Style,
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
            round_length = 32
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
        let File { config, agent } = File::parse(text).unwrap();
        assert_eq!(agent.name.as_ref().unwrap().as_str(), "a");
        assert_eq!((agent.bind.unwrap().port(), agent.advertise.unwrap().port()), (1, 1));
        assert_eq!(agent.http, Some(Listen::Off));
        assert_eq!(agent.join.as_ref().unwrap().len(), 2);
        assert_eq!(
            (agent.seed, agent.loss, agent.log),
            (Some(7), Some(0.1), Some(LevelFilter::WARN))
        );
        assert_eq!((agent.data.is_some(), agent.keep_old_kv), (true, true));
        assert_eq!(
            (agent.inputs().unwrap().len(), agent.queries.handlers().unwrap().len()),
            (2, 1)
        );
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        let want = Config {
            cluster: "shop".into(),
            interval: ms(100),
            max_datagram: 1400,
            max_clock_skew: s(120),
            aggregates: AggregateSettings {
                view_size: 8,
                tolerance: 1e-3,
                round_length: 32,
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
        assert_eq!(File::parse("").unwrap().config, Config::default());
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
            ("[events]\nstyle = \"shout\"", &["style = \"shout\"", "expected one of `push`"]),
            ("[events]\nstop = \"never\"", &["stop = \"never\"", "rounds:R, log:C"]),
            ("[events]\nstop = \"blind-coin\"", &["stop = \"blind-coin\"", "blind-coin:K"]),
            ("[events]\nstop = \"rounds:0\"", &["stop = \"rounds:0\"", "at least rounds:1"]),
            ("name = \"a\"\nname = \"b\"", &["name", "duplicate key"]),
            ("name = a", &["name = a"]),
        ] {
            let error = File::parse(text).expect_err(text);
            for part in says {
                assert!(error.contains(part), "{text:?} does not say {part:?}:\n{error}");
            }
        }
    }
}
