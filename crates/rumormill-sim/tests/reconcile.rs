//! Reconciliation under load: replicas that differ, by however much, come to hold the same, and
//! what was deleted stays deleted.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/keys.rs"]
mod keys;

use keys::{equal, put};
use proptest::prelude::*;
use rumormill_proto::sabotage::{Rule, break_rule};
use rumormill_proto::{Config, Duration, Instant, KvSettings, Notice};
use rumormill_sim::{Latency, Link, NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const MS: Duration = Duration::from_millis(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A cluster whose nodes have stores.
fn cluster(n: usize, config: &Config, seed: u64) -> (VirtualNetwork, Vec<NodeIndex>) {
    let mut net = VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
    let nodes: Vec<_> = (0..n)
        .map(|n| {
            net.add_node(
                NodeSpec::named(&format!("n{n}")).unwrap().config(config.clone()).durable(),
            )
        })
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(net.form(&nodes, Instant::ZERO + seconds(60)));
    net.run_for(seconds(2));
    (net, nodes)
}

fn keys(net: &VirtualNetwork) -> Vec<usize> {
    net.running().map(|(_, node)| node.kv().load().keys).collect()
}

/// A node that was away for 4 s, in which all that it holds was overwritten or deleted: for how
/// long its replica differs then, up to a minute.
fn differs_after_absence(count: usize, deleted: bool) -> Option<Duration> {
    let (mut net, nodes) = cluster(2, &Config::default(), 1);
    for n in 0..count {
        put(&mut net, nodes[0], &format!("k{n}"), b"old");
    }
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, equal));
    net.crash(nodes[1]);
    for n in 0..count {
        let key = format!("k{n}");
        if deleted {
            net.with_node(nodes[0], |node, now| node.kv_mut().delete(now, &key)).unwrap().unwrap();
        } else {
            put(&mut net, nodes[0], &key, b"new");
        }
        if n % 50 == 0 {
            net.run_for(20 * MS);
        }
    }
    net.run_for(seconds(4));
    net.restart(nodes[1]).unwrap();
    net.join(nodes[1], nodes[0]);
    let back = net.now();
    let came = net.run_until(back + seconds(60), equal);
    came.then(|| net.now().since(back))
}

#[test]
fn what_was_overwritten_or_deleted_in_an_absence_is_so_soon_after_it() {
    for (count, deleted) in [(8_000, false), (1_500, false), (5_000, true), (20_000, true)] {
        let took = differs_after_absence(count, deleted);
        println!("{count} keys, deleted: {deleted}: the same again after {took:?}");
        assert!(took.is_some_and(|took| took < seconds(10)), "{count}, {deleted}: {took:?}");
    }
}

#[test]
fn a_comparison_that_ends_where_all_was_outdated_is_found() {
    break_rule(Some(Rule::GoOn));
    let took = differs_after_absence(8_000, false);
    break_rule(None);
    assert_eq!(took, None);
}

#[test]
fn twenty_thousand_deletions_in_a_second_reach_all_and_outlive_their_tombstones() {
    let replica = KvSettings { tombstone_life: seconds(60), ..KvSettings::default() };
    let (mut net, nodes) = cluster(3, &Config { kv: replica, ..Config::default() }, 2);
    for n in 0..20_000 {
        put(&mut net, nodes[0], &format!("k{n}"), b"v");
    }
    let deadline = net.now() + seconds(60);
    assert!(net.run_until(deadline, equal));
    for n in 0..20_000 {
        net.with_node(nodes[1], |node, now| node.kv_mut().delete(now, &format!("k{n}")))
            .unwrap()
            .unwrap();
        if n % 200 == 0 {
            net.run_for(9 * MS);
        }
    }
    let done = net.now();
    assert!(net.run_until(done + seconds(30), |net| keys(net) == [0; 3]), "{:?}", keys(&net));
    println!("deleted everywhere after {:?}", net.now().since(done));
    net.run_for(seconds(120));
    assert_eq!(keys(&net), [0; 3]);
    assert!(net.running().all(|(_, node)| node.kv().load().tombstones == 0) && equal(&net));
}

/// What one node refuses differs for ever. That costs little, is said, and keeps tombstones.
#[test]
fn replicas_that_can_not_become_equal_are_reported_and_do_not_flood() {
    let replica =
        |max_value| KvSettings { max_value, tombstone_life: seconds(60), ..KvSettings::default() };
    let config = |max_value| Config { kv: replica(max_value), ..Config::default() };
    let (mut net, nodes) = cluster(2, &config(4000), 3);
    let small = NodeSpec::named("small").unwrap().config(config(100));
    let small = net.add_node(small).unwrap();
    net.join(small, nodes[0]);
    net.run_for(seconds(5));
    for n in 0..2_000 {
        put(&mut net, nodes[0], &format!("large{n}"), &[7; 1000]);
        put(&mut net, nodes[0], &format!("little{n}"), &[7; 50]);
    }
    put(&mut net, nodes[0], "gone", b"soon");
    net.run_for(seconds(20));
    net.take_events();
    let bytes = |net: &VirtualNetwork| net.node(nodes[0]).unwrap().stats().kv.bytes;
    let before = bytes(&net);
    net.with_node(nodes[0], |node, now| node.kv_mut().delete(now, "gone")).unwrap().unwrap();
    net.run_for(seconds(100));
    let differs = |event: &Notice| matches!(event, Notice::KvDiffers { member, .. } if member.as_str() == "small");
    let told: Vec<_> = net.take_events().into_iter().filter(|(_, _, e)| differs(e)).collect();
    assert_eq!(told.len(), 2, "each of the other two says it once");
    assert_eq!(net.node(nodes[0]).unwrap().kv().load().members_differing, 1);
    assert!(net.node(small).unwrap().stats().kv.refused >= 2_000);
    assert_eq!(net.node(small).unwrap().kv().load().keys, 2_000, "what it can hold it holds");
    // 2 MB in all are refused; a comparison a second would have sent 200 MB.
    let rate = (bytes(&net) - before) / 100;
    println!("{rate} bytes a second for what is refused");
    assert!(rate < 400_000, "{rate}");
    // The tombstone is 100 s old, and is kept while somebody differs; then it goes.
    assert_eq!(net.node(nodes[0]).unwrap().kv().load().tombstones, 1);
    net.crash(small);
    net.run_for(seconds(60));
    assert_eq!(net.node(nodes[0]).unwrap().kv().load().tombstones, 0);
    assert!(equal(&net));
}

