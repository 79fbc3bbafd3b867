//! Protocols of a user's own, one of each kind, run in the virtual network as they are.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::Cell;

use rumormill_examples::epidemic::Epidemic;
use rumormill_examples::round_based::RoundAverage;
use rumormill_proto::{Config, Duration, Instant, MembershipSettings, Protocol, Rounds};
use rumormill_sim::{Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const PERIOD: Duration = Duration::from_millis(200);
const NODES: usize = 20;

fn network(
    seed: u64,
    link: Link,
    make: impl Fn() -> Box<dyn Protocol> + Clone + 'static,
) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..Default::default() }).unwrap();
    let nodes: Vec<NodeIndex> = (0..NODES)
        .map(|n| {
            let make = make.clone();
            let spec = NodeSpec::named(&format!("n{n}")).unwrap().bare();
            // What is tested is the protocol, not the failure detector under loss.
            let patient = Duration::from_secs(600);
            let config = Config {
                membership: MembershipSettings {
                    suspicion_timeout: patient,
                    ..MembershipSettings::default()
                },
                ..Config::default()
            };
            net.add_node(spec.config(config).protocols(move || vec![make()])).unwrap()
        })
        .collect();
    assert!(net.form(&nodes, Instant::ZERO + Duration::from_secs(60)));
    net.set_link(link).unwrap();
    (net, nodes)
}

#[test]
fn a_rumor_reaches_nearly_every_node_through_loss_and_duplicates_and_dies_out() {
    let runs = 20;
    let informed: usize = (0..runs).map(informed).sum();
    // Some nodes may stay uninformed: the residue of push with feedback and counter. For a counter of
    // 4 it is below e^-4 (Demers et al. 1987, section 1.4).
    let all = runs as usize * NODES;
    assert!((all - informed) as f64 <= (-4f64).exp() * all as f64, "{informed} of {all}");
}

/// Publishes a rumor at one node; returns how many have it when no node pushes it any more.
fn informed(seed: u64) -> usize {
    let link = Link { loss: 0.2, duplication: 0.1, reordering: 0.1, ..Link::default() };
    let (mut net, nodes) = network(seed, link, || Box::new(Epidemic::new(PERIOD)));
    let publish = |protocol: &mut Epidemic, cx: &mut rumormill_proto::Context<'_>| {
        protocol.publish(cx, b"the sun is up")
    };
    net.with_node(nodes[3], |node, now| node.with_protocol(now, publish).unwrap())
        .unwrap()
        .unwrap();
    let informed = |net: &VirtualNetwork| {
        let all = net.running().filter(|(_, node)| {
            let protocol = node.protocol::<Epidemic>().unwrap();
            protocol.rumors().any(|text| text == b"the sun is up")
        });
        all.count()
    };
    assert_eq!(informed(&net), 1);
    let over = |net: &VirtualNetwork| {
        !net.running().any(|(_, node)| node.protocol::<Epidemic>().unwrap().is_pushing())
    };
    assert!(net.run_until(net.now() + 200 * PERIOD, over));
    assert!(net.counters().packets_lost > 0 && net.counters().packets_duplicated > 0);
    informed(&net)
}

#[test]
fn a_round_ends_with_the_average_at_every_node() {
    let input = Cell::new(0.0);
    let next = std::rc::Rc::new(input);
    let make = move || -> Box<dyn Protocol> {
        next.set(next.get() + 1.0);
        Box::new(Rounds::new(RoundAverage::new(next.get(), PERIOD, 40)))
    };
    let (mut net, nodes) = network(11, Link::default(), make);
    let start = net.now();
    let finished = |net: &VirtualNetwork| {
        net.running().all(|(_, node)| {
            let outcome = node.protocol::<Rounds<RoundAverage>>().unwrap().get().outcome();
            outcome.is_some_and(|outcome| outcome.round > 1 && outcome.participants == NODES)
        })
    };
    assert!(net.run_until(start + 200 * PERIOD, finished));
    // Inputs are 1 to 20. What is under way when a round ends is lost to it: this kind of protocol
    // is right to some percent, which is why the core keeps ledgers.
    for &node in &nodes {
        let outcome =
            net.node(node).unwrap().protocol::<Rounds<RoundAverage>>().unwrap().get().outcome();
        let outcome = outcome.unwrap();
        assert!((outcome.average - 10.5).abs() < 0.5, "{outcome:?}");
        assert!((outcome.sum() - 210.0).abs() < 10.0, "{outcome:?}");
    }
}
