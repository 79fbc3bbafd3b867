//! Wrong clocks: at a visitor or at a member, ahead or behind, by a step or by drift, of any size.
//! They cost nobody else anything.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/keys.rs"]
mod keys;

use keys::{equal, put};
use rumormill_proto::{Config, Duration, EventSettings, Instant, KvSettings, Name, NodeId, Notice};
use rumormill_sim::{Chronicle, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
const YEAR: i64 = 365 * DAY;

/// How far clocks are off in these tests, in milliseconds.
const ERRORS: [i64; 10] = [
    30 * SECOND,
    -30 * SECOND,
    4 * MINUTE,
    11 * MINUTE,
    -11 * MINUTE,
    2 * DAY,
    -2 * DAY,
    30 * YEAR,
    -30 * YEAR,
    5000 * YEAR,
];

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn topic() -> Name {
    Name::new("deploy").unwrap()
}

fn add(net: &mut VirtualNetwork, config: &Config, wall_offset: i64) -> NodeIndex {
    let spec = NodeSpec::named(&format!("n{}", net.len())).unwrap().config(config.clone());
    net.add_node(spec.wall_offset(wall_offset).durable()).unwrap()
}

/// A cluster whose nodes have stores, and whose clocks are off by these milliseconds.
fn cluster(config: &Config, errors: &[i64]) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let nodes: Vec<_> = errors.iter().map(|&error| add(&mut net, config, error)).collect();
    assert!(net.form(&nodes, Instant::ZERO + seconds(60)));
    net.run_for(seconds(3));
    (net, nodes)
}

fn delete(net: &mut VirtualNetwork, node: NodeIndex, key: &str) {
    net.with_node(node, |node, now| node.kv_mut().delete(now, key)).unwrap().unwrap();
}

fn publish(net: &mut VirtualNetwork, node: NodeIndex) {
    net.with_node(node, |node, now| node.events_mut().publish(now, &topic(), b"v2"))
        .unwrap()
        .unwrap();
}

fn value(net: &VirtualNetwork, node: NodeIndex, key: &str) -> Option<String> {
    let value = net.node(node)?.kv().get(key)?.value.clone()?;
    Some(String::from_utf8(value).unwrap())
}

/// Whether a key has this value at all of these.
fn all_hold(net: &VirtualNetwork, nodes: &[NodeIndex], key: &str, should: Option<&str>) -> bool {
    nodes.iter().all(|&node| value(net, node, key).as_deref() == should)
}

/// A node with a wrong clock joins, stays for 4 s, and leaves.
fn visit(net: &mut VirtualNetwork, config: &Config, host: NodeIndex, error: i64) {
    let visitor = add(net, config, error);
    net.join(visitor, host);
    net.run_for(seconds(4));
    assert!(net.node(visitor).unwrap().roster().len() > 1, "the visitor did not get in");
    net.leave(visitor);
}

#[test]
fn after_a_visitor_with_a_wrong_clock_deleted_keys_stay_deleted() {
    for error in ERRORS {
        let config = Config::default();
        let (mut net, nodes) = cluster(&config, &[0, 0, 0]);
        put(&mut net, nodes[0], "gone", "soon");
        net.run_for(seconds(2));
        net.crash(nodes[2]);
        delete(&mut net, nodes[0], "gone");
        visit(&mut net, &config, nodes[0], error);
        net.run_for(seconds(1));
        net.restart(nodes[2]).unwrap();
        assert_eq!(value(&net, nodes[2], "gone").as_deref(), Some("soon"), "it is on its disk");
        net.join(nodes[2], nodes[0]);
        net.run_for(seconds(20));
        assert!(all_hold(&net, &nodes, "gone", None), "risen, with a visitor off by {error} ms");
        assert!(equal(&net));
    }
}

