//! The HTTP API: every verb, every kind of bad input, and the document that describes it. Every
//! answer is held against the document's schemas by the client.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;

use common::http::{Client, alone, error, parse};
use common::{LONG, address, any, builder, eventually};
use reqwest::Method;
use rumormill_agent::StopReason;
use rumormill_agent::api::Info;
use rumormill_proto::Reading;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_covers_every_route_with_its_errors() {
    let (_agent, client) = alone().await;
    assert!(client.document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut routes = BTreeSet::new();
    for (path, item) in client.document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.insert(format!("{} {path}", method.to_uppercase()));
            let described = operation["summary"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{method} {path} is not described");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().any(|p| p["in"] == "path" && p["name"] == "name");
            assert_eq!(path.contains("{name}"), in_path, "{method} {path}");
            assert_eq!(
                [
                    "PUT /v1/inputs/{name}",
                    "POST /v1/join",
                    "POST /v1/events",
                    "POST /v1/queries",
                    "PUT /v1/kv/{key}",
                ]
                .contains(&&*format!("{} {path}", method.to_uppercase())),
                operation["requestBody"].is_object(),
                "{method} {path}"
            );
            for (status, response) in operation["responses"].as_object().unwrap() {
                let body = &response["content"]["application/json"]["schema"]["$ref"];
                if status.starts_with(['4', '5']) && status != "408" {
                    assert_eq!(body, "#/components/schemas/ErrorBody", "{method} {path} {status}");
                }
            }
        }
    }
    let want = [
        "DELETE /v1/inputs/{name}",
        "DELETE /v1/kv/{key}",
        "GET /healthz",
        "GET /metrics",
        "GET /openapi.json",
        "GET /readyz",
        "GET /v1/aggregates",
        "GET /v1/aggregates/{name}",
        "GET /v1/aggregates/{name}/explain",
        "GET /v1/compare",
        "GET /v1/events",
        "GET /v1/info",
        "GET /v1/inputs",
        "GET /v1/kv/",
        "GET /v1/kv/{key}",
        "GET /v1/members",
        "GET /v1/trace/{id}",
        "GET /v1/watch",
        "POST /v1/events",
        "POST /v1/join",
        "POST /v1/leave",
        "POST /v1/queries",
        "PUT /v1/inputs/{name}",
        "PUT /v1/kv/{key}",
    ];
    assert_eq!(routes.iter().map(String::as_str).collect::<Vec<_>>(), want);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_are_used_over_http_from_joining_to_leaving() {
    let (a, http_a) = alone().await;
    let b = builder("b").http(Some(any())).start().await.unwrap();
    let http_b = Client::new(&b).await;

    let (status, body) =
        http_b.post("/v1/join", &json!({"address": address(&a)}).to_string()).await;
    assert_eq!((status, body), (202, json!({"resolved": [address(&a)]})));
    eventually("they know each other", || async {
        http_a.get("/v1/members").await.1.as_array().unwrap().len() == 2
    })
    .await;
    let members = http_a.get("/v1/members").await.1;
    assert_eq!(members[0]["name"], "a");
    assert_eq!((&members[0]["me"], &members[1]["me"]), (&json!(true), &json!(false)));
    assert_eq!((&members[1]["name"], &members[1]["state"]), (&json!("b"), &json!("alive")));

    let (status, body) = http_a.put("/v1/inputs/requests", r#"{"value":5}"#).await;
    assert_eq!((status, body), (200, json!({"name":"requests","value":5.0,"mode":"live"})));
    http_b.put("/v1/inputs/requests", r#"{"value":10,"mode":"live"}"#).await;
    let reading = converged(&http_b, "requests", 15.0).await;
    assert_eq!(reading["count"]["value"].as_f64().unwrap().round(), 2.0);
    assert_eq!(reading["members"], 2);
    // The fields that scripts rely on, in the order that people read.
    let text = serde_json::to_string(&serde_json::from_value::<Reading>(reading).unwrap()).unwrap();
    let mut at = 0;
    for field in [
        "name",
        "state",
        "sum",
        "standard_error",
        "average",
        "count",
        "certified",
        "seconds_ago",
        "converged",
        "members",
        "disturbed_seconds_ago",
        "caveats",
    ] {
        at +=
            text[at..].find(&format!("\"{field}\":")).unwrap_or_else(|| panic!("{field}: {text}"));
    }
    let (_, all) = http_a.get("/v1/aggregates").await;
    assert_eq!(all.as_array().unwrap().len(), 1);
    let (status, explanation) = http_a.get("/v1/aggregates/requests/explain").await;
    assert_eq!((status, &explanation["input"]), (200, &json!(5.0)));
    assert!(!explanation["components"].as_array().unwrap().is_empty());
    assert!(!explanation["links"].as_array().unwrap().is_empty());

    // A slash in a name is written %2F in a path.
    assert_eq!(http_a.put("/v1/inputs/disk%2Ffree", r#"{"value":1,"mode":"epoch"}"#).await.0, 200);
    let inputs = http_a.get("/v1/inputs").await.1;
    assert_eq!(
        inputs,
        json!([
            {"name": "disk/free", "value": 1.0, "mode": "epoch"},
            {"name": "requests", "value": 5.0, "mode": "live"},
        ])
    );
    assert_eq!(http_a.ask(Method::DELETE, "/v1/inputs/requests", None).await, (204, Value::Null));
    let reading = converged(&http_b, "requests", 10.0).await;
    assert_eq!(reading["count"]["value"].as_f64().unwrap().round(), 1.0);

    let info: Info = serde_json::from_value(http_a.get("/v1/info").await.1).unwrap();
    assert_eq!(
        (info.name.as_str(), info.members, info.settings.interval),
        ("a", 2, std::time::Duration::from_millis(20))
    );
    assert_eq!(info.address, a.udp_addr());
    assert_eq!(info.http_address, a.http_addr());
    assert!(info.uptime_seconds > 0.0 && info.counters.node.exchanges > 0);

    let (status, body) = http_b.post("/v1/leave", "").await;
    assert_eq!((status, &body["status"]), (200, &json!("b has left the cluster and stopped")));
    assert_eq!(timeout(LONG, b.stopped()).await.unwrap(), StopReason::Left);
    assert!(reqwest::get(http_b.url("/healthz")).await.unwrap_err().is_connect());
    eventually("a knows that b has left", || async {
        http_a.get("/v1/members").await.1[1]["state"] == "down"
    })
    .await;
}

/// Waits for a converged reading with this sum.
async fn converged(client: &Client, name: &str, sum: f64) -> Value {
    let path = format!("/v1/aggregates/{name}?wait=20s");
    eventually(&format!("{name} is {sum}"), || async {
        let (status, reading) = client.get(&path).await;
        if status != 200 {
            let explanation = client.get(&format!("/v1/aggregates/{name}/explain")).await.1;
            panic!("{reading}\n{explanation}\n{}", client.get("/v1/info").await.1);
        }
        let value = reading["sum"]["value"].as_f64();
        value.is_some_and(|value| (value - sum).abs() < 1e-5 * sum)
    })
    .await;
    client.get(&path).await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_clear_error_and_changes_nothing() {
    let (agent, client) = alone().await;
    client.put("/v1/inputs/requests", r#"{"value":5}"#).await;
    let long = format!(r#"{{"value":5{}}}"#, " ".repeat(70_000));
    let requests = "/v1/inputs/requests";
    for (path, body, status, says) in [
        (requests, "", 400, "not JSON"),
        (requests, "{", 400, "not JSON"),
        (requests, "value=5", 400, "not JSON"),
        (requests, r#"{"value":NaN}"#, 400, "not JSON"),
        (requests, r#"{"value":1e999}"#, 422, "must lie within"),
        (requests, r#"{"value":-1e999}"#, 422, "must lie within"),
        (requests, r#"{"value":1e30}"#, 422, "must lie within"),
        (requests, r#"{"value":null}"#, 422, "null"),
        (requests, r#"{"value":"NaN"}"#, 422, "NaN"),
        (requests, r#"{"value":"5"}"#, 422, "string"),
        (requests, r#"{"value":[5]}"#, 422, "sequence"),
        (requests, "{}", 422, "missing field `value`"),
        (requests, "5", 422, "expected"),
        (requests, r#"{"value":5,"mod":"live"}"#, 422, "`mod`"),
        (requests, r#"{"value":5,"mode":"dead"}"#, 422, "\"dead\""),
        (requests, r#"{"value":5,"mode":"epoch"}"#, 409, "mode live"),
        (requests, &long, 413, "65536"),
        ("/v1/inputs/no%20spaces", r#"{"value":5}"#, 400, "' '"),
        ("/v1/inputs/%FF", r#"{"value":5}"#, 400, "UTF-8"),
        (&format!("/v1/inputs/{}", "x".repeat(65)), r#"{"value":5}"#, 400, "limit is 64"),
    ] {
        let (got, answer) = client.put(path, body).await;
        assert_eq!(got, status, "{path} {body:.80}: {answer}");
        assert!(error(&answer).contains(says), "{path} {body:.80}: {answer}");
    }
    for (address, status, says) in [
        ("nowhere", 400, "HOST:PORT"),
        ("127.0.0.1:99999", 400, "HOST:PORT"),
        ("nobody.invalid:7946", 422, "can't be used"),
    ] {
        let (got, answer) = client.post("/v1/join", &json!({"address": address}).to_string()).await;
        assert_eq!(got, status, "{answer}");
        assert!(error(&answer).contains(says) && error(&answer).contains(address), "{answer}");
    }
    assert_eq!(client.post("/v1/join", "[").await.0, 400);
    assert_eq!(client.post("/v1/join", "{}").await.0, 422);
    for (path, status, says) in [
        ("/v1/aggregates/nothing", 404, "requests"),
        ("/v1/aggregates/nothing?wait=10ms", 404, "requests"),
        ("/v1/aggregates/nothing/explain", 404, "requests"),
        ("/v1/aggregates/a%20b", 400, "' '"),
        ("/v1/aggregates/requests?wait=soon", 400, "10s"),
        ("/v1/aggregates/requests?wait=-1s", 400, "10s"),
        ("/v1/aggregates/requests?wiat=1s", 400, "wiat"),
        ("/v1/watch?name=a%20b", 400, "' '"),
    ] {
        let (got, answer) = client.get(path).await;
        assert_eq!(got, status, "{path}: {answer}");
        assert!(error(&answer).contains(says), "{path}: {answer}");
    }
    let (status, answer) = client.ask(Method::DELETE, "/v1/inputs/nothing", None).await;
    assert_eq!((status, error(&answer).contains("nothing")), (404, true));

    let inputs = client.get("/v1/inputs").await.1;
    assert_eq!(inputs, json!([{"name": "requests", "value": 5.0, "mode": "live"}]));
    let info = agent.info().await.unwrap();
    assert!(!info.joining && info.members == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_wrong_methods_and_pages_of_other_sites_are_refused_as_json() {
    let (agent, client) = alone().await;
    for path in ["/v1", "/v1/inputs/", "/v1/aggregates/a/b/c", "/v2/info", "/%FF"] {
        let response = client.http.get(client.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert!(error(&parse(response).await).contains("/openapi.json"));
    }
    for (method, path, allowed) in [
        (Method::POST, "/v1/inputs/x", "DELETE"),
        (Method::DELETE, "/v1/members", "GET"),
        (Method::GET, "/v1/join", "POST"),
        (Method::PATCH, "/metrics", "GET"),
    ] {
        let response = client.http.request(method.clone(), client.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 405, "{method} {path}");
        let allow = response.headers()["allow"].to_str().unwrap().to_owned();
        assert!(allow.contains(allowed), "{allow}");
        let body = parse(response).await;
        assert!(error(&body).contains(method.as_str()) && error(&body).contains(path), "{body}");
    }
    let leave = |origin: String| client.http.post(client.url("/v1/leave")).header("origin", origin);
    let response = leave("http://elsewhere.example".into()).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(error(&parse(response).await).contains("other origins"));
    assert_eq!(client.get("/healthz").await.0, 200, "it is still there");
    let response = leave(client.base.clone()).send().await.unwrap();
    assert_eq!(response.status(), 200, "a page of its own may");
    assert_eq!(agent.stopped().await, StopReason::Left);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_converged_in_time_is_408_with_the_last_reading() {
    let (a, _) = alone().await;
    let there = a.udp_addr();
    a.kill().await;
    // Nothing converges before somebody answers there.
    let b = builder("b").http(Some(any())).join([there.to_string()]).start().await.unwrap();
    let client = Client::new(&b).await;
    client.put("/v1/inputs/queue", r#"{"value":3,"mode":"epoch"}"#).await;
    let (status, body) = client.get("/v1/aggregates/queue?wait=50ms").await;
    assert_eq!(status, 408, "{body}");
    assert_eq!(body["reading"]["name"], "queue");
    assert!(error(&body).contains("queue"), "{body}");
    let _a = builder("a").bind(there).start().await.unwrap();
    let (status, body) = client.get("/v1/aggregates/queue?wait=1m").await;
    assert_eq!((status, &body["converged"]), (200, &json!(true)), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_means_joined_or_nothing_to_join() {
    let (a, client) = alone().await;
    assert_eq!(client.get("/readyz").await.0, 200);
    let there = a.udp_addr();
    a.kill().await;
    let b = builder("b").http(Some(any())).join([there.to_string()]).start().await.unwrap();
    let client = Client::new(&b).await;
    eventually("b has something to join", || async { client.get("/readyz").await.0 == 503 }).await;
    assert_eq!(client.get("/healthz").await.0, 200);
    // Its own address in the list, as when all agents have the same list, is nothing to wait for.
    let a = builder("a").bind(there).http(Some(any())).join([there.to_string()]);
    let a = a.start().await.unwrap();
    let of_a = Client::new(&a).await;
    eventually("a is ready", || async { of_a.get("/readyz").await.0 == 200 }).await;
    eventually("b has joined", || async { client.get("/readyz").await.0 == 200 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_is_read_to_its_end_and_its_connection_used_on() {
    let (agent, _client) = alone().await;
    let mut stream = TcpStream::connect(agent.http_addr().unwrap()).await.unwrap();
    let body = vec![b'x'; 5_000_000];
    for (path, says) in [("/v1/inputs/no%20spaces", "400 Bad"), ("/v1/kv/key", "413 Payload")] {
        let length = body.len();
        let head = format!("PUT {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {says}")), "{answer}");
    }
    // Who waits for a 100 before the body is answered without it.
    let head = "PUT /v1/kv/key HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: \
                5000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_compared_by_what_they_hold() {
    let agents = common::cluster(&["a", "b", "c"]).await;
    agents[1].kv().put("color", b"blue").await.unwrap();
    eventually("all hold the same", || async {
        let found = agents[0].compare(LONG).await.unwrap();
        assert!(found.answered <= found.expected && found.nodes.len() == found.answered);
        let same = |node: &rumormill_agent::api::Compared| {
            node.summary == found.nodes[0].summary
                && (node.summary.members, node.summary.keys) == (3, 1)
        };
        found.expected == 3 && found.answered == 3 && found.nodes.iter().all(same)
    })
    .await;
    // One that differs shows, and one that is silent.
    let (alone, client) = alone().await;
    alone.kv().put("shape", b"round").await.unwrap();
    let (status, body) = client.get("/v1/compare?timeout=30s").await;
    assert_eq!((status, &body["expected"], &body["answered"]), (200, &json!(1), &json!(1)));
    assert_eq!((&body["nodes"][0]["node"], &body["nodes"][0]["keys"]), (&json!("a"), &json!(1)));
    let other = agents[0].compare(LONG).await.unwrap().nodes[0].summary;
    assert_ne!(body["nodes"][0]["keys_digest"], json!(format!("{:016x}", other.keys_digest)));
    agents[2].kill().await;
    let found = agents[0].compare(std::time::Duration::from_millis(500)).await.unwrap();
    assert!(found.silent == ["c"] || found.expected == 2, "{found:?}");
    assert_eq!(found.answered, 2);
    assert_eq!(client.get("/v1/compare?timeout=soon").await.0, 400);
}
