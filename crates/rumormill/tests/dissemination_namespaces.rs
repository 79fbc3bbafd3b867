//! Twelve agents on twelve hosts, network namespaces of the kernel, that lose a fifth of all
//! packets, are cut off from each other, killed and restarted: events reach every agent that
//! stays, and all end with the same keys.
//!
//! Needs what `common/lab.rs` needs. Elsewhere it is skipped, and says why.
#![cfg(target_os = "linux")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::lab::{Lab, obstacle};
use common::{Agent, Lines, Owned};
use serde_json::Value;

/// One packet in five.
const LOSS: f64 = 0.2;

const HOSTS: u8 = 12;
/// Those that are killed now and then. The others are up throughout.
const MORTAL: [u8; 3] = [10, 11, 12];
/// Those that keep their state on disk.
const DURABLE: [u8; 4] = [2, 4, 10, 11];

/// How long the cuts last: longer than it takes to declare each other dead.
const CUT: Duration = Duration::from_secs(6);

/// How long after the last fault everything may take to arrive.
const CALM: Duration = Duration::from_secs(60);

/// Twelve agents, the events published, and the keys to be stored.
struct Cluster {
    agents: BTreeMap<u8, Agent>,
    /// What the agents that are up throughout have reported.
    monitors: BTreeMap<u8, Monitor>,
    lab: Lab,
    data: PathBuf,
    started: Instant,
    /// Ids of all events.
    events: BTreeSet<String>,
    /// What each key was last set to; `None`: it was deleted.
    keys: BTreeMap<String, Option<String>>,
    /// Keys that were written on both sides of a cut: either may win.
    disputed: BTreeMap<String, [String; 2]>,
    turn: usize,
}

/// Listens to an agent.
struct Monitor {
    _child: Owned,
    lines: Lines,
    /// How often each event was reported.
    received: BTreeMap<String, u32>,
}