#[test]
fn after_a_visitor_with_a_wrong_clock_a_node_that_was_cut_off_hears_what_it_missed() {
    for error in ERRORS {
        let config = Config::default();
        let (mut net, nodes) = cluster(&config, &[0, 0, 0, 0]);
        let mut chronicle = Chronicle::default();
        net.isolate(nodes[3], seconds(8));
        net.run_for(seconds(1));
        chronicle.record_all(&mut net).unwrap();
        publish(&mut net, nodes[0]);
        visit(&mut net, &config, nodes[0], error);
        net.run_for(seconds(30));
        chronicle.record_all(&mut net).unwrap();
        assert_eq!(chronicle.delivered(&net), Ok(()), "a visitor off by {error} ms");
        // Published while it was there, and by a node that came after it.
        let late = add(&mut net, &config, 0);
        net.join(late, nodes[0]);
        net.run_for(seconds(5));
        chronicle.record_all(&mut net).unwrap();
        publish(&mut net, late);
        net.run_for(seconds(5));
        chronicle.record_all(&mut net).unwrap();
        assert_eq!(chronicle.delivered(&net), Ok(()));
    }
}

#[test]
fn a_member_whose_clock_drifts_by_two_percent_makes_nobody_miss_an_event() {
    for rate in [1.02, 0.98] {
        let (mut net, nodes) = cluster(&Config::default(), &[0; 4]);
        let mut chronicle = Chronicle::default();
        net.isolate(nodes[2], seconds(200));
        net.run_for(seconds(1));
        chronicle.record_all(&mut net).unwrap();
        publish(&mut net, nodes[0]);
        net.set_clock_rate(nodes[3], rate).unwrap();
        net.run_for(seconds(220));
        chronicle.record_all(&mut net).unwrap();
        assert_eq!(chronicle.delivered(&net), Ok(()), "at rate {rate}");
    }
}

#[test]
fn a_member_whose_clock_is_stepped_goes_on_writing_and_publishing() {
    for error in ERRORS {
        let (mut net, nodes) = cluster(&Config::default(), &[0; 4]);
        let mut chronicle = Chronicle::default();
        chronicle.record_all(&mut net).unwrap();
        for (step, stepped) in [error, -error, -error, error].into_iter().zip(1..) {
            net.step_wall_clock(nodes[1], step).unwrap();
            let first = format!("first {stepped}");
            put(&mut net, nodes[1], "key", &first);
            publish(&mut net, nodes[1]);
            net.run_for(seconds(3));
            let said = format!("stepped by {step} ms");
            assert!(all_hold(&net, &nodes, "key", Some(&first)), "{said}");
            // A write that has seen another is later, at whatever node.
            put(&mut net, nodes[2], "key", "second");
            net.run_for(seconds(3));
            assert!(all_hold(&net, &nodes, "key", Some("second")), "{said}");
            delete(&mut net, nodes[1], "key");
            net.run_for(seconds(3));
            assert!(all_hold(&net, &nodes, "key", None), "{said}");
            assert!(equal(&net), "{said}");
            chronicle.record_all(&mut net).unwrap();
            assert_eq!(chronicle.delivered(&net), Ok(()), "{said}");
        }
        let steps = net.node(nodes[1]).unwrap().stats().clock_steps;
        assert_eq!(steps, 4);
    }
}

#[test]
fn events_are_kept_for_their_retention_though_all_clocks_are_stepped() {
    for error in ERRORS {
        let (mut net, nodes) = cluster(&Config::default(), &[0; 4]);
        let mut chronicle = Chronicle::default();
        net.isolate(nodes[3], seconds(100));
        net.run_for(seconds(1));
        chronicle.record_all(&mut net).unwrap();
        publish(&mut net, nodes[0]);
        net.run_for(seconds(20));
        for &node in &nodes {
            net.step_wall_clock(node, error).unwrap();
        }
        net.run_for(seconds(120));
        chronicle.record_all(&mut net).unwrap();
        assert_eq!(chronicle.delivered(&net), Ok(()), "stepped by {error} ms");
        let kept = |net: &VirtualNetwork| net.running().map(|(_, n)| n.events().load().kept).max();
        assert_eq!(kept(&net), Some(1));
        net.run_for(EventSettings::default().retention);
        assert_eq!(kept(&net), Some(0));
    }
}

