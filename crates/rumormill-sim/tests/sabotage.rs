//! The checkers are checked: with a rule of the core broken, they must find it out.
//!
//! Each test makes the same runs with the rule kept and broken, and asks for the violation that
//! belongs to that rule.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rumormill_proto::sabotage::{Rule, break_rule};
use rumormill_proto::{Config, Duration, Instant, MembershipSettings, Mode, Name};
use rumormill_sim::check::Violation;
use rumormill_sim::scenario::Span;
use rumormill_sim::scenario::random::Random;
use rumormill_sim::{Failure, Latency, Link, NetworkConfig, NodeSpec, VirtualNetwork};

fn random(seed: u64) -> Random {
    let mut random = Random::new(seed);
    random.calm.patience = Span(Duration::from_secs(30));
    random
}

/// The violations that 30 seeds of chaos end with.
fn violations(rule: Option<Rule>) -> Vec<Violation> {
    violations_of(rule, 30)
}

/// The violations that so many seeds of chaos end with.
fn violations_of(rule: Option<Rule>, seeds: u64) -> Vec<Violation> {
    break_rule(rule);
    let violation = |seed| match random(seed).scenario().run().unwrap().failure? {
        Failure::Never(_, violation) | Failure::Broken(_, violation) => Some(violation),
        Failure::Run(error) => panic!("{error}"),
    };
    let found = (0..seeds).filter_map(violation).collect();
    break_rule(None);
    found
}

fn unbalanced(found: &[Violation]) -> usize {
    found.iter().filter(|v| matches!(v, Violation::Unbalanced { .. })).count()
}

fn escaped(found: &[Violation]) -> usize {
    found.iter().filter(|v| matches!(v, Violation::Escaped { .. })).count()
}

#[test]
fn with_every_rule_kept_nothing_is_violated() {
    assert_eq!(violations(None), []);
}

#[test]
fn a_rollback_that_is_left_out_is_found_in_the_books_or_the_aggregates() {
    let found = violations(Some(Rule::Rollback));
    // Enclosures are looked at all the time, the books only in the end.
    assert!(found.len() > 20 && escaped(&found) + unbalanced(&found) > 20, "{found:?}");
}

#[test]
fn a_push_that_is_booked_twice_is_found_in_the_books() {
    let found = violations(Some(Rule::AnswerOnce));
    assert!(unbalanced(&found) > 0, "{found:?}");
}

#[test]
fn a_window_that_does_not_wait_for_all_lets_the_truth_escape() {
    let found = violations(Some(Rule::WaitForAll));
    assert!(escaped(&found) > 5, "{found:?}");
}

#[test]
fn without_comparing_some_miss_a_rumor_or_a_write() {
    let found = violations_of(Some(Rule::Compare), 8);
    let missed =
        |v: &&Violation| matches!(v, Violation::Missed { .. } | Violation::KvDiffers { .. });
    assert!(found.iter().filter(missed).count() > 5, "{found:?}");
}

#[test]
fn a_rumor_that_is_delivered_again_is_found() {
    let found = violations_of(Some(Rule::DeliverOnce), 8);
    let twice = |v: &&Violation| matches!(v, Violation::DeliveredTwice { .. });
    assert!(found.iter().filter(twice).count() > 5, "{found:?}");
}

fn wrong_replicas(found: &[Violation]) -> usize {
    let wrong =
        |v: &&Violation| matches!(v, Violation::WrongValue { .. } | Violation::KvDiffers { .. });
    found.iter().filter(wrong).count()
}

#[test]
fn an_older_write_that_replaces_a_newer_one_is_found() {
    let found = violations_of(Some(Rule::LastWriterWins), 8);
    assert!(wrong_replicas(&found) > 2, "{found:?}");
}

#[test]
fn a_deleted_key_that_returns_is_found() {
    let found = violations_of(Some(Rule::Tombstones), 8);
    assert!(wrong_replicas(&found) > 2, "{found:?}");
}

/// How many of the enclosures that nodes publish do not contain the truth, and how many there
/// are, while replies take up to several gossip periods and most is in flight.
fn escapes_while_in_flight(rule: Option<Rule>) -> (usize, usize) {
    break_rule(rule);
    let (mut outside, mut all) = (0, 0);
    for seed in 0..20 {
        let period = Config::default().interval;
        let config = Config {
            membership: MembershipSettings {
                probe_interval: period * 1000,
                probe_timeout: Some(period * 500),
                suspicion_timeout: period * 1000,
                ..MembershipSettings::default()
            },
            ..Config::default()
        };
        let mut net =
            VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
        let nodes: Vec<_> = (0..3)
            .map(|n| {
                net.add_node(NodeSpec::named(&format!("n{n}")).unwrap().config(config.clone()))
            })
            .collect::<Result<_, _>>()
            .unwrap();
        assert!(net.form(&nodes, Instant::ZERO + Duration::from_secs(60)));
        let latency = Latency::Uniform(Duration::ZERO, period * 3);
        net.set_link(Link { latency, ..net.link() }).unwrap();
        let name = Name::new("x").unwrap();
        for (n, &node) in nodes.iter().enumerate() {
            net.set(node, "x", if n == 0 { 60.0 } else { 0.0 }).unwrap();
        }
        for round in 0..200 {
            // The load wanders from node to node, but its sum is the same at every instant.
            if round % 30 == 29 {
                net.set(nodes[round / 30 % 3], "x", 0.0).unwrap();
                net.set(nodes[(round / 30 + 1) % 3], "x", 60.0).unwrap();
            }
            net.run_for(period);
            for (node, running) in net.running() {
                let reading = running.aggregates().get(net.local_now(node), &name);
                if let Some(certified) = reading.and_then(|reading| reading.certified) {
                    all += 1;
                    outside += usize::from(!certified.sum.encloses(60.0));
                }
            }
        }
    }
    break_rule(None);
    (outside, all)
}

