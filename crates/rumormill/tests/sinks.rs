//! Streams that can't be written, or whose readers stand still: the agent goes on.
#![cfg(target_os = "linux")]

mod common;

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Agent, Owned, QUICK, clean, eventually, http_get, rumormill};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::Signal;

/// An agent whose streams show nothing, so that its addresses are chosen beforehand.
struct Mute {
    child: Owned,
    http: String,
}

fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").to_string()
}

impl Mute {
    fn start(mut command: Command, join: &str, stdout: Stdio, stderr: Stdio) -> Self {
        let (http, dead) = (free_port(), free_port());
        command.args([
            "agent",
            "--name",
            "mute",
            "--bind",
            "127.0.0.1:0",
            "--http",
            &http,
            "--log",
            "debug",
        ]);
        command.args(["--join", join, "--join", &dead, "--set", "requests=5"]).args(QUICK);
        let child = Owned(command.stdout(stdout).stderr(stderr).spawn().expect("starts"));
        Self { child, http }
    }

    /// What it answers, if that comes within a few seconds.
    fn get(&self, path: &str) -> Option<String> {
        let text = http_get(&self.http, path).ok()?;
        text.starts_with("HTTP/1.1 200").then_some(text)
    }

    /// Writes a key: a line of the log at the level debug, as long as the value.
    fn put(&self, key: &str, value: &str) {
        let mut stream = TcpStream::connect(&self.http).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
        let length = value.len();
        write!(
            stream,
            "PUT /v1/kv/{key} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{value}"
        )
        .expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }

    fn dropped(&self) -> u64 {
        let metrics = self.get("/metrics").expect("metrics");
        let line =
            metrics.lines().find(|line| line.starts_with("rumormill_log_lines_dropped_total"));
        let count = line.and_then(|line| line.split(' ').nth(1)).expect("the counter");
        count.parse().expect("a number")
    }
}

/// An agent that declares nobody dead for long: who is down to it has left by itself.
fn watcher() -> Agent {
    Agent::start("b", &["--set", "requests=10", "--suspicion-timeout", "60s"])
}

/// Waits until its log has this of the other one.
#[track_caller]
fn logs(b: &Agent, what: &str) {
    b.err.find(what, |line| (line.contains(what) && line.contains("mute")).then_some(()));
}

/// Has an agent write lines that its sink does not take; it must go on, and end in good order.
fn goes_on(b: &Agent, mut mute: Mute) {
    // Twice: that some lines were dropped before does not help those that come after.
    for key in ["once", "twice"] {
        let before = mute.dropped();
        eventually("a line is dropped", || {
            mute.put(key, &"x".repeat(60_000));
            mute.dropped() > before
        });
    }
    assert!(mute.get("/healthz").is_some(), "not alive");
    b.comes_right("requests", &[5.0, 10.0]);
    let info = common::run(["--agent", &mute.http, "info"]).ok().out;
    assert!(info.lines().any(|line| line.starts_with("log lines dropped  ")), "{info}");
    let began = Instant::now();
    mute.child.signal(Signal::TERM);
    assert_eq!(mute.child.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?} to end", began.elapsed());
    logs(b, "member down");
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").expect("Linux").into()
}

fn set_waiting(pipe: &PipeWriter, wait: bool) {
    let flags = fcntl_getfl(pipe).expect("flags").difference(OFlags::NONBLOCK);
    let flags = if wait { flags } else { flags.union(OFlags::NONBLOCK) };
    fcntl_setfl(pipe, flags).expect("set");
}

/// A pipe that is full, and its reader, who does not read. Its writers wait, or do not.
fn stalled(wait: bool) -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    set_waiting(&writer, false);
    while writer.write(&[b'.'; 4096]).is_ok() {}
    while writer.write(b".").is_ok() {}
    set_waiting(&writer, wait);
    (reader, writer)
}

#[test]
fn a_full_disk_under_the_log() {
    let b = watcher();
    let mute = Mute::start(rumormill(), &b.peers, full(), full());
    logs(&b, "member up");
    goes_on(&b, mute);
}

#[test]
fn readers_that_have_gone() {
    let b = watcher();
    let (_, out) = std::io::pipe().expect("a pipe");
    let (_, err) = std::io::pipe().expect("a pipe");
    let mute = Mute::start(rumormill(), &b.peers, out.into(), err.into());
    logs(&b, "member up");
    goes_on(&b, mute);
}

#[test]
fn readers_that_stand_still() {
    let b = watcher();
    let ((_out_reader, out), (_err_reader, err)) = (stalled(true), stalled(true));
    let mute = Mute::start(rumormill(), &b.peers, out.into(), err.into());
    logs(&b, "member up");
    goes_on(&b, mute);
}

#[test]
fn full_pipes_that_do_not_wait() {
    let b = watcher();
    let ((_out_reader, out), (_err_reader, err)) = (stalled(false), stalled(false));
    let mute = Mute::start(rumormill(), &b.peers, out.into(), err.into());
    logs(&b, "member up");
    goes_on(&b, mute);
}

#[test]
fn a_refusal_does_not_wait_for_its_reader() {
    let (_reader, err) = stalled(true);
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = taken.local_addr().expect("bound").to_string();
    let mut command = rumormill();
    command.args(["agent", "--name", "a", "--http", "off", "--bind", &address]);
    let child = command.stdout(Stdio::null()).stderr(err).spawn().expect("starts");
    assert_eq!(Owned(child).wait().code(), Some(1));
}

/// A terminal, and what is left of it when the first part is dropped.
fn terminal() -> (OwnedFd, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let terminal =
        openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let end = rustix::fs::open(
        name,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    );
    (terminal, File::from(end.expect("opened")))
}

#[test]
fn a_terminal_that_goes_makes_the_agent_leave() {
    let b = watcher();
    let (terminal, end) = terminal();
    // Its own session, of which this is the terminal.
    let mut command = clean(Command::new("setsid"));
    command.args(["--ctty", env!("CARGO_BIN_EXE_rumormill")]);
    command.stdin(end.try_clone().expect("cloned"));
    let err = end.try_clone().expect("cloned");
    let mut mute = Mute::start(command, &b.peers, end.into(), err.into());
    logs(&b, "member up");
    drop(terminal);
    assert_eq!(mute.child.wait().code(), Some(0));
    logs(&b, "member down");
}

#[test]
fn a_terminal_that_goes_does_not_stop_an_agent_that_is_to_ignore_it() {
    let b = watcher();
    let (terminal, end) = terminal();
    let mut command = clean(Command::new("setsid"));
    command.args(["--ctty", "sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_rumormill"));
    command.stdin(end.try_clone().expect("cloned"));
    let err = end.try_clone().expect("cloned");
    let mute = Mute::start(command, &b.peers, end.into(), err.into());
    logs(&b, "member up");
    drop(terminal);
    // The log's lines have nowhere to go from here on.
    goes_on(&b, mute);
}
