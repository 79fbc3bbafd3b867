//! `rumormill simulate cluster` and `rumormill replay`, as a user runs them.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn rumormill(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rumormill")).args(args).output().unwrap()
}

fn cluster(args: &[&str]) -> Output {
    rumormill(&[&["simulate", "cluster"], args].concat())
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A file of this test's own.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("cluster-{}-{name}", std::process::id()))
}

const SMALL: [&str; 6] = ["--nodes", "5", "--duration", "15s", "--crash", "n2@5s..8s"];

#[test]
fn a_run_is_told_as_a_time_line_with_a_verdict() {
    let output = cluster(&SMALL);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", err(&output));
    assert!(text.starts_with("5 nodes, 15.0 s, links 500us..2ms, seed 0\n"), "{text}");
    assert!(text.contains("✗       5 s  crash: n2\n"), "{text}");
    assert!(text.contains("+       8 s  restart: n2\n"), "{text}");
    assert!(text.contains("\nEverything holds: "), "{text}");
    assert_eq!(out(&cluster(&SMALL)), text, "the same again");
}

#[test]
fn json_has_everything_typed() {
    let output = cluster(&[&SMALL[..], &["--json", "--publish", "10s", "--runs", "2"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
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
    let path = file("printed.toml");
    let printed = out(&cluster(&[&SMALL[..], &["--print"]].concat()));
    fs::write(&path, &printed).unwrap();
    let digest = |output: &Output| {
        out(output).lines().find(|line| line.starts_with("Digest")).unwrap().to_owned()
    };
    let from_file = cluster(&[path.to_str().unwrap()]);
    assert_eq!(digest(&from_file), digest(&cluster(&SMALL)));
}

#[test]
fn a_failure_says_the_seed_and_the_shortest_scenario_and_exits_with_1() {
    // Nobody can agree on anything within a second of a network that loses all.
    let (shrunk, args) = (
        file("shrunk.toml"),
        ["--nodes", "4", "--duration", "6s", "--loss", "1", "--patience", "1s", "--seed", "7"],
    );
    let more = ["--crash", "n1@3s..4s", "--shrunk", shrunk.to_str().unwrap()];
    let output = cluster(&[&args[..], &more].concat());
    let text = out(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", err(&output));
    assert!(text.contains("FAILED, with seed 7: after 1s of calm, still: node #0"), "{text}");
    assert!(text.contains("still fails takes 0 steps"), "{text}");
    let again = cluster(&[shrunk.to_str().unwrap(), "--shrink", "0"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(out(&again).contains("FAILED, with seed 7"), "{}", out(&again));
}

#[test]
fn what_makes_no_sense_is_refused_with_exit_code_2() {
    let bad = file("bad.toml");
    let refused = |text: &str| {
        fs::write(&bad, text).unwrap();
        let output = cluster(&[bad.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{text}: {}", err(&output));
        err(&output)
    };
    let said = refused("nodes = 4\n[[action]]\nat = \"10s\"\ncrahs = 1\n");
    assert!(said.contains("line 4") && said.contains("unknown field `crahs`"), "{said}");
    let said = refused("nodes = 4\n[[action]]\nat = \"90s\"\ncrash = 1\n");
    assert!(said.contains("action 1: at is 90s, but must be within the duration, 60s"), "{said}");
    for (args, message) in [
        (&["--loss", "1.5"][..], "link.loss is 1.5, but must be from 0 to 1"),
        (&["--crash", "n9@5s", "--nodes", "4"], "n9 does not exist at 5s: there are n0 to n3"),
        (&["--crash", "n1"], "has no time; write NODES@TIME, such as n3@10s"),
        (&["--plot", "x.pdf"], "the name must end in .svg or .png"),
    ] {
        let output = cluster(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(err(&output).contains(message), "{args:?}: {}", err(&output));
    }
    let output = cluster(&["/no/such/file.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("cannot read /no/such/file.toml"));
}

#[test]
fn a_recorded_run_can_be_stepped_through() {
    let trace = file("run.trace");
    let path = trace.to_str().unwrap();
    let run = cluster(&[&SMALL[..], &["--record", path]].concat());
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));

    let timeline = rumormill(&["replay", path]);
    assert_eq!(timeline.status.code(), Some(0), "{}", err(&timeline));
    let row = |text: &str| text.lines().find(|line| line.contains("crash")).unwrap().to_owned();
    assert_eq!(row(&out(&timeline)), row(&out(&run)), "the same time line");

    let state = out(&rumormill(&["replay", path, "--at", "6s"]));
    assert!(state.starts_with("At 6 s: 4 of 5 nodes up"), "{state}");
    let n2 = state.lines().find(|line| line.starts_with("n2 ")).unwrap();
    assert!(n2.contains("crashed"), "{state}");

    let one = out(&rumormill(&["replay", path, "--node", "n2"]));
    assert!(one.contains("n2: crashed") && one.contains("joined by"), "{one}");

    let lines = out(&rumormill(&["replay", path, "--json"]));
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["header"]["nodes"], 5);
    assert!(lines[1]["slice"]["traffic"].as_array().is_some_and(|traffic| !traffic.is_empty()));
    assert_eq!(lines.last().unwrap()["ending"]["complete"], true);

    let beyond = rumormill(&["replay", path, "--at", "99s"]);
    assert_eq!(beyond.status.code(), Some(2));
    let stranger = rumormill(&["replay", path, "--node", "n7"]);
    assert!(err(&stranger).contains("there are n0 to n4"), "{}", err(&stranger));

    let bytes = fs::read(&trace).unwrap();
    fs::write(&trace, &bytes[..bytes.len() / 2]).unwrap();
    let torn = rumormill(&["replay", path]);
    assert_eq!(torn.status.code(), Some(1));
    assert!(err(&torn).contains("the trace is torn"), "{}", err(&torn));
    fs::write(&trace, "GIF89a").unwrap();
    assert!(err(&rumormill(&["replay", path])).contains("not a trace"));
}

#[test]
fn plots_are_drawn_in_both_formats() {
    for (name, begins) in [("run.svg", &b"<svg"[..]), ("run.png", b"\x89PNG")] {
        let path = file(name);
        let output = cluster(&[&SMALL[..], &["--plot", path.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(fs::read(&path).unwrap().starts_with(begins), "{name}");
    }
}
