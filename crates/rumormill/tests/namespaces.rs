//! Three agents on three hosts: network namespaces of the kernel, joined by a bridge.
//!
//! Needs Linux, root, and the commands `ip` (iproute2) and one of `tc` with netem, `iptables` or
//! `nft`, for the kernel to lose packets. Elsewhere it is skipped, and says why.
#![cfg(target_os = "linux")]

mod common;

use std::time::Instant;

use common::Agent;
use common::lab::{Lab, obstacle};

/// One packet in five.
const LOSS: f64 = 0.2;

#[test]
fn three_hosts_stay_right_through_a_kill_a_cut_and_kernel_loss() {
    if let Some(why) = obstacle() {
        eprintln!("SKIPPED: {why}");
        return;
    }
    // Dropped last, after the agents.
    let lab = Lab::new(3);
    let started = Instant::now();
    let at = |stage: &str| eprintln!("{:6.1} s: {stage}", started.elapsed().as_secs_f64());
    let to_a = ["--join", "10.77.0.1:7946"];
    let with = |set: &'static str| [to_a[0], to_a[1], "--set", set];
    let a = lab.start(1, "a", &["--set", "requests=5"]);
    let mut b = lab.start(2, "b", &with("requests=10"));
    let c = lab.start(3, "c", &with("requests=20"));
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[5.0, 10.0, 20.0]);
    }

    at("three hosts agree; one agent is killed");
    b.kill();
    for agent in [&a, &c] {
        agent.comes_right("requests", &[5.0, 20.0]);
    }
    at("the others agree; it is restarted");
    let b = lab.start(2, "b", &with("requests=40"));
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[5.0, 40.0, 20.0]);
    }

    at("all agree; one host is cut off");
    // Each side of a partition has its own sum, and after it both have the whole.
    lab.cable(3, "down");
    for agent in [&a, &b] {
        agent.comes_right("requests", &[5.0, 40.0]);
    }
    c.comes_right("requests", &[20.0]);
    c.ask(&["set", "requests=21"]).ok();
    at("both sides agree; the cable is back");
    lab.cable(3, "up");
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[5.0, 40.0, 21.0]);
    }

    at("all agree; the kernel loses packets, and an input changes");
    let hosts = [1, 2, 3];
    let thieves = hosts.map(|host| lab.lose(host, LOSS));
    let [Some(thief), Some(_), Some(_)] = thieves else {
        eprintln!("SKIPPED the kernel's loss: neither netem, iptables nor nft can drop at random");
        return;
    };
    let received = |agent: &Agent| {
        let info = agent.ask(&["info", "--json"]).ok().json();
        info["counters"]["datagrams_received"].as_u64().expect("a counter")
    };
    let before = [&a, &b, &c].map(received);
    a.ask(&["set", "requests=6"]).ok();
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[6.0, 40.0, 21.0]);
    }
    at("all agree; another input goes and comes");
    c.ask(&["unset", "requests"]).ok();
    c.ask(&["set", "requests=22"]).ok();
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[6.0, 40.0, 22.0]);
    }
    at("all agree");
    for (agent, (host, before)) in [&a, &b, &c].into_iter().zip(hosts.into_iter().zip(before)) {
        let taken = thief.taken(&lab, host);
        let came = received(agent) - before;
        let share = taken as f64 / (taken + came) as f64;
        eprintln!("host {host}: {thief:?} took {taken} packets, {came} came through: {share:.2}");
        let counters = agent.ask(&["info", "--json"]).ok().json()["counters"].clone();
        for name in ["renewals", "unlinked", "windows", "windows_void", "retransmissions"] {
            eprint!("{name} {}  ", counters[name]);
        }
        eprintln!();
        assert!(taken >= 10, "host {host}: only {taken} packets were lost");
        assert!((0.05..0.5).contains(&share), "host {host}: {share} of all packets were lost");
    }
}
