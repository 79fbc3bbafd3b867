//! Each checker is content with what is right, is shown something wrong, and finds it.

use rumormill_proto::{Caveat, Certified, ComponentKind, Duration, Instant, Name, NodeId, Reading};

use super::conservation::{books, conservation, quiet};
use super::estimates::{Said, aggregates, enclosures, said};
use super::rosters::{rosters, views};
use super::truth::{Truth, Units};
use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;
use crate::network::spec::{NetworkConfig, NodeSpec};

const INPUTS: [f64; 4] = [5.0, 10.0, -2.5, 0.1];
const TOLERANCE: f64 = 1e-6;

fn aggregate() -> Name {
    Name::new("requests").unwrap()
}

fn truth() -> Truth {
    Truth::of(INPUTS)
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// Four nodes that have converged, at an instant when nothing is under way.
fn converged() -> VirtualNetwork {
    let mut net = VirtualNetwork::new(NetworkConfig::default()).unwrap();
    let add = |n| net.add_node(NodeSpec::named(&format!("n{n}")).unwrap()).unwrap();
    let nodes: Vec<NodeIndex> = (0..INPUTS.len()).map(add).collect();
    assert!(net.form(&nodes, at(30)));
    for (&node, x) in nodes.iter().zip(INPUTS) {
        net.set(node, "requests", x).unwrap();
    }
    let right = |net: &VirtualNetwork| {
        aggregates(&aggregate(), &truth(), &said(net, &aggregate()), TOLERANCE).is_ok()
            && quiet(&books(net, &aggregate())).is_ok()
    };
    assert!(net.run_until(at(120), right), "{:?}", said(&net, &aggregate()));
    net
}

fn look_at_aggregates(change: impl FnOnce(&mut Vec<Said>)) -> Result<(), Violation> {
    let mut said = said(&converged(), &aggregate());
    change(&mut said);
    aggregates(&aggregate(), &truth(), &said, TOLERANCE)
}

fn what(result: Result<(), Violation>) -> &'static str {
    match result {
        Err(Violation::Wrong { what, .. } | Violation::Escaped { what, .. }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_roster_checker_misses_nobody_and_suffers_no_ghost() {
    let net = converged();
    let right = views(&net);
    assert_eq!(rosters(&right), Ok(()));
    let mut missing = right.clone();
    let gone = missing[2].members.remove(1);
    let expected = Violation::Roster { node: right[2].node, missing: vec![gone], extra: vec![] };
    assert_eq!(rosters(&missing), Err(expected));
    let mut ghost = right;
    ghost[0].members.push(NodeId(7));
    assert!(
        matches!(rosters(&ghost), Err(Violation::Roster { extra, .. }) if extra == [NodeId(7)])
    );
    // On a running network: a node that crashed is a ghost to the others until they notice.
    let mut net = net;
    net.crash(NodeIndex(3));
    assert!(matches!(rosters(&views(&net)), Err(Violation::Roster { .. })));
}

#[test]
fn the_conservation_checker_sees_a_single_unit_in_any_component() {
    let right = books(&converged(), &aggregate());
    assert_eq!(conservation(&aggregate(), &truth(), &right), Ok(()));
    for (component, name) in ComponentKind::ALL.iter().copied().enumerate() {
        let mut wrong = right.clone();
        let explanation = wrong[1].explanation.as_mut().unwrap();
        let line = &mut explanation.components[component];
        let one = Units::from_str_radix("1", 10).unwrap();
        line.units = (line.units.parse::<Units>().unwrap() + one).to_string();
        match conservation(&aggregate(), &truth(), &wrong) {
            Err(Violation::Unbalanced { component: found, held, put_in, .. }) => {
                assert_eq!((found, *held), (name, *put_in + one));
            }
            other => panic!("{other:?}"),
        }
    }
    // A node that is left out, and an input that nobody knows of.
    assert!(conservation(&aggregate(), &truth(), &right[1..]).is_err());
    assert!(conservation(&aggregate(), &Truth::of([5.0, 10.0, -2.5]), &right).is_err());
}

#[test]
fn a_network_is_not_quiet_while_something_is_under_way() {
    let right = books(&converged(), &aggregate());
    assert_eq!(quiet(&right), Ok(()));
    let mut outstanding = right.clone();
    outstanding[2].explanation.as_mut().unwrap().links[0].outstanding = true;
    assert!(quiet(&outstanding).is_err());
    let mut one_sided = right.clone();
    one_sided[0].explanation.as_mut().unwrap().links.pop();
    assert!(quiet(&one_sided).is_err());
    let mut unknown = right;
    unknown[3].explanation = None;
    assert!(quiet(&unknown).is_err());
}

#[test]
fn the_figure_checker_finds_every_wrong_aggregate() {
    type Spoil = fn(&mut Reading);
    let spoilt: [(&str, Spoil); 7] = [
        ("sum", |reading| reading.sum.value = Some(12.6 + 1e-3)),
        ("sum", |reading| reading.sum.value = None),
        ("average", |reading| reading.average.value = Some(3.15 - 1e-3)),
        ("count", |reading| reading.count.value = Some(4.001)),
        ("minimum", |reading| reading.certified.as_mut().unwrap().min = Some(-2.4)),
        ("maximum", |reading| reading.certified.as_mut().unwrap().max = None),
        ("variance", |reading| reading.variance = reading.variance.map(|v| v * (1.0 + 2e-9))),
    ];
    assert_eq!(look_at_aggregates(|_| ()), Ok(()));
    for (expected, spoil) in spoilt {
        let spoil = |said: &mut Vec<Said>| spoil(said[3].reading.as_mut().unwrap());
        assert_eq!(what(look_at_aggregates(spoil)), expected);
    }
    let silent = look_at_aggregates(|said| said[1].reading = None);
    assert!(matches!(silent, Err(Violation::Unknown { node: NodeIndex(1), .. })));
    let unsure = look_at_aggregates(|said| said[1].reading.as_mut().unwrap().converged = false);
    assert!(matches!(unsure, Err(Violation::NotConverged { node: NodeIndex(1), .. })));
}

#[test]
fn what_enclosures_tell_is_not_asked_of_more_members_than_they_cover() {
    let with_limit = |limit, wrong: f64| {
        look_at_aggregates(|said| {
            let reading = said[1].reading.as_mut().unwrap();
            reading.caveats.push(Caveat::TooManyMembers(4, limit));
            (reading.converged, reading.certified) = (false, None);
            reading.count.value = reading.count.value.map(|count| count + wrong);
        })
    };
    assert_eq!(with_limit(3, 0.0), Ok(()));
    assert_eq!(what(with_limit(3, 0.1)), "count", "the estimates must be right all the same");
    assert_eq!(what(with_limit(4, 0.0)), "minimum", "four are not more than four");
}

#[test]
fn the_enclosure_checker_finds_an_enclosure_that_misses_by_one_float() {
    let right = said(&converged(), &aggregate());
    let look = |said: &[Said], since| {
        enclosures(&aggregate(), &truth(), said, |_| Some(since)).map_err(|violation| {
            let Violation::Escaped { what, .. } = violation else { panic!("{violation}") };
            what
        })
    };
    assert_eq!(look(&right, Instant::ZERO), Ok(12), "sum, count and average of four nodes");
    let spoil = |change: fn(&mut Certified)| {
        let mut wrong = right.clone();
        change(wrong[2].reading.as_mut().unwrap().certified.as_mut().unwrap());
        wrong
    };
    let above = spoil(|certified| certified.sum.lower = truth().sum_below.next_up());
    assert_eq!(look(&above, Instant::ZERO), Err("sum"));
    let below = spoil(|certified| certified.sum.upper = truth().sum_above.next_down());
    assert_eq!(look(&below, Instant::ZERO), Err("sum"));
    let count = spoil(|certified| certified.count.upper = 3.0);
    assert_eq!(look(&count, Instant::ZERO), Err("count"));
    let average = spoil(|certified| certified.average.as_mut().unwrap().upper = 3.149_999);
    assert_eq!(look(&average, Instant::ZERO), Err("average"));
    // What holds for an instant before the truth did is not to be judged by it.
    assert_eq!(look(&above, right[2].now), Ok(0));
}
