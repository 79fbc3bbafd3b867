//! Chaos, then calm, then everything must hold: for every seed.
//!
//! `RUMORMILL_CHAOS_SEEDS=1000` runs so many seeds (200 if it is not set), and
//! `RUMORMILL_CHAOS_SEED=7` that one alone.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rumormill_proto::Duration;
use rumormill_sim::Counters;
use rumormill_sim::scenario::random::Random;
use rumormill_sim::scenario::{Outcome, Scenario, ScenarioRun, Span};

const SEEDS: &str = "RUMORMILL_CHAOS_SEEDS";
const SEED: &str = "RUMORMILL_CHAOS_SEED";

/// What a node says that has too many events of its own under way.
const QUEUE_FULL: &str = "max_queue";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Makes a run. Nothing that a node is asked to do is refused, but for an event too many.
fn run(scenario: &Scenario) -> Outcome {
    let mut run = ScenarioRun::new(scenario).unwrap();
    while let Some(slice) = run.advance() {
        let refused = slice.marks.iter().find(|mark| {
            mark.text.starts_with("publish")
                && mark.text.contains("is refused")
                && !mark.text.contains(QUEUE_FULL)
        });
        assert_eq!(refused, None, "seed {}", scenario.seed);
    }
    run.outcome()
}

/// Runs `make(seed)` for every seed, on all processors; prints what happened and fails if any did.
fn run_all(what: &str, seeds: &[u64], make: impl Fn(u64) -> Scenario + Sync) -> Vec<Outcome> {
    let next = AtomicU64::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
            let outcome = run(&make(seed));
            outcomes.lock().unwrap().push(outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap();
    outcomes.sort_by_key(|outcome| outcome.seed);
    let mut total = Counters::default();
    for outcome in &outcomes {
        total += outcome.counters;
    }
    let sum = |f: fn(&Outcome) -> u64| outcomes.iter().map(f).sum::<u64>();
    println!("{what}: {} seeds: {total}", outcomes.len());
    println!(
        "{what}: {} enclosures looked at, masses added up {} times",
        sum(|outcome| outcome.enclosures),
        sum(|outcome| outcome.balances),
    );
    println!(
        "{what}: {} events published, {} deliveries; {} writes",
        sum(|outcome| outcome.published as u64),
        sum(|outcome| outcome.delivered as u64),
        sum(|outcome| outcome.writes as u64),
    );
    let mut took: Vec<Duration> = outcomes.iter().filter_map(|o| o.settled_after).collect();
    took.sort();
    if let (Some(median), Some(most)) = (took.get(took.len() / 2), took.last()) {
        println!("{what}: settled after {median:?} (median), {most:?} (most) of calm");
    }
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| {
            let failure = outcome.failure.as_ref()?;
            let seed = outcome.seed;
            Some(format!(
                "seed {seed}: {failure}\n  again: \
                 {SEED}={seed} cargo test -p rumormill-sim --test chaos -- --nocapture {what}"
            ))
        })
        .collect();
    assert!(failed.is_empty(), "{} seeds failed\n{}", failed.len(), failed.join("\n"));
    outcomes
}

fn seeds(default: u64) -> Vec<u64> {
    match number(SEED) {
        Some(seed) => vec![seed],
        None => (0..number(SEEDS).unwrap_or(default)).collect(),
    }
}

#[test]
fn everything_holds_after_chaos() {
    let outcomes =
        run_all("everything_holds_after_chaos", &seeds(200), |seed| Random::new(seed).scenario());
    if outcomes.len() < 100 {
        return;
    }
    // Not one fault is missing, or the test would prove less than it says.
    let mut total = Counters::default();
    for outcome in &outcomes {
        total += outcome.counters;
        assert!(outcome.survivors >= 2);
        assert!(outcome.enclosures > 0 && outcome.balances > 0, "seed {}", outcome.seed);
        let happened = [outcome.published, outcome.delivered, outcome.writes];
        assert!(happened.iter().all(|&n| n > 0), "seed {}: {happened:?}", outcome.seed);
    }
    for (name, count) in total.iter() {
        assert!(count > 0, "no {name} in {} runs", outcomes.len());
    }
}

#[test]
fn memberships_agree_after_chaos() {
    run_all("memberships_agree_after_chaos", &seeds(50), |seed| {
        let mut random = Random::new(seed);
        random.bare = true;
        random.scenario()
    });
}

/// A short run for comparisons.
fn short(seed: u64) -> Outcome {
    let mut random = Random::new(seed);
    random.nodes = random.nodes.min(8);
    random.duration = Duration::from_secs(5);
    random.calm.patience = Span(Duration::from_secs(5));
    run(&random.scenario())
}

#[test]
fn one_seed_is_one_run_and_another_seed_is_another() {
    for seed in 0..4 {
        let (a, b) = (short(seed), short(seed));
        assert_eq!((a.digest, a.counters), (b.digest, b.counters));
        assert_ne!(a.digest, short(seed + 100).digest);
    }
}

/// Run by the next test in a process of its own.
#[test]
#[ignore = "prints digests for another test"]
fn print_digests() {
    for seed in 0..4 {
        println!("digest {seed} {:016x}", short(seed).digest);
    }
}

#[test]
fn one_seed_is_one_run_in_two_processes() {
    let run = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "print_digests", "--ignored", "--nocapture"]);
        let output = command.output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        // The harness may have begun the first line.
        let digests = text.lines().filter_map(|line| line.split_once("digest "));
        digests.map(|(_, digest)| digest.to_owned()).collect::<Vec<_>>()
    };
    let (first, second) = (run(), run());
    assert_eq!(first.len(), 4);
    assert_eq!(first, second);
    let here: Vec<_> = (0..4).map(|seed| format!("{seed} {:016x}", short(seed).digest)).collect();
    assert_eq!(first, here);
}
