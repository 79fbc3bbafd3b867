//! A scenario from flags.

use rumormill_sim::scenario::{
    Action, Churn, LatencyText, Nodes, Publish, Scenario, ScenarioAction, Sides, Span, Values, When,
};

use crate::term::exit::Usage;

/// The flags that change a scenario.
#[derive(clap::Args)]
pub(crate) struct Flags {
    /// Number of nodes.
    #[arg(long, short)]
    nodes: Option<u32>,
    /// Whether the nodes know each other from the start, instead of joining the first one [default:
    /// true above 500 nodes].
    #[arg(long, value_name = "BOOL")]
    formed: Option<bool>,
    /// Duration of the run before the calm at its end.
    #[arg(long, short)]
    duration: Option<Span>,
    /// Seed of all random choices.
    #[arg(long, short)]
    seed: Option<u64>,
    /// Gossip period.
    #[arg(long)]
    interval: Option<Span>,
    /// Inputs of the aggregate requests: 5, 0..100 (uniform) or spike:100 (at one node only).
    #[arg(long, value_parser = values)]
    values: Option<Values>,
    /// Share of datagrams that are lost, [0, 1].
    #[arg(long)]
    loss: Option<f64>,
    /// Latency of packets: 5ms, 1ms..5ms, exponential:1ms,5ms, lognormal:5ms,0.5,
    /// pareto:1ms,100ms.
    #[arg(long)]
    latency: Option<LatencyText>,
    /// Share of datagrams that arrive twice, [0, 1].
    #[arg(long)]
    duplicate: Option<f64>,
    /// Share of datagrams that are delayed past later ones, [0, 1].
    #[arg(long)]
    reorder: Option<f64>,
    /// Crashes per minute; each node restarts after 5 s.
    #[arg(long, value_name = "PER_MINUTE")]
    churn: Option<f64>,
    /// Nodes that crash, and when; with an end, they restart then: n3@10s, 2@10s..20s,
    /// 50%@10s..20s.
    #[arg(long, value_name = "NODES@TIME", value_parser = incident)]
    crash: Vec<Incident>,
    /// Nodes whose processes pause: n3@10s..20s.
    #[arg(long, value_name = "NODES@FROM..TO", value_parser = lasting)]
    pause: Vec<Incident>,
    /// Partition of the network in halves: 10s..30s; or of these nodes: n0-n3@10s..30s.
    #[arg(long, value_name = "FROM..TO", value_parser = partition)]
    partition: Vec<Incident>,
    /// Time at which a random node publishes an event.
    #[arg(long, value_name = "TIME")]
    publish: Vec<Span>,
    /// Longest calm at the end until everything must hold; 0s: no check at the end.
    #[arg(long)]
    patience: Option<Span>,
    /// Key of the scenario to set, such as node.events.fanout=2; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<Assignment>,
}

/// A key of a scenario, and what it is set to.
#[derive(Clone, Debug, PartialEq)]
struct Assignment {
    /// From the outermost table inwards.
    path: Vec<String>,
    value: toml::Value,
}

/// A fault of nodes from a time on, with or without an end.
#[derive(Clone, Debug, PartialEq)]
struct Incident {
    nodes: Nodes,
    from: Span,
    to: Option<Span>,
}

