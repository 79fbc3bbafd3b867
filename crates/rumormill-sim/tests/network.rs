//! The network does what its parameters say, no more and no less.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use rumormill_proto::{
    AggregateSettings, Config, Context, Duration, Identity, Instant, MembershipSettings, NodeId,
    Notice, Protocol,
};
use rumormill_sim::{
    Latency, Link, NetworkConfig, NodeIndex, NodeSpec, NodeState, SimError, VirtualNetwork,
};

const MS: Duration = Duration::from_millis(1);
const PERIOD: Duration = Duration::from_millis(100);

/// Sends a numbered message to every peer at each tick, and writes down what it gets.
#[derive(Default)]
struct Beacon {
    ticks: u64,
    sent: u64,
    /// From whom, which number, at what local time.
    got: Vec<(NodeId, u64, Instant)>,
    renewals: u64,
}

impl Protocol for Beacon {
    fn name(&self) -> &str {
        "beacon"
    }
    fn period(&self) -> Option<Duration> {
        Some(PERIOD)
    }
    fn tick(&mut self, cx: &mut Context<'_>) {
        self.ticks += 1;
        let peers: Vec<NodeId> = cx.roster().peers().map(|(id, _)| id).collect();
        for peer in peers {
            self.sent += 1;
            cx.send(peer, &self.ticks.to_be_bytes());
        }
    }
    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        let number = u64::from_be_bytes(message.try_into().unwrap());
        self.got.push((from, number, cx.now()));
    }
    fn renewed(&mut self, _: &mut Context<'_>) {
        self.renewals += 1;
    }
}

fn beacons() -> Vec<Box<dyn Protocol>> {
    vec![Box::new(Beacon::default())]
}

/// A failure detector that won't interfere within a test of the links.
fn patient() -> Config {
    Config {
        interval: 1000 * MS,
        membership: MembershipSettings {
            suspicion_timeout: Duration::from_secs(3600),
            ..MembershipSettings::default()
        },
        ..Config::default()
    }
}

fn spec(name: &str) -> NodeSpec {
    NodeSpec::named(name).unwrap().bare().protocols(beacons).config(patient())
}

fn cluster(seed: u64, n: usize) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
    let nodes: Vec<_> = (0..n).map(|i| net.add_node(spec(&format!("n{i}"))).unwrap()).collect();
    assert!(net.form(&nodes, seconds(60)), "the cluster has formed");
    (net, nodes)
}

fn seconds(n: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(n)
}

fn beacon(net: &VirtualNetwork, node: NodeIndex) -> &Beacon {
    net.node(node).unwrap().protocol().unwrap()
}

/// Five standard deviations of a binomial around its mean.
fn assert_binomial(what: &str, count: u64, of: u64, p: f64) {
    let mean = of as f64 * p;
    let bound = 5.0 * (mean * (1.0 - p)).sqrt();
    assert!((count as f64 - mean).abs() <= bound, "{what}: {count} of {of}, {mean} ± {bound}");
}

#[test]
fn losses_and_duplicates_and_delays_are_as_many_as_asked_for() {
    let (mut net, _) = cluster(1, 10);
    let before = *net.counters();
    let link = Link { loss: 0.25, duplication: 0.1, reordering: 0.05, ..net.link() };
    net.set_link(link).unwrap();
    net.run_for(Duration::from_secs(120));
    let after = *net.counters();
    let sent = after.packets_sent - before.packets_sent;
    assert!(sent > 100_000, "{sent}");
    let lost = after.packets_lost - before.packets_lost;
    assert_binomial("lost", lost, sent, 0.25);
    let doubled = after.packets_duplicated - before.packets_duplicated;
    assert_binomial("duplicated", doubled, sent - lost, 0.1);
    let travelled = sent - lost + doubled;
    let held = after.packets_held_back - before.packets_held_back;
    assert_binomial("held back", held, travelled, 0.05);
    let delivered = after.packets_delivered - before.packets_delivered;
    assert!(delivered.abs_diff(travelled) < 100, "{delivered} of {travelled}");
}

