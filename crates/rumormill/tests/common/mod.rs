//! Runs the real binary.
#![allow(dead_code, reason = "each test file uses a part of it")]

#[cfg(target_os = "linux")]
pub(crate) mod lab;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Settings that make agents quick to converge and quick to notice a death.
pub(crate) const QUICK: [&str; 12] = [
    "--interval",
    "50ms",
    "--probe-interval",
    "100ms",
    "--probe-timeout",
    "50ms",
    "--suspicion-timeout",
    "400ms",
    "--reconnect-interval",
    "500ms",
    "--sync-interval",
    "2s",
];

/// The binary under test, in a clean environment.
pub(crate) fn rumormill() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_rumormill")))
}

pub(crate) fn clean(mut command: Command) -> Command {
    command.env_remove("RUMORMILL_AGENT").stdin(Stdio::null());
    command
}

/// What a finished command has left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The command line, for messages.
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It failed with this code, and standard error has every word.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing: {self:?}");
        }
    }

    /// It failed as a usage error whose first line has every word.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        let line = self.err.lines().next().unwrap_or_default();
        for word in words {
            assert!(line.contains(word), "{word:?} is not in {line:?}");
        }
    }
}

/// Runs a command line.
pub(crate) fn line(args: &str) -> Ran {
    run(args.split_whitespace())
}

/// Waits until it holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Ran {
    finish(rumormill().args(args))
}

pub(crate) fn finish(command: &mut Command) -> Ran {
    let output = command.output().expect("the command starts");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    let (code, out, err) = (output.status.code(), text(output.stdout), text(output.stderr));
    Ran { command: format!("{command:?}"), code, out, err }
}

/// Starts a command that goes on until it is stopped: the child, and its lines.
pub(crate) fn start(command: &mut Command) -> (Owned, Lines) {
    let mut child = Owned(command.stdout(Stdio::piped()).spawn().expect("the command starts"));
    let lines = Lines::of(child.0.stdout.take().expect("piped"));
    (child, lines)
}

/// A directory of the test's own.
pub(crate) struct Dir(TempDir);

impl Dir {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("made"))
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path().to_str().expect("UTF-8")
    }

    /// The path of something in it.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }

    /// Writes a file in it; gives its path.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.join(name), bytes).expect("writable");
        self.file(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("UTF-8")
    }

    /// Runs a command line in it.
    pub(crate) fn run(&self, args: &str) -> Ran {
        finish(rumormill().current_dir(self.path()).args(args.split_whitespace()))
    }

    /// Runs a command line in it, which must fail like this.
    #[track_caller]
    pub(crate) fn refused(&self, args: &str, code: i32, words: &[&str]) {
        self.run(args).fails(code, words);
    }
}

/// The lines that a child writes, as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(stream: impl std::io::Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                // Read on even if nobody listens: the child must not block.
                let _ = sender.send(line);
            }
        });
        Self(receiver)
    }

    /// The lines that have come since.
    pub(crate) fn so_far(&self) -> impl Iterator<Item = String> + '_ {
        self.0.try_iter()
    }

    /// The first line, from here on, of which `wanted` makes something.
    #[track_caller]
    pub(crate) fn find<T>(&self, what: &str, mut wanted: impl FnMut(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            match self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(found) = wanted(&line) {
                        return found;
                    }
                    seen.push(line);
                }
                Err(error) => {
                    let last = &seen[seen.len().saturating_sub(5)..];
                    panic!("waiting for {what}: {error}; the last lines: {last:#?}");
                }
            }
        }
    }
}

/// A child that does not outlive the test.
pub(crate) struct Owned(pub(crate) Child);

impl Owned {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).expect("the process runs");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.0);
        // A watchdog kills what hangs, and the status then says so.
        let (done, over) = mpsc::channel::<()>();
        let watchdog = thread::spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        });
        let status = self.0.wait().expect("a child");
        drop(done);
        watchdog.join().expect("no panic");
        status
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `rumormill agent`.
pub(crate) struct Agent {
    pub(crate) child: Owned,
    pub(crate) peers: String,
    pub(crate) url: String,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
    /// Run before `rumormill` in commands that use it: `ip netns exec …`.
    prefix: Vec<String>,
}

impl Agent {
    /// Starts an agent on free ports with quick settings and further arguments.
    #[track_caller]
    pub(crate) fn start(name: &str, args: &[&str]) -> Self {
        Self::start_at(name, "127.0.0.1:0", args)
    }

    /// The same at an address.
    #[track_caller]
    pub(crate) fn start_at(name: &str, bind: &str, args: &[&str]) -> Self {
        Self::start_in(&[], name, bind, args)
    }

