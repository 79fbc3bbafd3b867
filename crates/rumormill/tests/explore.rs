//! `rumormill explore`: where the page is, what is beside it, who opens it, and how it ends.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::{Agent, Dir, Lines, Owned, eventually, line, rumormill};
use rustix::process::Signal;

/// Starts the server. Returns it with the address that it prints, and its lines.
fn explore(command: &mut Command) -> (Owned, String, Lines) {
    let (child, lines) = common::start(command.stderr(Stdio::null()));
    let url =
        lines.find("the address", |line| Some(line.strip_prefix("the page is at ")?.to_owned()));
    (child, url, lines)
}

/// Gets a path of an address `http://HOST:PORT/…`.
fn get(url: &str, path: &str) -> String {
    let host = url.trim_start_matches("http://").split('/').next().expect("a host");
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn it_serves_the_page_until_a_signal() {
    for signal in [Signal::INT, Signal::TERM] {
        let (mut child, url, _lines) = explore(rumormill().args(["explore", "--no-open"]));
        let port = url.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix('/'));
        let port: u16 = port.expect(&url).parse().expect("a port");
        assert!((7900..7920).contains(&port), "{url}");
        let page = get(&url, "/");
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("<!doctype html>"), "{page}");
        assert!(get(&url, "/v1/info").starts_with("HTTP/1.1 404"));
        // A connection that a browser keeps open does not keep the server.
        let _open = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        child.signal(signal);
        assert_eq!(child.wait().code(), Some(0));
    }
}

#[test]
fn a_second_one_takes_the_next_port_and_a_given_one_must_be_free() {
    let (_first, one, _) = explore(rumormill().args(["explore", "--no-open"]));
    let (_second, two, _) = explore(rumormill().args(["explore", "--no-open"]));
    assert_ne!(one, two);
    let taken = one.trim_start_matches("http://").trim_end_matches('/');
    line(&format!("explore --no-open --bind {taken}")).refused(&["--bind", taken]);
    line("explore --no-open --bind nowhere").fails(2, &["--bind", "nowhere"]);
}

#[test]
fn a_run_stands_beside_the_page() {
    let dir = Dir::new();
    dir.run("simulate cluster --nodes 3 --duration 2s --record run.trace").ok();
    dir.write("fault.toml", "nodes = 3\n");
    let shows = |file: &str| {
        let mut command = rumormill();
        let args = ["explore", file, "--no-open", "--bind", "127.0.0.1:0"];
        explore(command.current_dir(dir.path()).args(args))
    };
    let (_child, url, _) = shows("run.trace");
    assert!(url.ends_with("/#/record?run=run"), "{url}");
    let run = get(&url, "/run");
    let (head, body) = run.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains(&format!("content-length: {}", dir.read("run.trace").len())), "{head}");
    assert_eq!(body, String::from_utf8_lossy(&dir.read("run.trace")));
    // A scenario stands in the address: the page runs it.
    let (_child, url, _) = shows("fault.toml");
    let (_, scenario) = url.split_once("/#/record?scenario=").expect("a scenario");
    assert!(scenario.starts_with("eyJub2RlcyI6Myw"), "base64 of {{\"nodes\":3, …: {scenario}");
}

#[test]
fn what_the_page_cannot_show_is_refused() {
    let dir = Dir::new();
    dir.refused("explore none.trace --no-open", 1, &["cannot show none.trace"]);
    dir.write("notes.txt", "nodes: three\n");
    dir.refused("explore notes.txt --no-open", 2, &["not a recording", "notes.txt", "line 1"]);
    dir.write("binary", [0xff, 0xfe, 0, 1]);
    dir.refused("explore binary --no-open", 2, &["not a recording", "binary"]);
    dir.write("torn.trace", "RUMTRACE\x01");
    dir.refused("explore torn.trace --no-open", 1, &["cannot show torn.trace", "torn"]);
}

#[test]
fn the_page_of_an_agent_is_its_own() {
    let agent = Agent::start("a", &[]);
    let shown = line(&format!("explore --no-open --agent {}", agent.url)).ok();
    assert_eq!(shown.out, format!("the page of agent a is at {}/\n", agent.url));
    assert!(get(&agent.url, "/").contains("<!doctype html>"));
    let with = |more: &str| line(&format!("explore --agent {} {more}", agent.url));
    with("run.trace").refused(&["--agent", "FILE"]);
    with("--bind 127.0.0.1:0").refused(&["--agent", "--bind"]);
    line("explore --no-open --agent 127.0.0.1:1").fails(1, &["no agent at http://127.0.0.1:1"]);
}

#[test]
fn a_browser_is_opened_if_there_is_a_screen() {
    let dir = Dir::new();
    let opener = dir
        .write("xdg-open", "#!/bin/sh\nprintf %s \"$1\" > \"$0.new\"\nmv \"$0.new\" \"$0.got\"\n");
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", dir.path(), std::env::var("PATH").expect("a path"));
    let mut command = rumormill();
    command.env("PATH", path).args(["explore", "--bind", "127.0.0.1:0"]);
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"] {
        command.env_remove(name);
    }
    let (mut child, _, _) = explore(&mut command);
    child.signal(Signal::INT);
    assert_eq!(child.wait().code(), Some(0));
    assert!(!dir.join("xdg-open.got").exists(), "without a screen nothing is started");
    if cfg!(target_os = "linux") {
        let (_child, url, _) = explore(command.env("DISPLAY", ":0"));
        eventually("the browser is opened", || dir.join("xdg-open.got").exists());
        assert_eq!(dir.text("xdg-open.got"), url);
    }
}