#[test]
fn a_good_link_loses_and_repeats_and_reorders_nothing() {
    let (mut net, nodes) = cluster(2, 4);
    net.set_link(Link { latency: Latency::Fixed(5 * MS), ..Link::default() }).unwrap();
    net.run_for(100 * MS);
    let reordered_before = net.counters().packets_reordered;
    let totals = |net: &VirtualNetwork| {
        let all = nodes.iter().map(|&node| beacon(net, node));
        all.fold((0, 0), |sum, node| (sum.0 + node.sent, sum.1 + node.got.len() as u64))
    };
    let before = totals(&net);
    net.run_for(Duration::from_secs(30));
    let counters = net.counters();
    assert_eq!(counters.packets_lost + counters.packets_duplicated, 0);
    assert_eq!(counters.packets_reordered, reordered_before);
    let after = totals(&net);
    let (sent, got) = (after.0 - before.0, after.1 - before.1);
    // But for one packet on its way for each pair.
    assert!(sent > 1000 && sent.abs_diff(got) <= 12, "{sent} {got}");
}

#[test]
fn packets_that_are_held_back_are_overtaken() {
    let (mut net, nodes) = cluster(3, 2);
    let held_back = 10 * PERIOD;
    net.set_link(Link { reordering: 0.2, held_back, ..Link::default() }).unwrap();
    let before = beacon(&net, nodes[0]).got.len();
    let counted = net.counters().packets_reordered;
    net.run_for(Duration::from_secs(100));
    let got: Vec<u64> = beacon(&net, nodes[0]).got[before..].iter().map(|got| got.1).collect();
    let mut highest = 0;
    let late = got.iter().filter(|&&number| {
        highest = highest.max(number);
        number < highest
    });
    let late = late.count() as u64;
    assert!(late > 50, "{late}");
    // The counter sees SWIM's packets and the other direction, too.
    assert!(net.counters().packets_reordered - counted >= late);
}

#[test]
fn latency_is_what_arrives() {
    let (mut net, nodes) = cluster(4, 2);
    let before = beacon(&net, nodes[1]).got.len();
    net.set_link(Link { latency: Latency::Uniform(20 * MS, 60 * MS), ..Link::default() }).unwrap();
    net.run_for(Duration::from_secs(200));
    // Ticks come at fixed times, so that arrivals less ticks are latencies but for a constant.
    let got = &beacon(&net, nodes[1]).got[before + 2..];
    let offset = |got: &(NodeId, u64, Instant)| {
        got.2.as_nanos() as i64 - got.1 as i64 * PERIOD.as_nanos() as i64
    };
    let (min, max) = (got.iter().map(offset).min(), got.iter().map(offset).max());
    let width = Duration::from_nanos(max.unwrap().abs_diff(min.unwrap()));
    assert!(width <= 40 * MS && width > 39 * MS, "{width:?}");
}

#[test]
fn a_partition_stops_everything_and_healing_lets_everything_through() {
    let (mut net, nodes) = cluster(5, 6);
    let (left, right) = nodes.split_at(2);
    net.partition(&[left]);
    let before: Vec<usize> = nodes.iter().map(|&node| beacon(&net, node).got.len()).collect();
    net.run_for(Duration::from_secs(20));
    for (at, &node) in nodes.iter().enumerate() {
        let side = if left.contains(&node) { left } else { right };
        let of_side: BTreeSet<NodeId> =
            side.iter().map(|&node| net.node(node).unwrap().identity().id()).collect();
        let got = &beacon(&net, node).got[before[at]..];
        assert!(got.len() > 100);
        assert!(got.iter().all(|(from, ..)| of_side.contains(from)), "{node} heard the other side");
    }
    assert!(net.counters().packets_blocked > 1000);
    net.heal();
    let blocked = net.counters().packets_blocked;
    net.run_for(Duration::from_secs(5));
    assert_eq!(net.counters().packets_blocked, blocked);
    let across = beacon(&net, nodes[0]).got.iter().rev().take(20);
    let senders: BTreeSet<NodeId> = across.map(|got| got.0).collect();
    assert_eq!(senders.len(), 5);
}

#[test]
fn a_one_way_cut_stops_one_way() {
    let (mut net, nodes) = cluster(6, 2);
    net.cut_one_way(nodes[0], nodes[1]);
    let before = [0, 1].map(|at| beacon(&net, nodes[at]).got.len());
    net.run_for(Duration::from_secs(10));
    let after = [0, 1].map(|at| beacon(&net, nodes[at]).got.len());
    assert_eq!(after[1], before[1], "nothing gets from 0 to 1");
    assert!(after[0] > before[0] + 90, "the way back is open");
}

