//! Paths that eat large datagrams, or all of them, while the reliable path works.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rumormill_proto::{Config, Duration, Instant, MembershipSettings, Name, Notice, Reading};
use rumormill_sim::{Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const SECOND: Duration = Duration::from_secs(1);

fn cluster(n: usize, seed: u64) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
    let nodes: Vec<_> =
        (0..n).map(|i| net.add_node(NodeSpec::named(&format!("n{i}")).unwrap()).unwrap()).collect();
    assert!(net.form(&nodes, Instant::ZERO + SECOND * 60));
    (net, nodes)
}

/// Thirteen aggregates, so that a push takes more than 600 bytes.
fn set_all(net: &mut VirtualNetwork, node: NodeIndex, value: f64) {
    for n in 0..13 {
        net.set(node, &format!("aggregate-{n}"), value).unwrap();
    }
}

fn readings(net: &VirtualNetwork, name: &str) -> Vec<Reading> {
    let name = Name::new(name).unwrap();
    net.running().filter_map(|(at, node)| node.aggregates().get(net.local_now(at), &name)).collect()
}

fn know(net: &VirtualNetwork, sum: f64) -> bool {
    (0..13).all(|n| {
        let readings = readings(net, &format!("aggregate-{n}"));
        readings.len() == net.len()
            && readings.iter().all(|r| r.converged && (r.sum.value.unwrap() - sum).abs() < 1e-3)
    })
}

fn formed_with_aggregates(seed: u64) -> (VirtualNetwork, Vec<NodeIndex>) {
    let (mut net, nodes) = cluster(4, seed);
    for &node in &nodes {
        set_all(&mut net, node, 1.0);
    }
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, |net| know(net, 4.0)));
    (net, nodes)
}

/// An input changes on paths that have become narrow; all come to know it, and say why it took long.
fn finds_its_way(seed: u64, narrow: impl Fn(&mut VirtualNetwork, &[NodeIndex])) {
    let (mut net, nodes) = formed_with_aggregates(seed);
    net.take_events();
    narrow(&mut net, &nodes);
    set_all(&mut net, nodes[0], 101.0);
    let deadline = net.now() + SECOND * 120;
    assert!(
        net.run_until(deadline, |net| know(net, 104.0)),
        "{:#?}",
        readings(&net, "aggregate-7")
    );
    let events = net.take_events();
    assert!(
        events.iter().all(|(.., event)| !matches!(event, Notice::MemberDown { .. })),
        "{events:?}"
    );
    net.run_for(SECOND * 70);
    let events = [events, net.take_events()].concat();
    assert!(events.iter().any(|(.., event)| matches!(event, Notice::NarrowPath { .. })));
    let said = nodes.iter().any(|&node| !net.node(node).unwrap().narrow_paths().is_empty());
    assert!(said);
    // And the other way round: what is wide again is used again.
    net.set_link(Link { largest: None, ..net.link() }).unwrap();
    net.widen();
    set_all(&mut net, nodes[0], 1.0);
    let wide = |net: &VirtualNetwork| {
        know(net, 4.0) && net.running().all(|(_, node)| node.narrow_paths().is_empty())
    };
    let deadline = net.now() + SECOND * 200;
    assert!(net.run_until(deadline, wide));
}

#[test]
fn aggregates_find_their_way_when_large_datagrams_vanish() {
    for (seed, largest) in [(1, 600), (2, 300), (3, 1000)] {
        finds_its_way(seed, |net, _| {
            net.set_link(Link { largest: Some(largest), ..net.link() }).unwrap();
        });
    }
}

#[test]
fn aggregates_find_their_way_when_they_vanish_between_one_pair_or_in_one_direction() {
    finds_its_way(4, |net, nodes| net.narrow(nodes[0], nodes[1], 600));
    finds_its_way(5, |net, nodes| {
        for &to in &nodes[1..] {
            net.narrow(nodes[0], to, 400);
        }
    });
    finds_its_way(6, |net, nodes| {
        net.narrow(nodes[0], nodes[1], 300);
        net.narrow(nodes[1], nodes[0], 300);
    });
}

