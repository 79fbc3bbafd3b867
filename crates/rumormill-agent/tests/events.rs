//! Events, queries and keys of real agents, through the handle.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::{LONG, address, any, builder, cluster, eventually, everyone_knows};
use rumormill_agent::api::QueryLine;
use rumormill_agent::{Agent, Answers, Error, Missed, Subscription};
use rumormill_proto::{Config, Event, EventSettings, KvSettings, PublishError, PutError};
use tokio::time::timeout;

async fn next<T>(subscription: &mut Subscription<T>) -> T {
    match timeout(LONG, subscription.next()).await.expect("in time") {
        Some(Ok(item)) => item,
        Some(Err(missed)) => panic!("{missed}"),
        None => panic!("the agent has stopped"),
    }
}

fn text(event: &Event) -> String {
    String::from_utf8(event.payload.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_reaches_every_subscriber_of_its_topic_once() {
    let agents = cluster(&["a", "b", "c", "d"]).await;
    let mut all: Vec<_> =
        agents.iter().map(|agent| agent.events().subscribe(&[]).unwrap()).collect();
    let mut only = agents[3].events().subscribe(&["deploy"]).unwrap();
    agents[0].events().publish("noise", b"1").await.unwrap();
    let id = agents[1].events().publish("deploy", b"v2").await.unwrap();
    agents[2].events().publish("end", b"").await.unwrap();
    for subscription in &mut all {
        let mut received = Vec::new();
        while received.len() < 3 {
            let event = next(subscription).await;
            received.push((event.topic.to_string(), text(&event), event.origin.to_string()));
        }
        received.sort();
        let want = [("deploy", "v2", "b"), ("end", "", "c"), ("noise", "1", "a")];
        assert_eq!(received, want.map(|(name, text, by)| (name.into(), text.into(), by.into())));
    }
    let event = next(&mut only).await;
    assert_eq!((event.id, text(&event).as_str()), (id, "v2"));
    // A second copy of any of them would come before this one.
    agents[0].events().publish("deploy", b"v3").await.unwrap();
    assert_eq!(text(&next(&mut only).await), "v3");
    for subscription in &mut all {
        assert_eq!(text(&next(subscription).await), "v3");
    }

    let trace = agents[0].events().trace(id, Duration::from_secs(20)).await.unwrap();
    assert_eq!((trace.expected, trace.answered, trace.informed.len()), (4, 4, 4), "{trace:?}");
    assert_eq!(trace.informed[0].node, "b");
    assert_eq!((trace.informed[0].record.round, trace.informed[0].record.age), (0, Duration::ZERO));
    assert!(trace.informed.iter().all(|node| node.record.bytes == 2), "{trace:?}");
    assert!(trace.missing.is_empty() && trace.silent.is_empty(), "{trace:?}");
    let recent = agents[3].events().list().await.unwrap();
    assert!(recent.iter().any(|record| record.id == id), "{recent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_stops_what_it_does_not_like_here() {
    let a = builder("a").start().await.unwrap();
    let good = |event: &rumormill_proto::Event| event.payload != b"poison";
    let b = builder("b").validator(good).join([address(&a)]).start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    let (mut at_a, mut at_b) =
        (a.events().subscribe(&[]).unwrap(), b.events().subscribe(&[]).unwrap());
    let id = a.events().publish("x", b"poison").await.unwrap();
    a.events().publish("x", b"water").await.unwrap();
    assert_eq!(text(&next(&mut at_a).await), "poison");
    assert_eq!(text(&next(&mut at_b).await), "water");
    eventually("b has rejected it", || async {
        let recent = b.events().list().await.unwrap();
        recent.iter().any(|record| record.id == id && record.rejected)
    })
    .await;
    let refused = b.events().publish("x", b"poison").await.unwrap_err();
    assert_eq!(refused, Error::Publish(PublishError::Rejected));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_published_is_refused_with_the_limit() {
    let events = EventSettings { max_payload: 100, max_queue: 2, ..EventSettings::default() };
    let config = Config { events, ..common::fast() };
    let a = Agent::builder("a").bind(any()).config(config).start().await.unwrap();
    let error = a.events().publish("x", &[0; 101]).await.unwrap_err().to_string();
    assert!(error.contains("101 bytes") && error.contains("100"), "{error}");
    assert!(matches!(a.events().publish("no spaces", b"").await, Err(Error::Name(_))));
    assert!(matches!(
        a.events().publish("_x", b"").await,
        Err(Error::Publish(PublishError::Reserved(_)))
    ));
    assert!(a.events().subscribe(&["no spaces"]).is_err());
}

async fn all(mut answers: Answers) -> (Vec<(String, Result<String, String>)>, QueryLine) {
    let mut got = Vec::new();
    loop {
        match timeout(LONG, answers.next()).await.expect("in time").expect("an end") {
            QueryLine::Answer { from, payload, error } => {
                let text = String::from_utf8(payload).unwrap();
                got.push((from.to_string(), error.map_or(Ok(text), Err)));
            }
            end => {
                got.sort();
                assert_eq!(answers.next().await, None);
                return (got, end);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_answers_a_query_each_in_its_way() {
    let agents = cluster(&["good", "bad", "none", "panics"]).await;
    let answer = async |query: Event| Ok(format!("{} to you, too", text(&query)).into_bytes());
    agents[0].queries().handle("greet", answer).await.unwrap();
    agents[1].queries().handle("greet", async |_| Err("not today".to_owned())).await.unwrap();
    agents[3].queries().handle("greet", async |_| panic!("of the test")).await.unwrap();
    let wait = Duration::from_secs(30);
    let answers = agents[2].queries().ask("greet", b"hello", wait).await.unwrap();
    let (got, end) = all(answers).await;
    let want = [
        ("bad", Err("not today")),
        ("good", Ok("hello to you, too")),
        ("none", Err("no handler for the query greet")),
        ("panics", Err("the handler panicked")),
    ];
    let own = |(from, result): (&str, Result<&str, &str>)| {
        (from.to_owned(), result.map(str::to_owned).map_err(str::to_owned))
    };
    assert_eq!(got, want.map(own));
    let silent = Vec::new();
    assert_eq!(end, QueryLine::Finished { answered: 4, expected: 4, errors: 3, silent });
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_answer_in_time_is_named() {
    let agents = cluster(&["quick", "slow"]).await;
    agents[0].queries().handle("x", async |_| Ok(b"here".to_vec())).await.unwrap();
    agents[1].queries().handle("x", async |_| std::future::pending().await).await.unwrap();
    let answers = agents[0].queries().ask("x", b"", Duration::from_millis(700)).await.unwrap();
    let (got, end) = all(answers).await;
    assert_eq!(got[..1], [("quick".to_owned(), Ok("here".to_owned()))]);
    let QueryLine::Finished { answered, expected, silent, .. } = end else { panic!("{end:?}") };
    assert_eq!(expected, 2);
    // The slow one may have said just before the end that it took too long.
    assert!(answered == 2 || silent == ["slow"], "{answered} {silent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_long_is_an_error_that_says_so() {
    let a = builder("a").start().await.unwrap();
    a.queries().handle("x", async |_| Ok(vec![0; 100_000])).await.unwrap();
    let (got, _) = all(a.queries().ask("x", b"", Duration::from_secs(20)).await.unwrap()).await;
    let error = got[0].1.clone().unwrap_err();
    assert!(error.contains("65536"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_end_with_their_agent() {
    for kill in [false, true] {
        let a = builder("a").start().await.unwrap();
        // What a handler holds is let go when it ends.
        let (held, mut let_go) = tokio::sync::mpsc::channel::<()>(1);
        let (begun, mut begins) = tokio::sync::mpsc::channel(1);
        let handler = move |_| {
            let (held, begun) = (held.clone(), begun.clone());
            async move {
                begun.send(()).await.unwrap();
                std::future::pending::<()>().await;
                drop(held);
                Ok(Vec::new())
            }
        };
        a.queries().handle("slow", handler).await.unwrap();
        let _answers = a.queries().ask("slow", b"", LONG * 2).await.unwrap();
        begins.recv().await.unwrap();
        if kill {
            a.kill().await;
        } else {
            a.leave().await;
        }
        assert!(timeout(LONG, let_go.recv()).await.expect("it goes on").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_written_anywhere_is_everywhere() {
    let agents = cluster(&["a", "b", "c"]).await;
    let mut watch = agents[2].kv().watch("flags/");
    agents[0].kv().put("other", b"0").await.unwrap();
    agents[0].kv().put("flags/x", b"on").await.unwrap();
    let change = next(&mut watch).await;
    assert_eq!(
        (&*change.key, change.value.is_none(), change.origin.as_str()),
        ("flags/x", false, "a")
    );
    agents[1].kv().put("flags/\u{e4}/y", &[0xff, 0]).await.unwrap();
    let change = next(&mut watch).await;
    assert_eq!(
        (&*change.key, change.origin.as_str(), change.local),
        ("flags/\u{e4}/y", "b", false)
    );
    let entry = agents[2].kv().get("flags/\u{e4}/y").await.unwrap().unwrap();
    assert_eq!(entry.value, [0xff, 0]);
    assert!(agents[2].kv().delete("flags/x").await.unwrap().is_some());
    assert!(agents[2].kv().delete("flags/x").await.unwrap().is_none());
    let change = next(&mut watch).await;
    assert!(change.value.is_none() && change.local, "{change:?}");
    for agent in &agents {
        eventually("it is gone", || async { agent.kv().get("flags/x").await.unwrap().is_none() })
            .await;
        eventually("the rest is there", || async { agent.kv().list("").await.unwrap().len() == 2 })
            .await;
    }
    let digests = async || {
        let mut digests = Vec::new();
        for agent in &agents {
            digests.push(agent.info().await.unwrap().kv.digest);
        }
        digests
    };
    eventually("all hold the same", || async {
        let digests = digests().await;
        digests.iter().all(|digest| *digest == digests[0])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_values_have_bounds() {
    let kv = KvSettings { max_value: 10, max_bytes: 30, ..KvSettings::default() };
    let config = Config { kv, ..common::fast() };
    let a = Agent::builder("a").bind(any()).config(config).start().await.unwrap();
    assert_eq!(a.kv().put("", b"").await, Err(Error::Put(PutError::EmptyKey)));
    let error = a.kv().put("k", &[0; 11]).await.unwrap_err().to_string();
    assert!(error.contains("11 bytes, the limit is 10"), "{error}");
    a.kv().put("aaaaaaaaaa", &[0; 10]).await.unwrap();
    let error = a.kv().put("b", &[0; 10]).await.unwrap_err().to_string();
    assert!(error.contains("31 bytes, the limit is 30"), "{error}");
    a.kv().put("aaaaaaaaaa", b"").await.unwrap();
    a.kv().put("b", &[0; 10]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_lags_gets_missed_and_blocks_nobody() {
    let a = builder("a").start().await.unwrap();
    let mut slow = a.kv().watch("");
    for n in 0..2000 {
        a.kv().put("k", format!("{n}").as_bytes()).await.unwrap();
    }
    let Some(Err(Missed(missed))) = slow.next().await else { panic!("nothing was missed") };
    assert!(missed >= 1000, "{missed}");
    let change = slow.next().await.unwrap().unwrap();
    assert_eq!(change.value, Some(missed.to_string().into_bytes()));
}

/// Values that are overwritten before they can have left: another agent reports some of them, in
/// order, and always the last.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_at_another_agent_gets_rising_versions_and_always_the_last() {
    let a = builder("a").start().await.unwrap();
    let b = builder("b").join([address(&a)]).start().await.unwrap();
    eventually("they know each other", || async { b.info().await.unwrap().members == 2 }).await;
    let (mut here, mut there) = (a.kv().watch("key"), b.kv().watch("key"));
    let mut received = BTreeSet::new();
    for round in 0..20u32 {
        let last = round == 19;
        let writes = move |node: &mut rumormill_agent::proto::Node, now| {
            for n in 0..50u32 {
                node.kv_mut().put(now, "key", format!("{round}/{n}").as_bytes()).unwrap();
                if n % 7 == 0 {
                    node.kv_mut().delete(now, "key").unwrap();
                }
            }
            if last {
                node.kv_mut().put(now, "key", b"last").unwrap();
            }
        };
        a.with_node(writes).await.unwrap();
        for _ in 0..50 + 8 + u32::from(last) {
            // Where it is written each write is reported, once.
            assert!(received.insert(next(&mut here).await.version));
        }
    }
    let mut versions: Vec<String> = Vec::new();
    loop {
        let change = next(&mut there).await;
        versions.push(change.version.to_string());
        if change.value.is_some_and(|value| value == b"last") {
            break;
        }
    }
    assert!(versions.len() < 20 * (50 + 8), "some were overwritten on their way");
    let stamps: Vec<(u64, u64)> = versions
        .iter()
        .map(|version| {
            let (millis, rest) = version.split_once('.').unwrap();
            let (count, _) = rest.split_once('@').unwrap();
            (millis.parse().unwrap(), count.parse().unwrap())
        })
        .collect();
    assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]), "{stamps:?}");
}
