//! What the aggregates promise, in the virtual network.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rumormill_proto::{
    Caveat, Certified, ComponentKind, Config, Duration, Expected, InputError, Instant,
    MAX_AGGREGATES, MAX_INPUT, Mode, Name, Notice, Reading, State,
};
use rumormill_sim::{Latency, Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const SECOND: Duration = Duration::from_secs(1);

fn cluster(n: usize, seed: u64, config: &Config) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
    let nodes: Vec<_> = (0..n)
        .map(|i| net.add_node(NodeSpec::named(&format!("n{i}")).unwrap().config(config.clone())))
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(net.form(&nodes, Instant::ZERO + SECOND * 60));
    (net, nodes)
}

fn reading(net: &VirtualNetwork, node: NodeIndex, name: &str) -> Option<Reading> {
    net.node(node)?.aggregates().get(net.local_now(node), &Name::new(name).unwrap())
}

/// Runs until all running nodes say that the aggregate has converged, and what its variance is.
fn converge_to_the_last_digit(net: &mut VirtualNetwork, name: &str) -> Vec<Reading> {
    let known = |net: &VirtualNetwork| {
        let known = |r: Reading| r.converged && r.variance.is_some();
        net.running().all(|(node, _)| reading(net, node, name).is_some_and(known))
    };
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, known));
    net.running().map(|(node, _)| reading(net, node, name).unwrap()).collect()
}

/// Runs until all running nodes say that the aggregate has converged.
fn converge(net: &mut VirtualNetwork, name: &str) -> Vec<Reading> {
    let all = |net: &VirtualNetwork| -> Option<Vec<Reading>> {
        net.running().map(|(node, _)| reading(net, node, name)).collect()
    };
    let converged =
        |net: &VirtualNetwork| all(net).is_some_and(|all| all.iter().all(|r| r.converged));
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, converged), "{:#?}", all(net));
    all(net).unwrap()
}

fn encloses(reading: &Reading, sum: f64) -> bool {
    reading.certified.is_some_and(|certified| certified.sum.encloses(sum))
}

fn near(got: Option<f64>, truth: f64) -> bool {
    got.is_some_and(|got| (got - truth).abs() <= 1e-6 * truth.abs().max(1e-9))
}

fn set_in(net: &mut VirtualNetwork, node: NodeIndex, name: &str, value: f64, mode: Mode) {
    let name = Name::new(name).unwrap();
    net.with_node(node, |node, now| node.aggregates_mut().set(now, &name, value, mode))
        .unwrap()
        .unwrap();
}

#[test]
fn every_node_knows_sum_average_count_extremes_and_deviation() {
    let (mut net, nodes) = cluster(20, 1, &Config::default());
    let inputs: Vec<f64> = (0..15).map(|n| f64::from(n) * 3.5 - 20.0).collect();
    for (&node, &input) in nodes.iter().zip(&inputs) {
        net.set(node, "load", input).unwrap();
    }
    let sum: f64 = inputs.iter().sum();
    let mean = sum / 15.0;
    let variance = inputs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 15.0;
    // Five of the twenty report nothing, and know it all the same.
    for reading in converge_to_the_last_digit(&mut net, "load") {
        assert!(near(reading.sum.value, sum) && encloses(&reading, sum), "{reading:#?}");
        assert!(near(reading.average.value, mean));
        assert!(near(reading.count.value, 15.0));
        let certified = reading.certified.unwrap();
        assert!(certified.average.unwrap().encloses(mean));
        assert_eq!((certified.count.lower, certified.count.upper), (15.0, 15.0));
        assert_eq!((certified.min, certified.max), (Some(-20.0), Some(29.0)));
        assert!((reading.variance.unwrap() / variance - 1.0).abs() < 1e-9);
        assert!((reading.standard_deviation.unwrap() / variance.sqrt() - 1.0).abs() < 1e-9);
        assert_eq!(reading.members, 20);
    }
}