#[test]
fn an_isolated_node_is_held_for_dead_and_comes_back_as_a_new_incarnation() {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let quick = Config {
        membership: MembershipSettings {
            suspicion_timeout: 1000 * MS,
            ..MembershipSettings::default()
        },
        ..Config::default()
    };
    let quick = |name: &str| spec(name).config(quick.clone());
    let nodes: Vec<_> = (0..5).map(|i| net.add_node(quick(&format!("n{i}"))).unwrap()).collect();
    assert!(net.form(&nodes, seconds(30)));
    net.take_events();
    let victim = nodes[3];
    let before = net.node(victim).unwrap().identity().clone();
    net.isolate(victim, Duration::from_secs(8));
    let mut suspicions = 0;
    for _ in 0..40 {
        net.run_for(200 * MS);
        suspicions += net.sample_suspicions();
    }
    assert!(suspicions > 0);
    assert_eq!(net.counters().false_suspicions, suspicions);
    // Its four peers lost it, and it lost them.
    assert_eq!(net.counters().false_deaths, 8);
    let whole = |net: &VirtualNetwork| net.running().all(|(_, node)| node.roster().len() == 5);
    assert!(net.run_until(net.now() + Duration::from_secs(60), whole));
    let after = net.node(victim).unwrap().identity().clone();
    assert!(after.incarnation > before.incarnation);
    assert!(net.counters().renewals >= 1);
    assert!(beacon(&net, victim).renewals >= 1);
    let events = net.take_events();
    let told = |wanted: &Notice| events.iter().any(|(_, _, event)| event == wanted);
    assert!(
        told(&Notice::MemberDown { member: before }) && told(&Notice::Renewed { member: after })
    );
}

#[test]
fn crashed_nodes_get_nothing_and_restarted_ones_have_lost_their_state() {
    let (mut net, nodes) = cluster(7, 3);
    let incarnation = net.node(nodes[1]).unwrap().identity().incarnation;
    net.crash(nodes[1]);
    assert_eq!(net.state(nodes[1]), Some(NodeState::Crashed));
    assert!(net.node(nodes[1]).is_none());
    assert_eq!(net.set(nodes[1], "x", 1.0), Err(SimError::NotRunning(nodes[1])));
    let before = *net.counters();
    net.run_for(Duration::from_secs(10));
    // The patient others go on sending to it; not one packet finds anybody.
    assert!(net.counters().packets_to_the_dead - before.packets_to_the_dead > 150);
    net.restart(nodes[1]).unwrap();
    assert_eq!(net.restart(nodes[1]), Err(SimError::Running(nodes[1])));
    let node = net.node(nodes[1]).unwrap();
    assert!(node.identity().incarnation > incarnation && node.identity().addr == nodes[1].addr());
    assert_eq!((node.roster().len(), beacon(&net, nodes[1]).got.len()), (1, 0));
    net.join(nodes[1], nodes[0]);
    let known = |net: &VirtualNetwork| net.running().all(|(_, node)| node.roster().len() == 3);
    assert!(net.run_until(net.now() + Duration::from_secs(20), known));
}

#[test]
fn a_stream_to_where_nobody_listens_is_refused_and_one_across_a_partition_times_out() {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| net.add_node(spec(name)).unwrap());
    net.crash(b);
    net.join(a, b);
    net.run_for(10 * MS);
    net.partition(&[&[a]]);
    net.join(a, c);
    net.run_for(Duration::from_secs(4));
    let reasons: Vec<_> = net
        .take_events()
        .into_iter()
        .filter_map(|(at, _, event)| match event {
            Notice::JoinFailed { addr, reason, .. } => Some((at, addr, reason)),
            _ => None,
        })
        .collect();
    let failed = |addr, reason: &str, from: Duration, to: Duration| {
        let (from, to) = (Instant::ZERO + from, Instant::ZERO + to);
        reasons.iter().any(|r| r.1 == addr && r.2 == reason && from < r.0 && r.0 < to)
    };
    assert!(failed(b.addr(), "connection refused", Duration::ZERO, 5 * MS), "{reasons:?}");
    assert!(failed(c.addr(), "timed out", 3000 * MS, 3100 * MS), "{reasons:?}");
    assert!(net.counters().streams_failed >= 2);
}