impl Flags {
    /// Returns the seed, if it is given.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Applies the flags to a scenario.
    pub(crate) fn apply(&self, scenario: &mut Scenario) -> Result<(), Usage> {
        for assignment in &self.set {
            *scenario = assignment.apply(scenario)?;
        }
        let set = |to: &mut Span, from: Option<Span>| *to = from.unwrap_or(*to);
        scenario.nodes = self.nodes.unwrap_or(scenario.nodes);
        scenario.formed = self.formed.or(scenario.formed);
        scenario.seed = self.seed.unwrap_or(scenario.seed);
        set(&mut scenario.duration, self.duration);
        set(&mut scenario.calm.patience, self.patience);
        if let Some(interval) = self.interval {
            scenario.node.config.interval = interval.0;
        }
        if let Some(values) = &self.values {
            let mut aggregates = scenario.aggregates();
            aggregates.insert("requests".into(), values.clone());
            scenario.aggregates = Some(aggregates);
        }
        let link = &mut scenario.link;
        link.latency = self.latency.or(link.latency);
        link.loss = self.loss.or(link.loss);
        link.duplication = self.duplicate.or(link.duplication);
        link.reordering = self.reorder.or(link.reordering);
        for crash in &self.crash {
            scenario.action.push(crash.action(Action::Crash));
        }
        for pause in &self.pause {
            scenario.action.push(pause.action(Action::Pause));
        }
        for split in &self.partition {
            let sides = |nodes| Action::Partition(Sides(vec![nodes]));
            scenario.action.push(split.action(sides));
        }
        for &at in &self.publish {
            let publish = Publish { topic: "news".into(), bytes: 64, nodes: Nodes::Some(1) };
            scenario.action.push(ScenarioAction::new(at, Action::Publish(publish)));
        }
        if let Some(per_minute) = self.churn {
            scenario.action.push(churn(per_minute, scenario.duration)?);
        }
        Ok(())
    }
}

/// How long a node is down in a churn, and how long the cluster has to form before it.
const DOWN: f64 = 5.0;

/// Churn from the time when the cluster has formed on, such that all are back before the end.
fn churn(per_minute: f64, duration: Span) -> Result<ScenarioAction, Usage> {
    let end = duration.0.as_secs_f64();
    if end < 3.0 * DOWN {
        let why =
            format!("--churn needs a --duration of at least {} s, not {duration}", 3.0 * DOWN);
        return Err(Usage(why));
    }
    let at = When::Between(Span::from_secs_f64(DOWN), Span::from_secs_f64(end - DOWN));
    let churn = Churn { per_minute, down: Span::from_secs_f64(DOWN) };
    Ok(ScenarioAction { at, lasting: None, times: None, action: Action::Churn(churn) })
}

impl Assignment {
    fn apply(&self, scenario: &Scenario) -> Result<Scenario, Usage> {
        let wrong = |error: &dyn std::fmt::Display| {
            let key = self.path.join(".");
            Usage(format!("--set {key}={}: {}", self.value, error.to_string().trim_end()))
        };
        let mut whole = toml::Table::try_from(scenario).map_err(|error| wrong(&error))?;
        let (last, outer) = self.path.split_last().ok_or_else(|| wrong(&"there is no key"))?;
        let mut table = &mut whole;
        for name in outer {
            let inner = table.entry(name).or_insert_with(|| toml::Table::new().into());
            table = inner.as_table_mut().ok_or_else(|| wrong(&format!("{name} is no table")))?;
        }
        table.insert(last.clone(), self.value.clone());
        whole.try_into().map_err(|error: toml::de::Error| wrong(&error.message()))
    }
}

impl Incident {
    fn action(&self, make: impl Fn(Nodes) -> Action) -> ScenarioAction {
        let lasting = self.to.map(|to| Span(to.0 - self.from.0));
        ScenarioAction { lasting, ..ScenarioAction::new(self.from, make(self.nodes.clone())) }
    }
}

/// `FROM` or `FROM..TO`.
fn time(text: &str) -> Result<(Span, Option<Span>), String> {
    let span = |text: &str| text.parse::<Span>().map_err(|error| error.to_string());
    let Some((from, to)) = text.split_once("..") else { return Ok((span(text)?, None)) };
    let (from, to) = (span(from)?, span(to)?);
    if to <= from {
        return Err(format!("{to} is not after {from}; write the earlier time first"));
    }
    Ok((from, Some(to)))
}

