//! How an agent starts, what it refuses, and how it ends.
#![cfg(unix)]

mod common;

use common::{Agent, run};
use rustix::process::Signal;

#[test]
fn the_banner_says_what_matters() {
    let mut a = Agent::start("a", &["--set", "requests=5", "--cluster", "shop"]);
    a.out.find("the inputs", |line| line.contains("requests=5").then_some(()));
    a.out.find("the disk", |line| line.contains("keeps nothing on disk").then_some(()));
    a.child.signal(Signal::INT);
    assert_eq!(a.child.wait().code(), Some(0));

    let open = Agent::start_at("b", "0.0.0.0:0", &["--advertise", "127.0.0.1:0"]);
    open.out.find("the warning", |line| line.contains("NOT AUTHENTICATED").then_some(()));
}

#[test]
fn bad_settings_are_refused_before_anything_starts() {
    for (args, named) in [
        (&["--set", "requests"][..], "requests"),
        (&["--set", "requests=NaN"], "finite"),
        (&["--set", "requests=1e30"], "within"),
        (&["--name", "no spaces"], "no spaces"),
        (&["--bind", "localhost"], "IP:PORT"),
        (&["--join", "nowhere"], "HOST:PORT"),
        (&["--interval", "1ms"], "--interval is 1ms"),
        (&["--view-size", "3"], "--view-size is 3"),
        (&["--tolerance", "0"], "--tolerance is 0"),
        (&["--max-exchanges", "0"], "--max-exchanges is 0"),
        (&["--epoch-pause", "2h"], "--epoch-pause is 2h"),
        (&["--suspicion-timeout", "1ms"], "--suspicion-timeout is 1ms"),
        (&["--probe-timeout", "1s"], "--probe-timeout is 1s"),
        (&["--loss", "1.5"], "1.5"),
        (&["--cluster", ""], "--cluster"),
        (&["--log", "loud"], "loud"),
    ] {
        let ran = run(["agent", "--bind", "127.0.0.1:0", "--http", "off"].iter().chain(args));
        let ran = if args[0] == "--bind" { run(["agent"].iter().chain(args)) } else { ran };
        ran.fails(2, &[named]);
        assert_eq!(ran.out, "", "{args:?}");
    }
}

#[test]
fn a_taken_port_is_said() {
    let a = Agent::start("a", &[]);
    let ran = run(["agent", "--name", "b", "--http", "off", "--bind", &a.peers]);
    ran.fails(1, &[&a.peers, "is in use"]);
    let http = &a.url["http://".len()..];
    let ran = run(["agent", "--name", "b", "--bind", "127.0.0.1:0", "--http", http]);
    ran.fails(1, &[http, "is in use"]);
}

#[test]
fn a_taken_name_ends_the_second_agent() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    let twin = ["agent", "--name", "a", "--bind", "127.0.0.1:0", "--http", "off"];
    let ran = run(twin.iter().chain(&["--set", "requests=10", "--join", &a.peers]));
    ran.fails(1, &["live member named a already", &a.peers]);
    a.comes_right("requests", &[5.0]);
}

#[test]
fn an_address_that_does_not_answer_is_tried_again_and_said() {
    let later = Agent::start("later", &["--set", "requests=10"]);
    let address = later.peers.clone();
    drop(later);
    let a = Agent::start("a", &["--set", "requests=5", "--join", &address]);
    a.err.find("the failure", |line| {
        (line.contains("can't join yet") && line.contains(&address)).then_some(())
    });
    let _later = Agent::start_at("later", &address, &["--set", "requests=10"]);
    a.comes_right("requests", &[5.0, 10.0]);
}

#[test]
fn another_cluster_is_not_let_in() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    let b = Agent::start("b", &["--cluster", "other", "--set", "requests=10", "--join", &a.peers]);
    a.err.find("the drop", |line| line.contains("cluster of another name").then_some(()));
    a.comes_right("requests", &[5.0]);
    // Nobody has answered it, so it does not take its own input for the cluster's sum.
    let reading = b.ask(&["get", "requests", "--json"]).ok().json();
    let said = (&reading["sum"]["value"], &reading["members"], &reading["state"]);
    assert_eq!(said, (&10.0.into(), &1.into(), &"disturbed".into()), "{reading}");
}

#[test]
fn garbage_does_no_harm() {
    let a = Agent::start("a", &["--set", "requests=5"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for length in [0, 1, 7, 44, 500, 1400] {
        let garbage: Vec<u8> = (0..length).map(|n| (n * 37 + 11) as u8).collect();
        socket.send_to(&garbage, &a.peers).expect("sent");
    }
    a.err.find("the drop", |line| line.contains("not a rumormill packet").then_some(()));
    a.comes_right("requests", &[5.0]);
    let info = a.ask(&["info", "--json"]).ok().json();
    assert!(info["counters"]["dropped_garbage"].as_u64() > Some(0), "{info}");
}