#[test]
fn with_drifting_clocks_and_a_short_retention_every_event_is_heard_once() {
    let rumor = EventSettings { retention: seconds(10), ..EventSettings::default() };
    let (mut net, nodes) = cluster(&Config { events: rumor, ..Config::default() }, &[0; 5]);
    let mut chronicle = Chronicle::default();
    for (&node, rate) in nodes.iter().zip([0.98, 1.02, 1.0, 0.99, 1.015]) {
        net.set_clock_rate(node, rate).unwrap();
    }
    for n in 0..120 {
        chronicle.record_all(&mut net).unwrap();
        publish(&mut net, nodes[n % 5]);
        net.run_for(Duration::from_millis(500));
    }
    net.run_for(seconds(30));
    chronicle.record_all(&mut net).unwrap();
    assert_eq!(chronicle.delivered(&net), Ok(()));
    assert!(net.running().all(|(_, node)| node.events().load().kept == 0));
}

#[test]
fn tombstones_live_their_time_and_go_everywhere_whatever_clocks_show() {
    let replica = KvSettings { tombstone_life: seconds(60), ..KvSettings::default() };
    let config = Config { kv: replica, ..Config::default() };
    for error in [0, 2 * DAY, -2 * DAY] {
        let (mut net, nodes) = cluster(&config, &[0; 4]);
        net.set_clock_rate(nodes[1], 1.02).unwrap();
        net.set_clock_rate(nodes[2], 0.98).unwrap();
        for n in 0..50 {
            put(&mut net, nodes[0], &format!("k{n}"), "v");
        }
        net.run_for(seconds(2));
        for n in 0..50 {
            delete(&mut net, nodes[3], &format!("k{n}"));
        }
        net.run_for(seconds(10));
        net.step_wall_clock(nodes[3], error).unwrap();
        net.step_wall_clock(nodes[0], error).unwrap();
        net.run_for(seconds(40));
        let tombstones = |net: &VirtualNetwork| -> Vec<usize> {
            net.running().map(|(_, node)| node.kv().load().tombstones).collect()
        };
        assert_eq!(tombstones(&net), [50; 4], "after 50 s of 60");
        net.run_for(seconds(25));
        assert_eq!(tombstones(&net), [0; 4], "after 75 s of 60");
        assert!(net.running().all(|(_, node)| node.kv().load().keys == 0));
    }
}

/// Of two nodes alone nobody can say whose clock is wrong.
#[test]
fn what_one_of_two_wrote_with_a_clock_ahead_is_refused_and_spreads_once_the_clock_is_right() {
    let (mut net, nodes) = cluster(&Config::default(), &[0, 2 * DAY]);
    let skewed = |events: Vec<(Instant, NodeIndex, Notice)>| -> Vec<NodeIndex> {
        let skew = |event: &Notice| matches!(event, Notice::ClockSkew { .. });
        events.into_iter().filter(|(_, _, event)| skew(event)).map(|(_, node, _)| node).collect()
    };
    assert_eq!(skewed(net.take_events()).len(), 2, "each says it of the other, once");
    put(&mut net, nodes[0], "right", "1");
    put(&mut net, nodes[1], "ahead", "1");
    net.run_for(seconds(10));
    assert!(all_hold(&net, &nodes, "right", Some("1")), "what is behind is taken");
    assert_eq!(value(&net, nodes[0], "ahead"), None, "what is ahead is refused");
    let stats = net.node(nodes[0]).unwrap().stats();
    assert!(stats.stamps_refused > 0 && stats.kv.refused > 0);
    let off = net.node(nodes[0]).unwrap().time_of_day(net.local_now(nodes[0]));
    let true_time = net.node(nodes[1]).unwrap().time_of_day(net.local_now(nodes[1]));
    assert!(true_time - off > DAY as u64, "the right one did not follow");
    assert!(skewed(net.take_events()).is_empty());
    net.step_wall_clock(nodes[1], -2 * DAY).unwrap();
    net.run_for(seconds(10));
    assert!(all_hold(&net, &nodes, "ahead", Some("1")));
    assert!(equal(&net));
    put(&mut net, nodes[0], "ahead", "2");
    net.run_for(seconds(3));
    assert!(all_hold(&net, &nodes, "ahead", Some("2")));
}

