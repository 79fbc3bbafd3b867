//! The configuration file of `rumormill agent`: every flag as a key, and tables beside them.

mod query;
mod replica;
mod rumor;
mod text;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rumormill_proto::Name;
use serde::Deserialize;

use crate::agent::file::query::Query;
use crate::agent::file::replica::Replica;
use crate::agent::file::rumor::Rumor;
use crate::agent::file::text::{HostPort, Span, Text};
use crate::agent::log::Level;
use crate::term::exit::Usage;
use crate::term::parse;
use crate::term::parse::{Input, Listen};

/// What a configuration file says. What it leaves out, flags and defaults decide.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    name: Option<Text<Name>>,
    bind: Option<Text<SocketAddr>>,
    advertise: Option<Text<SocketAddr>>,
    http: Option<Text<Listen>>,
    join: Option<Vec<Text<HostPort>>>,
    pub(crate) cluster: Option<String>,
    interval: Option<Text<Span>>,
    pub(crate) view_size: Option<usize>,
    probe_interval: Option<Text<Span>>,
    probe_timeout: Option<Text<Span>>,
    suspicion: Option<Text<Span>>,
    reconnect_interval: Option<Text<Span>>,
    sync_interval: Option<Text<Span>>,
    max_clock_skew: Option<Text<Span>>,
    pub(crate) round_length: Option<u32>,
    pub(crate) tolerance: Option<f64>,
    pub(crate) seed: Option<u64>,
    pub(crate) loss: Option<f64>,
    log: Option<Text<Level>>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) keep_old_replica: bool,
    set: BTreeMap<String, f64>,
    pub(crate) rumor: Rumor,
    pub(crate) replica: Replica,
    pub(crate) query: Query,
}

macro_rules! plain {
    ($($field:ident: $kind:ty,)*) => {
        impl File {
            $(pub(crate) fn $field(&self) -> Option<$kind> {
                self.$field.as_ref().map(|text| text.0.clone().into())
            })*
        }
    };
}

plain! {
    name: Name,
    bind: SocketAddr,
    advertise: SocketAddr,
    http: Listen,
    interval: std::time::Duration,
    probe_interval: std::time::Duration,
    probe_timeout: std::time::Duration,
    suspicion: std::time::Duration,
    reconnect_interval: std::time::Duration,
    sync_interval: std::time::Duration,
    max_clock_skew: std::time::Duration,
    log: Level,
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
        file.inputs()?;
        file.rumor.stop()?;
        file.query.handlers()?;
        if file.data.as_ref().is_some_and(|data| data.as_os_str().is_empty()) {
            return Err(
                "data is \"\", but must be a directory; leave it out to keep nothing".into()
            );
        }
        if let Some(loss) = file.loss {
            parse::loss(&loss.to_string()).map_err(|error| format!("loss: {error}"))?;
        }
        Ok(file)
    }

    /// The addresses to join.
    pub(crate) fn join(&self) -> Option<Vec<String>> {
        let join = self.join.as_ref()?;
        Some(join.iter().map(|text| text.0.0.clone()).collect())
    }

    /// The inputs of the table `[set]`.
    pub(crate) fn inputs(&self) -> Result<Vec<Input>, String> {
        let one = |(name, value): (&String, &f64)| {
            parse::input(&format!("{name}={value}")).map_err(|error| format!("[set]: {error}"))
        };
        self.set.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
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
            view_size = 8
            probe_interval = "1s"
            probe_timeout = "300ms"
            suspicion = "3s"
            reconnect_interval = "6s"
            sync_interval = "1m"
            round_length = 32
            tolerance = 1e-3
            seed = 7
            loss = 0.1
            log = "warn"
            data = "/var/lib/rumormill"
            keep_old_replica = true
            [set]
            requests = 5
            "disk/free" = 0.5
            [rumor]
            style = "push"
        "#;
        let file = File::parse(text).unwrap();
        assert_eq!(file.name().unwrap().as_str(), "a");
        assert_eq!(file.http(), Some(Listen::Off));
        assert_eq!(file.join().unwrap().len(), 2);
        assert_eq!(file.sync_interval(), Some(std::time::Duration::from_secs(60)));
        assert_eq!(file.log(), Some(Level::Warn));
        assert_eq!(file.inputs().unwrap().len(), 2);
        assert_eq!(File::parse("").unwrap().interval(), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_key_value_and_range() {
        for (text, says) in [
            ("intervall = \"1s\"", &["intervall", "unknown field"][..]),
            ("interval = 200", &["interval = 200", "a duration such as \"200ms\""]),
            ("interval = \"fast\"", &["interval = \"fast\"", "not a duration"]),
            ("view_size = \"8\"", &["view_size = \"8\"", "invalid type: string"]),
            ("view_size = -8", &["view_size = -8", "-8"]),
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
            ("[rumour]\nfanout = 3", &["rumour", "unknown field"]),
            ("[rumor]\nfan_out = 3", &["fan_out", "unknown field"]),
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