#[test]
fn aggregates_from_tiny_to_huge_keep_their_digits() {
    let (mut net, nodes) = cluster(4, 2, &Config::default());
    for (name, inputs) in [
        ("huge", [MAX_INPUT, -MAX_INPUT, MAX_INPUT / 2.0, 1.0]),
        ("disk", [1e12, 2e12, 3e12, 4e12]),
        // Inputs are taken to the nearest 2⁻⁶⁴.
        ("tiny", [1.0, 2.0, 3.0, 4.0].map(|x| x / 1_073_741_824.0)),
        ("zero", [5.0, -5.0, 7.0, -7.0]),
    ] {
        for (&node, input) in nodes.iter().zip(inputs) {
            net.set(node, name, input).unwrap();
        }
        let sum: f64 = inputs.iter().sum();
        let scale = inputs.iter().fold(0f64, |scale, x| scale.max(x.abs()));
        for reading in converge_to_the_last_digit(&mut net, name) {
            assert!((reading.sum.value.unwrap() - sum).abs() <= 4e-6 * scale, "{reading:#?}");
            assert!(encloses(&reading, sum), "{reading:#?}");
            let mean = sum / 4.0;
            let variance = inputs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
            // Inputs are resolved to 2⁻⁶⁴.
            let error = (reading.variance.unwrap() - variance).abs();
            assert!(error <= 1e-9 * variance + scale * 1e-19, "{reading:#?}");
        }
    }
}

#[test]
fn aggregates_that_need_several_datagrams_all_arrive() {
    let (mut net, nodes) = cluster(5, 3, &Config::default());
    net.set_loss(0.2).unwrap();
    for aggregate in 0..60u32 {
        for (n, &node) in nodes.iter().enumerate() {
            net.set(
                node,
                &format!("a-aggregate-with-a-long-name-{aggregate}"),
                f64::from(aggregate) + n as f64,
            )
            .unwrap();
        }
    }
    for aggregate in [0u32, 31, 59] {
        for reading in converge(&mut net, &format!("a-aggregate-with-a-long-name-{aggregate}")) {
            assert!(near(reading.sum.value, 5.0 * f64::from(aggregate) + 10.0), "{reading:#?}");
        }
    }
}

#[test]
fn a_figure_that_nobody_reports_any_more_is_forgotten_by_all() {
    let (mut net, nodes) = cluster(6, 4, &Config::default());
    for &node in &nodes[..3] {
        net.set(node, "gone", 8.0).unwrap();
        net.set(node, "kept", 1.0).unwrap();
    }
    converge(&mut net, "gone");
    for &node in &nodes[..3] {
        net.unset(node, "gone").unwrap();
    }
    let forgotten =
        |net: &VirtualNetwork| net.running().all(|(node, _)| reading(net, node, "gone").is_none());
    let deadline = net.now() + SECOND * 60;
    assert!(net.run_until(deadline, forgotten));
    net.run_for(SECOND * 30);
    assert!(forgotten(&net), "it must not come back");
    // And the name can be used again.
    net.set(nodes[5], "gone", 3.0).unwrap();
    for reading in converge(&mut net, "gone") {
        assert!(near(reading.sum.value, 3.0) && encloses(&reading, 3.0));
    }
    assert!(near(converge(&mut net, "kept")[0].sum.value, 3.0));
}

/// Runs for a while, and counts the bounds of "x" that concern an instant since `since` and miss the
/// sum, and all that concern one.
fn escapes(net: &mut VirtualNetwork, sum: f64, seconds: u64) -> (usize, usize) {
    let (since, mut outside, mut all) = (net.now(), 0, 0);
    while net.now() < since + SECOND * seconds as u32 {
        net.run_for(SECOND / 20);
        for (node, _) in net.running() {
            let Some(reading) = reading(net, node, "x") else { continue };
            let after = |certified: &Certified| since + certified.age <= net.now();
            let Some(certified) = reading.certified.filter(after) else { continue };
            assert!(certified.age < SECOND * seconds as u32);
            all += 1;
            outside += usize::from(!certified.sum.encloses(sum));
        }
    }
    (outside, all)
}

