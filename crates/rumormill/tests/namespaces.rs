//! Three agents on three hosts: network namespaces of the kernel, joined by a bridge.
//!
//! Needs Linux, root, and the commands `ip` (iproute2) and one of `tc` with netem, `iptables` or
//! `nft`, for the kernel to lose packets. Elsewhere it is skipped, and says why.
#![cfg(target_os = "linux")]

mod common;

use std::process::{Command, id};
use std::time::Instant;

use common::{Agent, Ran, clean};

/// One packet in five.
const LOSS: f64 = 0.2;

/// `ip`, `tc` and the like.
fn sh(line: &str) -> Ran {
    let mut words = line.split_whitespace();
    let mut command = clean(Command::new(words.next().expect("a command")));
    command.args(words);
    match command.output() {
        Ok(output) => Ran {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(error) => Ran { code: None, out: String::new(), err: error.to_string() },
    }
}

fn works(line: &str) -> bool {
    sh(line).code == Some(0)
}

#[track_caller]
fn must(line: &str) -> String {
    let ran = sh(line);
    assert_eq!(ran.code, Some(0), "{line}: {}", ran.err);
    ran.out
}

/// Why this can't be tested here, if so.
fn obstacle(lab: &str) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it needs root".to_owned());
    }
    let probe = format!("{lab}-probe");
    let made = sh(&format!("ip netns add {probe}"));
    if made.code != Some(0) {
        return Some(format!("no network namespaces: {}", made.err.trim()));
    }
    let bridge = sh(&format!("ip -n {probe} link add br0 type bridge"));
    sh(&format!("ip netns del {probe}"));
    (bridge.code != Some(0)).then(|| format!("no bridges: {}", bridge.err.trim()))
}

/// How the kernel is made to lose packets; what works depends on its modules.
#[derive(Clone, Copy, Debug)]
enum Thief {
    Netem,
    Iptables,
    Nft,
}

impl Thief {
    /// Loses packets that come in through `eth0` of the namespace (netem: that go out).
    fn set(netns: &str) -> Option<Self> {
        let inside = format!("ip netns exec {netns}");
        if works(&format!("{inside} tc qdisc add dev eth0 root netem loss {}%", LOSS * 100.0)) {
            return Some(Self::Netem);
        }
        if works(&format!(
            "{inside} iptables -A INPUT -i eth0 -m statistic --mode random --probability {LOSS} \
             -j DROP"
        )) {
            return Some(Self::Iptables);
        }
        let set = works(&format!("{inside} nft add table ip thief"))
            && works(&format!(
                "{inside} nft add chain ip thief in {{ type filter hook input priority 0 ; }}"
            ))
            && works(&format!(
                "{inside} nft add rule ip thief in iifname eth0 numgen random mod 100 < {} counter \
                 drop",
                LOSS * 100.0
            ));
        set.then_some(Self::Nft)
    }

    /// How many packets the kernel has dropped so far, by its own counters.
    fn taken(self, netns: &str) -> u64 {
        let inside = format!("ip netns exec {netns}");
        let after = |text: &str, word: &str| {
            let (_, rest) = text.split_once(word)?;
            let digits: String =
                rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().ok()
        };
        let taken = match self {
            // " Sent 1234 bytes 5 pkt (dropped 1, …"
            Self::Netem => after(&must(&format!("{inside} tc -s qdisc show dev eth0")), "dropped"),
            // "   pkts      bytes target     prot …", then the rule
            Self::Iptables => {
                let list = must(&format!("{inside} iptables -L INPUT -v -x -n"));
                let rule = list.lines().find(|line| line.contains("DROP") && line.contains("eth0"));
                rule.and_then(|rule| rule.split_whitespace().next()?.parse().ok())
            }
            // "counter packets 12 bytes 345 drop"
            Self::Nft => after(&must(&format!("{inside} nft list ruleset")), "counter packets"),
        };
        taken.expect("the kernel's counter")
    }
}

/// Three hosts on one bridge. The bridge has a namespace of its own, so that nothing of this
/// machine's network is touched, and nothing is left behind.
struct Lab {
    name: String,
}

impl Lab {
    fn new() -> Self {
        // Names of links and namespaces are short.
        let lab = Self { name: format!("rm{}", id() % 100_000) };
        let name = &lab.name;
        must(&format!("ip netns add {name}-br"));
        must(&format!("ip -n {name}-br link add br0 type bridge"));
        must(&format!("ip -n {name}-br link set br0 up"));
        for host in 1..=3 {
            let netns = lab.netns(host);
            must(&format!("ip netns add {netns}"));
            must(&format!(
                "ip -n {netns} link add eth0 type veth peer name port{host} netns {name}-br"
            ));
            must(&format!("ip -n {name}-br link set port{host} master br0"));
            must(&format!("ip -n {name}-br link set port{host} up"));
            must(&format!("ip -n {netns} addr add 10.77.0.{host}/24 dev eth0"));
            must(&format!("ip -n {netns} link set eth0 up"));
            // The verbs talk to the agent of their host.
            must(&format!("ip -n {netns} link set lo up"));
        }
        lab
    }

    fn netns(&self, host: u8) -> String {
        format!("{}-{host}", self.name)
    }

    fn start(&self, host: u8, name: &str, args: &[&str]) -> Agent {
        let netns = self.netns(host);
        let bind = format!("10.77.0.{host}:7946");
        // A lost fifth makes suspects of the living now and then: time enough to refute.
        let args = [&["--suspicion", "1s"][..], args].concat();
        Agent::start_in(&["ip", "netns", "exec", &netns], name, &bind, &args)
    }

    /// Pulls the cable of a host, or puts it back.
    fn cable(&self, host: u8, state: &str) {
        must(&format!("ip -n {}-br link set port{host} {state}", self.name));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for netns in [1, 2, 3].map(|host| self.netns(host)) {
            sh(&format!("ip netns del {netns}"));
        }
        sh(&format!("ip netns del {}-br", self.name));
    }
}

#[test]
fn three_hosts_stay_right_through_a_kill_a_cut_and_kernel_loss() {
    if let Some(why) = obstacle("rm") {
        eprintln!("SKIPPED: {why}");
        return;
    }
    // Dropped last, after the agents.
    let lab = Lab::new();
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
    let thieves = hosts.map(|host| Thief::set(&lab.netns(host)));
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
        let taken = thief.taken(&lab.netns(host));
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
