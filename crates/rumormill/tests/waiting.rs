//! `get --wait`: for the agent, for members, for a precision.
#![cfg(unix)]

mod common;

use std::net::TcpListener;
use std::process::Stdio;

use common::{Agent, Lines, Owned, QUICK, rumormill, run, start};
use rustix::process::Signal;
use serde_json::Value;

/// An address of this machine that nobody listens at.
fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

fn whole(lines: &Lines) -> Value {
    let mut text = String::new();
    lines.find("the whole reading", |line| {
        text += line;
        serde_json::from_str(&text).ok()
    })
}

#[test]
fn it_waits_for_the_agent_then_for_the_members_then_for_the_precision() {
    let http = free();
    let wait = ["--wait", "60s", "--within", "1%", "--members", "2", "--json"];
    let mut command = rumormill();
    command.args(["--agent", &http, "get", "requests"]).args(wait);
    let (mut child, lines) = start(&mut command);

    let mut command = rumormill();
    command.args(["agent", "--name", "a", "--bind", "127.0.0.1:0", "--http", &http]);
    let (_a, out) = start(command.args(QUICK).args(["--set", "requests=5"]).stderr(Stdio::null()));
    let peers = out.find("the peers' address", |line| {
        line.trim_start().strip_prefix("peers ")?.split_whitespace().next().map(str::to_owned)
    });
    let _b = Agent::start("b", &["--join", &peers, "--set", "requests=10"]);
    let reading = whole(&lines);
    assert_eq!(child.wait().code(), Some(0));
    assert_eq!(reading["members"], 2, "{reading}");
    let number = |part: &str| reading["sum"][part].as_f64().expect("a number");
    assert!(3.0 * number("standard_error") <= 0.01 * number("value"), "{reading}");
}

#[test]
fn what_is_missing_when_the_time_is_up_is_said() {
    let nobody = ["--agent", &free(), "get", "requests", "--wait", "100ms"];
    run(nobody).fails(1, &["no agent at http://127.0.0.1:", "connection refused"]);

    let a = Agent::start("a", &["--set", "requests=5"]);
    let late = a.ask(&["get", "other", "--wait", "100ms"]);
    late.fails(1, &["no aggregate named other", "requests"]);
    let late = a.ask(&["get", "requests", "--wait", "100ms", "--members", "2", "--json"]);
    late.fails(3, &["not in time: requests: 1 of 2 members up"]);
    assert_eq!(late.json()["sum"]["value"], 5.0, "the last reading all the same");
    // Alone, it is settled; all aggregates together likewise.
    a.ask(&["get", "requests", "--wait", "60s", "--members", "1"]).ok();
    a.ask(&["get", "--wait", "60s", "--within", "0.01"]).ok();

    // It was given an address to join, at which nobody answers.
    let b = Agent::start("b", &["--join", &free(), "--set", "requests=10"]);
    let late = b.ask(&["get", "requests", "--wait", "100ms", "--within", "50%"]);
    late.fails(3, &["it is disturbed (this node is alone since its start, and no address to join"]);
    let text = b.ask(&["get", "requests"]).ok().out;
    assert!(
        text.starts_with("requests: sum 10 ± ? now, disturbed\ncertified: nothing yet\n"),
        "{text}"
    );
}

#[test]
fn a_wait_ends_with_a_signal() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut command = rumormill();
        command.args(["--agent", &a.url, "get", "requests", "--wait", "1h", "--members", "9"]);
        let mut child = Owned(command.stderr(Stdio::piped()).spawn().expect("it starts"));
        let err = Lines::of(child.0.stderr.take().expect("piped"));
        // It says every ten seconds what it waits for; until then a signal may find it starting.
        err.find("what it waits for", |line| line.contains("1 of 9 members up").then_some(()));
        child.signal(signal);
        assert_eq!(child.wait().code(), Some(code));
    }
}

#[test]
fn goals_need_a_wait_and_must_make_sense() {
    run(["get", "requests", "--within", "1%"]).fails(2, &["--wait <TIME>"]);
    run(["get", "requests", "--members", "3"]).fails(2, &["--wait <TIME>"]);
    for bad in ["0%", "101%", "2", "much"] {
        run(["get", "requests", "--wait", "1s", "--within", bad]).refused(&["--within", bad]);
    }
}