/// A node pushes an aggregate of which it holds nothing to one that has never met it, and is told so.
/// Meanwhile it gets an input, and sends the same push again.
#[test]
fn a_late_copy_of_a_push_that_was_answered_moves_nothing() {
    for seed in 0..5 {
        let (mut net, nodes) = cluster(16, seed, &Config::default());
        net.set_link(Link { latency: Latency::Fixed(SECOND * 3 / 40), ..net.link() }).unwrap();
        net.run_for(SECOND * 10);
        net.set(nodes[0], "x", 60.0).unwrap();
        net.unset(nodes[0], "x").unwrap();
        let pushed = |net: &VirtualNetwork| {
            let node = net.node(nodes[0]).unwrap();
            let explanation =
                node.aggregates().explain(net.local_now(nodes[0]), &Name::new("x").unwrap());
            explanation.unwrap().links.iter().any(|link| link.outstanding)
        };
        let deadline = net.now() + SECOND;
        assert!(net.run_until(deadline, pushed));
        net.set(nodes[0], "x", 60.0).unwrap();
        let (outside, all) = escapes(&mut net, 60.0, 20);
        assert!(outside == 0 && all > 1000, "seed {seed}: {outside} of {all}");
    }
}

#[test]
fn each_side_of_a_partition_knows_its_own_sum_and_after_healing_the_whole() {
    let (mut net, nodes) = cluster(9, 5, &Config::default());
    for (n, &node) in nodes.iter().enumerate() {
        net.set(node, "x", f64::from(1 << n)).unwrap();
    }
    converge(&mut net, "x");
    let (left, right) = nodes.split_at(4);
    net.partition(&[left, right]);
    let split = |net: &VirtualNetwork| {
        let members = |node| net.node(node).unwrap().roster().len();
        left.iter().all(|&n| members(n) == 4) && right.iter().all(|&n| members(n) == 5)
    };
    let deadline = net.now() + SECOND * 60;
    assert!(net.run_until(deadline, split));
    let readings = converge(&mut net, "x");
    for (n, reading) in readings.iter().enumerate() {
        let truth = if n < 4 { 15.0 } else { 496.0 };
        assert!(near(reading.sum.value, truth) && encloses(reading, truth), "{reading:#?}");
    }
    net.heal();
    let whole = |net: &VirtualNetwork| net.running().all(|(_, node)| node.roster().len() == 9);
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, whole));
    for reading in converge(&mut net, "x") {
        assert!(near(reading.sum.value, 511.0) && encloses(&reading, 511.0), "{reading:#?}");
    }
}

