//! The page's questions about rounds: followed runs, graphs, stop rules, broadcasts.

use serde_json::{Value, json};

fn ask(question: &Value) -> Result<Value, String> {
    let reply: Value =
        serde_json::from_slice(&rumormill_wasm::answer(question.to_string().as_bytes()))
            .expect("the reply is JSON");
    match reply.get("answer") {
        Some(answer) => Ok(answer.clone()),
        None => Err(reply["error"].as_str().expect("an error in words").to_owned()),
    }
}

#[test]
fn a_followed_run_is_the_simulated_one() {
    let spread = json!({"nodes": 40, "graph": "random-regular:4", "loss": 0.2, "dead": 0.1});
    let run = ask(&json!({"verb": "follow_spread", "spread": spread, "seed": 9})).expect("a run");
    let many = json!({
        "verb": "simulate_spread", "spread": spread, "seed": 9, "runs": 1, "engine": "reference",
    });
    let many = ask(&many).expect("a simulation");
    let rounds = run["rounds"].as_array().expect("rounds");
    let informed: Vec<f64> =
        rounds.iter().map(|round| round["informed"].as_f64().expect("a number")).collect();
    let theirs: Vec<f64> = serde_json::from_value(many["informed"].clone()).expect("numbers");
    assert_eq!(informed, theirs[1..]);
    assert_eq!(run["messages"].as_f64(), many["messages"].as_f64());
    assert_eq!(run["edges"].as_array().expect("edges").len(), 80);
    assert_eq!(run["dead"].as_array().expect("dead").len(), 4);
    assert_eq!((&run["over"], &run["alive"]), (&json!(true), &json!(36)));
    // Lost calls (flag 2) inform nobody (flag 16).
    let calls = rounds.iter().flat_map(|round| round["calls"].as_array().expect("calls"));
    let flags: Vec<u64> = calls.map(|call| call[2].as_u64().expect("flags")).collect();
    assert!(flags.iter().any(|flags| flags & 2 > 0));
    assert!(flags.iter().all(|flags| flags & 18 != 18));
    let informs = flags.iter().filter(|&flags| flags & 16 > 0).count();
    assert_eq!(informs, 35, "all that live but the origin were informed once");
}

#[test]
fn what_cannot_be_shown_is_refused_with_its_limit() {
    let error = ask(&json!({"verb": "follow_spread", "spread": {"nodes": 5000}, "seed": 1}));
    assert!(error.is_err_and(|error| error.contains("5000") && error.contains("2000")));
    let spread = json!({"nodes": 2000, "loss": 0.99});
    let error = ask(&json!({"verb": "follow_spread", "spread": spread, "seed": 1}));
    assert!(error.is_err_and(|error| error.contains("at most 500000")));
    let error = ask(&json!({"verb": "predict_graph", "graph": "ring", "nodes": 5, "origin": 5}));
    assert!(error.is_err_and(|error| error.contains("origin is 5")));
    let error = ask(&json!({"verb": "predict_graph", "graph": "ring", "nodes": 5, "rigin": 0}));
    assert!(error.is_err_and(|error| error.contains("rigin")));
}

#[test]
fn graphs_have_their_facts() {
    let ask = |graph: &str| ask(&json!({"verb": "predict_graph", "graph": graph, "nodes": 64}));
    let star = ask("star").expect("a star");
    assert!((star["exact_mean"].as_f64().expect("a mean") - 297.8807).abs() < 1e-4);
    assert!((star["law"]["mean"].as_f64().expect("a mean") - 297.8807).abs() < 1e-4);
    let grid = ask("grid").expect("a grid");
    assert_eq!(grid["diameter"], 14);
    assert_eq!(grid["edges"].as_array().expect("edges").len(), 112);
    assert_eq!(ask("complete").expect("it")["edges"], Value::Null);
    let random = ask("random-regular:4").expect("a graph");
    assert!(random["diameter"].as_u64().is_some_and(|steps| (3..8).contains(&steps)), "{random}");
}

