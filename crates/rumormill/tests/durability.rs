//! Agents with a data directory: killed at any moment, on damaged files, on full disks.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use common::{Agent, Dir, eventually, run};

/// Writes a key over a plain connection: quicker than a process. Whether it was acknowledged.
fn put(stream: &mut TcpStream, key: &str, value: &str) -> bool {
    let length = value.len();
    let request =
        format!("PUT /v1/kv/{key} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{value}");
    if stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return false,
            Ok(n) => answer.extend_from_slice(&buffer[..n]),
        }
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.and_then(|n| n.parse().ok()).is_some_and(|n: usize| body.len() >= n) {
                return head.starts_with("HTTP/1.1 200");
            }
        }
    }
}

#[test]
fn no_acknowledged_write_is_lost_by_a_kill_at_any_moment() {
    let dir = Dir::new();
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    let mut incarnations = Vec::new();
    for life in 0..8_u64 {
        let mut a = Agent::start("a", &["--data", dir.path()]);
        let info = a.ask(&["info", "--json"]).ok().json();
        incarnations.push(info["incarnation"].as_u64().expect("an incarnation number"));
        let held = a.ask(&["kv", "list", "--json"]).ok().json();
        for (key, value) in &acknowledged {
            let entry = held.as_array().expect("an array").iter().find(|e| e["key"] == **key);
            let entry = entry.unwrap_or_else(|| panic!("{key} is lost in life {life}"));
            assert_eq!(entry["value"], **value, "{key} in life {life}");
        }
        if life > 0 {
            let before = format!("{}", life - 1);
            assert_eq!(info["inputs"][0]["value"].to_string(), format!("{before}.0"));
        }
        a.ask(&["set", &format!("life={life}")]).ok();

        // A second thread kills it while this one writes, some time after the first write.
        let address = a.url["http://".len()..].to_owned();
        let writer = std::thread::spawn(move || {
            let mut stream = TcpStream::connect(address).expect("connected");
            let mut done = Vec::new();
            for n in 0.. {
                let (key, value) = (format!("k{life}-{n}"), format!("{life}/{n}"));
                if !put(&mut stream, &key, &value) {
                    break;
                }
                done.push((key, value));
                // One key again and again, too.
                if !put(&mut stream, "again", &format!("{life}-{n}")) {
                    break;
                }
            }
            done
        });
        // Unlike each other, so that a kill falls before, in and after a transaction.
        std::thread::sleep(Duration::from_micros(40_000 + life * 17_311));
        a.kill();
        acknowledged.extend(writer.join().expect("no panic"));
    }
    assert!(acknowledged.len() > 8, "hardly anything was written: {}", acknowledged.len());
    assert!(incarnations.is_sorted_by(|one, next| one < next), "{incarnations:?}");
}

#[test]
fn the_name_comes_from_the_directory_and_the_directory_is_taken() {
    let dir = Dir::new();
    let mut a = Agent::start("kept", &["--data", dir.path()]);
    a.out.find("the directory", |line| line.contains(dir.path()).then_some(()));
    let twin = ["agent", "--bind", "127.0.0.1:0", "--http", "off", "--data", dir.path()];
    let ran = run(twin);
    ran.fails(1, &["in use by agent kept, process "]);
    assert_eq!(a.terminate(), Some(0));
    let ran = run(twin.iter().chain(&["--name", "other"]));
    ran.fails(1, &["belongs to the agent kept"]);
    let file = dir.join("c.toml");
    fs::write(&file, format!("data = {:?}", dir.path())).expect("written");
    // Without a name of its own: the helper always gives one, the configuration does not.
    let mut child = common::rumormill();
    child.args(["agent", "--bind", "127.0.0.1:0", "--http", "off", "--config"]).arg(&file);
    let (_child, out) = common::start(&mut child);
    out.find("its name", |line| line.starts_with("rumormill agent kept ").then_some(()));
}

#[test]
fn a_damaged_store_is_refused_and_left_alone() {
    let dir = Dir::new();
    let mut a = Agent::start("a", &["--data", dir.path()]);
    a.ask(&["kv", "put", "k", "v"]).ok();
    a.kill();
    let file = dir.join("rumormill.redb");
    let whole = fs::read(&file).expect("read");
    let start =
        ["agent", "--name", "a", "--bind", "127.0.0.1:0", "--http", "off", "--data", dir.path()];
    for bad in [&b""[..], b"not a store at all", &whole[..whole.len() / 3]] {
        fs::write(&file, bad).expect("written");
        let ran = run(start);
        ran.fails(1, &["is damaged", "move it away"]);
        assert!(ran.err.contains(file.to_str().expect("UTF-8")), "{ran:?}");
        assert_eq!(fs::read(&file).expect("read"), bad);
    }
    fs::write(&file, &whole).expect("written");
    let a = Agent::start("a", &["--data", dir.path()]);
    assert_eq!(a.ask(&["kv", "get", "k"]).ok().out, "v");
}

/// A file system of its own with little room.
struct Tiny(Dir);

impl Tiny {
    /// `None`, and says why, where none can be made.
    fn new() -> Option<Self> {
        let dir = Dir::new();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs", dir.path()])
            .output();
        match mount {
            Ok(ran) if ran.status.success() => Some(Self(dir)),
            other => {
                eprintln!("skipped: no small file system can be mounted here: {other:?}");
                None
            }
        }
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let Some(tiny) = Tiny::new() else { return };
    let data = tiny.0.join("data");
    let a = Agent::start("a", &["--data", data.to_str().expect("UTF-8")]);
    a.ask(&["kv", "put", "before", "v"]).ok();
    // Another program takes all the room.
    let ballast = tiny.0.join("ballast");
    let mut file = fs::File::create(&ballast).expect("made");
    while file.write_all(&[1; 4096]).is_ok() {}
    let value = "x".repeat(60_000);
    let mut refused = None;
    for n in 0..40 {
        let ran = a.ask(&["kv", "put", &format!("k{n}"), &value]);
        if ran.code != Some(0) {
            refused = Some(ran);
            break;
        }
    }
    let refused = refused.expect("a full disk takes everything");
    refused.fails(1, &["store can't be written"]);
    // It goes on, and says how it is.
    assert_eq!(a.ask(&["kv", "get", "before"]).ok().out, "v");
    let info = a.ask(&["info", "--json"]).ok().json();
    assert!(info["store"]["problem"].is_string(), "{info}");
    assert!(a.ask(&["info"]).ok().out.contains("CAN'T BE WRITTEN"));
    drop(file);
    fs::remove_file(&ballast).expect("removed");
    eventually("it recovers", || a.ask(&["kv", "put", "after", "w"]).code == Some(0));
    let held = a.ask(&["kv", "list", "--json"]).ok().json();
    let held = held.as_array().map(Vec::len);
    drop(a);
    let a = Agent::start("a", &["--data", data.to_str().expect("UTF-8")]);
    assert_eq!(a.ask(&["kv", "get", "after"]).ok().out, "w");
    let again = a.ask(&["kv", "list", "--json"]).ok().json();
    assert_eq!(again.as_array().map(Vec::len), held, "what was refused late is kept, too");
}
