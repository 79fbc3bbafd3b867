//! Hosts on this machine: network namespaces of the kernel, joined by bridges, with cables to pull
//! and packets to lose.
//!
//! Needs Linux, root, and the commands `ip` (iproute2) and one of `tc` with netem, `iptables` or
//! `nft`, for the kernel to lose packets.

use std::process::{Command, id};

use super::{Agent, Ran, clean};

/// `ip`, `tc` and the like.
fn sh(line: &str) -> Ran {
    let mut words = line.split_whitespace();
    let mut command = clean(Command::new(words.next().expect("a command")));
    command.args(words);
    let (code, out, err) = match command.output() {
        Ok(output) => (output.status.code(), output.stdout, output.stderr),
        Err(error) => (None, Vec::new(), error.to_string().into_bytes()),
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { command: line.to_owned(), code, out: text(out), err: text(err) }
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

/// Why there can be no lab here, if so.
pub(crate) fn obstacle() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it needs root".to_owned());
    }
    let probe = format!("rm{}-probe", id() % 100_000);
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
pub(crate) enum Thief {
    Netem,
    Iptables,
    Nft,
}

impl Thief {
    /// How many packets the kernel has dropped so far, by its own counters.
    pub(crate) fn taken(self, lab: &Lab, host: u8) -> u64 {
        let inside = format!("ip netns exec {}", lab.netns(host));
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

/// Hosts on a bridge, and a second bridge that is joined to nothing. The bridges have a namespace of
/// their own, so that nothing of this machine's network is touched, and nothing is left behind.
pub(crate) struct Lab {
    name: String,
    hosts: u8,
}

impl Lab {
    /// Hosts numbered from 1, each with one cable, on the first bridge.
    pub(crate) fn new(hosts: u8) -> Self {
        // Names of links and namespaces are short.
        let lab = Self { name: format!("rm{}", id() % 100_000), hosts };
        let name = &lab.name;
        must(&format!("ip netns add {name}-br"));
        for bridge in ["br0", "br1"] {
            must(&format!("ip -n {name}-br link add {bridge} type bridge"));
            must(&format!("ip -n {name}-br link set {bridge} up"));
        }
        for host in 1..=hosts {
            let netns = lab.netns(host);
            must(&format!("ip netns add {netns}"));
            must(&format!(
                "ip -n {netns} link add eth0 type veth peer name port{host} netns {name}-br"
            ));
            must(&format!("ip -n {name}-br link set port{host} master br0"));
            must(&format!("ip -n {name}-br link set port{host} up"));
            must(&format!("ip -n {netns} addr add 10.77.0.{host}/24 dev eth0"));
            must(&format!("ip -n {netns} link set eth0 up"));
            // The verbs use the agent of their host.
            must(&format!("ip -n {netns} link set lo up"));
        }
        lab
    }

    fn netns(&self, host: u8) -> String {
        format!("{}-{host}", self.name)
    }

    /// Where the agent of a host is reached.
    pub(crate) fn address(host: u8) -> String {
        format!("10.77.0.{host}:7946")
    }

    /// Starts an agent on a host.
    pub(crate) fn start(&self, host: u8, name: &str, args: &[&str]) -> Agent {
        let netns = self.netns(host);
        // A lost fifth makes suspects of the living now and then: time enough to refute.
        let args = [&["--suspicion-timeout", "1s"][..], args].concat();
        Agent::start_in(&["ip", "netns", "exec", &netns], name, &Self::address(host), &args)
    }

    /// Pulls the cable of a host, or puts it back: `down`, `up`.
    pub(crate) fn cable(&self, host: u8, state: &str) {
        must(&format!("ip -n {}-br link set port{host} {state}", self.name));
    }

    /// Moves hosts to the second bridge, where they reach each other and nobody else; the others
    /// go to the first.
    pub(crate) fn part(&self, hosts: &[u8]) {
        for host in 1..=self.hosts {
            let bridge = if hosts.contains(&host) { "br1" } else { "br0" };
            must(&format!("ip -n {}-br link set port{host} master {bridge}", self.name));
        }
    }

    /// Lets nothing that `from` sends reach `to` any more, or again; the way back stays open.
    pub(crate) fn mute(&self, from: u8, to: u8, muted: bool) {
        let verb = if muted { "add" } else { "del" };
        must(&format!("ip -n {} route {verb} blackhole 10.77.0.{to}/32", self.netns(from)));
    }

    /// Has the kernel lose a share of the packets that come in through the host's cable (netem:
    /// that go out); `None` if it can't.
    pub(crate) fn lose(&self, host: u8, share: f64) -> Option<Thief> {
        let inside = format!("ip netns exec {}", self.netns(host));
        if works(&format!("{inside} tc qdisc add dev eth0 root netem loss {}%", share * 100.0)) {
            return Some(Thief::Netem);
        }
        if works(&format!(
            "{inside} iptables -A INPUT -i eth0 -m statistic --mode random --probability {share} \
             -j DROP"
        )) {
            return Some(Thief::Iptables);
        }
        let set = works(&format!("{inside} nft add table ip thief"))
            && works(&format!(
                "{inside} nft add chain ip thief in {{ type filter hook input priority 0 ; }}"
            ))
            && works(&format!(
                "{inside} nft add rule ip thief in iifname eth0 numgen random mod 100 < {} counter \
                 drop",
                share * 100.0
            ));
        set.then_some(Thief::Nft)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for host in 1..=self.hosts {
            sh(&format!("ip netns del {}", self.netns(host)));
        }
        sh(&format!("ip netns del {}-br", self.name));
    }
}