#[test]
fn a_paused_node_does_nothing_and_then_finds_what_has_arrived() {
    let (mut net, nodes) = cluster(8, 3);
    let before = (beacon(&net, nodes[2]).ticks, beacon(&net, nodes[2]).got.len());
    net.pause(nodes[2], Duration::from_secs(5));
    net.run_for(4990 * MS);
    assert!(net.is_paused(nodes[2]));
    let paused = (beacon(&net, nodes[2]).ticks, beacon(&net, nodes[2]).got.len());
    assert_eq!(paused, before);
    net.run_for(10 * MS);
    assert!(!net.is_paused(nodes[2]));
    let got = beacon(&net, nodes[2]).got.len();
    assert!((98..=102).contains(&(got - before.1)), "{}", got - before.1);
    assert!(net.counters().packets_that_waited >= 98);
}

#[test]
fn a_fast_clock_ticks_more_often() {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let rates = [0.5, 1.0, 1.25];
    let nodes = rates.map(|rate| net.add_node(spec(&format!("r{rate}")).clock_rate(rate)).unwrap());
    net.run_for(Duration::from_secs(100));
    for (node, rate) in nodes.into_iter().zip(rates) {
        let ticks = beacon(&net, node).ticks as f64;
        assert!((ticks - 1000.0 * rate).abs() <= 1.0, "{rate}: {ticks}");
        let shown = net.local_now(node).as_nanos() as f64;
        assert!((shown - 1e11 * rate).abs() < 100.0, "{rate}: {shown}");
    }
    net.set_clock_rate(nodes[1], 2.0).unwrap();
    net.run_for(Duration::from_secs(100));
    let ticks = beacon(&net, nodes[1]).ticks as f64;
    assert!((ticks - 3000.0).abs() <= 2.0, "{ticks}");
    assert!(net.set_clock_rate(nodes[1], 0.0).is_err());
}

#[test]
fn nodes_start_when_they_should_and_bad_ones_are_refused() {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let late = net.add_node(spec("late").start_at(seconds(3))).unwrap();
    net.run_to(Instant::ZERO + 2999 * MS);
    assert_eq!(net.state(late), Some(NodeState::Waiting));
    net.run_for(MS);
    assert_eq!(net.state(late), Some(NodeState::Running));
    assert_eq!(net.local_now(late), Instant::ZERO);
    assert!(net.add_node(spec("fast").clock_rate(f64::NAN)).is_err());
    let bad = Config {
        aggregates: AggregateSettings { tolerance: 2.0, ..AggregateSettings::default() },
        ..Config::default()
    };
    assert!(net.add_node(spec("bad").config(bad)).is_err());
    assert_eq!(net.len(), 1);
    assert!(NodeSpec::named("no spaces").is_err());
}

#[test]
fn a_node_that_leaves_is_missed_at_once() {
    let (mut net, nodes) = cluster(9, 5);
    let gone: Identity = net.node(nodes[4]).unwrap().identity().clone();
    net.leave(nodes[4]);
    let missed = |net: &VirtualNetwork| net.running().all(|(_, node)| node.roster().len() == 4);
    assert!(net.run_until(net.now() + Duration::from_secs(10), missed));
    let events = net.take_events();
    assert!(
        events.iter().any(|(_, _, event)| *event == Notice::MemberDown { member: gone.clone() })
    );
    assert_eq!((net.counters().leaves, net.counters().false_deaths), (1, 0));
}

#[test]
fn who_leaves_before_the_answer_to_its_request_to_join_has_left() {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let latency = Latency::Fixed(Duration::from_millis(20));
    net.set_link(Link { latency, ..Link::default() }).unwrap();
    let first = net.add_node(NodeSpec::named("first").unwrap()).unwrap();
    let second = net.add_node(NodeSpec::named("second").unwrap()).unwrap();
    net.join(second, first);
    let members = |net: &VirtualNetwork, node| net.node(node).unwrap().roster().len();
    let deadline = net.now() + Duration::from_secs(1);
    while members(&net, first) == 1 && net.now() < deadline {
        net.run_for(Duration::from_millis(1));
    }
    assert_eq!((members(&net, first), members(&net, second)), (2, 1), "the answer is on its way");
    net.leave(second);
    net.run_for(Duration::from_millis(100));
    assert_eq!(members(&net, first), 1, "the first was not told");
}