#[test]
fn a_range_that_ignores_what_is_in_flight_lets_the_truth_escape() {
    let (outside, all) = escapes_while_in_flight(None);
    assert!(outside == 0 && all > 1000, "{outside} of {all} with every rule kept");
    let (outside, _) = escapes_while_in_flight(Some(Rule::AllowForFlight));
    assert!(outside > 100, "{outside} of {all} with the rule broken");
}

/// How many results of epochs hold for no instant within their age, and how many there are, while
/// inputs change many times in an epoch.
fn wrong_epochs(rule: Option<Rule>) -> (usize, usize) {
    break_rule(rule);
    let (mut wrong, mut all) = (0, 0);
    for seed in 0..4 {
        let mut net =
            VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
        let spec = |n| NodeSpec::named(&format!("n{n}")).unwrap();
        let nodes: Vec<_> = (0..4).map(|n| net.add_node(spec(n)).unwrap()).collect();
        assert!(net.form(&nodes, Instant::ZERO + Duration::from_secs(60)));
        let ms = Duration::from_millis(1);
        net.set_link(Link { latency: Latency::Uniform(ms * 5, ms * 40), ..net.link() }).unwrap();
        let name = Name::new("x").unwrap();
        let mut sums: Vec<(Instant, f64)> = Vec::new();
        let mut note = |net: &VirtualNetwork| {
            let inputs = nodes.iter().filter_map(|&node| net.input(node, &name));
            let sum = inputs.sum();
            if sums.last().is_none_or(|last| last.1 != sum) {
                sums.push((net.now(), sum));
            }
            sums.clone()
        };
        for step in 0..4000usize {
            if step % 7 == 0 {
                // Powers of two: no two sets of inputs have the same sum.
                let value = (1u64 << (step / 7 % 40)) as f64;
                net.set_in(nodes[step / 7 % 4], "x", value, Mode::Epoch).unwrap();
                note(&net);
            }
            net.run_for(ms);
            let sums = note(&net);
            if step % 50 > 0 {
                continue;
            }
            for (node, running) in net.running() {
                let reading = running.aggregates().get(net.local_now(node), &name);
                let Some(certified) = reading.and_then(|reading| reading.certified) else {
                    continue;
                };
                let since = net.now() - certified.age;
                let first = sums.iter().rposition(|(at, _)| *at <= since).unwrap_or(0);
                all += 1;
                let held = sums[first..].iter().any(|(_, sum)| certified.sum.encloses(*sum));
                wrong += usize::from(!held);
            }
        }
    }
    break_rule(None);
    (wrong, all)
}

#[test]
fn an_epoch_that_does_not_hold_its_inputs_has_sums_of_no_instant() {
    let (wrong, all) = wrong_epochs(None);
    assert!(wrong == 0 && all > 500, "{wrong} of {all} with every rule kept");
    let (wrong, all) = wrong_epochs(Some(Rule::HoldInputs));
    assert!(wrong > 50, "{wrong} of {all} with the rule broken");
}

/// The violations of this kind that runs with wrong clocks end with: at most `enough` of them.
fn with_wrong_clocks(rule: Rule, enough: usize, kind: fn(&Violation) -> bool) -> usize {
    break_rule(Some(rule));
    let violation = |seed| {
        let mut random = random(seed);
        random.wrong_clocks = true;
        match random.scenario().run().unwrap().failure? {
            Failure::Never(_, violation) | Failure::Broken(_, violation) => Some(violation),
            Failure::Run(error) => panic!("{error}"),
        }
    };
    let of_kind = (0..60).filter_map(violation).filter(kind).take(enough).count();
    break_rule(None);
    of_kind
}

#[test]
fn a_stamp_without_bound_that_drags_the_time_of_all_along_is_found() {
    let wrong = |v: &Violation| matches!(v, Violation::WrongTime { .. });
    assert_eq!(with_wrong_clocks(Rule::BoundClocks, 1, wrong), 1);
}

#[test]
fn ages_that_are_read_off_clocks_are_found_where_an_event_is_missed() {
    let missed = |v: &Violation| matches!(v, Violation::Missed { .. });
    assert_eq!(with_wrong_clocks(Rule::ElapsedAges, 1, missed), 1);
}

#[test]
fn a_node_that_goes_by_its_own_wrong_clock_is_found() {
    let wrong =
        |v: &Violation| matches!(v, Violation::WrongTime { .. } | Violation::KvDiffers { .. });
    assert_eq!(with_wrong_clocks(Rule::CorrectClock, 3, wrong), 3);
}

#[test]
fn what_a_wrong_clock_stamped_and_nobody_stamps_anew_is_found() {
    let differs = |v: &Violation| matches!(v, Violation::KvDiffers { .. });
    assert_eq!(with_wrong_clocks(Rule::Restamp, 1, differs), 1);
}
