//! Clusters so large that no node's failure detector watches all the others.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rumormill_proto::{Duration, Instant};
use rumormill_sim::{NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

/// More than the 256 that a failure detector is told of without news.
const NODES: usize = 400;
const SECOND: Duration = Duration::from_secs(1);

fn network(seed: u64) -> (VirtualNetwork, Vec<NodeIndex>) {
    let config = NetworkConfig { seed, keep_events: false, ..NetworkConfig::default() };
    let mut net = VirtualNetwork::new(config).unwrap();
    let spec = |n| NodeSpec::named(&format!("n{n}")).unwrap().bare();
    let nodes = (0..NODES).map(|n| net.add_node(spec(n)).unwrap()).collect();
    (net, nodes)
}

/// Whether all running nodes, so many, know each other and nobody else.
fn all_know_all(net: &VirtualNetwork, members: usize) -> bool {
    let mut running = net.running().map(|(_, node)| node.roster());
    let first = running.next().unwrap().digest();
    net.running().count() == members
        && net.running().all(|(_, node)| node.roster().len() == members)
        && running.all(|roster| roster.digest() == first)
}

fn within(net: &mut VirtualNetwork, limit: Duration, members: usize) -> Duration {
    let start = net.now();
    assert!(net.run_until(start + limit, |net| all_know_all(net, members)), "{members} members");
    net.now().since(start)
}

#[test]
fn deaths_departures_and_returns_reach_all_though_nobody_watches_all() {
    let (mut net, nodes) = network(1);
    net.acquaint(&nodes).unwrap();
    assert!(all_know_all(&net, NODES));
    net.run_for(2 * SECOND);
    for &node in &nodes[10..15] {
        net.crash(node);
    }
    net.leave(nodes[20]);
    within(&mut net, 30 * SECOND, NODES - 6);
    // A later life takes the place of the earlier one, dead or not yet missed.
    net.restart(nodes[10]).unwrap();
    net.join(nodes[10], nodes[0]);
    net.crash(nodes[30]);
    net.restart(nodes[30]).unwrap();
    net.join(nodes[30], nodes[399]);
    within(&mut net, 30 * SECOND, NODES - 5);
    let counters = net.counters();
    assert_eq!((counters.false_deaths, counters.renewals), (0, 0));
    // Those that came back list their own earlier lives besides.
    let back = [nodes[10], nodes[30]];
    let mut others = net.running().filter(|(index, _)| !back.contains(index));
    assert!(others.all(|(_, node)| node.members().len() == NODES), "the dead are listed, too");
}

#[test]
fn hundreds_that_join_at_once_find_each_other() {
    let (mut net, nodes) = network(2);
    assert!(net.form(&nodes, Instant::ZERO + 60 * SECOND));
    assert!(all_know_all(&net, NODES));
}

#[test]
fn nodes_that_agree_tell_each_other_no_more_than_that() {
    let (mut net, nodes) = network(3);
    net.acquaint(&nodes).unwrap();
    let told = |net: &VirtualNetwork| {
        let stats = net.running().map(|(_, node)| node.stats());
        stats
            .map(|s| (s.stream_messages_sent, s.stream_bytes_sent))
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    net.run_for(40 * SECOND);
    let (messages, bytes) = told(&net);
    assert!(messages >= NODES as u64, "each compares within 40 s: {messages}");
    assert!(bytes < 100 * messages, "{bytes} bytes in {messages} messages");
}

#[test]
fn half_of_a_large_cluster_may_die_at_once() {
    let (mut net, nodes) = network(4);
    net.acquaint(&nodes).unwrap();
    net.run_for(SECOND);
    for &node in &nodes[..NODES / 2] {
        net.crash(node);
    }
    within(&mut net, 120 * SECOND, NODES / 2);
}
