//! Metrics in the text format that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use rumormill_proto::Instant;

use crate::api::{
    ClockInfo, Counters, Figure, Input, Load, Member, MemberState, Reading, StoreInfo,
};
use crate::core::Core;
use crate::store::writer::Writer;

/// A format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `OpenMetrics` 1.0.0, for who asks for it: Prometheus itself does.
    Open,
    /// The older text format of Prometheus, version 0.0.4, which everything else reads.
    Text,
}

impl Format {
    /// The media type of `OpenMetrics`.
    pub(crate) const OPEN: &str = "application/openmetrics-text";

    /// What a reader wants whose header `accept` is this.
    pub(crate) fn wanted(accept: &str) -> Self {
        if accept.contains(Self::OPEN) { Self::Open } else { Self::Text }
    }

    /// What `/metrics` says that it is.
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
    name: String,
    cluster: String,
    uptime: f64,
    readings: Vec<Reading>,
    inputs: Vec<Input>,
    members: Vec<Member>,
    counters: Counters,
    load: Load,
    clock: ClockInfo,
    store: Option<StoreInfo>,
    missed: u64,
    log_lines_dropped: Option<u64>,
}

/// A figure's part, what it is, and how to take it from a reading.
type Part = (&'static str, &'static str, fn(&Reading) -> Option<f64>);

const PARTS: [Part; 8] = [
    ("aggregate_min", "The smallest input during the last window", |r| r.min),
    ("aggregate_max", "The largest input during the last window", |r| r.max),
    ("aggregate_variance", "The inputs' variance", |r| r.variance),
    ("aggregate_standard_deviation", "The inputs' standard deviation", |r| r.standard_deviation),
    ("aggregate_spread", "Three standard errors of the sum", |r| r.spread),
    ("aggregate_converged", "Whether the estimate has settled: 1 or 0", |r| {
        Some(f64::from(u8::from(r.converged)))
    }),
    ("aggregate_disturbed_seconds", "Time since an input or the membership changed", |r| {
        r.disturbed_seconds_ago
    }),
    (
        "aggregate_enclosed_seconds",
        "The enclosure holds for an instant this long ago at most",
        |r| r.enclosed_seconds_ago,
    ),
];

/// A figure with an enclosure, what it is, and how to take it from a reading.
type Enclosed = (&'static str, &'static str, fn(&Reading) -> Figure);

/// An end of a figure's enclosure or its value, what it is, and how to take it from the figure.
type End = (&'static str, &'static str, fn(Figure) -> Option<f64>);

const ENDS: [End; 3] = [
    ("value", "The estimate of the", |figure| figure.value),
    ("lower", "The lower end of the enclosure of the", |figure| figure.lower),
    ("upper", "The upper end of the enclosure of the", |figure| figure.upper),
];

const ENCLOSED: [Enclosed; 3] = [
    ("sum", "sum of the inputs", |r| r.sum),
    ("average", "average input of the nodes that report the figure", |r| r.average),
    ("count", "number of nodes that report the figure", |r| r.count),
];