#[test]
fn epochs_take_one_instants_inputs_and_newcomers_wait_for_the_next() {
    let (mut net, nodes) = cluster(6, 6, &Config::default());
    for &node in &nodes[..5] {
        set_in(&mut net, node, "peak", 4.0, Mode::Epoch);
    }
    assert_eq!(
        reading(&net, nodes[0], "peak").unwrap().caveats,
        [Caveat::NoEpoch],
        "no epoch is finished yet"
    );
    let finished = |first: u64| {
        move |net: &VirtualNetwork| {
            net.running().all(|(node, _)| {
                reading(net, node, "peak")
                    .is_some_and(|r| r.epoch.is_some_and(|epoch| epoch >= first))
            })
        }
    };
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, finished(1)));
    let latest = |net: &VirtualNetwork| {
        net.running().map(|(node, _)| reading(net, node, "peak").unwrap()).collect::<Vec<_>>()
    };
    // Wait for a round in which all took part from its start.
    let full = |net: &VirtualNetwork| latest(net).iter().all(|r| near(r.sum.value, 20.0));
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, full), "{:#?}", latest(&net));
    for reading in latest(&net) {
        let certified = reading.certified.unwrap();
        assert_eq!((certified.min, certified.max), (Some(4.0), Some(4.0)));
        assert!(certified.sum.encloses(20.0) && reading.mode == Mode::Epoch);
    }
    // What is set during a round counts from the next one on; maxima forget.
    let before = latest(&net)[0].epoch.unwrap();
    let highest = |r: &Reading| r.certified.unwrap().max;
    set_in(&mut net, nodes[0], "peak", 9.0, Mode::Epoch);
    let raised = |net: &VirtualNetwork| latest(net).iter().all(|r| near(r.sum.value, 25.0));
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, raised), "{:#?}", latest(&net));
    assert!(latest(&net).iter().all(|r| highest(r) == Some(9.0) && r.epoch.unwrap() > before));
    set_in(&mut net, nodes[0], "peak", 1.0, Mode::Epoch);
    let lowered = |net: &VirtualNetwork| latest(net).iter().all(|r| highest(r) == Some(4.0));
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, lowered), "{:#?}", latest(&net));
    let told = net.take_events();
    assert!(told.iter().any(|e| matches!(e.2, Notice::EpochFinished { participants: 6, .. })));
}

#[test]
fn a_node_that_expects_others_is_not_settled_before_it_has_met_one() {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let [a, b] = ["a", "b"].map(|name| net.add_node(NodeSpec::named(name).unwrap()).unwrap());
    net.run_for(SECOND);
    let expected = Expected::Known(1);
    net.with_node(a, |node, _| node.expect_others(Some(expected))).unwrap();
    net.set(a, "x", 5.0).unwrap();
    set_in(&mut net, a, "peak", 5.0, Mode::Epoch);
    net.run_for(SECOND * 60);
    for name in ["x", "peak"] {
        let alone = reading(&net, a, name).unwrap();
        assert_eq!((alone.state, alone.converged), (State::Disturbed, false), "{alone:#?}");
        assert_eq!((alone.certified, alone.sum.value), (None, Some(5.0)));
        assert_eq!(alone.caveats[0], Caveat::AloneSinceStart(expected));
    }
    assert!(net.form(&[a, b], net.now() + SECOND * 60));
    for name in ["x", "peak"] {
        let settled = |r: &Reading| r.state == State::Settled && r.members == 2;
        assert!(converge(&mut net, name).iter().all(settled), "{name}");
    }
    // It is the whole cluster now, whatever it expected.
    net.crash(b);
    net.with_node(a, |node, _| node.expect_others(Some(expected))).unwrap();
    let left = |net: &VirtualNetwork| net.node(a).unwrap().roster().is_empty();
    let deadline = net.now() + SECOND * 60;
    assert!(net.run_until(deadline, left));
    assert_eq!(converge(&mut net, "x")[0].caveats[0], Caveat::Alone);
}

#[test]
fn bad_inputs_are_refused_and_change_nothing() {
    let (mut net, nodes) = cluster(2, 7, &Config::default());
    net.set(nodes[0], "x", 5.0).unwrap();
    net.set(nodes[1], "x", 10.0).unwrap();
    let x = Name::new("x").unwrap();
    let mut set = |name: &Name, value, mode| {
        net.with_node(nodes[0], |node, now| node.aggregates_mut().set(now, name, value, mode))
            .unwrap()
    };
    assert!(matches!(set(&x, f64::NAN, Mode::Live), Err(InputError::NotFinite { .. })));
    assert!(matches!(set(&x, f64::INFINITY, Mode::Live), Err(InputError::NotFinite { .. })));
    assert!(matches!(set(&x, 1e19, Mode::Live), Err(InputError::OutOfRange { .. })));
    assert!(matches!(set(&x, 1.0, Mode::Epoch), Err(InputError::OtherMode { .. })));
    for n in 1..MAX_AGGREGATES {
        set(&Name::new(&format!("f{n}")).unwrap(), 1.0, Mode::Live).unwrap();
    }
    let more = Name::new("one-too-many").unwrap();
    assert!(matches!(set(&more, 1.0, Mode::Live), Err(InputError::TooMany { .. })));
    let unknown =
        net.with_node(nodes[1], |node, now| node.aggregates_mut().unset(now, &more)).unwrap();
    assert!(matches!(unknown, Err(InputError::NoInput { .. })));
    for reading in converge(&mut net, "x") {
        assert!(near(reading.sum.value, 15.0));
    }
}

