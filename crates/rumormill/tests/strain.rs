//! Clients that do nothing, by the hundred: they cost only themselves.
#![cfg(target_os = "linux")]

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{Agent, http_get};

/// More than an agent takes.
const FLOOD: usize = 800;

/// Connections that have sent this and go on to do nothing. Some may have been closed meanwhile.
fn flood(agent: &Agent, bytes: &str) -> Vec<TcpStream> {
    let connect = || {
        let mut stream = TcpStream::connect(&agent.url["http://".len()..]).expect("it listens");
        let _ = stream.write_all(bytes.as_bytes());
        stream
    };
    (0..FLOOD).map(|_| connect()).collect()
}

fn get(agent: &Agent, path: &str) -> String {
    http_get(&agent.url, path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[track_caller]
fn well(agent: &Agent, during: &str) {
    let began = Instant::now();
    for path in ["/healthz", "/readyz", "/metrics"] {
        let text = get(agent, path);
        assert!(text.starts_with("HTTP/1.1 200"), "{path} during {during}: {text:.300}");
    }
    agent.ask(&["kv", "put", "key", during]).ok();
    assert_eq!(agent.ask(&["kv", "get", "key"]).ok().out, during);
    agent.ask(&["get", "requests"]).ok();
    // Long before a client's time to send its request is over.
    assert!(began.elapsed() < Duration::from_secs(8), "{during}: {:?}", began.elapsed());
}

fn resident_mib(agent: &Agent) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", agent.child.0.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[test]
fn clients_that_do_nothing_cost_only_themselves() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let all = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, all).expect("up to its maximum");

    let mut a = Agent::start("a", &["--set", "requests=5", "--on-query", "x=echo here"]);
    a.comes_right("requests", &[5.0]);
    let value = "x".repeat(60_000);
    for n in 0..60 {
        a.ask(&["kv", "put", &format!("long/{n}"), &value]).ok();
    }
    let before = resident_mib(&a);

    let end = "HTTP/1.1\r\nhost: x\r\n\r\n";
    let query = r#"{"name":"x"}"#;
    for (what, request) in [
        ("silence", String::new()),
        ("half a head", "GET / HTTP/1.1\r\nhost: ".to_owned()),
        (
            "half a body",
            "PUT /v1/kv/x HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf".to_owned(),
        ),
        ("idle connections", format!("GET /healthz {end}")),
        ("unread answers", format!("GET /v1/kv/?limit=10000 {end}")),
        ("unread metrics", format!("GET /metrics {end}")),
        ("unread streams", format!("GET /v1/watch {end}")),
        ("long waits", format!("GET /v1/aggregates/none?wait=10m {end}")),
        (
            "unread queries",
            format!(
                "POST /v1/queries HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{query}",
                query.len()
            ),
        ),
    ] {
        let began = Instant::now();
        let flood = flood(&a, &request);
        well(&a, what);
        if what == "unread streams" {
            // More than their buffers take.
            for n in 0..12 {
                a.ask(&["kv", "put", &format!("long/{n}"), &value]).ok();
            }
            well(&a, what);
            let refused = get(&a, "/v1/watch");
            assert!(refused.starts_with("HTTP/1.1 503"), "{refused:.300}");
            assert!(refused.contains("256 streams, queries, lists"), "{refused:.300}");
        }
        let resident = resident_mib(&a);
        println!("{what}: {:?}, {resident} MiB", began.elapsed());
        assert!(resident < before + 400, "{what}: {resident} MiB after {before}");
        drop(flood);
    }
    // All have gone, and all is as before.
    well(&a, "the end");
    let (_child, lines) = a.follow(&["watch"]);
    lines.find("an event", |_| Some(()));

    // Nor do they keep it from ending.
    let _flood = flood(&a, &format!("GET /v1/watch {end}"));
    for n in 0..4 {
        a.ask(&["kv", "put", &format!("long/{n}"), &value]).ok();
    }
    let began = Instant::now();
    assert_eq!(a.terminate(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
