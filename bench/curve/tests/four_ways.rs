//! Theory, round model, virtual network and real agents: one curve.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use rumormill_bench_curve::agents::Measured;
use rumormill_bench_curve::{Curve, Exact, Setting, agents, round_model, virtual_network};
use tokio::sync::Mutex;

const SETTING: Setting = Setting { nodes: 64, fanout: 1, rounds: 18 };
const TWO: Setting = Setting { fanout: 2, ..SETTING };

/// What is seeded either holds or does not, always. At 4.5 standard errors one of 150,000 seeds
/// would be refused by chance in a given round.
const SEEDED: f64 = 4.5;

/// The agents are not seeded. By chance 5 standard errors are passed in one of 1.7 million rounds;
/// a test has 17, so that one test in 100,000 fails though nothing is wrong. Agents that a loaded
/// machine wakes late need no room here: events done out of step are left out, and done again.
const REAL: f64 = 5.0;

fn alarms(curve: &Curve, exact: &Exact, z: f64) -> Vec<String> {
    curve.beyond(exact, z).iter().map(ToString::to_string).collect()
}

/// The curve of real agents: of one cluster at a time, in rounds as long as this machine needs now.
async fn real(setting: Setting, events: u32) -> Measured {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
    let _alone = ONE_AT_A_TIME.lock().await;
    for interval in [50, 150] {
        match agents(setting, events, Duration::from_millis(interval), |_| {}).await {
            Ok(done) => return done,
            Err(error) => println!("in rounds of {interval} ms: {error}"),
        }
    }
    agents(setting, events, Duration::from_millis(450), |_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_four_give_one_curve() {
    let exact = Exact::new(SETTING).unwrap();
    let none: [String; 0] = [];
    let model = round_model(SETTING, 10_000, 1).unwrap();
    assert_eq!(alarms(&model.curve, &exact, SEEDED), none, "round model");
    let network = virtual_network(SETTING, 60, 1, |_| {}).unwrap();
    assert_eq!(alarms(&network, &exact, SEEDED), none, "virtual network");
    let real = real(SETTING, 16).await;
    println!("{} events out of step, otherwise {:?} at most", real.out_of_step, real.widest);
    assert_eq!(alarms(&real.curve, &exact, REAL), none, "agents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instead_of_one_is_another_curve() {
    let (exact, other) = (Exact::new(SETTING).unwrap(), Exact::new(TWO).unwrap());
    let model = round_model(TWO, 10_000, 1).unwrap().curve;
    let network = virtual_network(TWO, 16, 2, |_| {}).unwrap();
    let real = real(TWO, 4).await.curve;
    for curve in [&model, &network, &real] {
        assert!(alarms(curve, &exact, REAL).len() > 5);
        assert!(alarms(curve, &other, REAL).is_empty());
    }
}

#[test]
fn half_a_round_is_seen() {
    let exact = Exact::new(SETTING).unwrap();
    let halves = exact.informed.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    let late: Vec<f64> = [1.0, 2.0].into_iter().chain(halves.skip(1)).collect();
    for (events, bites) in [(16, true), (2, false)] {
        let curve = Curve { events, informed: late.clone() };
        assert_eq!(!alarms(&curve, &exact, REAL).is_empty(), bites, "{events}");
    }
}
