//! Events, queries and keys over HTTP, and every kind of bad input.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::http::{alone, error};
use common::{LONG, builder, eventually};
use reqwest::Method;
use rumormill_agent::api::QueryLine;
use serde_json::{Value, json};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn events_are_delivered_kept_and_traced() {
    let (agent, client) = alone().await;
    let mut received = agent.events().subscribe(&[]).unwrap();
    let (status, published) =
        client.post("/v1/events", r#"{"topic":"deploy","payload":"v2"}"#).await;
    assert_eq!(status, 202);
    let id = published["id"].as_str().unwrap().to_owned();
    client.post("/v1/events", r#"{"topic":"bytes","payload_base64":"/wA="}"#).await;
    client.post("/v1/events", r#"{"topic":"empty"}"#).await;
    for want in [&b"v2"[..], &[0xff, 0], b""] {
        let event = received.next().await.unwrap().unwrap();
        assert_eq!(event.payload, want);
    }
    let (_, recent) = client.get("/v1/events").await;
    assert_eq!(recent[0]["id"], *id);
    assert_eq!((&recent[0]["topic"], &recent[0]["bytes"]), (&json!("deploy"), &json!(2)));
    let (status, trace) = client.get(&format!("/v1/trace/{id}")).await;
    assert_eq!((status, &trace["answered"]), (200, &json!(1)), "{trace}");
    assert_eq!(trace["informed"][0]["record"]["round"], 0);
    let (status, answer) = client.get("/v1/trace/0123456789abcdef?timeout=5s").await;
    assert_eq!(status, 404);
    assert!(error(&answer).contains("1 of 1 answered"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_events_and_queries_change_nothing() {
    let (_agent, client) = alone().await;
    let long = json!({"topic": "x", "payload": "y".repeat(65_537)}).to_string();
    let far_too_long = format!(r#"{{"topic":"x","payload":"{}"}}"#, "y".repeat(1_000_000));
    for path in ["/v1/events", "/v1/queries"] {
        for (body, status, says) in [
            ("", 400, "not JSON"),
            (r#"{"payload":"v2"}"#, 422, "`topic`"),
            (r#"{"topic":"no spaces"}"#, 400, "' '"),
            (r#"{"topic":"_trace"}"#, 400, "underscore"),
            (r#"{"topic":"x","payload":"a","payload_base64":"YQ=="}"#, 400, "exclude each other"),
            (r#"{"topic":"x","payload_base64":"a"}"#, 400, "not base64"),
            (r#"{"topic":"x","payload":5}"#, 422, "string"),
            (&*long, 413, "65536"),
            (&*far_too_long, 413, "longer"),
        ] {
            let (got, answer) = client.post(path, body).await;
            assert_eq!(got, status, "{path} {body:.80}: {answer}");
            assert!(error(&answer).contains(says), "{path} {body:.80}: {answer}");
        }
    }
    let (status, answer) = client.post("/v1/queries", r#"{"topic":"x","timeout":"soon"}"#).await;
    assert_eq!(status, 400);
    assert!(error(&answer).contains("timeout is \"soon\""), "{answer}");
    for (path, says) in [
        ("/v1/trace/xyz", "16 hexadecimal digits"),
        ("/v1/trace/0123456789abcdef?timeout=-1s", "timeout is"),
        ("/v1/watch?kinds=rumours", "\"rumours\""),
        ("/v1/watch?kinds=rumor&prefix=x", "exclude each other"),
        ("/v1/kv/?limit=0", "from 1 to 10000"),
        ("/v1/kv/?limit=many", "limit"),
        ("/v1/kv/?perfix=x", "perfix"),
    ] {
        let (status, answer) = client.get(path).await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert!(error(&answer).contains(says), "{path}: {answer}");
    }
    assert_eq!(client.get("/v1/events").await.1, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_line_by_line() {
    let (agent, client) = alone().await;
    let b = builder("b").join([common::address(&agent)]).start().await.unwrap();
    agent.queries().handle("x", async |_| Ok(b"one".to_vec())).await.unwrap();
    let (release, wait) = tokio::sync::watch::channel(false);
    b.queries()
        .handle("x", move |_| {
            let mut wait = wait.clone();
            async move {
                let _ = wait.wait_for(|go| *go).await;
                Ok(vec![0xff])
            }
        })
        .await
        .unwrap();
    common::everyone_knows(&[agent.clone(), b.clone()], 2).await;
    let request = client.http.post(client.url("/v1/queries"));
    let mut response = request.body(r#"{"topic":"x","timeout":"30s"}"#).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let mut text = String::new();
    let mut lines: Vec<QueryLine> = Vec::new();
    while let Some(chunk) = timeout(LONG, response.chunk()).await.unwrap().unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
        while let Some((line, rest)) = text.split_once('\n') {
            let json: Value = serde_json::from_str(line).unwrap();
            client.fits_schema(&json!({"$ref": "#/components/schemas/QueryLine"}), &json);
            lines.push(serde_json::from_value(json).unwrap());
            text = rest.to_owned();
            // The second answer comes only when the first has arrived here.
            if lines.len() == 2 {
                release.send_replace(true);
            }
        }
    }
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(matches!(&lines[0], QueryLine::Asked { expected: 2, .. }));
    assert!(matches!(&lines[1], QueryLine::Answer { from, .. } if *from == "a"));
    let QueryLine::Answer { from, payload, error: None } = &lines[2] else { panic!("{lines:?}") };
    assert_eq!((from.as_str(), payload.as_slice()), ("b", &[0xff][..]));
    let end = QueryLine::Finished { answered: 2, expected: 2, errors: 0, silent: vec![] };
    assert_eq!(lines[3], end);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_hold_bytes_as_they_are() {
    let (_agent, client) = alone().await;
    let value: Vec<u8> = (0..=255).collect();
    // With a slash as such, and as the document has it.
    for (path, key) in
        [("/v1/kv/a/b/c", "a/b/c"), ("/v1/kv/a%2Fd", "a/d"), ("/v1/kv/%C3%A4", "\u{e4}")]
    {
        let put = client.http.put(client.url(path)).body(value.clone()).send().await.unwrap();
        assert_eq!(put.status(), 200, "{path}");
        let etag = put.headers()["etag"].to_str().unwrap().to_owned();
        let written: Value = put.json().await.unwrap();
        assert_eq!(written["key"], key);
        assert_eq!(etag, format!("\"{}\"", written["version"].as_str().unwrap()));
        let got = client.http.get(client.url(path)).send().await.unwrap();
        assert_eq!(got.headers()["content-type"], "application/octet-stream");
        assert_eq!(got.headers()["etag"], *etag);
        assert_eq!(got.headers()["rumormill-origin"], "a");
        assert_eq!(got.bytes().await.unwrap(), value);
    }
    client.put("/v1/kv/text", "on").await;
    let (status, page) = client.get("/v1/kv/?prefix=a/&limit=1").await;
    assert_eq!((status, &page["next"]), (200, &json!("a/b/c")));
    let (_, page) = client.get("/v1/kv/?prefix=a/&limit=1&after=a/b/c").await;
    assert_eq!((&page["entries"][0]["key"], &page["next"]), (&json!("a/d"), &Value::Null));
    assert!(page["entries"][0]["value_base64"].is_string());
    let (_, page) = client.get("/v1/kv/?prefix=").await;
    assert_eq!(page["entries"].as_array().unwrap().len(), 4);
    assert_eq!(page["entries"][2]["value"], "on");

    assert_eq!(client.ask(Method::DELETE, "/v1/kv/text", None).await.0, 200);
    let (status, answer) = client.ask(Method::DELETE, "/v1/kv/text", None).await;
    assert_eq!((status, error(&answer).contains("\"text\"")), (404, true));
    assert_eq!(client.get("/v1/kv/text").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_keys_and_values_are_refused_with_the_limit() {
    let (_agent, client) = alone().await;
    let long = "x".repeat(513);
    for (path, says) in [
        (&*format!("/v1/kv/{long}"), "513 bytes, the limit is 512"),
        ("/v1/kv/a%0Ab", "control character"),
        ("/v1/kv/%FF", "UTF-8"),
    ] {
        let (status, answer) = client.put(path, "v").await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert!(error(&answer).contains(says), "{path}: {answer}");
    }
    for path in [format!("/v1/kv/{long}"), "/v1/kv/a%0Ab".into(), "/v1/kv/%FF".into()] {
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(client.ask(method, &path, None).await.0, 400, "{path}");
        }
    }
    // A key that is empty by mistake is not all keys.
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let response = client.http.request(method, client.url("/v1/kv/")).body("v").send().await;
        let response = response.unwrap();
        assert_eq!(response.status(), 400);
        let says = response.text().await.unwrap();
        assert!(says.contains("the key is empty") && says.contains("?prefix="), "{says}");
    }
    assert_eq!(client.get("/v1/kv/?limit=1").await.0, 200);
    let (status, answer) = client.put("/v1/kv/k", &"v".repeat(65_537)).await;
    assert_eq!(status, 413);
    assert!(error(&answer).contains("65537") && error(&answer).contains("65536"), "{answer}");
    // Without a length in front, it is found out on the way.
    let chunks =
        futures_util::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![0; 5000])));
    let put = client.http.put(client.url("/v1/kv/k")).body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(put.send().await.unwrap().status(), 413);
    assert_eq!(client.get("/v1/kv/k").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_info_tell_of_every_bound() {
    let (agent, client) = alone().await;
    agent.events().publish("x", b"12345").await.unwrap();
    agent.kv().put("k", b"v").await.unwrap();
    agent.kv().put("gone", b"v").await.unwrap();
    agent.kv().delete("gone").await.unwrap();
    let mut slow = agent.kv().watch("");
    for n in 0..600_u32 {
        agent.kv().put("k", &n.to_be_bytes()).await.unwrap();
    }
    let _ = slow.next().await.unwrap();
    let text = client.http.get(client.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("rumormill_{name} ")));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!((value("events_kept"), value("events_kept_bytes")), (1.0, 5.0));
    assert_eq!((value("kv_keys"), value("kv_tombstones")), (1.0, 1.0));
    assert_eq!(value("kv_kept_bytes"), 9.0);
    assert!(value("notices_missed_total") >= 80.0);
    for name in ["events_evicted_total", "events_rejected_total", "kv_outdated_total"] {
        assert_eq!(value(name), 0.0, "{name}");
    }
    assert!(value("events_hot") <= 1.0);
    let info = agent.info().await.unwrap();
    assert_eq!((info.events.kept, info.kv.keys, info.kv.tombstones), (1, 1, 1));
    assert_eq!(info.settings.kv.max_value, 65_536);
    assert!(info.store.is_none());
    eventually("the event is no longer pushed", || async {
        agent.info().await.unwrap().events.hot == 0
    })
    .await;
}
