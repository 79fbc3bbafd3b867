//! Signals: what is under way ends whole, whichever of them comes, and whenever.
#![cfg(target_os = "linux")]

mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Agent, Dir, Lines, Owned, rumormill, until_caught};
use rustix::process::Signal;

fn start(args: &[&str]) -> (Owned, Lines) {
    common::start(rumormill().args(args).stderr(Stdio::null()))
}

/// Two agents; the second declares nobody dead for long, so only a leave makes it report one down.
fn two(prefix: &[&str]) -> (Agent, Agent) {
    let b = Agent::start("b", &["--suspicion-timeout", "60s"]);
    let a = Agent::start_in(prefix, "a", "127.0.0.1:0", &["--join", &b.peers]);
    b.err.find("the agent", |line| line.contains("member up").then_some(()));
    (a, b)
}

#[test]
fn every_signal_that_asks_it_to_end_makes_an_agent_leave() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (mut a, b) = two(&[]);
        a.child.signal(signal);
        if signal == Signal::HUP {
            // A terminal that closes sends two. (The first may have done its work already.)
            let pid = rustix::process::Pid::from_child(&a.child.0);
            let _ = rustix::process::kill_process(pid, signal);
        }
        assert_eq!(a.child.wait().code(), Some(0), "{signal:?}");
        b.err.find("its leave", |line| line.contains("member down").then_some(()));
    }
}

#[test]
fn nohup_is_obeyed() {
    let (mut a, b) = two(&["nohup"]);
    a.child.signal(Signal::HUP);
    for _ in 0..3 {
        a.ask(&["info"]).ok();
    }
    assert_eq!(a.terminate(), Some(0));
    b.err.find("its leave", |line| line.contains("member down").then_some(()));
}

#[test]
fn a_signal_during_the_start_ends_an_agent_in_good_order() {
    let dir = Dir::new();
    let data = dir.path();
    let args = ["agent", "--name", "a", "--bind", "127.0.0.1:0", "--http", "off", "--data", data];
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (mut child, _lines) = start(&args);
        // As soon as it can be sent without ending the process at once: SIGTERM is caught last.
        until_caught(child.0.id(), 15);
        child.signal(signal);
        assert_eq!(child.wait().code(), Some(0), "{signal:?}");
    }
    // Nobody holds the directory, and it is whole.
    let (mut child, lines) = start(&args);
    lines.find("the directory", |line| line.contains(data).then_some(()));
    child.signal(Signal::TERM);
    assert_eq!(child.wait().code(), Some(0));
}

#[test]
fn a_hang_up_ends_verbs_that_go_on_for_ever() {
    let a = Agent::start("a", &["--on-query", "slow=sleep 60"]);
    for (args, code) in [
        (&["watch"][..], 0),
        (&["monitor"], 0),
        (&["kv", "watch"], 0),
        (&["query", "slow", "--timeout", "50s"], 129),
    ] {
        let (mut child, _lines) = a.follow(args);
        until_caught(child.0.id(), 15);
        child.signal(Signal::HUP);
        assert_eq!(child.wait().code(), Some(code), "{args:?}");
    }
}

#[test]
fn a_hang_up_ends_long_work_with_what_is_known() {
    let (mut child, lines) = start(&["simulate", "spread", "--nodes", "64", "--runs", "1e15"]);
    until_caught(child.0.id(), 15);
    child.signal(Signal::HUP);
    assert_eq!(child.wait().code(), Some(129));
    lines.find("what is known", |line| line.contains("1,000,000,000,000,000").then_some(()));

    let (mut child, lines) = start(&["demo", "--interval", "10s", "--seed", "1"]);
    lines.find("the first round", |line| line.starts_with("round ").then_some(()));
    child.signal(Signal::HUP);
    lines.find("what is known", |line| line.starts_with("Interrupted: this").then_some(()));
    assert_eq!(child.wait().code(), Some(129));
}

#[test]
fn an_interrupt_ends_a_computation_at_once_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let picture = dir.path().join("law.svg");
    let plot = picture.to_str().expect("UTF-8");
    for args in [
        &["plan", "--nodes", "1e15", "--deadline", "9s", "--failure", "1e-9", "--max-fanout", "64"]
            [..],
        &["predict", "spread", "--nodes", "1e15", "--coverage", "0.5", "--plot", plot],
        &[
            "predict",
            "stop",
            "--nodes",
            "5000",
            "--stop",
            "feedback-counter:16",
            "--semantics",
            "sequential",
        ],
    ] {
        let mut command = rumormill();
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("starts");
        let pid = rustix::process::Pid::from_child(&child);
        std::thread::sleep(Duration::from_millis(100));
        rustix::process::kill_process(pid, Signal::INT).expect("still at work");
        let began = Instant::now();
        let output = child.wait_with_output().expect("it ends");
        assert!(began.elapsed() < Duration::from_secs(5), "{args:?}");
        // A shell reports this as exit code 130.
        assert_eq!(output.status.signal(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !picture.exists(), "{args:?}");
    }
}
