//! Metrics in the text formats that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use rumormill_proto::{Member, MemberState, Reading, State};

use crate::api::{Info, StoreInfo};
use crate::core::Core;

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `OpenMetrics` 1.0.0, for clients that ask for it, such as Prometheus itself.
    Open,
    /// The older text format of Prometheus, version 0.0.4, which all others read.
    Text,
}

impl Format {
    /// The media type of `OpenMetrics`.
    pub(crate) const OPEN: &str = "application/openmetrics-text";

    /// Returns the format for a client that sends this `accept` header.
    pub(crate) fn wanted(accept: &str) -> Self {
        if accept.contains(Self::OPEN) { Self::Open } else { Self::Text }
    }

    /// Returns the content type of `/metrics`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Open => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// An agent's metrics at one instant.
#[derive(Debug)]
pub(crate) struct Snapshot {
    info: Info,
    readings: Vec<Reading>,
    members: Vec<Member>,
    missed: u64,
}

/// A metric's name without its prefix, what it means, and how to take its value.
type Metric<S, V> = (&'static str, &'static str, fn(&S) -> V);

/// The gauges of one aggregate. A value that is not known is left out.
const OF_AGGREGATE: [Metric<Reading, Option<f64>>; 26] = [
    ("aggregate_sum_value", "The estimate of the sum now", |r| r.sum.value),
    ("aggregate_sum_standard_error", "The standard error of the estimate of the sum", |r| {
        r.sum.standard_error
    }),
    ("aggregate_average_value", "The estimate of the average input now", |r| r.average.value),
    (
        "aggregate_average_standard_error",
        "The standard error of the estimate of the average",
        |r| r.average.standard_error,
    ),
    ("aggregate_count_value", "The estimate of the number of inputs now", |r| r.count.value),
    ("aggregate_count_standard_error", "The standard error of the estimate of the count", |r| {
        r.count.standard_error
    }),
    ("aggregate_variance", "The inputs' variance", |r| r.variance),
    ("aggregate_standard_deviation", "The inputs' standard deviation", |r| r.standard_deviation),
    ("aggregate_certified_seconds", "The greatest age of what is certified", |r| {
        Some(r.certified?.age.as_secs_f64())
    }),
    ("aggregate_certified_sum_value", "The sum at an instant of that age", |r| {
        Some(r.certified?.sum.value)
    }),
    ("aggregate_certified_sum_lower", "The lower bound of the sum at that instant", |r| {
        Some(r.certified?.sum.lower)
    }),
    ("aggregate_certified_sum_upper", "The upper bound of the sum at that instant", |r| {
        Some(r.certified?.sum.upper)
    }),
    ("aggregate_certified_average_value", "The average input at that instant", |r| {
        Some(r.certified?.average?.value)
    }),
    ("aggregate_certified_average_lower", "The lower bound of the average at that instant", |r| {
        Some(r.certified?.average?.lower)
    }),
    ("aggregate_certified_average_upper", "The upper bound of the average at that instant", |r| {
        Some(r.certified?.average?.upper)
    }),
    ("aggregate_certified_count_value", "The number of inputs at that instant", |r| {
        Some(r.certified?.count.value)
    }),
    ("aggregate_certified_count_lower", "The lower bound of the count at that instant", |r| {
        Some(r.certified?.count.lower)
    }),
    ("aggregate_certified_count_upper", "The upper bound of the count at that instant", |r| {
        Some(r.certified?.count.upper)
    }),
    ("aggregate_certified_min", "The smallest input around that instant", |r| r.certified?.min),
    ("aggregate_certified_max", "The largest input around that instant", |r| r.certified?.max),
    ("aggregate_certified_variance", "The inputs' variance at that instant", |r| {
        r.certified?.variance
    }),
    ("aggregate_converged", "Whether the estimate has settled: 1 or 0", |r| Some(yes(r.converged))),
    ("aggregate_settled", "Whether the state is settled: 1 or 0", |r| {
        Some(yes(r.state == State::Settled))
    }),
    ("aggregate_following", "Whether the state is following: 1 or 0", |r| {
        Some(yes(r.state == State::Following))
    }),
    ("aggregate_disturbed", "Whether the state is disturbed: 1 or 0", |r| {
        Some(yes(r.state == State::Disturbed))
    }),
    ("aggregate_disturbed_seconds", "Time since an input or the membership changed", |r| {
        r.disturbed.map(|age| age.as_secs_f64())
    }),
];

/// The gauges of an agent.
const OF_AGENT: [Metric<Info, f64>; 10] = [
    ("uptime_seconds", "Time since the agent's start", |s| s.uptime_seconds),
    ("events_kept", "Events that are kept", |s| s.events.kept as f64),
    ("events_hot", "Events that are being pushed", |s| s.events.hot as f64),
    ("events_kept_bytes", "Bytes of the payloads of kept events", |s| s.events.bytes as f64),
    ("kv_keys", "Keys that exist", |s| s.kv.keys as f64),
    ("kv_tombstones", "Deleted keys that are remembered", |s| s.kv.tombstones as f64),
    ("kv_kept_bytes", "Bytes of keys and values", |s| s.kv.bytes as f64),
    (
        "kv_members_differing",
        "Members whose keys have differed from this agent's for longer than a minute",
        |s| s.kv.members_differing as f64,
    ),
    ("clock_correction_seconds", "What is added to the clock", |s| {
        s.clock.correction_millis as f64 / 1e3
    }),
    ("clock_members_skewed", "Members whose clocks are too far from this one", |s| {
        s.clock.members_skewed as f64
    }),
];

/// The gauges of a store.
const OF_STORE: [Metric<StoreInfo, f64>; 2] = [
    ("store_healthy", "Whether the last transaction of the store is on disk: 1 or 0", |s| {
        yes(s.problem.is_none())
    }),
    ("store_waiting", "Inputs and entries that wait to be written to the store", |s| {
        s.waiting as f64
    }),
];

/// The counters of a store.
const BY_STORE: [Metric<StoreInfo, u64>; 4] = [
    ("store_commits", "Transactions of the store", |s| s.commits),
    ("store_records", "Inputs and entries written", |s| s.records),
    ("store_errors", "Transactions of the store that failed", |s| s.errors),
    ("store_refused", "Entries left out of the store because they can't be read", |s| s.refused),
];

fn yes(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

impl Snapshot {
    pub(crate) fn take(core: &mut Core) -> Self {
        let now = core.now();
        Self {
            info: core.info(),
            readings: core.node.aggregates().list(now),
            members: core.node.members(),
            missed: core.missed.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn encode(self, format: Format) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("rumormill");
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(match format {
            Format::Open => text,
            Format::Text => older(&text),
        })
    }
}

/// Rewrites `OpenMetrics` in the text format 0.0.4, which describes a counter and an info by the full
/// names of their samples, has no infos, and no mark at its end.
fn older(text: &str) -> String {
    let suffix = |kind: &str| match kind {
        "counter" => "_total",
        "info" => "_info",
        _ => "",
    };
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let suffixes: BTreeMap<_, _> = types.map(|(name, kind)| (name, suffix(kind))).collect();
    let mut out = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let about = line.strip_prefix("# ").and_then(|about| about.split_once(' '));
        match about.and_then(|(what, about)| Some((what, about.split_once(' ')?))) {
            Some((what, (name, rest))) => {
                let suffix = suffixes.get(name).copied().unwrap_or_default();
                let rest = if what == "TYPE" && rest == "info" { "gauge" } else { rest };
                out.push_str(&format!("# {what} {name}{suffix} {rest}"));
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let info = &self.info;
        let who = [("name", info.name.as_str()), ("cluster", &info.cluster)];
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        encoder
            .encode_descriptor("agent", "The agent.", None, MetricType::Info)?
            .encode_info(&(who, version))?;
        for (name, help, value) in OF_AGENT {
            gauge(encoder, name, help, |metric| ConstGauge::new(value(info)).encode(metric))?;
        }
        let help = "Members that this agent knows, by their state";
        gauge(encoder, "members", help, |mut metric| {
            for &state in MemberState::ALL {
                let n = self.members.iter().filter(|member| member.state == state).count();
                let labels = [("state", state.name())];
                ConstGauge::new(n as f64).encode(metric.encode_family(&labels)?)?;
            }
            Ok(())
        })?;
        gauge(encoder, "input", "This agent's input", |metric| {
            let inputs = info.inputs.iter();
            by_name(metric, inputs.map(|input| (input.name.as_str(), Some(input.value))))
        })?;
        for (name, help, value) in OF_AGGREGATE {
            gauge(encoder, name, help, |metric| {
                by_name(metric, self.readings.iter().map(|r| (r.name.as_str(), value(r))))
            })?;
        }
        for (name, help, value) in info.counters.each() {
            counter(encoder, &name, &help, value)?;
        }
        let help = "Notices that slow subscribers have missed";
        counter(encoder, "notices_missed", help, self.missed)?;
        if let Some(lines) = info.log_lines_dropped {
            let help = "Lines of the log that could not be written";
            counter(encoder, "log_lines_dropped", help, lines)?;
        }
        let Some(store) = &info.store else { return Ok(()) };
        for (name, help, value) in OF_STORE {
            gauge(encoder, name, help, |metric| ConstGauge::new(value(store)).encode(metric))?;
        }
        for (name, help, value) in BY_STORE {
            counter(encoder, name, help, value(store))?;
        }
        Ok(())
    }
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, &format!("{help}."), None, MetricType::Counter)?;
    ConstCounter::new(value).encode(metric)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
) -> fmt::Result {
    values(encoder.encode_descriptor(name, &format!("{help}."), None, MetricType::Gauge)?)
}

/// Writes a gauge with the aggregate's name as its label, without the values that are not known.
fn by_name<'a>(
    mut metric: MetricEncoder<'_>,
    values: impl Iterator<Item = (&'a str, Option<f64>)>,
) -> fmt::Result {
    for (name, value) in values {
        if let Some(value) = value {
            ConstGauge::new(value).encode(metric.encode_family(&[("name", name)])?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_names_the_samples_as_they_are() {
        let open = "# HELP a The agent.\n# TYPE a info\na_info{name=\"x # EOF\"} 1\n\
                    # HELP n_sent Sent.\n# TYPE n_sent counter\nn_sent_total 7\n\
                    # HELP g A gauge.\n# TYPE g gauge\ng 1.5\n# EOF\n";
        let text = "# HELP a_info The agent.\n# TYPE a_info gauge\na_info{name=\"x # EOF\"} 1\n\
                    # HELP n_sent_total Sent.\n# TYPE n_sent_total counter\nn_sent_total 7\n\
                    # HELP g A gauge.\n# TYPE g gauge\ng 1.5\n";
        assert_eq!(older(open), text);
    }

    #[test]
    fn prometheus_gets_open_metrics_and_others_plain_text() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        assert_eq!(Format::wanted(prometheus), Format::Open);
        for accept in ["", "*/*", "text/plain;version=0.0.4"] {
            assert_eq!(Format::wanted(accept), Format::Text, "{accept}");
        }
    }
}
