//! Averages, scenarios and recorded runs, asked as the page asks.

use rumormill_sim::scenario::{Scenario, ScenarioRun};
use rumormill_sim::trace::{Ending, Header, TraceWriter};
use serde_json::{Value, json};

use crate::support::{ask, ask_bytes};

mod support;

#[test]
fn two_nodes_have_15_and_lose_it_with_a_message() {
    let two = |protocol: &str, lose: Value| {
        let aggregate = if protocol == "spsp" { "sum" } else { "average" };
        ask(&json!({
            "verb": "follow_average", "messages": true, "lose": lose,
            "average": {
                "values": [5, 10], "protocol": protocol, "aggregate": aggregate,
                "schedule": "fixed-order", "rounds": 3, "seed": 1
            },
        }))
        .unwrap()
    };
    let good = two("spsp", json!([]));
    assert_eq!(good["rounds"][1]["nodes"][1]["estimate"], 15.0);
    assert_eq!(good["rounds"][1]["messages"][0]["content"]["value"], 2.5);
    let leaks = two("spsp", json!([1]));
    assert_eq!(leaks["rounds"][3]["total"]["value"], 10.0);
    assert_eq!(leaks["rounds"][3]["input"], 15.0);
    let holds = two("ledger", json!([1]));
    assert_eq!(holds["rounds"][1]["nodes"][1]["estimate"], 7.5);
    assert_eq!(holds["rounds"][3]["mass_lost"], 0.0);
}

#[test]
fn many_runs_lie_by_the_exact_factor() {
    let average = json!({ "nodes": 64, "protocol": "spsp", "schedule": "shuffled", "rounds": 12 });
    let runs =
        ask(&json!({ "verb": "simulate_average", "runs": 200, "average": average })).unwrap();
    let factor = runs["factor"]["mean"].as_f64().unwrap();
    assert!((factor - 0.294513).abs() < 0.004, "{factor}");
    assert_eq!(runs["by_round"].as_array().unwrap().len(), 13);
    let exact = ask(&json!({ "verb": "predict_average", "nodes": 64 })).unwrap();
    let shuffled = exact.as_array().unwrap().iter().find(|row| row["schedule"] == "shuffled");
    assert!((shuffled.unwrap()["factor"].as_f64().unwrap() - 0.294513).abs() < 1e-6);
    let wrong = ask(&json!({ "verb": "simulate_average", "runs": 2, "average": { "nodes": 1 } }));
    assert!(wrong.unwrap_err().contains("nodes is 1"));
    let typo = json!({ "nodes": 9, "los": 0.1 });
    let wrong = ask(&json!({ "verb": "simulate_average", "runs": 2, "average": typo }));
    assert!(wrong.unwrap_err().contains("los"));
}

fn written() -> Value {
    json!({
        "nodes": 5, "duration": "12s", "seed": 3,
        "aggregates": { "requests": { "linear": [1, 5] } },
        "action": [{ "at": "6s", "crash": "n4" }]
    })
}

#[test]
fn a_scenario_runs_here_as_it_does_anywhere() {
    let opened = ask(&json!({ "verb": "scenario_open", "scenario": written() })).unwrap();
    let run = opened["run"].clone();
    assert_eq!(opened["header"]["nodes"], 5);
    let (mut slices, mut ending) = (Vec::new(), Value::Null);
    while ending.is_null() {
        let next = ask(&json!({ "verb": "scenario_advance", "run": run, "slices": 20 })).unwrap();
        slices.extend(next["slices"].as_array().unwrap().clone());
        ending = next["ending"].clone();
    }
    let scenario: Scenario = serde_json::from_value(written()).unwrap();
    let outcome = scenario.run().unwrap();
    assert_eq!(ending["digest"], outcome.digest);
    assert_eq!(ending["failure"], Value::Null);
    assert!(slices.iter().any(|slice| slice["marks"][0]["text"] == "crash: n4"));
    // With details.
    let last = slices.len();
    let details =
        ask(&json!({ "verb": "run_slices", "run": run, "from": last - 2, "to": last })).unwrap();
    assert_eq!(details[1]["sample"], slices[last - 1]["sample"]);
    assert_eq!(details[1]["nodes"][4]["status"], "crashed");
    assert_eq!(details[1]["nodes"][0]["aggregates"][0]["value"], 10.0);
    ask(&json!({ "verb": "run_close", "run": run })).unwrap();
    let gone = ask(&json!({ "verb": "run_slices", "run": run, "from": 0, "to": 1 }));
    assert!(gone.unwrap_err().contains("no run is open"));
    let large = ask(&json!({ "verb": "scenario_open", "scenario": { "nodes": 501 } }));
    assert!(large.unwrap_err().contains("501, but a page runs at most 500"));
    let wrong = ask(&json!({ "verb": "scenario_open", "scenario": { "nodes": 5, "bogus": 1 } }));
    assert!(wrong.unwrap_err().contains("bogus"));
}

#[test]
fn a_recorded_run_is_read() {
    let scenario: Scenario = serde_json::from_value(written()).unwrap();
    let mut run = ScenarioRun::detailed(&scenario).unwrap();
    let header = Header::of(&run, &scenario, "as text".to_owned());
    let mut trace = TraceWriter::new(Vec::new(), &header).unwrap();
    let mut written = Vec::new();
    while let Some(slice) = run.advance() {
        trace.write(&slice).unwrap();
        written.push(slice);
    }
    let bytes = trace.finish(&Ending::of(&run.outcome(), true)).unwrap();
    let opened = ask_bytes(&json!({ "verb": "trace_open" }), &bytes).0.unwrap();
    assert_eq!(opened["header"]["scenario"], "as text");
    assert_eq!(opened["slices"].as_array().unwrap().len(), written.len());
    assert_eq!(opened["ending"]["digest"], run.outcome().digest);
    let question = json!({ "verb": "run_slices", "run": opened["run"], "from": 3, "to": 5 });
    assert_eq!(ask(&question).unwrap(), serde_json::to_value(&written[3..5]).unwrap());
    let (torn, _) = ask_bytes(&json!({ "verb": "trace_open" }), &bytes[..bytes.len() - 1]);
    assert!(torn.unwrap_err().contains("torn"));
    let (foreign, _) = ask_bytes(&json!({ "verb": "trace_open" }), b"hello");
    assert!(foreign.unwrap_err().contains("not a trace"));
}
