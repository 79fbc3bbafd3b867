//! Events, queries and keys as verbs: what is printed, and the exit code.
#![cfg(unix)]

mod common;

use common::{Agent, Dir, run};
use rustix::process::Signal;
use serde_json::{Value, json};

fn two(first: &[&str], second: &[&str]) -> (Agent, Agent) {
    let a = Agent::start("a", first);
    let b = Agent::start("b", &[&["--join", &a.peers], second].concat());
    for agent in [&a, &b] {
        agent.err.find("the other member", |line| line.contains("member up").then_some(()));
    }
    (a, b)
}

#[test]
fn an_event_arrives_at_the_other_node_and_is_traced() {
    let (a, b) = two(&[], &[]);
    let (mut monitor, words) = b.follow(&["monitor"]);
    let (_json_monitor, json_lines) = b.follow(&["monitor", "--json", "--only", "event"]);
    // Both follow from some point on, so that the first ones may be missed.
    let mut n = 0;
    let id = loop {
        n += 1;
        let id = a.ask(&["event", "deploy", &format!("v{n}")]).ok().out.trim().to_owned();
        assert_eq!(id.len(), 16, "{id}");
        if n == 5 {
            break id;
        }
    };
    let line = words.find("the event", |line| line.contains("v5").then(|| line.to_owned()));
    assert!(line.contains("event deploy: v5 (from a") && line.contains(&id), "{line}");
    assert!(line[..24].ends_with('Z') && line.as_bytes()[10] == b'T', "no time: {line}");
    let event: Value = json_lines.find("the event as JSON", |line| {
        line.contains("v5").then(|| serde_json::from_str(line).expect("JSON"))
    });
    assert_eq!((&event["kind"], &event["payload"]), (&json!("event"), &json!("v5")));
    assert_eq!((&event["id"], &event["origin"]), (&json!(id), &json!("a")));
    assert!(event["time"].is_string());
    monitor.signal(Signal::INT);
    assert_eq!(monitor.wait().code(), Some(0));

    let text = b.ask(&["trace", &id]).ok().out;
    for part in [
        "deploy",
        "2 of 2 nodes have it, 2 of 2 answered",
        "round",
        "100.0 %",
        "copies for each delivery",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let dir = Dir::new();
    let plot = dir.file("trace.svg");
    let report = b.ask(&["trace", &id, "--json", "--plot", &plot]).ok().json();
    assert_eq!(report["spread"]["rounds"][0]["nodes"], 1);
    assert_eq!(report["trace"]["informed"].as_array().map(Vec::len), Some(2));
    let svg = std::fs::read_to_string(&plot).expect("drawn");
    assert!(svg.starts_with("<svg") && svg.contains(&id), "{svg:.300}");

    let ran = b.ask(&["trace", "0123456789abcdef", "--timeout", "1s"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for bad in [&["trace", "xyz"][..], &["trace", &id, "--plot", "x.gif"], &["event", "no spaces"]]
    {
        assert_eq!(b.ask(bad).code, Some(2), "{bad:?}");
    }
}

#[test]
fn bytes_travel_as_they_are() {
    let (a, b) = two(&[], &[]);
    let (_monitor, lines) = b.follow(&["monitor", "--json"]);
    let (_watch, keys) = b.follow(&["kv", "watch", "bin/", "--json"]);
    // Something to see that both are there.
    let sign = std::thread::spawn({
        let url = a.url.clone();
        move || {
            for n in 0..40 {
                let key = format!("bin/{n}");
                run(["--agent", &url, "kv", "put", &key, "x"]).ok();
            }
        }
    });
    lines.find("a sign of life", |_| Some(()));
    keys.find("a sign of life", |_| Some(()));
    sign.join().expect("no panic");
    let bytes = [0xff, 0, b'\n', 7];
    assert!(a.feed(&["event", "raw", "-"], &bytes).status.success());
    let event: Value = lines.find("the event", |line| {
        line.contains("\"raw\"").then(|| serde_json::from_str(line).expect("JSON"))
    });
    assert_eq!(event["payload_base64"], "/wAKBw==");

    assert!(a.feed(&["kv", "put", "bin/key", "-"], &bytes).status.success());
    let change: Value = keys.find("the key", |line| {
        line.contains("bin/key").then(|| serde_json::from_str(line).expect("JSON"))
    });
    assert_eq!((&change["value_base64"], &change["origin"]), (&json!("/wAKBw=="), &json!("a")));
    assert_eq!(b.feed(&["kv", "get", "bin/key"], b"").stdout, bytes);
    let dir = Dir::new();
    a.ask(&["kv", "put", "from-file", "--file", &dir.write("value", bytes)]).ok();
    assert_eq!(a.feed(&["kv", "get", "from-file"], b"").stdout, bytes);
}

#[test]
fn keys_are_listed_deleted_and_refused() {
    let a = Agent::start("a", &[]);
    for (key, value) in [("flags/x", "on"), ("flags/with space", "off"), ("z", "")] {
        a.ask(&["kv", "put", key, value]).ok();
    }
    let list = a.ask(&["kv", "list", "flags/"]).ok().out;
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines[0].split_whitespace().next(), Some("key"));
    assert!(lines[1].starts_with("flags/with space      3  a"), "{list}");
    assert!(list.ends_with("(2 keys)\n"), "{list}");
    let all = a.ask(&["kv", "list", "--json"]).ok().json();
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    assert_eq!((&all[2]["key"], &all[2]["value"]), (&json!("z"), &json!("")));
    assert_eq!(a.ask(&["kv", "get", "flags/with space"]).ok().out, "off");
    let entry = a.ask(&["kv", "get", "flags/x", "--json"]).ok().json();
    assert_eq!((&entry["value"], &entry["origin"]), (&json!("on"), &json!("a")));
    assert_eq!(entry["version"], all[1]["version"]);
    a.ask(&["kv", "delete", "flags/x"]).ok();
    for gone in [&["kv", "get", "flags/x"][..], &["kv", "delete", "flags/x"]] {
        let ran = a.ask(gone);
        ran.fails(1, &["flags/x"]);
    }
    let long = "k".repeat(600);
    for (bad, says) in [
        (&["kv", "put", &long, "v"][..], "limit is 512"),
        (&["kv", "put", "", "v"], ""),
        (&["kv", "put", "k"], "VALUE"),
    ] {
        let ran = a.ask(bad);
        assert!(matches!(ran.code, Some(1 | 2)), "{bad:?}: {ran:?}");
        assert!(ran.err.contains(says), "{bad:?}: {ran:?}");
    }
    let large = a.feed(&["kv", "put", "k", "-"], &vec![0; 70_000]);
    assert_eq!(large.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&large.stderr).contains("65536"), "{large:?}");
}

#[test]
fn a_query_gathers_what_commands_answer() {
    let (a, b) = two(
        &["--on-query", "greet=sh -c 'echo hello $(cat)'", "--on-query", "half=echo yes"],
        &[
            "--on-query",
            "greet=cat",
            "--on-query",
            "half=sh -c 'echo broken >&2; exit 7'",
            "--on-query",
            "slow=sleep 60",
        ],
    );
    let ran = b.ask(&["query", "greet", "you", "--timeout", "20s"]).ok();
    let mut lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines.pop(), Some("2 of 2 answered"));
    lines.sort_unstable();
    assert_eq!(lines, ["a: hello you", "b: you"]);

    let ran = a.ask(&["query", "half"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("a: yes"), "{ran:?}");
    assert!(ran.out.contains("b: error: sh: exit status: 7: broken"), "{ran:?}");
    assert!(ran.out.ends_with("2 of 2 answered, 1 node with an error\n"), "{ran:?}");

    let ran = a.ask(&["query", "nobody", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let lines: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[0]["kind"], "asked");
    assert_eq!((&lines[3]["kind"], &lines[3]["errors"]), (&json!("finished"), &json!(2)));

    // An agent that has gone and is not missed yet does not answer.
    let (mut c, url) = (b, a.url.clone());
    c.kill();
    let ran = run(["--agent", &url, "query", "greet", "--timeout", "100ms"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("1 of 2 answered; silent: b"), "{ran:?}");
}

#[test]
fn an_interrupted_query_says_what_it_knows() {
    let (a, _b) = two(&["--on-query", "x=echo here"], &["--on-query", "x=sleep 60"]);
    let (mut child, lines) = a.follow(&["query", "x", "--timeout", "50s"]);
    lines.find("the first answer", |line| (line == "a: here").then_some(()));
    child.signal(Signal::INT);
    lines.find("what is known", |line| (line == "interrupted; 1 of 2 answered").then_some(()));
    assert_eq!(child.wait().code(), Some(130));
}

#[test]
fn handlers_that_make_no_sense_are_refused() {
    for bad in ["x", "x=", "no spaces=ls", "x='ls"] {
        let ran = run(["agent", "--on-query", bad]);
        assert_eq!(ran.code, Some(2), "{bad}: {ran:?}");
    }
}