    /// The same behind a prefix.
    #[track_caller]
    pub(crate) fn start_in(prefix: &[&str], name: &str, bind: &str, args: &[&str]) -> Self {
        let prefix: Vec<String> = prefix.iter().map(ToString::to_string).collect();
        let mut command = command(&prefix);
        command.args(["agent", "--name", name, "--bind", bind, "--http", "127.0.0.1:0"]);
        let quick = QUICK.chunks(2).filter(|pair| !args.contains(&pair[0])).flatten();
        command.args(quick).args(args).stderr(Stdio::piped());
        let (mut child, out) = start(&mut command);
        let err = Lines::of(child.0.stderr.take().expect("piped"));
        let word = |line: &str, key: &str| {
            let rest = line.trim_start().strip_prefix(key)?;
            rest.split_whitespace().next().map(str::to_owned)
        };
        let peers = out.find("the peers' address", |line| word(line, "peers "));
        let url = out.find("the HTTP address", |line| word(line, "http "));
        Self { child, peers, url, out, err, prefix }
    }

    /// Runs a verb against it.
    pub(crate) fn ask(&self, args: &[&str]) -> Ran {
        finish(command(&self.prefix).args(["--agent", &self.url]).args(args))
    }

    /// Runs a verb against it that goes on for ever: the child, and its lines.
    pub(crate) fn follow(&self, args: &[&str]) -> (Owned, Lines) {
        start(command(&self.prefix).args(["--agent", &self.url]).args(args))
    }

    /// Runs a verb against it with bytes on standard input.
    pub(crate) fn feed(&self, args: &[&str], bytes: &[u8]) -> Output {
        let mut command = command(&self.prefix);
        command.args(["--agent", &self.url]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the verb starts");
        child.stdin.take().expect("piped").write_all(bytes).expect("taken");
        child.wait_with_output().expect("ends")
    }

    /// Follows the aggregate until `wanted` holds of a reading.
    #[track_caller]
    pub(crate) fn until(
        &self,
        aggregate: &str,
        what: &str,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Value {
        let (_child, lines) = self.follow(&["watch", aggregate, "--json"]);
        lines.find(what, |line| {
            let event: Value = serde_json::from_str(line).expect("JSON lines");
            let reading = &event["reading"];
            wanted(reading).then(|| reading.clone())
        })
    }

    /// Waits until it says, converged, what is true; and judges the whole reading.
    #[track_caller]
    pub(crate) fn comes_right(&self, aggregate: &str, inputs: &[f64]) {
        let sum: f64 = inputs.iter().sum();
        let count = inputs.len() as f64;
        let near = |value: &Value, truth: f64| {
            value.as_f64().is_some_and(|value| (value - truth).abs() <= 1e-6 * truth.abs())
        };
        let reading =
            self.until(aggregate, &format!("{aggregate} = {sum} of {count} nodes"), |reading| {
                reading["converged"] == true
                    && near(&reading["sum"]["value"], sum)
                    && near(&reading["count"]["value"], count)
            });
        assert!(near(&reading["average"]["value"], sum / count), "{reading}");
        for (which, truth) in [("sum", sum), ("average", sum / count), ("count", count)] {
            let certified = &reading["certified"];
            let bound = |side: &str| certified[which][side].as_f64().expect("a bound");
            let slack = 1e-12 * truth.abs().max(1.0);
            assert!(bound("lower") <= truth + slack, "{which} {truth}: {reading}");
            assert!(bound("upper") >= truth - slack, "{which} {truth}: {reading}");
        }
        assert_eq!(reading["members"], inputs.len(), "{reading}");
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.signal(rustix::process::Signal::KILL);
        assert!(!self.child.wait().success());
    }

    /// SIGTERM; the exit code.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.child.signal(rustix::process::Signal::TERM);
        self.child.wait().code()
    }
}

/// Asks an HTTP server over a connection of its own; the answer with its head, if it comes within
/// a few seconds.
pub(crate) fn http_get(url: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

fn command(prefix: &[String]) -> Command {
    match prefix.split_first() {
        None => rumormill(),
        Some((program, args)) => {
            let mut command = clean(Command::new(program));
            command.args(args).arg(env!("CARGO_BIN_EXE_rumormill"));
            command
        }
    }
}

/// Waits until a process catches a signal by itself, as the system shows.
#[cfg(target_os = "linux")]
#[track_caller]
pub(crate) fn until_caught(pid: u32, signal: u32) {
    eventually(&format!("process {pid} catches signal {signal}"), || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = u64::from_str_radix(caught.unwrap_or("0").trim(), 16).expect("a mask");
        mask & (1 << (signal - 1)) != 0
    });
}
