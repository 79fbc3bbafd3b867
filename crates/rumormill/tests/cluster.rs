//! `rumormill simulate cluster` and `rumormill replay`, as a user runs them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;

use common::{Dir, Ran, run};
use serde_json::Value;

fn rumormill(args: &[&str]) -> Ran {
    run(args)
}

fn cluster(args: &[&str]) -> Ran {
    rumormill(&[&["simulate", "cluster"], args].concat())
}

const SMALL: [&str; 6] = ["--nodes", "5", "--duration", "15s", "--crash", "n2@5s..8s"];

#[test]
fn a_run_is_a_time_line_with_a_verdict() {
    let output = cluster(&SMALL);
    let text = &output.out;
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(text.starts_with("5 nodes, 15.0 s, links 500us..2ms, seed 0\n"), "{text}");
    assert!(text.contains("✗       5 s  crash: n2\n"), "{text}");
    assert!(text.contains("+       8 s  restart: n2\n"), "{text}");
    assert!(text.contains("\nEverything holds: "), "{text}");
    assert_eq!(cluster(&SMALL).out, *text, "the same again");
}

#[test]
fn json_has_everything_typed() {
    let output = cluster(&[&SMALL[..], &["--json", "--publish", "10s", "--runs", "2"]].concat());
    assert_eq!(output.code, Some(0), "{output:?}");
    let json: Value = output.json();
    assert_eq!(json["verdict"], "holds");
    assert_eq!(json["scenario"]["nodes"], 5);
    assert_eq!(json["runs"]["outcomes"].as_array().unwrap().len(), 2);
    assert_eq!(json["counters"]["crashes"], 1);
    let last = json["samples"].as_array().unwrap().last().unwrap();
    assert!(last["aggregates"][0]["worst_error"].as_f64().unwrap() < 1e-6);
    assert_eq!(last["events"]["delivered"], 1.0);
    assert_eq!(json["marks"][0]["text"], "crash: n2");
    assert_eq!(json["marks"][0]["at"], 5.0);
}

#[test]
fn what_flags_amount_to_is_a_scenario() {
    let dir = Dir::new();
    let path = dir.join("printed.toml");
    let printed = cluster(&[&SMALL[..], &["--print"]].concat()).out;
    fs::write(&path, &printed).unwrap();
    let digest = |output: &Ran| {
        output.out.lines().find(|line| line.starts_with("Digest")).unwrap().to_owned()
    };
    let from_file = cluster(&[path.to_str().unwrap()]);
    assert_eq!(digest(&from_file), digest(&cluster(&SMALL)));
}

#[test]
fn a_failure_says_the_seed_and_the_shortest_scenario_and_exits_with_1() {
    let dir = Dir::new();
    // Nobody can agree on anything within a second of a network that loses all.
    let (shrunk, args) = (
        dir.join("shrunk.toml"),
        ["--nodes", "4", "--duration", "6s", "--loss", "1", "--patience", "1s", "--seed", "7"],
    );
    let more = ["--crash", "n1@3s..4s", "--shrunk", shrunk.to_str().unwrap()];
    let output = cluster(&[&args[..], &more].concat());
    let text = &output.out;
    output.fails(1, &[]);
    assert!(text.contains("FAILED, with seed 7: after 1s of calm, still: node #0"), "{text}");
    assert!(text.contains("failing scenario found takes 0 steps"), "{text}");
    let again = cluster(&[shrunk.to_str().unwrap(), "--shrink", "0"]);
    again.fails(1, &[]);
    assert!(again.out.contains("FAILED, with seed 7"), "{}", again.out);
}

#[test]
fn what_makes_no_sense_is_refused_with_exit_code_2() {
    let dir = Dir::new();
    let bad = dir.join("bad.toml");
    let refused = |text: &str| {
        fs::write(&bad, text).unwrap();
        let output = cluster(&[bad.to_str().unwrap()]);
        output.fails(2, &[]);
        output.err
    };
    let said = refused("nodes = 4\n[[action]]\nat = \"10s\"\ncrahs = 1\n");
    assert!(said.contains("line 4") && said.contains("unknown field `crahs`"), "{said}");
    let said = refused("nodes = 4\n[[action]]\nat = \"90s\"\ncrash = 1\n");
    assert!(said.contains("action 1: at is 1m30s, but must be within the duration, 1m"), "{said}");
    for (args, message) in [
        (&["--loss", "1.5"][..], "link.loss is 1.5, but must be from 0 to 1"),
        (&["--crash", "n9@5s", "--nodes", "4"], "n9 does not exist at 5s: there are n0 to n3"),
        (&["--crash", "n1"], "has no time; write NODES@TIME, such as n3@10s"),
        (&["--plot", "x.pdf"], "the name must end in .svg or .png"),
    ] {
        let output = cluster(args);
        output.fails(2, &[]);
        assert!(output.err.contains(message), "{args:?}: {}", output.err);
    }
    let output = cluster(&["/no/such/file.toml"]);
    output.fails(2, &[]);
    assert!(output.err.contains("cannot read /no/such/file.toml"));
}

#[test]
fn a_recorded_run_can_be_stepped_through() {
    let dir = Dir::new();
    let trace = dir.join("run.trace");
    let path = trace.to_str().unwrap();
    let run = cluster(&[&SMALL[..], &["--record", path]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");

    let timeline = rumormill(&["replay", path]);
    assert_eq!(timeline.code, Some(0), "{timeline:?}");
    let row = |text: &str| text.lines().find(|line| line.contains("crash")).unwrap().to_owned();
    assert_eq!(row(&timeline.out), row(&run.out), "the same time line");

    let state = rumormill(&["replay", path, "--at", "6s"]).out;
    assert!(state.starts_with("At 6 s: 4 of 5 nodes up"), "{state}");
    let n2 = state.lines().find(|line| line.starts_with("n2 ")).unwrap();
    assert!(n2.contains("crashed"), "{state}");

    let one = rumormill(&["replay", path, "--node", "n2"]).out;
    assert!(one.contains("n2: crashed") && one.contains("joined by"), "{one}");

    let lines = rumormill(&["replay", path, "--json"]).out;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["header"]["nodes"], 5);
    assert!(lines[1]["slice"]["traffic"].as_array().is_some_and(|traffic| !traffic.is_empty()));
    assert_eq!(lines.last().unwrap()["ending"]["complete"], true);

    let beyond = rumormill(&["replay", path, "--at", "99s"]);
    beyond.fails(2, &[]);
    let stranger = rumormill(&["replay", path, "--node", "n7"]);
    assert!(stranger.err.contains("nodes are n0 to n4"), "{}", stranger.err);

    let bytes = fs::read(&trace).unwrap();
    fs::write(&trace, &bytes[..bytes.len() / 2]).unwrap();
    let torn = rumormill(&["replay", path]);
    torn.fails(1, &[]);
    assert!(torn.err.contains("the trace is torn"), "{}", torn.err);
    fs::write(&trace, "GIF89a").unwrap();
    assert!(rumormill(&["replay", path]).err.contains("not a trace"));
}

#[test]
fn plots_are_drawn_in_both_formats() {
    let dir = Dir::new();
    for (name, begins) in [("run.svg", &b"<svg"[..]), ("run.png", b"\x89PNG")] {
        let path = dir.join(name);
        let output = cluster(&[&SMALL[..], &["--plot", path.to_str().unwrap()]].concat());
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(fs::read(&path).unwrap().starts_with(begins), "{name}");
    }
}