/// A machine without a clock of its own starts in 1970, with a store from yesterday.
#[test]
fn a_node_that_starts_in_1970_loses_nothing_of_its_store_and_brings_nothing_back() {
    let (mut net, nodes) = cluster(&Config::default(), &[0; 3]);
    put(&mut net, nodes[0], "kept", "1");
    put(&mut net, nodes[0], "gone", "1");
    net.run_for(seconds(2));
    net.crash(nodes[2]);
    net.run_for(seconds(5));
    delete(&mut net, nodes[0], "gone");
    put(&mut net, nodes[1], "kept", "2");
    net.step_wall_clock(nodes[2], -50 * YEAR).unwrap();
    net.restart(nodes[2]).unwrap();
    put(&mut net, nodes[2], "alone", "1");
    net.join(nodes[2], nodes[0]);
    net.run_for(seconds(20));
    assert!(all_hold(&net, &nodes, "kept", Some("2")));
    assert!(all_hold(&net, &nodes, "gone", None));
    assert!(all_hold(&net, &nodes, "alone", Some("1")));
    net.step_wall_clock(nodes[2], 50 * YEAR).unwrap();
    net.run_for(seconds(10));
    assert!(equal(&net));
    assert!(all_hold(&net, &nodes, "kept", Some("2")) && all_hold(&net, &nodes, "gone", None));
}

/// Nodes without stores, so that nothing remembers their boots.
#[test]
fn a_node_whose_clock_went_back_while_it_was_down_gets_in_again() {
    for error in ERRORS {
        let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
        let mut node = |offset| {
            let spec = NodeSpec::named(&format!("n{}", net.len())).unwrap();
            net.add_node(spec.wall_offset(offset)).unwrap()
        };
        let nodes = [node(0), node(0), node(error)];
        assert!(net.form(&nodes, Instant::ZERO + seconds(60)), "off by {error} ms");
        for &node in &nodes {
            net.set(node, "requests", 5.0).unwrap();
        }
        net.crash(nodes[2]);
        net.step_wall_clock(nodes[2], -error).unwrap();
        net.restart(nodes[2]).unwrap();
        net.join(nodes[2], nodes[0]);
        net.set(nodes[2], "requests", 7.0).unwrap();
        let requests = Name::new("requests").unwrap();
        let right = |net: &VirtualNetwork| {
            net.running().all(|(index, node)| {
                let reading = node.aggregates().get(net.local_now(index), &requests);
                reading.is_some_and(|reading| {
                    reading.converged && reading.sum.value.is_some_and(|s| (s - 17.0).abs() < 1e-3)
                })
            })
        };
        let deadline = net.now() + seconds(60);
        assert!(net.run_until(deadline, right), "off by {error} ms");
    }
}

/// Stamps that nodes give can be read back, whatever their clocks show.
#[test]
fn a_store_can_be_read_by_its_own_node_whatever_the_clock_shows() {
    for error in [8000 * YEAR, 5000 * YEAR, 2100 * YEAR, -60 * YEAR] {
        let (mut net, nodes) = cluster(&Config::default(), &[error]);
        for n in 0..100 {
            put(&mut net, nodes[0], "key", &n.to_string());
        }
        let entries: Vec<_> = net.node(nodes[0]).unwrap().kv().entries().cloned().collect();
        for entry in entries {
            assert_eq!(rumormill_proto::Entry::decode(&entry.encode()), Ok(entry));
        }
    }
}