/// `NODES@TIME` or `NODES@FROM..TO`.
fn incident(text: &str) -> Result<Incident, String> {
    let Some((nodes, times)) = text.split_once('@') else {
        return Err(format!("{text:?} has no time; write NODES@TIME, such as n3@10s"));
    };
    let nodes = nodes.parse::<Nodes>().map_err(|error| error.to_string())?;
    let (from, to) = time(times)?;
    Ok(Incident { nodes, from, to })
}

/// `NODES@FROM..TO`.
fn lasting(text: &str) -> Result<Incident, String> {
    let incident = incident(text)?;
    if incident.to.is_none() {
        return Err(format!("{text:?} has no end; write {text}..TO"));
    }
    Ok(incident)
}

/// `FROM..TO`, or `NODES@FROM..TO`; the end may be left out.
fn partition(text: &str) -> Result<Incident, String> {
    if text.contains('@') {
        return incident(text);
    }
    let (from, to) = time(text)?;
    Ok(Incident { nodes: Nodes::Share(0.5), from, to })
}

/// `KEY=VALUE`; what is no number, truth value, list or table is a text.
fn assignment(text: &str) -> Result<Assignment, String> {
    let wrong = || format!("{text:?} is not KEY=VALUE, such as node.events.fanout=2");
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err(wrong());
    }
    let read = toml::from_str::<toml::Table>(&format!("value = {value}"));
    let value = read.ok().and_then(|mut table| table.remove("value"));
    let value = value.unwrap_or_else(|| toml::Value::String(text[key.len() + 1..].to_owned()));
    Ok(Assignment { path, value })
}

/// `5`, `0..100` or `spike:100`.
fn values(text: &str) -> Result<Values, String> {
    let number = |text: &str| {
        let wrong = |_| format!("{text:?} is not a number; write 5, 0..100 or spike:100");
        text.trim().parse::<f64>().map_err(wrong)
    };
    if let Some(value) = text.strip_prefix("spike:") {
        return Ok(Values::Spike(number(value)?));
    }
    match text.split_once("..") {
        Some((low, high)) => Ok(Values::Uniform(number(low)?, number(high)?)),
        None => Ok(Values::Constant(number(text)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_read() {
        let crash = incident("n3@10s..12.5s").expect("valid");
        assert_eq!(crash.nodes, Nodes::These(vec![3]));
        assert_eq!(
            crash.action(Action::Crash).lasting.map(|span| span.to_string()).as_deref(),
            Some("2.5s")
        );
        assert!(incident("2@10s").expect("valid").to.is_none());
        assert_eq!(partition("10s..20s").expect("valid").nodes, Nodes::Share(0.5));
        for bad in ["n3", "n3@", "n3@20s..10s", "x@1s", "n3@1s.."] {
            assert!(incident(bad).is_err(), "{bad:?} was accepted");
        }
        assert!(lasting("n3@10s").is_err());
        assert_eq!(values("0..9"), Ok(Values::Uniform(0.0, 9.0)));
        assert!(values("many").is_err());
    }
    #[test]
    fn any_key_can_be_set() {
        let set = |text: &str| {
            let assignment = assignment(text).map_err(Usage)?;
            assignment.apply(&Scenario { nodes: 4, ..Scenario::default() })
        };
        let scenario = set("node.events.fanout=2").expect("valid");
        assert_eq!(scenario.node.config.events.fanout, 2);
        let scenario = set("node.interval=300ms").expect("valid");
        assert_eq!(scenario.node.config.interval.as_millis(), 300);
        assert_eq!(set("link.loss=0.25").expect("valid").link.loss, Some(0.25));
        for (bad, word) in [
            ("node.fanout=2", "unknown field `fanout`"),
            ("nodes=many", "nodes=\"many\""),
            ("nodes.x=1", "nodes is no table"),
            ("nodes", "KEY=VALUE"),
            (".=1", "KEY=VALUE"),
        ] {
            let error = set(bad).expect_err(bad).to_string();
            assert!(error.contains(word), "{bad}: {error}");
        }
    }
}