#[test]
fn events_and_keys_find_their_way_when_large_datagrams_vanish() {
    let (mut net, nodes) = cluster(4, 7);
    net.set_link(Link { largest: Some(500), ..net.link() }).unwrap();
    let topic = Name::new("topic").unwrap();
    let payload = vec![7; 900];
    let publish = |node: &mut rumormill_proto::Node, now| {
        node.kv_mut().put(now, "key", &payload).unwrap();
        node.events_mut().publish(now, &topic, &payload).unwrap()
    };
    net.with_node(nodes[0], publish).unwrap();
    let arrived = |net: &VirtualNetwork| {
        net.running().all(|(_, node)| {
            node.kv().get("key").is_some_and(|entry| entry.value.as_ref() == Some(&payload))
        })
    };
    let deadline = net.now() + SECOND * 60;
    assert!(net.run_until(deadline, arrived));
    net.run_for(SECOND * 10);
    let heard = net.take_events();
    let heard = heard.iter().filter(|(.., event)| matches!(event, Notice::Event(_))).count();
    assert_eq!(heard, nodes.len());
}

/// While nothing gets through, nobody goes on saying that the old sum is settled. A node at rest finds
/// out when it turns to a peer beyond the cut: here it has three, and turns to one in 3.2 s.
#[test]
fn converged_lapses_when_exchanges_stop() {
    let config = Config {
        membership: MembershipSettings {
            probe_interval: SECOND * 1000,
            ..MembershipSettings::default()
        },
        ..Config::default()
    };
    let mut net =
        VirtualNetwork::new(NetworkConfig { seed: 8, ..NetworkConfig::default() }).unwrap();
    let spec = |i| NodeSpec::named(&format!("n{i}")).unwrap().config(config.clone());
    let nodes: Vec<_> = (0..4).map(|i| net.add_node(spec(i)).unwrap()).collect();
    assert!(net.form(&nodes, Instant::ZERO + SECOND * 60));
    for &node in &nodes {
        net.set(node, "x", 1.0).unwrap();
    }
    let converged =
        |net: &VirtualNetwork| readings(net, "x").iter().filter(|r| r.converged).count();
    let deadline = net.now() + SECOND * 60;
    assert!(net.run_until(deadline, |net| converged(net) == 4));
    net.partition(&[&nodes[..1], &nodes[1..]]);
    net.set(nodes[0], "x", 101.0).unwrap();
    let deadline = net.now() + SECOND * 20;
    assert!(net.run_until(deadline, |net| converged(net) == 0));
    for _ in 0..60 {
        net.run_for(SECOND);
        assert_eq!(converged(&net), 0);
    }
}

/// How often each node sees each other one come and go in a minute.
fn comings_and_goings(net: &mut VirtualNetwork, nodes: &[NodeIndex]) -> Vec<usize> {
    net.take_events();
    net.run_for(SECOND * 60);
    let events = net.take_events();
    let concerns = |event: &Notice, subject: NodeIndex| match event {
        Notice::MemberUp { member } | Notice::MemberDown { member } => {
            member.addr == subject.addr()
        }
        _ => false,
    };
    let pairs = nodes.iter().flat_map(|&at| nodes.iter().map(move |&of| (at, of)));
    let count = |(at, of): (NodeIndex, NodeIndex)| {
        events.iter().filter(|(_, node, event)| *node == at && concerns(event, of)).count()
    };
    pairs.filter(|(at, of)| at != of).map(count).collect()
}

#[test]
fn members_do_not_flap_where_datagrams_are_lost_and_streams_are_not() {
    for seed in 0..4 {
        let (mut net, nodes) = cluster(4, 20 + seed);
        // Of all nodes, or of one.
        let cut = if seed % 2 == 0 { 4 } else { 1 };
        for &a in &nodes[..cut] {
            for &b in nodes.iter().filter(|b| **b != a) {
                net.narrow(a, b, 0);
                net.narrow(b, a, 0);
            }
        }
        let seen = comings_and_goings(&mut net, &nodes);
        assert!(seen.iter().all(|&times| times <= 3), "seed {seed}: {seen:?}");
        assert_eq!(comings_and_goings(&mut net, &nodes), vec![0; 12]);
        net.widen();
        let whole = |net: &VirtualNetwork| net.running().all(|(_, node)| node.roster().len() == 4);
        let deadline = net.now() + SECOND * 60;
        assert!(net.run_until(deadline, whole));
    }
}
