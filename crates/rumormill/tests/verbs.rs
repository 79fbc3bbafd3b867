//! Every verb against a running agent: what it prints, and its exit code.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{Agent, Owned, finish, rumormill, run};
use rustix::process::Signal;
use serde_json::{Value, json};

#[test]
fn reading_verbs_in_words_and_in_json() {
    let a = Agent::start("a", &["--set", "requests=5", "--set", "a/b:c=1"]);
    let b = Agent::start("b", &["--join", &a.peers, "--set", "requests=10"]);
    a.comes_right("requests", &[5.0, 10.0]);
    b.comes_right("requests", &[5.0, 10.0]);

    let members = a.ask(&["members"]).ok().out;
    assert!(members.contains("this agent") && members.contains(&b.peers), "{members}");
    let members = a.ask(&["members", "--json"]).ok().json();
    assert_eq!((&members[0]["name"], &members[1]["name"]), (&json!("a"), &json!("b")));
    assert_eq!(members[1]["state"], "alive");

    let reading = b.ask(&["get", "requests", "--json"]).ok().json();
    let mut keys: Vec<_> = reading.as_object().expect("an object").keys().collect();
    keys.sort();
    let promised = [
        "average",
        "caveats",
        "converged",
        "count",
        "disturbed_seconds_ago",
        "certified",
        "members",
        "name",
        "state",
        "sum",
    ];
    for key in promised {
        assert!(keys.iter().any(|k| *k == key), "{key} is missing: {reading}");
    }
    assert_eq!(reading["name"], "requests");
    let text = b.ask(&["get", "requests"]).ok().out;
    for part in [
        "requests: sum 15",
        " now, settled\n",
        "certified: between ",
        "average",
        "count",
        " ago",
        "note: ",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let all = b.ask(&["get", "--json", "--wait", "20s"]).ok().json();
    let names: Vec<_> = all.as_array().expect("an array").iter().map(|r| &r["name"]).collect();
    assert_eq!(names, ["a/b:c", "requests"]);
    assert!(b.ask(&["get"]).ok().out.starts_with("aggregate "));
    // A name with a slash is one name.
    assert_eq!(b.ask(&["get", "a/b:c", "--json"]).ok().json()["name"], "a/b:c");

    let explained = a.ask(&["explain", "requests", "--json"]).ok().json();
    assert_eq!(explained["input"], 5.0);
    assert_eq!(explained["links"][0]["name"], "b");
    let text = a.ask(&["explain", "requests"]).ok().out;
    for part in ["mass here", "anchors", "links:", "window"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }

    let info = a.ask(&["info", "--json"]).ok().json();
    assert_eq!((&info["name"], &info["members"]), (&json!("a"), &json!(2)));
    assert_eq!(info["settings"]["interval"], "50ms");
    assert!(a.ask(&["info"]).ok().out.contains("wire"));
}

#[test]
fn inputs_are_set_and_taken_away() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    let b = Agent::start("b", &["--join", &a.peers, "--set", "requests=10"]);
    a.comes_right("requests", &[5.0, 10.0]);
    assert_eq!(a.ask(&["set", "requests=7", "queue=2.5"]).ok().out, "requests=7\nqueue=2.5\n");
    b.comes_right("requests", &[7.0, 10.0]);
    a.ask(&["unset", "requests"]).ok();
    let one = b.until("requests", "10 of one node", |reading| {
        reading["converged"] == true
            && reading["count"]["value"].as_f64().is_some_and(|n| (n - 1.0).abs() < 1e-6)
    });
    assert!((one["sum"]["value"].as_f64().expect("a sum") - 10.0).abs() < 1e-5, "{one}");

    let again = a.ask(&["unset", "requests"]);
    assert_eq!(again.code, Some(1));
    assert!(again.err.contains("no input named requests"), "{}", again.err);
}

#[test]
fn an_aggregate_in_mode_epoch() {
    let a = Agent::start("a", &["--epoch-pause", "100ms"]);
    let b = Agent::start("b", &["--epoch-pause", "100ms", "--join", &a.peers]);
    a.ask(&["set", "peak=3", "--mode", "epoch"]).ok();
    b.ask(&["set", "peak=4", "--mode", "epoch"]).ok();
    let reading = b.until("peak", "a finished epoch of both", |reading| {
        reading["epoch"].is_u64() && reading["count"]["value"].as_f64() > Some(1.5)
    });
    assert_eq!(reading["mode"], "epoch");
    assert_eq!((&reading["sum"]["value"], &reading["state"]), (&json!(7.0), &json!("settled")));
    assert_eq!(reading["certified"]["max"], 4.0, "{reading}");
    let text = b.ask(&["get", "peak"]).ok().out;
    assert!(text.starts_with("peak: sum 7") && text.contains(" in epoch "), "{text}");

    let other = a.ask(&["set", "peak=3"]);
    assert_eq!(other.code, Some(1));
    assert!(other.err.contains("mode epoch"), "{}", other.err);
}

