//! Verbs whose standard output can't be written, is closed, or does not wait.
#![cfg(target_os = "linux")]

mod common;

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::Stdio;

use common::{Agent, Owned, rumormill, until_caught};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;

/// Runs something with this as standard output; its exit code, and what it says on standard error.
fn run_into(args: &[&str], out: Stdio) -> (Option<i32>, String) {
    let mut command = rumormill();
    let mut child = command.args(args).stdout(out).stderr(Stdio::piped()).spawn().expect("starts");
    let mut err = child.stderr.take().expect("piped");
    let mut child = Owned(child);
    let code = child.wait().code();
    let mut said = String::new();
    err.read_to_string(&mut said).expect("UTF-8");
    (code, said)
}

#[test]
fn a_closed_pipe_is_quiet_and_a_full_disk_is_said() {
    let a = Agent::start("a", &["--set", "requests=5", "--on-query", "x=echo here"]);
    a.ask(&["kv", "put", "k", "v"]).ok();
    a.comes_right("requests", &[5.0]);
    let demo = ["demo", "--nodes", "2", "--interval", "10ms"];
    for args in [
        &["--help"][..],
        &["agent", "--help"],
        &["--version"],
        &["--agent", &a.url, "info"],
        &["--agent", &a.url, "members", "--json"],
        &["--agent", &a.url, "get"],
        &["--agent", &a.url, "get", "requests", "--wait", "10s"],
        &["--agent", &a.url, "explain", "requests"],
        &["--agent", &a.url, "kv", "get", "k"],
        &["--agent", &a.url, "kv", "list"],
        &["--agent", &a.url, "event", "e"],
        &["--agent", &a.url, "query", "x"],
        &["--agent", &a.url, "watch"],
        &["--agent", &a.url, "watch", "requests", "--json"],
        &["predict", "spread", "--nodes", "64"],
        &["simulate", "spread", "--nodes", "64", "--runs", "10"],
        &["simulate", "average", "--nodes", "64", "--runs", "2"],
        &demo,
        &[&demo[..], &["--json"]].concat(),
        &[&demo[..], &["--protocol", "spsp"]].concat(),
    ] {
        let (reader, closed) = std::io::pipe().expect("a pipe");
        drop(reader);
        let (code, said) = run_into(args, closed.into());
        assert_eq!((code, said.as_str()), (Some(0), ""), "{args:?} into a closed pipe");
        let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux");
        let (code, said) = run_into(args, full.into());
        let why = "cannot write to standard output";
        assert!(
            code == Some(1) && said.contains(why),
            "{args:?} onto a full disk: {code:?} {said}"
        );
    }
}

#[test]
fn a_reader_that_stands_still_does_not_keep_a_demo_from_ending() {
    let (_reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags.union(OFlags::NONBLOCK)).expect("set");
    while writer.write(b".").is_ok() {}
    fcntl_setfl(&writer, flags).expect("set");
    let mut command = rumormill();
    let child = command.args(["demo", "--nodes", "2"]).stdout(writer).spawn().expect("starts");
    let mut child = Owned(child);
    until_caught(child.0.id(), 15);
    child.signal(Signal::INT);
    // Two of a kind that come at once are one.
    child.signal(Signal::TERM);
    assert!(matches!(child.wait().code(), Some(130 | 143)));
}

#[test]
fn an_error_that_can_not_be_said_is_an_exit_code() {
    for err in ["/dev/full", "/dev/null"] {
        let err = OpenOptions::new().write(true).open(err).expect("Linux");
        let mut command = rumormill();
        command.args(["--agent", "127.0.0.1:9", "info"]).stdout(Stdio::null()).stderr(err);
        assert_eq!(command.status().expect("ends").code(), Some(1));
    }
}

#[test]
fn a_pipe_that_does_not_wait_gets_everything() {
    let a = Agent::start("a", &[]);
    let value = "x".repeat(60_000);
    for n in 0..10 {
        a.ask(&["kv", "put", &format!("k{n}"), &value]).ok();
    }
    let whole = a.ask(&["kv", "list", "--json"]).ok().out;
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags.union(OFlags::NONBLOCK)).expect("set");
    let mut command = rumormill();
    command.args(["--agent", &a.url, "kv", "list", "--json"]);
    let mut child = Owned(command.stdout(writer).spawn().expect("starts"));
    drop(command);
    let mut got = String::new();
    reader.read_to_string(&mut got).expect("UTF-8");
    assert_eq!(child.wait().code(), Some(0));
    assert!(got == whole, "{} bytes of {}", got.len(), whole.len());
}
