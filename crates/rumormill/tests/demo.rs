//! The demo, as a user runs it.
#![cfg(unix)]

mod common;

use std::process::Stdio;

use common::{Ran, rumormill, run, start};
use rustix::process::Signal;
use serde_json::Value;

/// The inputs are whole numbers, so that these sums are exact.
fn check_ledger(ran: &Ran, nodes: usize) -> Value {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.err, "");
    let report = ran.json();
    assert_eq!(report["right"], true);
    let acts = report["acts"].as_array().expect("acts");
    let names: Vec<_> = acts.iter().map(|act| act["act"].as_str().expect("a name")).collect();
    assert_eq!(names, ["start", "change", "kill", "add"]);
    for (act, expected) in acts.iter().zip([nodes, nodes, nodes - 1, nodes]) {
        let readings = act["readings"].as_array().expect("the readings");
        assert_eq!(readings.len(), expected, "{act}");
        let inputs = readings.iter().map(|reading| reading["input"].as_f64().expect("an input"));
        let truth: f64 = inputs.sum();
        assert_eq!(act["truth"]["sum"], truth, "{act}");
        assert_eq!(act["truth"]["count"], expected, "{act}");
        for reading in readings {
            let number = |which: &str| reading[which]["value"].as_f64().expect("known");
            let bound = |which: &str, part: &str| {
                reading["certified"][which][part].as_f64().expect("certified")
            };
            for (which, truth) in
                [("sum", truth), ("average", truth / expected as f64), ("count", expected as f64)]
            {
                assert!((number(which) / truth - 1.0).abs() <= 1e-6, "{reading}");
                let slack = 1e-12 * truth.max(1.0);
                assert!(bound(which, "lower") <= truth + slack, "{reading}");
                assert!(bound(which, "upper") >= truth - slack, "{reading}");
            }
            assert_eq!(reading["converged"], true, "{reading}");
            assert_eq!(reading["state"], "settled", "{reading}");
        }
        assert!(act["messages"].as_u64().expect("a count") > 0, "{act}");
        assert!(act["rounds"].as_u64().expect("a count") > 0, "{act}");
    }
    report
}

#[test]
fn five_nodes_are_right_in_every_act() {
    let ran = run(["demo", "--interval", "20ms", "--seed", "1", "--json"]);
    let report = check_ledger(&ran, 5);
    assert_eq!(report["datagrams_lost"], 0);
}

#[test]
fn five_nodes_are_right_under_loss() {
    let ran = run(["demo", "--interval", "20ms", "--seed", "2", "--loss", "0.2", "--json"]);
    let report = check_ledger(&ran, 5);
    assert!(report["datagrams_lost"].as_u64().expect("a count") > 0, "{report}");
}

#[test]
fn two_nodes_have_the_textbooks_inputs() {
    let ran = run(["demo", "--nodes", "2", "--interval", "20ms", "--json"]);
    let report = check_ledger(&ran, 2);
    assert_eq!(report["acts"][0]["truth"]["sum"], 15.0);
    assert_eq!(report["acts"][0]["truth"]["average"], 7.5);
}

#[test]
fn piped_output_is_plain_lines() {
    let ran = run(["demo", "--interval", "20ms", "--seed", "3"]).ok();
    assert!(!ran.out.contains('\u{1b}'), "escape codes in a pipe");
    assert!(ran.out.contains("round 2: sum"), "{}", ran.out);
    assert!(ran.out.ends_with("Every node was right each time.\n"), "{}", ran.out);
}

#[test]
fn spsp_turns_five_and_ten_into_fifteen() {
    let ran = run(["demo", "--protocol", "spsp", "--nodes", "2", "--interval", "20ms", "--json"]);
    let report = ran.ok().json();
    for state in report["states"].as_array().expect("the nodes") {
        for (key, truth) in [("value", 7.5), ("weight", 0.5), ("estimate", 15.0)] {
            let value = state[key].as_f64().expect("a number");
            assert!((value / truth - 1.0).abs() < 1e-6, "{state}");
        }
    }
    let totals = report["rounds"].as_array().expect("rounds").last().expect("one").clone();
    assert_eq!((&totals["value"], &totals["weight"]), (&Value::from(15.0), &Value::from(1.0)));
}

#[test]
fn spsp_leaks_under_loss_and_says_so() {
    let args = ["demo", "--protocol", "spsp", "--interval", "20ms", "--loss", "0.1", "--seed", "4"];
    let ran = run(args);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("Plain SPSP is WRONG here"), "{}", ran.out);

    let ran = run(args.into_iter().chain(["--json"]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let report = ran.json();
    assert_eq!(report["conserved"], false);
    let rounds = report["rounds"].as_array().expect("rounds");
    let weight = |round: &Value| round["weight"].as_f64().expect("a number");
    assert!(weight(&rounds[rounds.len() - 1]) < 0.9, "{report}");
}

#[test]
fn keep_answers_over_http_until_a_signal() {
    let args = ["demo", "--nodes", "3", "--interval", "20ms", "--keep"];
    let (mut child, out) = start(rumormill().args(args).stderr(Stdio::piped()));
    let url = out.find("an agent's address", |line| {
        let (_, rest) = line.split_once("--agent ")?;
        rest.split_whitespace().next().map(str::to_owned)
    });
    let reading = run(["--agent", &url, "get", "requests", "--json"]).ok().json();
    assert_eq!(reading["members"], 3);
    child.signal(Signal::INT);
    assert_eq!(child.wait().code(), Some(0));
}

#[test]
fn ctrl_c_ends_it_with_what_is_known() {
    let args = ["demo", "--interval", "10s", "--seed", "1"];
    let (mut child, out) = start(rumormill().args(args).stderr(Stdio::piped()));
    out.find("the first round", |line| line.starts_with("round ").then_some(()));
    child.signal(Signal::INT);
    out.find("what is known", |line| line.starts_with("Interrupted: this").then_some(()));
    assert_eq!(child.wait().code(), Some(130));
}

#[test]
fn nonsense_is_refused_before_anything_starts() {
    for args in [
        &["--nodes", "1"][..],
        &["--nodes", "501"],
        &["--interval", "5"],
        &["--interval", "1ms"],
        &["--loss", "1"],
        &["--loss", "NaN"],
        &["--protocol", "gossip"],
        &["--protocol", "spsp", "--keep"],
    ] {
        let ran = run(["demo"].iter().chain(args));
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
        assert_eq!(ran.out, "");
        assert!(!ran.err.is_empty());
    }
}
