//! Data directories that are removed, moved or replaced under a running agent.
#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Agent, Dir, Ran, eventually, http_get, run};

/// A directory of the test's own, which goes with it; the agent's is in it.
struct Lab(Dir);

impl Lab {
    fn new() -> Self {
        Self(Dir::new())
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn store(&self) -> PathBuf {
        self.data().join("rumormill.redb")
    }

    fn start(&self) -> Agent {
        Agent::start("a", &["--data", self.data().to_str().expect("UTF-8")])
    }

    /// An agent with an input, a key, and the memory of a deleted one.
    fn with_content(&self) -> Agent {
        let a = self.start();
        a.ask(&["set", "requests=5"]).ok();
        a.ask(&["kv", "put", "before", "v"]).ok();
        a.ask(&["kv", "put", "deleted", "v"]).ok();
        a.ask(&["kv", "delete", "deleted"]).ok();
        a
    }
}

fn readyz(a: &Agent) -> (bool, String) {
    let text = http_get(&a.url, "/readyz").expect("an answer");
    (text.starts_with("HTTP/1.1 200"), text)
}

/// Writes are refused for a reason that says this, and every way of asking shows it.
#[track_caller]
fn refuses(a: &Agent, why: &str) {
    for verb in
        [&["kv", "put", "during", "v"][..], &["set", "during=1"], &["kv", "delete", "before"]]
    {
        let ran: Ran = a.ask(verb);
        ran.fails(1, &[why]);
    }
    let (ready, text) = readyz(a);
    assert!(!ready && text.contains(why), "{text}");
    let info = a.ask(&["info", "--json"]).ok().json();
    assert!(info["store"]["problem"].as_str().is_some_and(|text| text.contains(why)), "{info}");
    a.ask(&["kv", "get", "deleted"]);
}

/// It is well again, and all that it holds is on disk: killed and started again, it has it.
fn comes_back(lab: &Lab, mut a: Agent) {
    eventually("it is ready", || readyz(&a).0);
    a.ask(&["kv", "put", "after", "w"]).ok();
    let load = |a: &Agent| a.ask(&["info", "--json"]).ok().json()["kv"].clone();
    let (incarnation, held) =
        (a.ask(&["info", "--json"]).ok().json()["incarnation"].as_u64(), load(&a));
    a.kill();
    let a = lab.start();
    let info = a.ask(&["info", "--json"]).ok().json();
    assert!(info["incarnation"].as_u64() > incarnation, "{info}");
    assert_eq!(info["name"], "a");
    let of = |info: &serde_json::Value, what: &str| info[what].clone();
    for what in ["keys", "tombstones", "digest"] {
        assert_eq!(of(&info["kv"], what), of(&held, what), "{what}");
    }
    assert!(info["kv"]["tombstones"].as_u64() >= Some(1), "{info}");
    assert_eq!(a.ask(&["kv", "get", "after"]).ok().out, "w");
    let inputs = info["inputs"].as_array().expect("inputs");
    assert!(inputs.iter().any(|input| input["name"] == "requests"), "{info}");
}

#[test]
fn a_directory_that_is_removed_is_noticed_and_filled_again_when_it_is_made() {
    let lab = Lab::new();
    let a = lab.with_content();
    fs::remove_dir_all(lab.data()).expect("removed");
    let first = a.ask(&["kv", "put", "first", "v"]);
    assert_eq!(first.code, Some(1), "{first:?}");
    refuses(&a, "is gone. Put it back, or create it again");
    fs::create_dir(lab.data()).expect("made");
    comes_back(&lab, a);
}

#[test]
fn it_is_noticed_without_a_write() {
    let lab = Lab::new();
    let a = lab.with_content();
    fs::remove_dir_all(lab.data()).expect("removed");
    eventually("it is not ready", || !readyz(&a).0);
    refuses(&a, "is gone");
}

#[test]
fn a_directory_that_is_moved_is_noticed_and_can_be_put_back() {
    let lab = Lab::new();
    let a = lab.with_content();
    let away = lab.0.join("away");
    fs::rename(lab.data(), &away).expect("moved");
    assert_eq!(a.ask(&["kv", "put", "first", "v"]).code, Some(1));
    refuses(&a, "is gone");
    fs::rename(&away, lab.data()).expect("moved");
    comes_back(&lab, a);
}

#[test]
fn a_file_that_is_removed_is_written_anew() {
    let lab = Lab::new();
    let a = lab.with_content();
    fs::remove_file(lab.store()).expect("removed");
    eventually("it is there again", || lab.store().exists());
    comes_back(&lab, a);
}

#[test]
fn a_file_that_takes_its_place_is_left_alone() {
    let lab = Lab::new();
    let a = lab.with_content();
    let other = lab.0.join("other");
    fs::write(&other, "something else").expect("written");
    fs::rename(&other, lab.store()).expect("moved");
    assert_eq!(a.ask(&["kv", "put", "first", "v"]).code, Some(1));
    refuses(&a, "another file has replaced it");
    assert_eq!(fs::read(lab.store()).expect("there"), b"something else");
    fs::rename(lab.store(), other).expect("moved");
    comes_back(&lab, a);
}

#[test]
fn a_file_that_is_cut_off_is_noticed() {
    let lab = Lab::new();
    let a = lab.with_content();
    let file = OpenOptions::new().write(true).open(lab.store()).expect("there");
    file.set_len(5000).expect("cut");
    assert_eq!(a.ask(&["kv", "put", "first", "v"]).code, Some(1));
    refuses(&a, "another program has shortened it");
    fs::remove_file(lab.store()).expect("removed");
    comes_back(&lab, a);
}

#[test]
fn a_lock_that_is_removed_is_taken_again() {
    let lab = Lab::new();
    let a = lab.with_content();
    let lock = lab.data().join("lock");
    fs::remove_file(&lock).expect("removed");
    eventually("it is locked again", || lock.exists());
    let data = lab.data();
    let ran = run(["agent", "--bind", "127.0.0.1:0", "--http", "off", "--data"]
        .map(Path::new)
        .into_iter()
        .chain([data.as_path()]));
    ran.fails(1, &["in use by"]);
    a.ask(&["kv", "put", "k", "v"]).ok();
    comes_back(&lab, a);
}

/// Something mounted over a directory.
struct Mounted(PathBuf);

impl Mounted {
    /// `None`, and says why, where nothing can be mounted.
    fn new(options: &[&str], source: &PathBuf, dir: PathBuf) -> Option<Self> {
        if !mount(options, &[source, &dir]) {
            eprintln!("skipped: nothing can be mounted here");
            return None;
        }
        Some(Self(dir))
    }
}

fn mount(options: &[&str], paths: &[&PathBuf]) -> bool {
    Command::new("mount").args(options).args(paths).status().is_ok_and(|status| status.success())
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_directory_that_becomes_read_only_is_noticed() {
    let lab = Lab::new();
    fs::create_dir(lab.data()).expect("made");
    let a = lab.with_content();
    // Over what the agent has open.
    let Some(mounted) = Mounted::new(&["--bind"], &lab.data(), lab.data()) else { return };
    assert!(mount(&["-o", "remount,bind,ro"], &[&mounted.0]));
    assert_eq!(a.ask(&["kv", "put", "first", "v"]).code, Some(1));
    refuses(&a, "it can no longer be written");
    drop(mounted);
    comes_back(&lab, a);
}

#[test]
fn a_file_system_that_is_unmounted_is_noticed_and_not_replaced() {
    let lab = Lab::new();
    fs::create_dir(lab.data()).expect("made");
    let tmpfs = PathBuf::from("tmpfs");
    let Some(mounted) = Mounted::new(&["-t", "tmpfs"], &tmpfs, lab.data()) else { return };
    let a = lab.with_content();
    drop(mounted);
    assert_eq!(a.ask(&["kv", "put", "first", "v"]).code, Some(1));
    refuses(&a, "is on another file system than before");
    assert_eq!(fs::read_dir(lab.data()).expect("there").count(), 0);
}
