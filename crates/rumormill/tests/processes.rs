//! Three agents as processes: one is killed, one restarted on its port, one leaves.
#![cfg(unix)]

mod common;

use common::Agent;

#[test]
fn three_agents_stay_right_through_a_kill_a_restart_and_a_leave() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    a.comes_right("requests", &[5.0]);

    let mut b = Agent::start("b", &["--join", &a.peers, "--set", "requests=10"]);
    // Joins through b what it could also have joined through a.
    let mut c = Agent::start("c", &["--join", &b.peers, "--set", "requests=20"]);
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[5.0, 10.0, 20.0]);
    }

    b.kill();
    for agent in [&a, &c] {
        agent.comes_right("requests", &[5.0, 20.0]);
    }

    // The same name and port, another life, and another input.
    let b = Agent::start_at("b", &b.peers, &["--join", &a.peers, "--set", "requests=40"]);
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[5.0, 40.0, 20.0]);
    }

    assert_eq!(c.terminate(), Some(0));
    for agent in [&a, &b] {
        agent.comes_right("requests", &[5.0, 40.0]);
    }
    let down = a.ask(&["members", "--json"]).ok().json();
    let c = down.as_array().expect("an array").iter().find(|member| member["name"] == "c");
    assert_eq!(c.expect("c is remembered")["state"], "down");
}

#[test]
fn a_restart_quicker_than_its_detection_counts_once() {
    let a = Agent::start("a", &["--set", "requests=5", "--suspicion-timeout", "5s"]);
    let with = ["--join", &a.peers, "--set", "requests=10", "--suspicion-timeout", "5s"];
    let mut b = Agent::start("b", &with);
    a.comes_right("requests", &[5.0, 10.0]);
    b.kill();
    // Back long before the five seconds are over.
    let b = Agent::start_at("b", &b.peers, &with);
    for agent in [&a, &b] {
        agent.comes_right("requests", &[5.0, 10.0]);
    }
}

#[test]
fn a_fifth_of_all_datagrams_may_be_lost() {
    // The living become suspects now and then: time enough to refute.
    let start = |name, args: &[&str]| {
        Agent::start(name, &[&["--loss", "0.2", "--suspicion-timeout", "1s"], args].concat())
    };
    let a = start("a", &["--set", "requests=5"]);
    let b = start("b", &["--join", &a.peers, "--set", "requests=10"]);
    let c = start("c", &["--join", &a.peers, "--set", "requests=20"]);
    for agent in [&a, &b, &c] {
        agent.comes_right("requests", &[5.0, 10.0, 20.0]);
        let info = agent.ask(&["info", "--json"]).ok().json();
        let lost = info["counters"]["datagrams_lost_on_purpose"].as_u64().expect("a counter");
        assert!(lost > 0, "nothing was lost: {info}");
    }
}