#[test]
fn five_and_ten_are_fifteen_with_value_seven_and_a_half_and_anchor_one_half() {
    let (mut net, nodes) = cluster(2, 8, &Config::default());
    net.set(nodes[0], "requests", 5.0).unwrap();
    net.set(nodes[1], "requests", 10.0).unwrap();
    converge(&mut net, "requests");
    let name = Name::new("requests").unwrap();
    for &node in &nodes {
        let explained =
            net.node(node).unwrap().aggregates().explain(net.local_now(node), &name).unwrap();
        let value = explained
            .components
            .iter()
            .find(|line| line.component == ComponentKind::Value)
            .unwrap();
        assert_eq!(value.mass, 7.5);
        assert_eq!(value.mass, value.input + value.taken - value.given);
        assert!(explained.anchors.iter().all(|anchor| anchor.mass == 0.5));
        assert_eq!(explained.anchors.len(), 2);
        assert_eq!(explained.nodes, Some(2.0));
        assert_eq!(explained.links.len(), 1);
    }
}

#[test]
fn a_second_node_of_the_same_name_is_refused_and_disturbs_nobody() {
    let (mut net, nodes) = cluster(3, 9, &Config::default());
    net.set(nodes[0], "x", 1.0).unwrap();
    let twin = net.add_node(NodeSpec::named("n1").unwrap()).unwrap();
    net.take_events();
    net.join(twin, nodes[0]);
    net.run_for(SECOND * 10);
    let told = net.take_events();
    let refused = |event: &Notice| {
        matches!(event, Notice::NameTaken { name, by }
        if name.as_str() == "n1" && *by == nodes[1].addr())
    };
    assert!(told.iter().any(|(_, node, event)| *node == twin && refused(event)), "{told:?}");
    assert!(told.iter().all(|(_, node, _)| *node == twin), "the others hear nothing: {told:?}");
    assert!(!net.node(twin).unwrap().is_joining());
    assert_eq!(net.node(nodes[0]).unwrap().roster().len(), 3);
}

#[test]
fn three_standard_errors_cover_the_truth_as_often_as_they_say() {
    let (mut covered, mut all) = (0, 0);
    for seed in 0..6 {
        let (mut net, nodes) = cluster(40, 100 + seed, &Config::default());
        let period = Config::default().interval;
        let latency = Latency::Uniform(period / 100, period / 10);
        net.set_link(Link { latency, ..net.link() }).unwrap();
        let mut truth = 0.0;
        for (n, &node) in nodes.iter().enumerate() {
            let input = ((n as f64 + 1.0) * 0.754_877_666).fract();
            truth += input;
            net.set(node, "x", input).unwrap();
        }
        for _ in 0..800 {
            net.run_for(period / 20);
            for (node, _) in net.running() {
                let Some(reading) = reading(&net, node, "x") else { continue };
                let (Some(error), Some(sum)) = (reading.sum.standard_error, reading.sum.value)
                else {
                    continue;
                };
                // Below that, what is left is rounding.
                if 3.0 * error > 1e-12 * truth {
                    all += 1;
                    covered += u32::from((sum - truth).abs() <= 3.0 * error);
                }
            }
        }
    }
    let share = f64::from(covered) / f64::from(all);
    assert!(all > 5000 && share > 0.98, "{covered} of {all}");
}

