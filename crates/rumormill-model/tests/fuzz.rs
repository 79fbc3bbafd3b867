//! Random questions, from a seed: no panic, no hang, probabilities that are probabilities.
//!
//! `cargo test --release -p rumormill-model --test fuzz -- --ignored` goes on for a minute.

#[path = "support/random.rs"]
mod random;

use std::time::{Duration, Instant};

use random::Random;
use rumormill_model::average::Schedule;
use rumormill_model::exact::Distribution;
use rumormill_model::exact::broadcast;
use rumormill_model::exact::graph::{FAMILIES, star_survival};
use rumormill_model::exact::stop::{Rule, mean_field_residue, sequential};
use rumormill_model::exact::usual::estimates;
use rumormill_model::simulate::snapshot::snapshot;
use rumormill_model::spread::{STEADY, Spread, Targets};
use rumormill_proto::Counted;

/// Log-uniform from 1 to 10^digits.
fn size(random: &mut Random, digits: f64) -> u64 {
    10f64.powf(digits * random.unit()) as u64
}

/// Often one of the values given, else uniform.
fn often(random: &mut Random, values: &[f64]) -> f64 {
    let i = random.below(2 * values.len() as u64) as usize;
    values.get(i).copied().unwrap_or_else(|| random.unit())
}

fn probability(p: f64) -> bool {
    (0.0..=1.0).contains(&p)
}

fn sound(d: &Distribution, about: &str) {
    assert!(d.survival.iter().all(|&p| probability(p)), "{about}: {:?}", d.survival);
    let falls = d.survival.windows(2).all(|w| w[1] <= w[0]);
    assert!(falls, "{about}: {:?}", d.survival);
    assert!(d.mean >= 0.0 && d.variance >= 0.0 && d.messages >= 0.0, "{about}: {d:?}");
    assert!(d.error >= 0.0 && d.error < 1e-6, "{about}: error {:e}", d.error);
}

/// A random question; `None` if it would be a long one.
fn spread(random: &mut Random) -> Option<Spread> {
    let nodes = size(random, 15.0);
    let spread = Spread {
        fanout: if random.below(4) == 0 { 1 + random.below(16) } else { 1 + random.below(3) },
        loss: often(random, &[0.0, 0.1, 1e-9, 0.9, 1.0]),
        targets: if random.below(2) == 0 { Targets::Distinct } else { Targets::Independent },
        include_self: random.below(2) == 0,
        origins: if random.below(3) == 0 { 1 + random.below(nodes) } else { 1 },
        dead: often(random, &[0.0, 0.0, 0.0, 0.5, 0.999]),
        coverage: if nodes < 1_000_000 { often(random, &[1.0, 1.0, 1.0]) } else { 1.0 },
        ..Spread::new(nodes, STEADY[random.below(3) as usize])
    };
    // Bad questions are questions too: those are answered at once.
    (spread.check().is_err() || spread.dead < 0.9 && spread.loss <= 0.95 || spread.loss == 1.0)
        .then_some(spread)
}

fn ask(random: &mut Random) {
    if let Some(spread) = spread(random) {
        let about = format!("{spread:?}");
        let start = Instant::now();
        if let Ok(d) = spread.solve() {
            sound(&d, &about);
            if d.mean.is_finite() && spread.nodes > 1 {
                estimates(&spread, &d).expect("checked by solve");
            }
            let rounds = random.below(30);
            let known = spread.expected_informed(rounds).expect("checked by solve");
            let alive = spread.alive() as f64;
            let rises = known.windows(2).all(|w| w[1] >= w[0] * (1.0 - 1e-11));
            assert!(rises && known.iter().all(|&u| u <= alive * (1.0 + 1e-11)), "{about}");
            let last = spread.last_delivery(rounds).expect("checked by solve");
            assert!((-1e-12..=rounds as f64 + 1e-9).contains(&last), "{about}: last {last}");
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{about} takes too long");
    }
    let n = size(random, 2.3);
    let rule = if random.below(2) == 0 {
        Rule::Coin(often(random, &[0.0, 1.0, 0.5]))
    } else {
        Rule::Counter { limit: random.below(7) as u32, reset: random.below(2) == 0 }
    };
    let counted = if random.below(2) == 0 { Counted::Blind } else { Counted::Feedback };
    if let Ok(end) = sequential(n, rule, counted) {
        let about = format!("{n} {rule:?} {counted:?}: {end:?}");
        assert!(end.residue >= 0.0 && end.residue <= 1.0 + 1e-12, "{about}");
        assert!(end.incomplete >= 0.0 && end.incomplete <= 1.0 + 1e-12, "{about}");
        let s = snapshot(n, rule, counted, 3, random.next()).expect("the same rule");
        assert!(probability(s.residue.value) && probability(s.incomplete.value), "{about}");
    }
    if let Ok(s) = mean_field_residue(counted, random.unit() * 20.0) {
        assert!(probability(s), "{s}");
    }
    let (nodes, rounds) = (size(random, 6.0), size(random, 7.5));
    assert!(probability(star_survival(nodes, rounds).expect("in range")), "{nodes} {rounds}");
    for graph in FAMILIES {
        if let Ok(facts) = graph.facts(nodes) {
            assert!(facts.eccentricity.0 <= facts.eccentricity.1, "{graph:?} {nodes}");
        }
    }
    for schedule in Schedule::ALL {
        if let Ok(factor) = schedule.factor(1 + random.below(300)) {
            assert!(probability(factor), "{schedule:?}: {factor}");
        }
    }
    let (loss, n) = (often(random, &[0.0, 1.0, 0.5, -1.0]), size(random, 12.0));
    let answers = [
        broadcast::blind(n, loss, random.below(20) as u32),
        broadcast::blind(n, loss, random.below(20) as u32),
        broadcast::eager_failure(size(random, 3.0), loss),
    ];
    for p in answers.into_iter().flatten() {
        assert!((0.0..=1.0 + 1e-12).contains(&p), "{n} {loss}: {p}");
    }
}

#[test]
fn sixty_random_questions() {
    let mut random = Random(0x5eed_1234);
    for _ in 0..60 {
        ask(&mut random);
    }
}

#[test]
#[ignore = "takes a minute"]
fn a_minute_of_random_questions() {
    let mut random = Random(0x00dd_ba11);
    let start = Instant::now();
    let mut asked = 0;
    while start.elapsed() < Duration::from_secs(60) {
        ask(&mut random);
        asked += 1;
    }
    println!("{asked} questions");
}
