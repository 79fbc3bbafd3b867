//! Rumors under loss, churn and a partition: everybody who is up hears each of them, once.
//!
//! `RUMORMILL_EVENTS=10000` publishes this many events (1,000 if it is not set).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rumormill_proto::{
    Config, Counted, Decided, Duration, EventRecord, EventSettings, GossipStats, Instant, Name,
    Node, Notice, PublishError, Rng, Stop, Style,
};
use rumormill_sim::{Chronicle, Latency, Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const MS: Duration = Duration::from_millis(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A formed cluster that has come to rest.
fn cluster(n: usize, rumor: EventSettings, seed: u64) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
    let config = Config { events: rumor, ..Config::default() };
    let mut add = |i| {
        let spec = NodeSpec::named(&format!("n{i}")).unwrap().config(config.clone());
        net.add_node(spec).unwrap()
    };
    let nodes: Vec<_> = (0..n).map(&mut add).collect();
    assert!(net.form(&nodes, Instant::ZERO + seconds(60)));
    net.run_for(seconds(5));
    net.take_events();
    (net, nodes)
}

fn publish(net: &mut VirtualNetwork, node: NodeIndex, payload: &[u8]) {
    let topic = Name::new("news").unwrap();
    net.with_node(node, |node, now| node.events_mut().publish(now, &topic, payload))
        .unwrap()
        .unwrap();
}

fn lossy(loss: f64) -> Link {
    Link { latency: Latency::Uniform(MS, 10 * MS), loss, ..Link::default() }
}

fn spent(net: &VirtualNetwork) -> GossipStats {
    let mut sum = GossipStats::default();
    for (_, node) in net.running() {
        let stats = &node.stats().events;
        sum.messages += stats.messages;
        sum.bytes += stats.bytes;
        sum.entries_pushed += stats.entries_pushed;
        sum.received_by_pull += stats.received_by_pull;
        sum.received_by_push += stats.received_by_push;
    }
    sum
}

/// Publishes `rumors` at 50 a second among 12 nodes that stay and 4 that come and go, with 20 %
/// loss all the time and a partition of 15 s; returns how many deliveries were owed and missed.
fn storm(style: Style, rumors: usize, seed: u64) -> (usize, usize) {
    let rumor = EventSettings { style, ..EventSettings::default() };
    let (mut net, nodes) = cluster(16, rumor, seed);
    net.set_link(lossy(0.2)).unwrap();
    let mut rng = Rng::seed_from_u64(seed);
    let mut chronicle = Chronicle::default();
    let (stay, go) = nodes.split_at(12);
    for n in 0..rumors {
        net.run_for(20 * MS);
        chronicle.record_all(&mut net).unwrap();
        let running: Vec<_> = net.running().map(|(node, _)| node).collect();
        publish(&mut net, running[rng.random_range(0..running.len())], &[n as u8; 72]);
        if n % 100 == 0 {
            let one = go[rng.random_range(0..go.len())];
            if net.node(one).is_some() {
                net.crash(one);
            } else {
                net.restart(one).unwrap();
                net.join(one, stay[0]);
            }
        }
        if n == rumors / 3 {
            net.partition(&[&stay[..6], &stay[6..]]);
        } else if n == rumors / 3 + rumors.min(750) / 2 {
            net.heal();
        }
    }
    net.heal();
    let deadline = net.now() + seconds(60);
    net.run_until(deadline, |_| false);
    chronicle.record_all(&mut net).unwrap();
    let (owed, missed) = chronicle.deliveries(&net);
    let (published, heard) = chronicle.published();
    assert_eq!(published, rumors);
    let GossipStats {
        messages,
        bytes,
        entries_pushed,
        received_by_pull: pulled,
        received_by_push: pushed,
        ..
    } = spent(&net);
    println!(
        "{style}: {published} rumors, {heard} deliveries, {missed} of {owed} owed missed; \
         for each delivery {:.1} packets, {:.0} bytes, pushed {:.1} times; {:.2} % found by pull",
        messages as f64 / heard as f64,
        bytes as f64 / heard as f64,
        entries_pushed as f64 / heard as f64,
        100.0 * pulled as f64 / (pulled + pushed) as f64,
    );
    (owed, missed)
}

#[test]
fn everybody_who_is_up_hears_every_rumor_once() {
    let rumors = std::env::var("RUMORMILL_EVENTS").map_or(1000, |n| n.parse().unwrap());
    let (owed, missed) = storm(Style::PushThenPull, rumors, 1);
    // A few went with the one that published them.
    assert!(owed >= 11 * rumors, "{owed}");
    assert_eq!(missed, 0);
    for style in [Style::PushPull, Style::Pull] {
        assert_eq!(storm(style, rumors / 10, 2).1, 0);
    }
    // What pull buys: push alone leaves stragglers.
    assert!(storm(Style::Push, rumors, 3).1 > 0);
}

#[test]
fn a_fast_network_hears_in_a_few_hops_and_an_idle_one_is_silent() {
    let (mut net, nodes) = cluster(64, EventSettings::default(), 4);
    let mut chronicle = Chronicle::default();
    let mut worst = Duration::ZERO;
    for &node in nodes.iter().step_by(4) {
        let before = net.now();
        publish(&mut net, node, &[1; 72]);
        net.run_for(seconds(2));
        let mut heard = BTreeMap::new();
        for (at, node, event) in net.take_events() {
            if let Notice::Event(_) = &event {
                heard.insert(node, at);
            }
            chronicle.record(&net, at, node, event).unwrap();
        }
        assert_eq!(heard.len(), 64);
        worst = heard.values().map(|at| at.since(before)).max().unwrap().max(worst);
    }
    assert!(worst < 400 * MS, "{worst:?}");
    // Every entry is pushed, and no node pulls.
    net.run_for(seconds(10));
    let before = spent(&net).messages;
    net.run_for(seconds(10));
    assert_eq!(spent(&net).messages, before);
}

#[test]
fn every_stop_rule_stops() {
    let interest = |counted, decided| Stop::Interest { counted, decided, k: 2 };
    for stop in [
        Stop::Rounds(6),
        Stop::Log(1.5),
        interest(Counted::Feedback, Decided::Coin),
        interest(Counted::Feedback, Decided::Counter),
        interest(Counted::Blind, Decided::Coin),
        interest(Counted::Blind, Decided::Counter),
    ] {
        let config = EventSettings { stop, style: Style::Push, ..EventSettings::default() };
        let (mut net, nodes) = cluster(20, config, 5);
        publish(&mut net, nodes[0], b"x");
        net.run_for(seconds(20));
        assert!(net.running().all(|(_, node)| node.events().load().hot == 0), "{stop}");
        let heard = net.take_events().into_iter();
        let heard = heard.filter(|(.., event)| matches!(event, Notice::Event(_))).count();
        assert!(heard > 10, "{stop}: {heard} of 20");
        let pushed = spent(&net).entries_pushed;
        net.run_for(seconds(5));
        assert_eq!(spent(&net).entries_pushed, pushed, "{stop}");
    }
}

#[test]
fn without_eagerness_all_act_on_the_state_at_the_rounds_start() {
    let stop = Stop::Rounds(20);
    let config = EventSettings {
        style: Style::Push,
        fanout: 1,
        eager: false,
        stop,
        ..EventSettings::default()
    };
    let (mut net, nodes) = cluster(64, config, 6);
    let interval = net.node(nodes[0]).unwrap().config().events.interval;
    let began = net.now();
    publish(&mut net, nodes[0], b"x");
    net.run_for(seconds(5));
    let mut by_round = BTreeMap::<u32, usize>::new();
    for (at, _, event) in net.take_events() {
        if let Notice::Event(rumor) = event {
            // Told at a round's start, heard a few hops' latency later at most.
            let since = at.since(began);
            let starts = interval * rumor.round.saturating_sub(1);
            assert!(since >= starts && since < starts + interval / 4, "{rumor:?} {since:?}");
            *by_round.entry(rumor.round).or_default() += 1;
        }
    }
    // Who knows at most doubles from round to round.
    let mut known = 0;
    for (_, count) in by_round {
        assert!(count <= known.max(1));
        known += count;
    }
    assert!(known > 50, "{known}");
}

#[test]
fn a_rejected_rumor_goes_no_further() {
    let (mut net, nodes) = cluster(8, EventSettings::default(), 7);
    for &node in &nodes[1..] {
        net.with_node(node, |node, now| {
            node.events_mut()
                .set_validator(now, Some(Box::new(|rumor| rumor.payload != b"poison")));
        })
        .unwrap();
    }
    publish(&mut net, nodes[0], b"poison");
    publish(&mut net, nodes[0], b"news");
    net.run_for(seconds(10));
    let mut heard = BTreeMap::<Vec<u8>, usize>::new();
    for (.., event) in net.take_events() {
        if let Notice::Event(rumor) = event {
            *heard.entry(rumor.payload).or_default() += 1;
        }
    }
    assert_eq!(heard, BTreeMap::from([(b"poison".to_vec(), 1), (b"news".to_vec(), 8)]));
    let rejects: u64 = net.running().map(|(_, node)| node.stats().events.rejected).sum();
    assert!(rejects >= 1);
    // At home it is refused.
    let topic = Name::new("news").unwrap();
    let published =
        net.with_node(nodes[1], |node, now| node.events_mut().publish(now, &topic, b"poison"));
    assert_eq!(published.unwrap(), Err(PublishError::Rejected));
}

#[test]
fn what_is_too_long_for_a_datagram_arrives_and_what_is_too_long_is_refused() {
    let (mut net, nodes) = cluster(12, EventSettings::default(), 8);
    net.set_link(lossy(0.1)).unwrap();
    publish(&mut net, nodes[3], &vec![9; 60_000]);
    net.run_for(seconds(20));
    let heard = net.take_events().into_iter().filter(
        |(.., event)| matches!(event, Notice::Event(rumor) if rumor.payload == vec![9; 60_000]),
    );
    assert_eq!(heard.count(), 12);
    let topic = Name::new("news").unwrap();
    let refused =
        net.with_node(nodes[0], |node, now| node.events_mut().publish(now, &topic, &[0; 70_000]));
    assert_eq!(refused.unwrap(), Err(PublishError::TooLarge { bytes: 70_000, limit: 65_536 }));
    let reserved = Name::new("_trace").unwrap();
    let refused =
        net.with_node(nodes[0], |node, now| node.events_mut().publish(now, &reserved, b""));
    assert_eq!(refused.unwrap(), Err(PublishError::Reserved(reserved)));
}

#[test]
fn too_many_rumors_are_refused_and_the_oldest_forgotten() {
    let config = EventSettings { max_queue: 3, max_events: 16, ..EventSettings::default() };
    let (mut net, nodes) = cluster(4, config, 9);
    let topic = Name::new("news").unwrap();
    let mut refused = 0;
    for _ in 0..5 {
        let done = net
            .with_node(nodes[0], |node, now| node.events_mut().publish(now, &topic, b"x"))
            .unwrap();
        refused += usize::from(done == Err(PublishError::QueueFull { limit: 3 }));
    }
    assert_eq!(refused, 2);
    let mut chronicle = Chronicle::default();
    for n in 0..60 {
        net.run_for(seconds(2));
        chronicle.record_all(&mut net).unwrap();
        publish(&mut net, nodes[n % 4], &[n as u8]);
    }
    net.run_for(seconds(5));
    chronicle.record_all(&mut net).unwrap();
    assert_eq!(chronicle.delivered(&net), Ok(()));
    assert!(net.running().all(|(_, node)| node.events().load().kept == 16));
    assert!(net.running().all(|(_, node)| node.stats().events.evicted > 0));
}

#[test]
fn all_answer_a_question_and_a_trace_is_one() {
    let (mut net, nodes) = cluster(30, EventSettings::default(), 10);
    net.set_link(lossy(0.2)).unwrap();
    publish(&mut net, nodes[5], b"x");
    net.run_for(seconds(5));
    let rumor = net.node(nodes[0]).unwrap().events().list().next().unwrap().id;
    net.take_events();
    let topic = Name::new("who").unwrap();
    let asked = net
        .with_node(nodes[7], |node, now| {
            node.queries_mut().ask(now, &topic, b"are you?", seconds(10))
        })
        .unwrap()
        .unwrap();
    let traced = net
        .with_node(nodes[8], |node, now| node.events_mut().trace(now, rumor, seconds(10)))
        .unwrap()
        .unwrap();
    let (mut answers, mut traces, mut ends) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for _ in 0..200 {
        net.run_for(100 * MS);
        for (_, node, event) in net.take_events() {
            match event {
                Notice::Query { question, timeout } => {
                    assert_eq!(
                        (question.id, question.payload.as_slice()),
                        (asked, &b"are you?"[..])
                    );
                    assert!(timeout <= seconds(10));
                    // One never answers; another answers at length.
                    if node != nodes[11] {
                        let long = if node == nodes[12] { 5000 } else { 10 };
                        let answer = vec![b'!'; long];
                        let answered = net
                            .with_node(node, |n, now| n.queries_mut().answer(now, asked, &answer))
                            .unwrap();
                        assert_eq!(answered, Ok(()));
                        let again = net
                            .with_node(node, |n, now| n.queries_mut().answer(now, asked, &answer));
                        assert!(again.unwrap().is_err(), "answered twice");
                    }
                }
                Notice::Answer { query, from, payload } if query == asked => {
                    assert_eq!(node, nodes[7]);
                    assert!(answers.insert(from, payload.len()).is_none());
                }
                Notice::Answer { from, payload, .. } => {
                    traces.insert(from, EventRecord::decode(&payload).unwrap());
                }
                Notice::QueryFinished { query, answered, expected } => {
                    ends.push((query, answered, expected));
                }
                _ => {}
            }
        }
    }
    assert_eq!(answers.len(), 29);
    assert_eq!(answers[&Name::new("n12").unwrap()], 5000);
    ends.sort();
    let mut expected = vec![(asked, 29, 30), (traced, 30, 30)];
    expected.sort();
    assert_eq!(ends, expected);
    assert!(traces.values().all(|record| record.id == rumor));
    assert_eq!(traces[&Name::new("n5").unwrap()].round, 0);
    assert!(traces.values().filter(|record| record.round > 0).count() == 29);
    assert!(net.running().all(|(_, node): (_, &Node)| node.events().load().hot == 0));
}