impl Monitor {
    fn listen(&mut self) {
        for line in self.lines.so_far() {
            let event: Value = serde_json::from_str(&line).expect("JSON lines");
            assert_ne!(event["kind"], "missed", "the listener was too slow: {event}");
            if event["kind"] == "event" {
                let id = event["id"].as_str().expect("an id").to_owned();
                *self.received.entry(id).or_default() += 1;
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

impl Cluster {
    fn start() -> Self {
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("dissemination-{}", std::process::id()));
        let mut cluster = Self {
            agents: BTreeMap::new(),
            monitors: BTreeMap::new(),
            lab: Lab::new(HOSTS),
            data,
            started: Instant::now(),
            events: BTreeSet::new(),
            keys: BTreeMap::new(),
            disputed: BTreeMap::new(),
            turn: 0,
        };
        for host in 1..=HOSTS {
            cluster.start_host(host);
        }
        cluster.until("all know each other", |cluster| {
            cluster.agents.values().all(|agent| info(agent)["members"] == HOSTS)
        });
        cluster
    }

    fn at(&self, stage: &str) {
        eprintln!("{:6.1} s: {stage}", self.started.elapsed().as_secs_f64());
    }

    /// Starts the agent of a host, for the first time or again.
    fn start_host(&mut self, host: u8) {
        let directory = self.data.join(host.to_string());
        let mut args = vec!["--join", "10.77.0.1:7946,10.77.0.2:7946"];
        if DURABLE.contains(&host) {
            args.extend(["--data", directory.to_str().expect("UTF-8")]);
        }
        let agent = self.lab.start(host, &format!("h{host}"), &args);
        self.agents.insert(host, agent);
    }

    /// SIGKILL.
    fn kill(&mut self, host: u8) {
        assert!(MORTAL.contains(&host));
        self.agents.remove(&host).expect("it runs").kill();
    }

    /// Listens to all agents that stay, from now on.
    fn monitor(&mut self) {
        for host in (1..=HOSTS).filter(|host| !MORTAL.contains(host)) {
            let (child, lines) =
                self.agents[&host].follow(&["monitor", "--only", "event", "--json"]);
            self.monitors.insert(host, Monitor { _child: child, lines, received: BTreeMap::new() });
        }
        // A listener does not say when it has begun to listen.
        let mut before = Vec::new();
        self.until("all listeners listen", |cluster| {
            before.push(cluster.agents[&1].ask(&["event", "hello"]).ok().out);
            cluster.monitors.values_mut().for_each(Monitor::listen);
            cluster.monitors.values().all(|monitor| !monitor.received.is_empty())
        });
    }

    /// One event, and some keys written, overwritten and deleted, each at another of these hosts.
    fn traffic(&mut self, hosts: &[u8]) {
        for _ in 0..3 {
            self.turn += 1;
            let turn = self.turn;
            let host = |n: usize| &self.agents[&hosts[(turn + n) % hosts.len()]];
            let published = host(0).ask(&["event", "deploy", &format!("build {turn}")]).ok();
            self.events.insert(published.out.trim().to_owned());
            let mut write = |n: usize, key: String| {
                let value = format!("{key} of turn {turn}");
                host(n).ask(&["kv", "put", &key, &value]).ok();
                self.keys.insert(key, Some(value));
            };
            write(1, format!("new/{turn:03}"));
            write(2, format!("often/{}", turn % 3));
            // The oldest key goes, if it has got around.
            let recent = format!("new/{:03}", turn.saturating_sub(5));
            let mut old = self.keys.range("new/".to_owned()..recent);
            let oldest = old.find(|(_, value)| value.is_some()).map(|(key, _)| key.clone());
            if let Some(key) = oldest.filter(|key| host(3).ask(&["kv", "get", key]).code == Some(0))
            {
                host(3).ask(&["kv", "delete", &key]).ok();
                self.keys.insert(key, None);
            }
        }
    }

    /// Writes a key on both sides of a cut.
    fn dispute(&mut self, key: &str, a: u8, b: u8) {
        let values = [a, b].map(|host| format!("by h{host}"));
        for (host, value) in [a, b].into_iter().zip(&values) {
            self.agents[&host].ask(&["kv", "put", key, value]).ok();
        }
        self.disputed.insert(key.to_owned(), values);
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + CALM;
        while !holds(self) {
            assert!(Instant::now() < deadline, "after {CALM:?} it is not so that {what}");
            sleep(Duration::from_millis(200));
        }
        self.at(what);
    }

    /// Waits until all hold the same keys; returns their number.
    fn equal(&mut self) -> u64 {
        let mut loads = Vec::new();
        self.until("all keys are equal", |cluster| {
            loads = cluster.agents.values().map(|agent| info(agent)["kv"].clone()).collect();
            loads.iter().all(|load| load["digest"] == loads[0]["digest"])
        });
        loads[0]["keys"].as_u64().expect("a number")
    }
}

fn info(agent: &Agent) -> Value {
    agent.ask(&["info", "--json"]).ok().json()
}

#[test]
fn events_reach_all_that_stay_and_keys_end_equal_through_loss_cuts_and_kills() {
    if let Some(why) = obstacle() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    let mut cluster = Cluster::start();
    let thieves: Vec<_> = (1..=HOSTS).map(|host| cluster.lab.lose(host, LOSS)).collect();
    if thieves.iter().any(Option::is_none) {
        eprintln!("SKIPPED the kernel's loss: neither netem, iptables nor nft can drop at random");
    }
    cluster.monitor();
    let all: Vec<u8> = (1..=9).collect();

    cluster.at("a fifth of all packets is lost");
    cluster.traffic(&all);

    cluster.at("one agent with a store and one without are killed, and restarted");
    cluster.kill(11);
    cluster.kill(12);
    cluster.traffic(&all);
    sleep(Duration::from_secs(3));
    cluster.traffic(&all);
    cluster.start_host(11);
    cluster.start_host(12);
    cluster.traffic(&all);

    cluster.at("four hosts are parted from the others");
    cluster.lab.part(&[1, 2, 3, 12]);
    let until = Instant::now() + CUT;
    while Instant::now() < until {
        // Each side has keys of its own here: who wins between the sides is the clocks' affair.
        let turn = cluster.turn;
        for host in [2, 7] {
            let published = cluster.agents[&host].ask(&["event", "deploy", "apart"]).ok();
            cluster.events.insert(published.out.trim().to_owned());
            let (key, value) = (format!("side/{host}/{turn}"), format!("h{host}"));
            cluster.agents[&host].ask(&["kv", "put", &key, &value]).ok();
            cluster.keys.insert(key, Some(value));
        }
        cluster.turn += 1;
    }
    cluster.dispute("disputed", 3, 8);
    cluster.until("both sides have declared each other dead", |cluster| {
        [3, 8].map(|host| info(&cluster.agents[&host])["members"].clone()) == [4, 8]
    });
    cluster.at("the cut is healed");
    cluster.lab.part(&[]);

    cluster.until("all know each other", |cluster| {
        cluster.agents.values().all(|agent| info(agent)["members"] == HOSTS)
    });
    cluster.at("three hosts receive nothing from a fourth, which receives from them");
    for deaf in [6, 7, 8] {
        cluster.lab.mute(5, deaf, true);
    }
    let until = Instant::now() + CUT;
    while Instant::now() < until {
        cluster.traffic(&[5, 6, 9]);
    }
    for deaf in [6, 7, 8] {
        cluster.lab.mute(5, deaf, false);
    }

    cluster.at("a host alone takes a write, and is killed the moment it is acknowledged");
    cluster.lab.cable(10, "down");
    cluster.agents[&10].ask(&["kv", "put", "last-words", "kept"]).ok();
    cluster.keys.insert("last-words".into(), Some("kept".into()));
    cluster.kill(10);
    cluster.traffic(&all);
    cluster.start_host(10);
    assert_eq!(cluster.agents[&10].ask(&["kv", "get", "last-words"]).ok().out, "kept");
    cluster.lab.cable(10, "up");
    cluster.traffic(&all);

    cluster.at("no more faults but the loss");
    let stored = cluster.equal();
    let listed = cluster.agents[&12].ask(&["kv", "list", "--json"]).ok().json();
    let listed: BTreeMap<String, String> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().expect("text").to_owned();
            (text("key"), text("value"))
        })
        .collect();
    assert_eq!(listed.len() as u64, stored);
    for (key, value) in &cluster.keys {
        assert_eq!(listed.get(key), value.as_ref(), "{key}");
    }
    for (key, values) in &cluster.disputed {
        assert!(values.contains(&listed[key]), "{key} is {}", listed[key]);
    }
    assert_eq!(listed.len(), cluster.keys.values().flatten().count() + cluster.disputed.len());

    cluster.until("all that stayed have received everything", |cluster| {
        cluster.monitors.values_mut().for_each(Monitor::listen);
        let events = &cluster.events;
        let complete =
            |monitor: &Monitor| events.iter().all(|id| monitor.received.contains_key(id));
        cluster.monitors.values().all(complete)
    });
    for (host, monitor) in &cluster.monitors {
        for (id, times) in &monitor.received {
            assert_eq!(*times, 1, "h{host} received {id} {times} times");
        }
    }

    let (events, writes) = (cluster.events.len(), cluster.keys.len());
    let deleted = cluster.keys.values().filter(|value| value.is_none()).count();
    eprintln!(
        "{events} events at each of 9 agents, {stored} keys and {deleted} deletions at all 12"
    );
    // How many there are depends on this machine's speed.
    assert!(events >= 20 && writes >= 20 && deleted >= 5, "too little has happened");
    let mut stolen = 0;
    for (host, thief) in (1..=HOSTS).zip(thieves.into_iter().flatten()) {
        let taken = thief.taken(&cluster.lab, host);
        assert!(taken >= 10, "host {host}: {thief:?} took only {taken} packets");
        stolen += taken;
    }
    eprintln!("the kernel has lost {stolen} packets");
}
