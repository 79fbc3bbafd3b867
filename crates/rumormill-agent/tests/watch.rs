//! Server-sent events and metrics: what machines read.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use common::http::{Client, alone};
use common::{LONG, address, builder, eventually, everyone_says};
use reqwest::Response;
use rumormill_agent::api::{StreamUpdate, Update};
use rumormill_proto::{Bounded, Notice};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Reads server-sent events.
struct Reader<'a> {
    client: &'a Client,
    response: Response,
    text: String,
}

impl<'a> Reader<'a> {
    async fn open(client: &'a Client, path: &str) -> Self {
        let response = client.http.get(client.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { client, response, text: String::new() }
    }

    /// The next event, held against the document; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Update> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let Some(data) = field("data: ") else { continue };
                let json: Value = serde_json::from_str(data).unwrap();
                self.client.fits_schema(&json!({"$ref": "#/components/schemas/Update"}), &json);
                let parsed: Update = serde_json::from_value(json).unwrap();
                assert_eq!(field("event: "), Some(parsed.kind()));
                return Some(parsed);
            }
            let chunk = timeout(LONG, self.response.chunk()).await.unwrap().unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn until<T>(&mut self, mut pick: impl FnMut(Update) -> Option<T>) -> T {
        loop {
            if let Some(picked) = pick(self.next().await.expect("the stream ended")) {
                return picked;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_members_come_and_go_and_aggregates_change() {
    let (a, client) = alone().await;
    a.aggregates().set("requests", 1.0).await.unwrap();
    let mut all = Reader::open(&client, "/v1/watch").await;
    let first = all.until(|event| match event {
        Update::Stream(StreamUpdate::Aggregate { reading }) => Some(reading),
        _ => None,
    });
    assert_eq!(first.await.sum.value, Some(1.0));
    let mut only = Reader::open(&client, "/v1/watch?name=queue").await;
    let b = builder("b").join([address(&a)]).start().await.unwrap();
    let up = |event| match event {
        Update::Notice(Notice::MemberUp { member }) => Some(member.name),
        _ => None,
    };
    assert_eq!(all.until(up).await, "b");
    b.aggregates().set("requests", 2.0).await.unwrap();
    all.until(|event| match event {
        Update::Stream(StreamUpdate::Aggregate { reading }) => {
            reading.sum.value.filter(|sum| (sum - 3.0).abs() < 1e-6).map(|_| ())
        }
        _ => None,
    })
    .await;
    a.aggregates().set("queue", 7.0).await.unwrap();
    b.leave().await;
    let down = |event| match event {
        Update::Notice(Notice::MemberDown { member }) => Some(member.name),
        _ => None,
    };
    assert_eq!(all.until(down).await, "b");
    // The filtered stream has nothing but the one aggregate in it, and ends with the agent.
    match only.next().await {
        Some(Update::Stream(StreamUpdate::Aggregate { reading })) => {
            assert_eq!(reading.name, "queue");
        }
        other => panic!("{other:?}"),
    }
    tokio::join!(
        async {
            while let Some(event) = only.next().await {
                assert!(
                    matches!(&event, Update::Stream(StreamUpdate::Aggregate { reading }) if reading.name == "queue")
                );
            }
        },
        a.leave()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_watcher_gets_the_number_that_it_missed() {
    let (a, client) = alone().await;
    // Nothing is read from this one until far more has happened than the buffers hold.
    let mut slow = Reader::open(&client, "/v1/watch").await;
    let talker = a.clone();
    let mut quick = a.subscribe();
    talker.with_node(|node, now| node.add_protocol(now, Box::new(Chatter))).await.unwrap();
    let mut received = 0u64;
    while received < 40_000 {
        received += match timeout(LONG, quick.next()).await.unwrap().unwrap() {
            Ok(_) => 1,
            Err(missed) => missed.0,
        };
    }
    let missed = slow.until(|event| match event {
        Update::Stream(StreamUpdate::Missed { notices }) => Some(notices),
        _ => None,
    });
    assert!(missed.await > 0);
}

/// Says a thousand long things a tick.
struct Chatter;

impl rumormill_agent::proto::Protocol for Chatter {
    fn name(&self) -> &str {
        "chatter"
    }
    fn period(&self) -> Option<std::time::Duration> {
        Some(std::time::Duration::from_millis(10))
    }
    fn tick(&mut self, cx: &mut rumormill_agent::proto::Context<'_>) {
        for _ in 0..2000 {
            cx.emit(vec![b'x'; 500]);
        }
    }
    fn receive(
        &mut self,
        _: &mut rumormill_agent::proto::Context<'_>,
        _: rumormill_agent::proto::NodeId,
        _: &[u8],
    ) {
    }
}

/// The samples of a text in `OpenMetrics` format, by name and labels; panics at a malformed line.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut types = BTreeMap::new();
    let mut helps = BTreeMap::new();
    let (body, end) = text.split_at(text.len() - "# EOF\n".len());
    assert_eq!(end, "# EOF\n");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(help.ends_with('.') && help.len() > 5, "{line}");
            assert_eq!(helps.insert(name.to_owned(), help.to_owned()), None, "twice: {line}");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            types.insert(name.to_owned(), kind.to_owned());
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let name = sample.split('{').next().unwrap();
        let family = match name.strip_suffix("_total").or(name.strip_suffix("_info")) {
            Some(family) => {
                assert_ne!(types[family], "gauge", "{line}");
                family
            }
            None => {
                assert_eq!(types[name], "gauge", "{line}");
                name
            }
        };
        assert!(helps.contains_key(family) && name.starts_with("rumormill_"), "{line}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
        if let Some(labels) = sample.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inner = labels.strip_prefix('{').and_then(|l| l.strip_suffix('}')).unwrap();
            for label in inner.split(',') {
                let (key, value) = label.split_once('=').unwrap();
                assert!(key.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
                assert!(
                    value.len() >= 2 && value.starts_with('"') && value.ends_with('"'),
                    "{line}"
                );
            }
        }
        assert_eq!(samples.insert(sample.to_owned(), value.parse().unwrap()), None, "{line}");
    }
    samples
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_well_formed_and_say_what_the_agent_says() {
    let (a, client) = alone().await;
    let b = builder("b").loss(0.5).join([address(&a)]).start().await.unwrap();
    let c = builder("c").join([address(&a)]).start().await.unwrap();
    for (agent, requests) in [(&a, 5.0), (&b, 10.0), (&c, 1.0)] {
        agent.aggregates().set("requests", requests).await.unwrap();
    }
    everyone_says(&[a.clone(), b.clone(), c.clone()], 16.0, 3.0).await;
    b.kill().await;
    eventually("a knows that b is dead", || async { a.info().await.unwrap().members == 2 }).await;
    let reading = everyone_says(&[a.clone(), c], 6.0, 2.0).await.remove(0);
    let before = a.counters().await.unwrap();
    let older = client.http.get(client.url("/metrics")).send().await.unwrap();
    let kind = older.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let older = older.text().await.unwrap();
    assert!(older.contains("\n# TYPE rumormill_exchanges_total counter\n"), "{older}");
    let request = client.http.get(client.url("/metrics"));
    let response =
        request.header("accept", "application/openmetrics-text;q=0.9").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = response.text().await.unwrap();
    let after = a.counters().await.unwrap();
    let samples = samples(&text);
    let get = |name: &str| *samples.get(name).unwrap_or_else(|| panic!("no {name} in\n{text}"));
    for (statistic, want) in
        [("sum", reading.sum), ("average", reading.average), ("count", reading.count)]
    {
        for (part, want) in [("value", want.value), ("standard_error", want.standard_error)] {
            let got = get(&format!("rumormill_aggregate_{statistic}_{part}{{name=\"requests\"}}"));
            assert!((got - want.unwrap()).abs() < 1e-3, "{statistic} {part}: {got}");
        }
    }
    let certified = reading.certified.unwrap();
    let bounded = |statistic: &'static str, want: Bounded| {
        let parts = [("value", want.value), ("lower", want.lower), ("upper", want.upper)];
        parts.map(|(part, want)| (format!("certified_{statistic}_{part}"), want))
    };
    let parts = [
        ("certified_min", certified.min.unwrap()),
        ("certified_max", certified.max.unwrap()),
        ("standard_deviation", reading.standard_deviation.unwrap()),
        ("converged", 1.0),
        ("settled", 1.0),
        ("following", 0.0),
        ("disturbed", 0.0),
    ];
    for (part, want) in [
        bounded("sum", certified.sum),
        bounded("average", certified.average.unwrap()),
        bounded("count", certified.count),
    ]
    .into_iter()
    .flatten()
    .chain(parts.map(|(part, want)| (part.to_owned(), want)))
    {
        let got = get(&format!("rumormill_aggregate_{part}{{name=\"requests\"}}"));
        assert!((got - want).abs() < 1e-3, "{part}: {got}");
    }
    assert!(get("rumormill_aggregate_certified_seconds{name=\"requests\"}") < 60.0);
    assert_eq!(get("rumormill_input{name=\"requests\"}"), 5.0);
    assert_eq!(get("rumormill_members{state=\"alive\"}"), 2.0);
    assert_eq!(get("rumormill_members{state=\"suspect\"}"), 0.0);
    assert_eq!(get("rumormill_members{state=\"down\"}"), 1.0);
    // Every counter is there, between what it was before and after.
    for ((name, _, low), (_, _, high)) in before.each().zip(after.each()) {
        let value = get(&format!("rumormill_{name}_total")) as u64;
        assert!((low..=high).contains(&value), "{name}: {low} {value} {high}");
    }
    assert!(get("rumormill_exchanges_total") > 0.0);
}
