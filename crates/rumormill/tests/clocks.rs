//! Real agents on machines with wrong clocks: the time of day is faked for one process at a time.
//!
//! Needs libfaketime (Debian's `faketime`); skips without it.
#![cfg(target_os = "linux")]

mod common;

use std::fs;

use common::{Agent, Dir, eventually};

/// The library that fakes the time of day, if it is here.
fn library() -> Option<String> {
    let places =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64"];
    let file = |place: &&str| format!("{place}/faketime/libfaketimeMT.so.1");
    let found = places.iter().map(file).find(|file| fs::exists(file).unwrap_or(false));
    if found.is_none() {
        println!("skipped: no libfaketime here (Debian: apt-get install faketime)");
    }
    found
}

/// Starts an agent whose wall clock is off by what stands in a file, such as `+2d`.
fn start_off(library: &str, file: &str, name: &str, args: &[&str]) -> Agent {
    let fake = [
        "env".to_owned(),
        format!("LD_PRELOAD={library}"),
        format!("FAKETIME_TIMESTAMP_FILE={file}"),
        "FAKETIME_NO_CACHE=1".to_owned(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
    ];
    let fake: Vec<&str> = fake.iter().map(String::as_str).collect();
    Agent::start_in(&fake, name, "127.0.0.1:0", args)
}

fn members(agent: &Agent) -> usize {
    let json = agent.ask(&["info", "--json"]).ok().json();
    json["members"].as_u64().expect("a number") as usize
}

fn holds(agent: &Agent, key: &str, value: Option<&str>) -> bool {
    let ran = agent.ask(&["kv", "get", key]);
    match value {
        Some(value) => ran.code == Some(0) && ran.out.trim_end() == value,
        None => ran.code == Some(1),
    }
}

#[test]
fn a_visitor_two_days_ahead_leaves_nothing_behind() {
    let Some(library) = library() else { return };
    let dir = Dir::new();
    let off = dir.file("off");
    fs::write(&off, "+2d\n").expect("written");
    let a = Agent::start("a", &["--data", &dir.file("a")]);
    let b = Agent::start("b", &["--join", &a.peers]);
    let data = dir.file("c");
    let c = Agent::start("c", &["--data", &data, "--join", &a.peers]);
    eventually("three members", || members(&a) == 3 && members(&c) == 3);
    a.ask(&["kv", "put", "gone", "soon"]).ok();
    eventually("c has it", || holds(&c, "gone", Some("soon")));
    // Killed: it keeps its copy on its disk.
    drop(c);
    a.ask(&["kv", "delete", "gone"]).ok();
    let event = a.ask(&["event", "deploy", "v2"]).ok().out;
    let visitor = start_off(&library, &off, "visitor", &["--join", &a.peers]);
    eventually("the visitor is in", || members(&visitor) >= 3);
    a.err.find("a warning of the visitor's clock", |line| {
        (line.contains("clock is too far") && line.contains("visitor")).then_some(())
    });
    // Among three others it goes by their clocks, so what it does is done for all.
    visitor.ask(&["kv", "put", "from/visitor", "hello"]).ok();
    visitor.ask(&["event", "visit", "hello"]).ok();
    eventually("a has the visitor's key", || holds(&a, "from/visitor", Some("hello")));
    visitor.child.signal(rustix::process::Signal::TERM);
    eventually("the visitor has left, and c is known to be dead", || members(&a) == 2);
    let c = Agent::start("c", &["--data", &data, "--join", &a.peers]);
    eventually("c is back, without the deleted key", || {
        members(&c) >= 3 && holds(&c, "gone", None) && holds(&c, "from/visitor", Some("hello"))
    });
    for agent in [&a, &b, &c] {
        assert!(holds(agent, "gone", None), "it has risen");
        let known = agent.ask(&["trace", event.trim(), "--json"]).ok().out;
        assert!(known.contains("deploy"), "{known}");
    }
}

#[test]
fn a_clock_that_is_stepped_while_the_agent_runs_costs_nothing() {
    let Some(library) = library() else { return };
    let dir = Dir::new();
    let off = dir.file("off");
    fs::write(&off, "+0\n").expect("written");
    let a = Agent::start("a", &[]);
    let b = Agent::start("b", &["--join", &a.peers]);
    let c = start_off(&library, &off, "c", &["--join", &a.peers]);
    eventually("three members", || [&a, &b, &c].iter().all(|agent| members(agent) == 3));
    for (turn, step) in ["+2d", "-3d", "+10y", "+0"].into_iter().enumerate() {
        fs::write(&off, format!("{step}\n")).expect("written");
        eventually("the step is noticed", || {
            let info = c.ask(&["info", "--json"]).ok().json();
            let steps = info["counters"]["clock_steps"].as_u64().expect("a number");
            let correction = info["clock"]["correction_seconds"].as_f64().expect("a number");
            steps > turn as u64 && (correction == 0.0) == (step == "+0")
        });
        let (first, second) = (format!("first {turn}"), format!("second {turn}"));
        c.ask(&["kv", "put", "key", &first]).ok();
        eventually("all have what c wrote", || {
            [&a, &b, &c].iter().all(|agent| holds(agent, "key", Some(&first)))
        });
        a.ask(&["kv", "put", "key", &second]).ok();
        eventually("all have what a wrote after it", || {
            [&a, &b, &c].iter().all(|agent| holds(agent, "key", Some(&second)))
        });
        c.ask(&["kv", "delete", "key"]).ok();
        eventually("all have deleted it", || {
            [&a, &b, &c].iter().all(|agent| holds(agent, "key", None))
        });
    }
}
