//! The scenarios of `examples/scenarios` show what they say.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::PathBuf;

use rumormill_sim::scenario::{Sample, Scenario, ScenarioRun};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

/// Runs a scenario to its end; returns how things stood over time.
fn run(name: &str) -> Vec<Sample> {
    let text = fs::read_to_string(folder().join(name)).unwrap();
    let scenario: Scenario = toml::from_str(&text).unwrap();
    let mut run = ScenarioRun::new(&scenario).unwrap();
    let samples = std::iter::from_fn(|| run.advance()).map(|slice| slice.sample).collect();
    let outcome = run.outcome();
    assert_eq!(outcome.failure, None, "{name}");
    assert!(outcome.enclosures > 0 && outcome.balances > 0, "{name}");
    samples
}

fn at(samples: &[Sample], seconds: f64) -> &Sample {
    samples.iter().find(|sample| sample.at.seconds() >= seconds).unwrap()
}

fn error(samples: &[Sample], seconds: f64) -> f64 {
    at(samples, seconds).aggregates[0].worst_error.unwrap()
}

#[test]
fn every_scenario_has_a_test() {
    let names = fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["churn.toml", "crash.toml", "partition.toml", "restart-all.toml"]);
}

#[test]
fn a_crash_is_counted_until_it_is_noticed() {
    let samples = run("crash.toml");
    assert!(error(&samples, 7.5) < 1e-6);
    assert!(error(&samples, 8.5) > 0.01 && at(&samples, 8.5).members.unwrap().max == 12.0);
    assert!(error(&samples, 21.5) < 1e-6 && at(&samples, 21.5).members.unwrap().max == 11.0);
    assert!(error(&samples, 35.5) < 1e-6 && at(&samples, 35.5).members.unwrap().min == 12.0);
}

#[test]
fn a_partition_heals() {
    let samples = run("partition.toml");
    let split = at(&samples, 27.5);
    // The smaller side says 10 where 78 is true.
    assert!((error(&samples, 27.5) - 68.0 / 78.0).abs() < 0.01);
    assert_eq!(split.events.unwrap().waiting, 8);
    assert!((split.kv.unwrap().equal - 8.0 / 12.0).abs() < 1e-9);
    let healed = at(&samples, 44.5);
    assert!(error(&samples, 44.5) < 1e-6);
    assert_eq!((healed.events.unwrap().waiting, healed.kv.unwrap().equal), (0, 1.0));
}

#[test]
fn churn_under_loss_ends_well() {
    let samples = run("churn.toml");
    assert!(samples.iter().any(|sample| sample.running < 16));
    assert!(samples.last().unwrap().aggregates[0].worst_error.unwrap() < 1e-6);
}

#[test]
fn a_cluster_comes_back_from_nothing() {
    let samples = run("restart-all.toml");
    assert_eq!(at(&samples, 11.0).running, 0);
    assert_eq!(at(&samples, 39.5).members.unwrap().min, 10.0);
    assert!(error(&samples, 39.5) < 1e-6);
}
