//! The sandbox: rewinding, forking, interfering.

use serde_json::{Value, json};

use crate::support::{ask, ask_bytes};

mod support;

fn modes() -> [Value; 3] {
    let average = |protocol: &str, graph: &str| json!({ "average": { "nodes": 400, "graph": graph, "protocol": protocol, "seed": 4 } });
    [
        json!({ "spread": { "nodes": 400, "seed": 4, "style": "push-pull", "loss": 0.2, "stop": "feedback-coin:4" } }),
        average("spsp", "complete"),
        average("ledger", "random-regular:8"),
    ]
}

fn seek(session: &Value, round: u32) -> (Value, Vec<u8>) {
    let question =
        json!({ "verb": "sandbox_seek", "session": session, "round": round, "contacts": 50 });
    let (view, bytes) = ask_bytes(&question, &[]);
    (view.expect("a view"), bytes)
}

fn act(session: &Value, action: &Value) -> Result<Value, String> {
    ask(&json!({ "verb": "sandbox_act", "session": session, "action": action }))
}

#[test]
fn any_earlier_round_is_the_same_again_and_a_fork_goes_another_way() {
    for mode in modes() {
        let opened = ask(&json!({ "verb": "sandbox_open", "mode": mode })).unwrap();
        let session = opened["session"].clone();
        let mut seen = Vec::new();
        for round in 1..=40 {
            if round == 12 {
                act(&session, &json!({ "do": "strike", "share": 0.1, "seed": 5 })).unwrap();
                act(&session, &json!({ "do": "cut", "share": 0.3 })).unwrap();
            }
            if round == 20 {
                act(&session, &json!({ "do": "heal" })).unwrap();
                act(&session, &json!({ "do": "loss", "loss": 0.4 })).unwrap();
            }
            seen.push(seek(&session, round));
        }
        let (view, bytes) = seen.last().unwrap();
        assert_eq!(view["contacts"].as_u64().unwrap() * 12 + 400, bytes.len() as u64);
        assert!(view["contacts"].as_u64().unwrap() <= 50);
        for round in [33, 7, 12, 11, 13, 40, 1] {
            let (again, same) = seek(&session, round);
            // Rounds after which something was done are seen after it, as far as states go.
            if round != 11 && round != 19 {
                assert_eq!(
                    again["history"],
                    seen[round as usize - 1].0["history"],
                    "{mode} {round}"
                );
                assert!(same == seen[round as usize - 1].1, "{mode}: round {round} differs");
            }
        }
        // From the list of what was done, elsewhere.
        let (latest, last) = seek(&session, 40);
        let actions = latest["actions"].clone();
        let (copy, same) = ask_bytes(
            &json!({ "verb": "sandbox_open", "mode": mode, "actions": actions, "round": 40, "contacts": 50 }),
            &[],
        );
        assert!(same == last, "{mode}");
        assert_eq!(copy.unwrap()["history"], latest["history"]);
        // A fork has the same past and another future.
        seek(&session, 4);
        let fork = ask(&json!({ "verb": "sandbox_fork", "session": session, "seed": 77 })).unwrap();
        let fork = fork["session"].clone();
        assert_eq!(seek(&fork, 3).1, seek(&session, 3).1);
        assert_ne!(seek(&fork, 7).1, seek(&session, 7).1);
        for session in [session, fork] {
            ask(&json!({ "verb": "sandbox_close", "session": session })).unwrap();
        }
    }
}

#[test]
fn what_the_reader_does_later_is_forgotten_when_the_past_changes() {
    let mode = &modes()[0];
    let opened = ask(&json!({ "verb": "sandbox_open", "mode": mode })).unwrap();
    let session = &opened["session"];
    seek(session, 10);
    act(session, &json!({ "do": "loss", "loss": 0.9 })).unwrap();
    seek(session, 3);
    let view = act(session, &json!({ "do": "inform", "node": 17 })).unwrap();
    assert_eq!(view["actions"], json!([{ "after": 3, "do": "inform", "node": 17 }]));
    let wrong = act(session, &json!({ "do": "raise", "node": 1, "by": 2.0 }));
    assert!(wrong.unwrap_err().contains("no inputs"));
    let wrong = act(session, &json!({ "do": "cut", "share": 1.5 }));
    assert!(wrong.unwrap_err().contains("1.5"));
}

#[test]
fn the_exact_law_is_that_of_the_prediction_and_what_is_too_large_is_refused() {
    let mode = json!({ "spread": { "nodes": 64, "seed": 1 } });
    let exact = ask(&json!({ "verb": "sandbox_exact", "mode": mode, "rounds": 20 })).unwrap();
    let runs = ask(
        &json!({ "verb": "simulate_spread", "spread": { "nodes": 64 }, "runs": 10, "seed": 1 }),
    );
    assert_eq!(exact["by_round"][5], runs.unwrap()["exact"]["informed"][5]);
    let spread = json!({ "spread": { "nodes": 100_001, "seed": 1 } });
    let ledger = json!({ "average": { "nodes": 50_000, "protocol": "ledger", "seed": 1 } });
    for (mode, why) in [(spread, "100001"), (ledger, "random-regular:8")] {
        let refused = ask(&json!({ "verb": "sandbox_open", "mode": mode })).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}