#[test]
fn not_converged_in_time_is_exit_code_3_with_the_last_reading() {
    // At this pace nothing converges while the test runs.
    let slow = ["--interval", "20s", "--set", "requests=5"];
    let a = Agent::start("a", &slow);
    let b = Agent::start("b", &[&slow[..], &["--join", &a.peers]].concat());
    b.err.find("the member a", |line| line.contains("member up").then_some(()));
    let late = b.ask(&["get", "requests", "--wait", "100ms", "--json"]);
    assert_eq!(late.code, Some(3), "{late:?}");
    assert_eq!(late.json()["converged"], false);
    let late = b.ask(&["get", "requests", "--wait", "100ms"]);
    assert_eq!(late.code, Some(3), "{late:?}");
    let first = late.out.lines().next().expect("a line");
    assert!(first.starts_with("requests: sum ") && !first.contains("settled"), "{}", late.out);
    assert_eq!(b.ask(&["get", "--wait", "10ms"]).code, Some(3));
    // Without --wait the reading is what was asked for.
    b.ask(&["get", "requests"]).ok();
}

#[test]
fn the_agent_is_named_before_or_after_the_verb_or_in_the_environment() {
    let a = Agent::start("a", &[]);
    let name = |ran: common::Ran| ran.ok().json()["name"].clone();
    assert_eq!(name(run(["--agent", &a.url, "info", "--json"])), "a");
    assert_eq!(name(run(["info", "--json", "--agent", &a.url])), "a");
    let mut command = rumormill();
    command.env("RUMORMILL_AGENT", &a.url).args(["info", "--json"]);
    assert_eq!(name(finish(&mut command)), "a");
    // Without its scheme, too.
    assert_eq!(name(run(["info", "--json", "--agent", &a.url["http://".len()..]])), "a");
}

#[test]
fn joining_and_leaving_later() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    let mut b = Agent::start("b", &["--set", "requests=10"]);
    let joined = b.ask(&["join", &a.peers]).ok();
    assert!(joined.out.contains(&a.peers), "{joined:?}");
    a.comes_right("requests", &[5.0, 10.0]);
    b.ask(&["leave"]).ok();
    assert_eq!(b.child.wait().code(), Some(0));
    a.comes_right("requests", &[5.0]);
}

#[test]
fn watch_follows_and_ends_cleanly() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    // Ctrl-C.
    let (mut watch, out) = a.follow(&["watch", "requests"]);
    out.find("a reading", |line| line.starts_with("requests: sum 5").then_some(()));
    a.ask(&["set", "requests=6"]).ok();
    out.find("the change", |line| line.starts_with("requests: sum 6").then_some(()));
    watch.signal(Signal::INT);
    assert_eq!(watch.wait().code(), Some(0));

    // A reader that has seen enough.
    let mut command = rumormill();
    command.args(["--agent", &a.url, "watch", "--json"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = Owned(command.spawn().expect("starts"));
    let mut first = String::new();
    let mut out = BufReader::new(watch.0.stdout.take().expect("piped"));
    out.read_line(&mut first).expect("a line");
    assert!(serde_json::from_str::<Value>(&first).expect("JSON")["kind"].is_string());
    drop(out);
    a.ask(&["set", "requests=8"]).ok();
    assert_eq!(watch.wait().code(), Some(0));
    let err = watch.0.stderr.take().expect("piped");
    let complaints: Vec<_> = BufReader::new(err).lines().map_while(Result::ok).collect();
    assert_eq!(complaints, Vec::<String>::new());
}

#[test]
fn a_closed_pipe_is_no_error() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    for verb in [&["members"][..], &["info"], &["get", "requests"], &["explain", "requests"]] {
        let mut command = rumormill();
        command.args(["--agent", &a.url]).args(verb);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(0), "{verb:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{verb:?}: {output:?}");
    }
}

#[test]
fn nonsense_is_a_usage_error_and_changes_nothing() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    for args in [
        &["set", "requests"][..],
        &["set", "requests="],
        &["set", "requests=NaN"],
        &["set", "requests=inf"],
        &["set", "requests=-infinity"],
        &["set", "requests=1e19"],
        &["set", "requests=five"],
        &["set", "no spaces=5"],
        &["set", "ok=1", "requests=NaN"],
        &["set"],
        &["unset"],
        &["get", "requests", "--wait", "10"],
        &["get", "requests", "--wait", "2h"],
        &["get", "no spaces"],
        &["join", "nowhere"],
        &["join", "host:0"],
        &["explain"],
        &["gossip"],
        &["members", "--colour"],
        &["--agent", "https://127.0.0.1:1", "info"],
    ] {
        let ran = if args[0] == "--agent" { run(args) } else { a.ask(args) };
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert_eq!(ran.out, "", "{args:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    let inputs = a.ask(&["info", "--json"]).ok().json()["inputs"].clone();
    assert_eq!(inputs, json!([{"name": "requests", "value": 5.0, "mode": "live"}]));
}

#[test]
fn what_the_agent_does_not_know_is_a_failure() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    for args in [&["get", "reqests"][..], &["explain", "reqests"], &["unset", "reqests"]] {
        let ran = a.ask(args);
        ran.fails(1, &["reqests"]);
    }
    // Port 1 is nobody's.
    let ran = run(["--agent", "http://127.0.0.1:1", "get"]);
    ran.fails(1, &["no agent at http://127.0.0.1:1"]);
    assert!(ran.err.contains("rumormill agent"), "says what to do: {ran:?}");
}