/// Something is on its way all the time, so digests hardly ever agree; that is no news.
#[test]
fn replicas_that_are_written_all_the_time_are_not_reported() {
    let (mut net, nodes) = cluster(3, &Config::default(), 5);
    for n in 0..2_000 {
        put(&mut net, nodes[0], &format!("old{n}"), b"v");
    }
    for n in 0..12_000 {
        put(&mut net, nodes[n % 3], &format!("k{}", n % 500), b"v");
        net.run_for(10 * MS);
    }
    let told = net.take_events().into_iter().any(|(_, _, e)| matches!(e, Notice::KvDiffers { .. }));
    assert!(!told);
    assert!(net.running().all(|(_, node)| node.kv().load().members_differing == 0));
}

/// How many tombstones, of one that is older than its life, a node has whose peer differs.
fn guarded(rule: Option<Rule>) -> usize {
    break_rule(rule);
    let replica =
        |max_value| KvSettings { max_value, tombstone_life: seconds(60), ..KvSettings::default() };
    let config = |max_value| Config { kv: replica(max_value), ..Config::default() };
    let (mut net, nodes) = cluster(1, &config(4000), 4);
    let small = net.add_node(NodeSpec::named("small").unwrap().config(config(100))).unwrap();
    net.join(small, nodes[0]);
    net.run_for(seconds(5));
    put(&mut net, nodes[0], "large", &[7; 1000]);
    put(&mut net, nodes[0], "gone", b"soon");
    net.run_for(seconds(5));
    net.with_node(nodes[0], |node, now| node.kv_mut().delete(now, "gone")).unwrap().unwrap();
    net.run_for(seconds(100));
    break_rule(None);
    net.node(nodes[0]).unwrap().kv().load().tombstones
}

#[test]
fn a_tombstone_guards_its_key_while_a_member_differs() {
    assert_eq!(guarded(None), 1);
    assert_eq!(guarded(Some(Rule::GuardDeleted)), 0);
}

/// What one of three nodes does while the third is away.
#[derive(Clone, Debug)]
struct Writes {
    node: usize,
    from: usize,
    count: usize,
    size: usize,
    /// Deletes instead.
    deletes: bool,
    pause: u64,
}

fn writes(most: usize) -> impl Strategy<Value = Writes> {
    let size = prop_oneof![Just(0usize), 1..200usize, 200..3000usize];
    (0..3usize, 0..most, 1..most, size, any::<bool>(), 0..2000u64).prop_map(
        |(node, from, count, size, deletes, pause)| Writes {
            node,
            from,
            count,
            size,
            deletes,
            pause,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever sizes, orders, deletions and interleavings: in the end all hold the same, and it is
    /// what the last write to each key says.
    #[test]
    fn replicas_always_become_equal(
        before in prop::collection::vec(writes(1500), 0..4),
        apart in prop::collection::vec(writes(1500), 1..5),
        away in 0..3usize,
        crash in any::<bool>(),
        loss in prop_oneof![Just(0.0), 0.0..0.3f64],
        seed in 0..1000u64,
    ) {
        let (mut net, nodes) = cluster(3, &Config::default(), seed);
        let latency = Latency::Uniform(MS, 20 * MS);
        net.set_link(Link { loss, latency, ..Link::default() }).unwrap();
        let act = |net: &mut VirtualNetwork, all: &[Writes]| {
            for (round, act) in all.iter().enumerate() {
                for n in act.from..act.from + act.count {
                    let key = format!("k{n}");
                    let value = vec![round as u8; act.size];
                    // The node may be away.
                    let _ = net.with_node(nodes[act.node], |node, now| if act.deletes {
                        node.kv_mut().delete(now, &key);
                    } else {
                        node.kv_mut().put(now, &key, &value).unwrap();
                    });
                }
                net.run_for(MS * act.pause as u32);
            }
        };
        act(&mut net, &before);
        if crash {
            net.crash(nodes[away]);
        } else {
            net.isolate(nodes[away], seconds(6));
        }
        act(&mut net, &apart);
        net.run_for(seconds(6));
        if crash {
            net.restart(nodes[away]).unwrap();
            net.join(nodes[away], nodes[(away + 1) % 3]);
        }
        let newest = |net: &VirtualNetwork| {
            let mut newest = std::collections::BTreeMap::new();
            for (_, node) in net.running() {
                for entry in node.kv().entries() {
                    let said = (entry.version, entry.value.clone());
                    let known = newest.entry(entry.key.clone()).or_insert(said.clone());
                    if said.0 > known.0 {
                        *known = said;
                    }
                }
            }
            newest
        };
        let should = newest(&net);
        let deadline = net.now() + seconds(60);
        let whole = |net: &VirtualNetwork| {
            equal(net) && net.running().all(|(_, node)| node.roster().len() == 3)
        };
        prop_assert!(net.run_until(deadline, whole), "{:?}", keys(&net));
        prop_assert_eq!(newest(&net), should);
    }
}