/// Every input is drawn anew once a second, each node's at its own phase.
#[test]
fn three_standard_errors_cover_moving_inputs_nineteen_times_in_twenty() {
    for (n, seed) in [(5, 1), (30, 2)] {
        let (mut net, nodes) = cluster(n, seed, &Config::default());
        let mut inputs = vec![0.0; n];
        let (mut covered, mut all, mut draw) = (0, 0, 0u32);
        for step in 0..30 * n {
            let at = step % n;
            draw += 1;
            inputs[at] = 90.0 + 20.0 * (f64::from(draw) * 0.754_877_666).fract();
            net.set(nodes[at], "x", inputs[at]).unwrap();
            // Read twice between two changes.
            for _ in 0..2 {
                net.run_for(SECOND / (2 * n as u32));
                let truth: f64 = inputs.iter().sum();
                for &node in nodes.iter().filter(|_| step > 5 * n) {
                    let reading = reading(&net, node, "x").unwrap();
                    let error = reading.sum.standard_error.unwrap();
                    all += 1;
                    covered += u32::from((reading.sum.value.unwrap() - truth).abs() <= 3.0 * error);
                }
            }
        }
        let share = f64::from(covered) / f64::from(all);
        assert!(all > 1000 && share > 0.95, "{n} nodes: {covered} of {all}");
    }
}

/// The bounds of an epoch concern the instant at which all inputs were latched, and their age runs on
/// when the epoch is over.
#[test]
fn bounds_of_epochs_hold_for_an_instant_that_they_name() {
    let (mut net, nodes) = cluster(5, 10, &Config::default());
    for &node in &nodes {
        set_in(&mut net, node, "peak", 100.0, Mode::Epoch);
    }
    let all = |net: &VirtualNetwork, sum: f64| {
        net.running().all(|(node, _)| {
            reading(net, node, "peak").is_some_and(|r| r.converged && near(r.sum.value, sum))
        })
    };
    let deadline = net.now() + SECOND * 120;
    assert!(net.run_until(deadline, |net| all(net, 500.0)));
    set_in(&mut net, nodes[0], "peak", 1100.0, Mode::Epoch);
    let changed = net.now();
    for _ in 0..100 {
        net.run_for(SECOND / 2);
        for &node in &nodes {
            let reading = reading(&net, node, "peak").unwrap();
            let since = net.now() - reading.certified.unwrap().age;
            let right = encloses(&reading, 1500.0) || since <= changed;
            let after = net.now().since(changed);
            assert!(right, "{after:?} after the change: {reading:#?}");
        }
    }
}

#[test]
fn an_aggregate_at_rest_costs_little_and_a_change_after_an_hour_is_known_at_once() {
    let (mut net, nodes) = cluster(5, 12, &Config::default());
    for &node in &nodes {
        net.set(node, "x", 1.0).unwrap();
    }
    converge(&mut net, "x");
    net.run_for(SECOND * 60);
    let sent = |net: &VirtualNetwork| {
        net.running().map(|(_, node)| node.stats().datagrams_sent).sum::<u64>()
    };
    let before = sent(&net);
    net.run_for(SECOND * 3600);
    let rate = (sent(&net) - before) as f64 / 3600.0 / nodes.len() as f64;
    assert!(rate < 3.0, "{rate} packets a node and second");
    net.set(nodes[3], "x", 101.0).unwrap();
    let changed = net.now();
    let known = |net: &VirtualNetwork| {
        net.running().all(|(node, _)| {
            let sum = reading(net, node, "x").and_then(|reading| reading.sum.value);
            near(sum, 105.0)
        })
    };
    assert!(net.run_until(changed + SECOND, known));
    let took = net.now().since(changed);
    assert!(took < SECOND / 50, "{took:?}, with 2 ms at most from node to node");
}
