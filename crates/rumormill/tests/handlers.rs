//! Handlers that leave processes behind, or do not care for their pipes.
#![cfg(target_os = "linux")]

mod common;

use std::time::{Duration, Instant};

use common::{Agent, Dir, eventually};
use rustix::process::Signal;

/// A length of sleep that no other process has, to find ours by.
fn long_sleep(tenths: u32) -> String {
    format!("{}.{}", 300 + tenths, std::process::id())
}

/// How many processes run that have this argument.
fn running(argument: &str) -> usize {
    let has = |entry: std::io::Result<std::fs::DirEntry>| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes()).then_some(())
    };
    std::fs::read_dir("/proc").expect("Linux").filter_map(has).count()
}

#[track_caller]
fn until_running(argument: &str, n: usize) {
    eventually(&format!("{n} processes have {argument}"), || running(argument) == n);
}

/// Asks an agent with a payload on standard input; what it prints, and the exit code.
fn ask(agent: &Agent, name: &str, payload: &[u8], timeout: &str) -> (String, Option<i32>) {
    let ran = agent.feed(&["query", name, "-", "--timeout", timeout], payload);
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{name}");
    (String::from_utf8_lossy(&ran.stdout).into_owned(), ran.status.code())
}

#[test]
fn all_that_a_handler_has_started_ends_with_its_query() {
    let (first, second) = (long_sleep(11), long_sleep(12));
    let slow = format!("slow=sh -c 'sleep {first} & sleep {second}; echo done'");
    let a = Agent::start("a", &["--on-query", &slow]);
    for _ in 0..5 {
        a.ask(&["query", "slow", "--timeout", "500ms"]);
    }
    until_running(&first, 0);
    until_running(&second, 0);
}

#[test]
fn all_that_a_handler_has_started_ends_with_its_agent() {
    for (n, end) in
        [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::KILL].into_iter().enumerate()
    {
        let sleep = long_sleep(20 + n as u32);
        let slow = format!("slow=sh -c 'sleep {sleep} & sleep {sleep}; echo done'");
        let mut a = Agent::start("a", &["--on-query", &slow]);
        let (_query, _lines) = a.follow(&["query", "slow", "--timeout", "100s"]);
        until_running(&sleep, 2);
        a.child.signal(end);
        a.child.wait();
        until_running(&sleep, 0);
    }
}

#[test]
fn an_answer_is_taken_when_its_handler_exits() {
    let sleep = long_sleep(30);
    let quick = format!("quick=sh -c 'sleep {sleep} & echo done'");
    let away = format!("away=sh -c 'setsid sleep {sleep} & echo away'");
    let a = Agent::start("a", &["--on-query", &quick, "--on-query", &away]);
    let ran = a.ask(&["query", "quick", "--timeout", "60s"]).ok();
    assert_eq!(ran.out, "a: done\n1 of 1 answered\n");
    until_running(&sleep, 0);
    // What leaves the group on purpose stays, and holds nobody up.
    let ran = a.ask(&["query", "away", "--timeout", "60s"]).ok();
    assert_eq!(ran.out, "a: away\n1 of 1 answered\n");
    let ended =
        std::process::Command::new("pkill").args(["-f", &format!("sleep {sleep}")]).status();
    assert!(ended.expect("pkill").success());
}

#[test]
fn pipes_that_a_handler_does_not_care_for_hold_nobody_up() {
    let dir = Dir::new();
    let text = r#"
        [events]
        max_payload = 262144
        [queries.handlers]
        deaf = "sleep 0.2; echo read nothing"
        shut = "exec <&-; echo shut"
        half = "head -c 10 > /dev/null; echo half"
        endless = ["yes"]
        noisy = "yes >&2"
        wordy = "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo said much"
        forks = "for n in 1 2 3 4 5 6 7 8; do yes > /dev/null & done; echo forked"
        closed = "exec >&- 2>&-; sleep 0.1"
    "#;
    let a = Agent::start("a", &["--config", &dir.write("pipes.toml", text)]);
    let payload = vec![b'p'; 200_000];
    for (name, answer, code) in [
        ("deaf", "a: read nothing\n", 0),
        ("shut", "a: shut\n", 0),
        ("half", "a: half\n", 0),
        ("endless", "a: error: yes answers with more than 1048576 bytes, the limit\n", 1),
        ("wordy", "a: said much\n", 0),
        ("forks", "a: forked\n", 0),
        ("closed", "a: \n", 0),
    ] {
        let (out, exit) = ask(&a, name, &payload, "60s");
        assert!(out.starts_with(answer) && exit == Some(code), "{name}: {exit:?} {out:.300}");
    }
    // Those at work are many, and none of them ends by itself.
    let noisy: Vec<_> = (0..4).map(|_| a.follow(&["query", "noisy", "--timeout", "2s"])).collect();
    let began = Instant::now();
    a.ask(&["info"]).ok();
    assert!(began.elapsed() < Duration::from_secs(30), "the agent waits for its handlers");
    for (mut child, _lines) in noisy {
        child.wait();
    }
}