/// A store that was written while the machine's clock was wrong, at a node whose clock is right.
#[test]
fn entries_of_a_store_that_are_stamped_far_ahead_are_written_anew() {
    let (mut net, nodes) = cluster(&Config::default(), &[0; 3]);
    let now = net.node(nodes[0]).unwrap().time_of_day(net.local_now(nodes[0]));
    let entry = |key: &str, ahead: u64| rumormill_proto::Entry {
        key: key.into(),
        value: Some(b"kept".to_vec()),
        version: rumormill_proto::Version {
            stamp: rumormill_proto::Stamp((now + ahead) << 16),
            node: NodeId(7),
        },
    };
    let entries = vec![entry("minutes", 400_000), entry("year", YEAR as u64)];
    net.with_node(nodes[1], |node, now| node.kv_mut().restore(now, entries)).unwrap();
    net.run_for(seconds(10));
    for key in ["minutes", "year"] {
        assert!(all_hold(&net, &nodes, key, Some("kept")), "{key}");
        put(&mut net, nodes[0], key, "new");
    }
    net.run_for(seconds(3));
    for key in ["minutes", "year"] {
        assert!(all_hold(&net, &nodes, key, Some("new")), "{key}");
    }
    assert_eq!(net.node(nodes[1]).unwrap().stats().kv.restamped, 2);
}

/// A node deletes a key, and crashes before any other hears of it. When it starts again, its clock makes
/// the tombstone in its store look older than tombstones live.
#[test]
fn a_deletion_that_only_a_store_has_is_kept_whatever_the_clock_shows() {
    for error in ERRORS {
        let (mut net, nodes) = cluster(&Config::default(), &[0; 4]);
        put(&mut net, nodes[0], "key", "value");
        net.run_for(seconds(3));
        net.isolate(nodes[1], seconds(1));
        delete(&mut net, nodes[1], "key");
        net.crash(nodes[1]);
        net.step_wall_clock(nodes[1], error).unwrap();
        net.run_for(seconds(1));
        net.restart(nodes[1]).unwrap();
        net.join(nodes[1], nodes[0]);
        net.run_for(seconds(20));
        assert!(all_hold(&net, &nodes, "key", None), "{error}");
        assert!(equal(&net), "{error}");
        let tombstones = net.node(nodes[2]).unwrap().kv().load().tombstones;
        assert_eq!(tombstones, 1, "its age is known again: {error}");
    }
}

/// A tombstone that has lived its life while its node was away.
#[test]
fn an_old_deletion_is_dropped_once_the_members_confirm_the_clock() {
    let config =
        Config { kv: KvSettings { journal: true, ..KvSettings::default() }, ..Config::default() };
    let (mut net, nodes) = cluster(&config, &[0; 3]);
    let now = net.node(nodes[0]).unwrap().time_of_day(net.local_now(nodes[0]));
    let old = rumormill_proto::Entry {
        key: "old".into(),
        value: None,
        version: rumormill_proto::Version {
            stamp: rumormill_proto::Stamp((now - 2 * DAY as u64) << 16),
            node: NodeId(7),
        },
    };
    let alone = add(&mut net, &config, 0);
    net.with_node(alone, |node, now| node.kv_mut().restore(now, vec![old])).unwrap();
    net.run_for(seconds(60));
    let tombstones = |net: &VirtualNetwork| net.node(alone).unwrap().kv().load().tombstones;
    assert_eq!(tombstones(&net), 1, "nobody can tell how old it is");
    net.join(alone, nodes[0]);
    net.run_for(seconds(10));
    assert_eq!(tombstones(&net), 0);
    let change = net.with_node(alone, |node, _| node.kv_mut().poll_store()).unwrap();
    assert_eq!(change, Some(("old".to_owned(), None)), "a store is told");
}
