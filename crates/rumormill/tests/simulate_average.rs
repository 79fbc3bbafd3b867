//! The command `simulate average`, run as a user runs it.

mod common;

use common::{Dir, Ran, run};
use serde_json::Value;

fn average(args: &str) -> Ran {
    run(["simulate", "average"].into_iter().chain(args.split_whitespace()))
}

#[track_caller]
fn json(args: &str) -> Value {
    average(&format!("{args} --json")).ok().json()
}

#[track_caller]
fn refused(args: &str, words: &[&str]) {
    average(args).fails(2, words);
}

#[test]
fn json_is_what_the_manual_says() {
    let args = "--nodes 64 --protocol push-pull --runs 300 --rounds 18 --seed 7";
    let answer = json(args);
    assert_eq!(
        (&answer["protocol"], &answer["schedule"]),
        (&"push-pull".into(), &"shuffled".into())
    );
    assert_eq!((&answer["runs"], &answer["engine"]), (&300.into(), &"dense".into()));
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{value}"));
    let factor = &answer["factor"];
    assert!((number(&factor["theory"]) - 0.294_513).abs() < 1e-6);
    assert_eq!(factor["theory_applies"], true);
    let off = number(&factor["mean"]) - number(&factor["theory"]);
    assert!(off.abs() < 4.0 * number(&factor["standard_error"]), "{factor}");
    let rounds = answer["by_round"].as_array().unwrap();
    assert_eq!(rounds.len(), 19);
    assert_eq!(number(&rounds[5]["messages"]), 128.0);
    assert!(number(&rounds[18]["worst_error"]) < 1e-3);
    // The number of threads changes nothing but the time.
    let mut other = json(&format!("{args} --threads 1"));
    for field in ["seconds", "nanoseconds_per_node_round"] {
        other[field] = answer[field].clone();
    }
    assert_eq!(answer, other);
}

#[test]
fn two_nodes_of_a_file_agree_on_their_sum() {
    let dir = Dir::new();
    let path = dir.write("two.csv", "host,requests\na,5\nb,10\n");
    let values = format!("--values file:{path}");
    let answer = json(&format!(
        "{values} --protocol spsp --aggregate sum --schedule matching --rounds 1 --runs 1"
    ));
    assert_eq!((&answer["nodes"], &answer["by_round"][1]["worst_error"]), (&2.into(), &0.0.into()));
    refused(&format!("{values} --nodes 3"), &["--nodes is 3", "2 values"]);
    let path = dir.write("bad.csv", "5\n10\nten\n");
    refused(&format!("--values file:{path}"), &["line 3", "\"ten\" is not a number"]);
}

#[test]
fn a_goal_that_is_missed_is_exit_code_3() {
    let reached = average("--nodes 100 --until 1e-6 --runs 3");
    assert_eq!(reached.code, Some(0), "{reached:?}");
    assert!(reached.out.contains("worst node within 1e-6"), "{reached:?}");
    let missed =
        average("--nodes 100 --protocol spsp --loss 0.2 --until 1e-6 --rounds 30 --runs 3");
    assert_eq!(missed.code, Some(3), "{missed:?}");
    assert!(missed.out.contains("not reached"), "{missed:?}");
}

#[test]
fn bad_input_is_named_with_its_value_and_range() {
    refused("", &["--nodes is needed"]);
    refused("--nodes 1", &["1", "2 to 4294967295"]);
    refused("--nodes 10 --loss 1", &["--loss is 1", "below 1"]);
    refused("--nodes 10 --overlap 2", &["--overlap is 2", "from 0 to 1"]);
    refused("--nodes 10 --overlap x", &["\"x\" is not a number"]);
    refused("--nodes 10 --crash 0.1", &["0.1@20"]);
    refused("--nodes 10 --crash 0.1@50", &["after the last of 50 rounds"]);
    refused("--nodes 10 --until 2", &["--until is 2", "below 1"]);
    refused("--nodes 10 --protocol gossip", &["gossip", "ledger"]);
    refused("--nodes 5 --graph random-regular:3", &["take 4 or 6 nodes"]);
    refused("--nodes 10 --schedule synchronous", &["synchronous", "push-sum"]);
    refused("--nodes 4e9 --protocol push-pull --threads 1 --memory 1GiB", &["29.8 GiB", "1.0 GiB"]);
    refused("--nodes 10 --plot x.gif", &[".svg or .png"]);
}

#[test]
fn plots_are_pictures() {
    for (name, head) in [("errors.svg", &b"<svg"[..]), ("errors.png", &b"\x89PNG"[..])] {
        let dir = Dir::new();
        let path = dir.file(name);
        average(&format!("--nodes 50 --runs 3 --loss 0.1 --plot {path}")).ok();
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(head) && bytes.len() > 5000, "{name}: {} bytes", bytes.len());
    }
}
