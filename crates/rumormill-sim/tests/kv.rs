//! The replica in the virtual network: equal everywhere, nothing lost, nothing risen again.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/keys.rs"]
mod keys;

use std::collections::BTreeMap;

use keys::{equal, put};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rumormill_proto::{
    Config, Duration, Entry, GossipStats, Instant, KvSettings, Name, Notice, PutError, Rng,
};
use rumormill_sim::{Chronicle, Latency, Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const MS: Duration = Duration::from_millis(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn add(net: &mut VirtualNetwork, config: &Config, durable: bool) -> NodeIndex {
    let spec = NodeSpec::named(&format!("n{}", net.len())).unwrap().config(config.clone());
    net.add_node(NodeSpec { durable, ..spec }).unwrap()
}

fn cluster(
    n: usize,
    config: &Config,
    durable: bool,
    seed: u64,
) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
    let nodes: Vec<_> = (0..n).map(|_| add(&mut net, config, durable)).collect();
    assert!(net.form(&nodes, Instant::ZERO + seconds(60)));
    net.run_for(seconds(5));
    net.take_events();
    (net, nodes)
}

fn spent(net: &VirtualNetwork) -> GossipStats {
    let mut sum = GossipStats::default();
    for (_, node) in net.running() {
        let stats = &node.stats().kv;
        sum.messages += stats.messages;
        sum.bytes += stats.bytes;
        sum.received_by_pull += stats.received_by_pull;
        sum.entries_sent += stats.entries_sent;
        sum.entries_pushed += stats.entries_pushed;
    }
    sum
}

/// What may happen to a cluster of four.
#[derive(Clone, Debug)]
enum Step {
    Put { node: usize, key: u8, value: Vec<u8> },
    Delete { node: usize, key: u8 },
    Wait { millis: u64 },
    Cut { side: u8 },
    Heal,
    CrashAndRestart { node: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        prop::collection::vec(any::<u8>(), 1300..1400),
    ];
    prop_oneof![
        6 => (0..4usize, 0..6u8, value).prop_map(|(node, key, value)| Step::Put { node, key, value }),
        3 => (0..4usize, 0..6u8).prop_map(|(node, key)| Step::Delete { node, key }),
        3 => (1..3000u64).prop_map(|millis| Step::Wait { millis }),
        1 => (1..15u8).prop_map(|side| Step::Cut { side }),
        1 => Just(Step::Heal),
        1 => (0..4usize).prop_map(|node| Step::CrashAndRestart { node }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, all come to hold what a plain map would that had seen every write that
    /// some node still holds, in the order of their versions.
    #[test]
    fn replicas_do_what_a_plain_map_does(steps in prop::collection::vec(step(), 1..40)) {
        let (mut net, nodes) = cluster(4, &Config::default(), true, 11);
        net.set_link(Link { loss: 0.2, ..Link::default() }).unwrap();
        let mut chronicle = Chronicle::default();
        for step in steps {
            chronicle.record_all(&mut net).unwrap();
            match step {
                Step::Put { node, key, value } => {
                    put(&mut net, nodes[node], &format!("k{key}"), &value);
                    // What was just written is what is read.
                    let read = net.node(nodes[node]).unwrap().kv().get(&format!("k{key}"));
                    prop_assert_eq!(read.and_then(|e| e.value.clone()), Some(value));
                }
                Step::Delete { node, key } => {
                    let key = format!("k{key}");
                    net.with_node(nodes[node], |node, now| node.kv_mut().delete(now, &key)).unwrap();
                    prop_assert!(net.node(nodes[node]).unwrap().kv().get(&key).is_none());
                }
                Step::Wait { millis } => net.run_for(MS * millis as u32),
                Step::Cut { side } => {
                    let group: Vec<_> =
                        nodes.iter().copied().filter(|n| side >> n.index() & 1 == 1).collect();
                    net.partition(&[&group]);
                }
                Step::Heal => net.heal(),
                Step::CrashAndRestart { node } => {
                    let node = nodes[node];
                    net.crash(node);
                    net.restart(node).unwrap();
                    chronicle.inherit(&net, node);
                    for &other in &nodes {
                        net.join(node, other);
                    }
                }
            }
        }
        net.heal();
        let deadline = net.now() + seconds(120);
        let all = |net: &VirtualNetwork| {
            equal(net) && net.running().all(|(_, node)| node.roster().len() == 4)
        };
        prop_assert!(net.run_until(deadline, all));
        chronicle.record_all(&mut net).unwrap();
        prop_assert_eq!(chronicle.kv(&net), Ok(()));
    }

    /// One node alone is a map.
    #[test]
    fn one_node_is_a_plain_map(
        steps in prop::collection::vec(("[a-c]{1,3}", prop::option::of(any::<u8>())), 1..60)
    ) {
        let (mut net, nodes) = cluster(1, &Config::default(), false, 12);
        let mut map = BTreeMap::new();
        for (key, value) in steps {
            if let Some(byte) = value {
                put(&mut net, nodes[0], &key, &[byte]);
                map.insert(key, vec![byte]);
            } else {
                let deleted = net.with_node(nodes[0], |node, now| node.kv_mut().delete(now, &key)).unwrap();
                prop_assert_eq!(deleted.is_some(), map.remove(&key).is_some());
            }
            let node = net.node(nodes[0]).unwrap();
            for prefix in ["", "a", "ab", "c"] {
                let listed: Vec<_> = node.kv().list(prefix).map(|e| (e.key.clone(), e.value.clone())).collect();
                let there = map.iter().filter(|(key, _)| key.starts_with(prefix));
                let there: Vec<_> = there.map(|(k, v)| (k.clone(), Some(v.clone()))).collect();
                prop_assert_eq!(listed, there);
            }
            prop_assert_eq!(node.kv().load().keys, map.len());
        }
    }
}

/// Entries as a store would have them.
fn entries(net: &mut VirtualNetwork, node: NodeIndex, count: usize) -> Vec<Entry> {
    for n in 0..count {
        put(net, node, &format!("some/key/{n:06}"), &[n as u8; 100]);
    }
    net.node(node).unwrap().kv().entries().cloned().collect()
}

/// Nodes that hold 10,000 keys, but for the last, which restarts from a store that `keep` has
/// chosen of it; returns the bytes it took to mend that over the bytes of what was missing.
fn mend(keep: impl Fn(&mut Vec<Entry>)) -> (f64, GossipStats) {
    let config = Config::default();
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let first = add(&mut net, &config, false);
    let all = entries(&mut net, first, 10_000);
    net.run_for(seconds(2));
    let mut nodes = vec![first];
    for _ in 0..9 {
        let node = add(&mut net, &config, false);
        net.with_node(node, |node, now| node.kv_mut().restore(now, all.clone())).unwrap();
        nodes.push(node);
    }
    let last = add(&mut net, &config, false);
    let mut kept = all.clone();
    keep(&mut kept);
    let missing =
        all.iter().filter(|entry| kept.binary_search_by(|k| k.key.cmp(&entry.key)).is_err());
    let missing: usize = missing.map(|entry| entry.encode().len()).sum();
    net.with_node(last, |node, now| node.kv_mut().restore(now, kept)).unwrap();
    nodes.push(last);
    assert!(net.form(&nodes, Instant::ZERO + seconds(60)));
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, equal));
    (spent(&net).bytes as f64 / missing as f64, spent(&net))
}

#[test]
fn a_node_that_lost_one_in_a_hundred_fetches_little_more() {
    let lose_some = |kept: &mut Vec<Entry>| {
        let mut rng = Rng::seed_from_u64(13);
        kept.shuffle(&mut rng);
        kept.truncate(9_900);
        kept.sort_by(|a, b| a.key.cmp(&b.key));
    };
    let (ratio, stats) = mend(lose_some);
    println!("1 % at random: {ratio:.2} times the difference, {stats:?}");
    assert!(ratio < 2.5, "{ratio}");
    let lose_the_newest = |kept: &mut Vec<Entry>| {
        kept.sort_by_key(|entry| entry.version);
        kept.truncate(9_900);
        kept.sort_by(|a, b| a.key.cmp(&b.key));
    };
    let (ratio, stats) = mend(lose_the_newest);
    println!("the newest 1 %: {ratio:.2} times the difference, {stats:?}");
    assert!(ratio < 1.5, "{ratio}");
}

#[test]
fn a_newcomer_catches_up_in_chunks_with_progress_and_goes_on_after_a_cut() {
    let config = Config::default();
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let first = add(&mut net, &config, false);
    let all = entries(&mut net, first, 20_000);
    let size: usize = all.iter().map(|entry| entry.encode().len()).sum();
    let second = add(&mut net, &config, false);
    net.with_node(second, |node, now| node.kv_mut().restore(now, all)).unwrap();
    assert!(net.form(&[first, second], Instant::ZERO + seconds(60)));
    net.run_for(seconds(5));
    net.set_link(Link { latency: Latency::Fixed(20 * MS), ..Link::default() }).unwrap();
    let newcomer = add(&mut net, &config, false);
    net.join(newcomer, first);
    let held = |net: &VirtualNetwork| net.node(newcomer).unwrap().kv().load().keys;
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, |net| held(net) > 5_000));
    assert!(held(&net) < 15_000, "not all at once");
    let progress = |net: &mut VirtualNetwork| {
        let events = net.take_events().into_iter();
        events
            .filter_map(|(_, node, event)| match event {
                Notice::CatchUp { have, total, .. } if node == newcomer => Some((have, total)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let steps = progress(&mut net);
    assert!(steps.len() >= 3 && steps.is_sorted(), "{steps:?}");
    assert!(steps.iter().all(|&(have, total)| have <= total && total == 20_000), "{steps:?}");
    // Cut off in the middle; then only the other node can be reached.
    net.isolate(newcomer, seconds(8));
    let before = held(&net);
    net.run_for(seconds(10));
    net.crash(first);
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, equal));
    assert_eq!(held(&net), 20_000);
    assert!(before < 20_000);
    let spent =
        net.node(second).unwrap().stats().kv.bytes + net.node(newcomer).unwrap().stats().kv.bytes;
    assert!((spent as f64) < 1.3 * size as f64, "{spent} bytes for {size}");
    // No message was longer than a chunk and an entry.
    let longest = net.node(second).unwrap().stats().longest_stream_message;
    assert!(longest < 300_000, "{longest}");
}

#[test]
fn twenty_updates_at_once_cost_far_less_than_twenty_rumors() {
    let (mut net, nodes) = cluster(50, &Config::default(), false, 14);
    let before = spent(&net);
    for n in 0..20 {
        put(&mut net, nodes[7], &format!("key/{n}"), &[n; 40]);
    }
    net.run_for(seconds(10));
    assert!(equal(&net));
    let updates = spent(&net).messages - before.messages;
    let rumors = |net: &VirtualNetwork| -> u64 {
        net.running().map(|(_, node)| node.stats().events.messages).sum()
    };
    let topic = Name::new("news").unwrap();
    let publish = |net: &mut VirtualNetwork, pause: Duration| {
        let before = rumors(net);
        for n in 0..20 {
            let told = net
                .with_node(nodes[7], |node, now| node.events_mut().publish(now, &topic, &[n; 40]));
            told.unwrap().unwrap();
            net.run_for(pause);
        }
        net.run_for(seconds(10));
        rumors(net) - before
    };
    let (at_once, apart) = (publish(&mut net, MS), publish(&mut net, seconds(3)));
    println!("packets at 50 nodes: 20 updates {updates}, 20 rumors {at_once}, apart {apart}");
    assert!(updates * 3 < at_once && updates * 8 < apart, "{updates}, {at_once}, {apart}");
}

#[test]
fn concurrent_writes_end_the_same_everywhere_and_deleted_keys_stay_deleted() {
    let config = Config {
        kv: KvSettings { tombstone_life: seconds(60), ..KvSettings::default() },
        ..Config::default()
    };
    let (mut net, nodes) = cluster(6, &config, true, 15);
    net.partition(&[&nodes[..3], &nodes[3..]]);
    put(&mut net, nodes[0], "color", b"red");
    put(&mut net, nodes[5], "color", b"blue");
    put(&mut net, nodes[0], "gone", b"soon");
    net.run_for(seconds(3));
    net.heal();
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, |net| equal(net)
        && net.running().all(|(_, node)| node.kv().get("gone").is_some())));
    // Same millisecond, other node: the ids decide, the same everywhere.
    let color = net.node(nodes[0]).unwrap().kv().get("color").unwrap().value.clone();
    assert!(net.running().all(|(_, node)| node.kv().get("color").unwrap().value == color));
    // One is away while the key is deleted, and comes back with the old value on its disk.
    net.crash(nodes[4]);
    net.with_node(nodes[1], |node, now| node.kv_mut().delete(now, "gone")).unwrap().unwrap();
    net.run_for(seconds(30));
    net.restart(nodes[4]).unwrap();
    assert!(net.node(nodes[4]).unwrap().kv().get("gone").is_some(), "it is on its disk");
    net.join(nodes[4], nodes[0]);
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, equal));
    assert!(net.running().all(|(_, node)| node.kv().get("gone").is_none()));
    // In the end the tombstone goes, too, and leaves nothing behind.
    net.run_for(seconds(120));
    assert!(equal(&net));
    assert!(
        net.running()
            .all(|(_, node)| node.kv().load().tombstones == 0 && node.kv().load().keys == 1)
    );
}

#[test]
fn bad_keys_and_values_are_refused_with_the_limit() {
    let config =
        Config { kv: KvSettings { max_bytes: 1000, ..KvSettings::default() }, ..Config::default() };
    let (mut net, nodes) = cluster(1, &config, false, 16);
    let mut refused = |key: &str, value: &[u8]| {
        net.with_node(nodes[0], |node, now| node.kv_mut().put(now, key, value))
            .unwrap()
            .unwrap_err()
    };
    assert_eq!(refused("", b""), PutError::EmptyKey);
    assert_eq!(refused(&"k".repeat(513), b""), PutError::LongKey { bytes: 513, limit: 512 });
    assert_eq!(refused("a\nb", b""), PutError::BadKey('\n'));
    assert_eq!(refused("k", &[0; 65_537]), PutError::LargeValue { bytes: 65_537, limit: 65_536 });
    assert_eq!(refused("k", &[0; 1000]), PutError::Full { bytes: 1001, limit: 1000 });
    put(&mut net, nodes[0], "k", &[0; 999]);
    // What replaces something needs only the room that is missing.
    put(&mut net, nodes[0], "k", &[1; 999]);
}