#[test]
fn perfect_doubling_is_rare() {
    let eight = ask(&json!({"verb": "predict_doubling", "nodes": 8})).expect("an answer");
    let log10 = eight["log10_all_rounds"].as_f64().expect("eight is a power of two");
    assert!((10f64.powf(log10) - 6.1199e-3).abs() < 1e-7);
    assert_eq!((&eight["rounds"], &eight["messages"]), (&json!(3), &json!(7)));
}

#[test]
fn rumors_die_out() {
    let spread = json!({"nodes": 30, "stop": "feedback-coin:4", "semantics": "sequential"});
    let end = ask(&json!({"verb": "predict_stop", "spread": spread})).expect("an answer");
    let incomplete = end["incomplete"]["value"].as_f64().expect("a probability");
    assert!((incomplete - 0.19999).abs() < 5e-6);
    let sizes = json!({"verb": "stop_by_size", "spread": spread, "nodes": [30, 1000]});
    let sizes = ask(&sizes).expect("an answer");
    assert_eq!(sizes[0]["incomplete"], end["incomplete"]);
    assert!(sizes[1]["incomplete"]["value"].as_f64().expect("a probability") > 0.9);
}

#[test]
fn one_sender_and_many_mouths() {
    let ways = json!({
        "verb": "compare_ways", "spread": {"nodes": 64}, "rounds": 20, "repeats": 3,
        "losses": [0.0, 0.1],
    });
    let ways = ask(&ways).expect("an answer");
    let success = |way: &str| ways[1][way]["success"].as_f64().expect("a probability");
    assert!((success("single") - 0.00131).abs() < 1e-5);
    assert!((success("repeated") - 0.999f64.powi(63)).abs() < 1e-12);
    let runs = json!({
        "verb": "simulate_broadcast", "nodes": 64, "broadcast": "repeated:3", "loss": 0.1,
        "runs": 2000, "seed": 4,
    });
    let runs = ask(&runs).expect("an answer");
    let missed = runs["incomplete"].as_f64().expect("a share");
    assert!((missed - (1.0 - success("repeated"))).abs() < 0.02, "{missed}");
    assert_eq!(runs["messages"], 189.0);
}

#[test]
fn runs_worth_seeing_are_found() {
    let spread = json!({"nodes": 8});
    let find = json!({"verb": "find_runs", "spread": spread, "seed": 1, "runs": 3000, "quick": 3});
    let found = ask(&find).expect("an answer");
    // 6.1199e-3 of the runs.
    assert!(found["quick_runs"].as_u64().is_some_and(|runs| (5..35).contains(&runs)), "{found}");
    let quick =
        json!({"verb": "follow_spread", "spread": spread, "seed": 1, "run": found["quick"]});
    assert_eq!(ask(&quick).expect("a run")["finished"], 3);
    let slow = json!({
        "verb": "follow_spread", "spread": spread, "seed": 1, "run": found["slowest"][0],
    });
    assert_eq!(ask(&slow).expect("a run")["finished"], found["slowest"][1]);
    let stopped = json!({"nodes": 30, "stop": "feedback-coin:2", "semantics": "sequential"});
    let find = json!({"verb": "find_runs", "spread": stopped, "seed": 1, "runs": 200});
    let found = ask(&find).expect("an answer");
    let failing = json!({
        "verb": "follow_spread", "spread": stopped, "seed": 1, "run": found["incomplete"],
    });
    let failing = ask(&failing).expect("a run");
    let missed = failing["informed_in"].as_array().expect("nodes").iter();
    assert!(missed.filter(|round| round.is_null()).count() > 0);
}

#[test]
fn what_hangs_on_a_lost_message_is_missed() {
    let messages = ask(&json!({"verb": "follow_schedule", "nodes": 8, "lost": [2]}));
    let messages = messages.expect("an answer");
    let silent =
        messages.as_array().expect("messages").iter().filter(|message| message["sent"] == false);
    let silent: Vec<_> = silent.map(|message| message["to"].clone()).collect();
    assert_eq!(silent, [json!(6)]);
}