impl Snapshot {
    pub(crate) fn take(core: &mut Core) -> Self {
        let now = core.now();
        Self {
            name: core.node.identity().name.to_string(),
            cluster: core.node.config().cluster.clone(),
            uptime: now.since(Instant::ZERO).as_secs_f64(),
            readings: core.node.readings(now).into_iter().map(Reading::from).collect(),
            inputs: Input::all(&core.node),
            members: Member::all(&core.node),
            counters: Counters::new(core.node.stats(), &core.sockets),
            load: Load::of(&core.node),
            clock: ClockInfo::of(&core.node),
            store: core.store.as_ref().map(Writer::info),
            missed: core.missed.get(),
            log_lines_dropped: core.log_lines_dropped(),
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

/// `OpenMetrics` in the text format 0.0.4: that describes a counter and an info by the full names
/// of their samples, knows no infos, and has no mark at its end.
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
        let who = [("name", &*self.name), ("cluster", &*self.cluster)];
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        encoder
            .encode_descriptor("agent", "The agent.", None, MetricType::Info)?
            .encode_info(&(who, version))?;
        gauge(encoder, "uptime_seconds", "Time since the agent's start", |metric| {
            ConstGauge::new(self.uptime).encode(metric)
        })?;
        let help = "Members ever heard of, by what the failure detector says of them";
        gauge(encoder, "members", help, |mut metric| {
            for state in MemberState::ALL {
                let n = self.members.iter().filter(|member| member.state == state).count();
                let labels = [("state", state.as_str())];
                ConstGauge::new(n as f64).encode(metric.encode_family(&labels)?)?;
            }
            Ok(())
        })?;
        gauge(encoder, "input", "What this agent puts in", |metric| {
            by_name(metric, self.inputs.iter().map(|input| (&*input.name, Some(input.value))))
        })?;
        for (figure, what, take) in ENCLOSED {
            for (part, which, pick) in ENDS {
                let name = format!("aggregate_{figure}_{part}");
                gauge(encoder, &name, &format!("{which} {what}"), |metric| {
                    by_name(metric, self.readings.iter().map(|r| (&*r.name, pick(take(r)))))
                })?;
            }
        }
        for (name, help, take) in PARTS {
            gauge(encoder, name, help, |metric| {
                by_name(metric, self.readings.iter().map(|r| (&*r.name, take(r))))
            })?;
        }
        for (name, help, value) in [
            ("rumors_kept", "Rumors that are kept", self.load.rumors),
            ("rumors_hot", "Rumors that are being told", self.load.rumors_hot),
            ("rumors_kept_bytes", "Bytes of the payloads of kept rumors", self.load.rumor_bytes),
            ("replica_keys", "Keys that exist", self.load.keys),
            ("replica_tombstones", "Deleted keys that are remembered", self.load.tombstones),
            ("replica_kept_bytes", "Bytes of keys and values", self.load.replica_bytes),
        ] {
            gauge(encoder, name, help, |metric| ConstGauge::new(value as f64).encode(metric))?;
        }
        let help = "Members whose keys have differed from this agent's for longer than a minute";
        let differing = self.load.members_differing as f64;
        let (clock, skewed) = (&self.clock, self.clock.members_skewed as f64);
        for (name, help, value) in [
            ("replica_members_differing", help, differing),
            ("clock_correction_seconds", "What is added to the clock", clock.correction_seconds),
            ("clock_members_skewed", "Members whose clocks are too far from this one", skewed),
        ] {
            gauge(encoder, name, help, |metric| ConstGauge::new(value).encode(metric))?;
        }
        for (name, help, value) in self.counters.each() {
            counter(encoder, &name, &help, value)?;
        }
        counter(encoder, "events_missed", "Events that slow subscribers have missed", self.missed)?;
        if let Some(lines) = self.log_lines_dropped {
            let help = "Lines of the log that could not be written";
            counter(encoder, "log_lines_dropped", help, lines)?;
        }
        let Some(store) = &self.store else { return Ok(()) };
        let help = "Whether the last transaction of the store is on disk: 1 or 0";
        gauge(encoder, "store_healthy", help, |metric| {
            ConstGauge::new(f64::from(u8::from(store.trouble.is_none()))).encode(metric)
        })?;
        let help = "Inputs and entries that wait to be written to the store";
        gauge(encoder, "store_waiting", help, |metric| {
            ConstGauge::new(store.waiting as f64).encode(metric)
        })?;
        counter(encoder, "store_commits", "Transactions of the store", store.commits)?;
        counter(encoder, "store_records", "Inputs and entries written", store.records)?;
        counter(encoder, "store_errors", "Transactions of the store that failed", store.errors)?;
        let help = "Entries left out of the store, because they can't be read";
        counter(encoder, "store_refused", help, store.refused)
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

/// A gauge with the figure's name as its label. What is not known is left out.
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
