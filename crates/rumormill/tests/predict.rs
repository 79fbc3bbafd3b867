//! The commands `predict` and `plan`, run as a user runs them.

mod common;

use common::{Dir, line};

fn succeed(args: &str) -> String {
    line(args).ok().out
}

fn json(args: &str) -> serde_json::Value {
    line(args).ok().json()
}

#[track_caller]
fn refused(args: &str, words: &[&str]) {
    line(args).refused(words);
}

#[test]
fn bad_input_names_the_flag_and_its_range() {
    let cases: [(&str, &[&str]); 17] = [
        ("predict spread --nodes 0", &["--nodes", "1 to"]),
        ("predict spread --nodes 1e16", &["--nodes", "1 to"]),
        ("predict spread --nodes 10 --loss 1.1", &["--loss", "from 0 to 1"]),
        ("predict spread --nodes 10 --loss -0.1", &["--loss", "from 0 to 1"]),
        ("predict spread --nodes 10 --loss nan", &["--loss", "from 0 to 1"]),
        ("predict spread --nodes 10 --percentile 0", &["--percentile", "above 0"]),
        ("predict spread --nodes 10 --percentile 100", &["--percentile", "below 100"]),
        ("predict spread --nodes 10 --coverage 0", &["--coverage", "above 0 and at most 1"]),
        ("predict spread --nodes 10 --dead 1", &["--dead", "0 to below 1"]),
        ("predict spread --nodes 10 --origins 11", &["--origins", "1 to 10"]),
        ("predict spread --nodes 10 --fanout 0", &["--fanout", "at least 1"]),
        ("predict graph --kind grid --nodes 10", &["--nodes", "square number"]),
        ("predict broadcast --nodes 10 --loss 1", &["--loss", "below 1"]),
        ("predict average --nodes 1", &["--nodes", "2 to"]),
        ("predict stop --nodes 10 --stop blind-coin:0", &["--stop", "1 to 1000"]),
        ("plan --nodes 100 --deadline 20ms --failure 1e-6", &["--deadline", "at least"]),
        (
            "plan --nodes 100 --deadline 3s --failure 0",
            &["--failure", "at least 1e-15 and below 1"],
        ),
    ];
    for (args, words) in cases {
        refused(args, words);
    }
    refused("plan --nodes 0 --deadline 3s --failure 1e-6", &["--nodes"]);
    refused("plan --nodes 9 --loss 1 --deadline 3s --failure 1e-6", &["--loss", "below 1"]);
    refused("predict spread --nodes x", &["--nodes", "whole number"]);
    refused("predict stop --nodes 10", &["--stop", "feedback-counter"]);
}

#[test]
fn one_line_answers_the_question() {
    let line = succeed("predict spread --nodes 1000000 --rounds 39");
    assert_eq!(line, "P(not finished within 39 rounds) = 0.005796\n");
    let line = succeed("predict spread --nodes 1000000 --rounds 39 --interval 200ms");
    assert!(line.contains("7.80 s"), "{line}");
    // A tail with digits, beyond what is listed.
    let line = succeed("predict spread --nodes 64 --rounds 60");
    assert!(line.ends_with("= 1.47884e-22\n"), "{line}");
}

#[test]
fn json_is_what_the_manual_says() {
    let report = json("predict spread --nodes 64 --json");
    for key in [
        "nodes",
        "style",
        "fanout",
        "loss",
        "mean",
        "variance",
        "survival",
        "percentiles",
        "messages",
        "bounds",
        "error",
    ] {
        assert!(!report[key].is_null(), "{key}");
    }
    assert_eq!(report["style"], "push");
    assert!((report["mean"].as_f64().unwrap() - 11.158119112619).abs() < 1e-12);
    assert_eq!(report["percentiles"]["99"], 15);
    let survival = report["survival"].as_array().unwrap();
    assert_eq!(survival[0], 1.0);
    assert!(survival.last().unwrap().as_f64().unwrap() < 1e-15);
    assert!(survival[survival.len() - 2].as_f64().unwrap() >= 1e-15);
    assert_eq!(report["bounds"]["chebyshev"]["verdict"], "valid bound");
    // A far percentile does not lengthen the list.
    let far = json("predict spread --nodes 64 --percentile 99.99999999999999 --json");
    assert_eq!(far["survival"].as_array().unwrap().len(), survival.len());
}

#[test]
fn edges_answer_sensibly() {
    assert!(succeed("predict spread --nodes 1").contains("Finished at the start"));
    assert!(succeed("predict spread --nodes 10 --loss 1").contains("Never finishes"));
    assert!(succeed("predict spread --nodes 10 --coverage 0.1 --loss 1").contains("at the start"));
    let never = json("predict spread --nodes 10 --loss 1 --json");
    assert!(never["mean"].is_null() && never["finishes"] == false);
    assert!(json("predict spread --nodes 10 --loss 1 --json")["percentiles"]["50"].is_null());
    for style in ["push", "pull", "push-pull"] {
        for nodes in [2, 3] {
            let report = json(&format!("predict spread --nodes {nodes} --style {style} --json"));
            let mean = report["mean"].as_f64().unwrap();
            assert!((1.0..2.5).contains(&mean), "{style} {nodes}: {mean}");
        }
        let all = json(&format!("predict spread --nodes 50 --fanout 49 --style {style} --json"));
        assert!((all["mean"].as_f64().unwrap() - 1.0).abs() < 1e-12);
        let lossy = json(&format!("predict spread --nodes 50 --loss 0.99 --style {style} --json"));
        assert!(lossy["mean"].as_f64().unwrap() > 300.0);
    }
    let switched = succeed("predict spread --nodes 64 --pull-after 6");
    assert!(switched.contains("8.8737"), "{switched}");
    assert!(line("predict spread --nodes 10 --loss 0.9999999999").code != Some(0));
}

#[test]
fn plots_are_drawn_without_fonts_of_the_machine() {
    let folder = Dir::new();
    for (name, magic) in [("law.svg", &b"<svg"[..]), ("law.png", &b"\x89PNG"[..])] {
        let path = folder.join(name);
        succeed(&format!("predict spread --nodes 1000 --plot {}", path.display()));
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(magic) && bytes.len() > 5000, "{name}: {} bytes", bytes.len());
    }
    let other = folder.join("law.gif");
    let ran = line(&format!("predict spread --nodes 10 --plot {}", other.display()));
    assert!(ran.err.contains(".svg or .png"));
}

#[test]
fn a_plan_can_be_pasted_into_an_agent() {
    let text = succeed("plan --nodes 1000 --loss 0.05 --deadline 3s --failure 1e-6 --max-fanout 2");
    let config = text.split("[events]").nth(1).expect("a table");
    for key in ["style = \"", "fanout = ", "interval = \"", "stop = \"rounds:"] {
        assert!(config.contains(key), "{text}");
    }
    let rows = json(
        "plan --nodes 1000 --loss 0.05 --deadline 3s --failure 1e-6 --max-fanout 2 --top 0 --json",
    );
    let bytes: Vec<f64> =
        rows.as_array().unwrap().iter().map(|r| r["bytes_per_node"].as_f64().unwrap()).collect();
    assert_eq!(bytes.len(), 6);
    assert!(bytes.windows(2).all(|w| w[0] <= w[1]));
}

#[test]
fn the_other_predictions_print_their_results() {
    assert!(succeed("predict graph --kind star --nodes 1000").contains("7476.986"));
    let wheel = succeed("predict graph --kind wheel --nodes 1000");
    for words in ["No closed form", "Theta(sqrt(n ln n))", "simulate push on the wheel"] {
        assert!(wheel.contains(words), "{wheel}");
    }
    let sequential =
        succeed("predict stop --nodes 30 --stop feedback-coin:4 --semantics sequential");
    assert!(sequential.contains("0.199992"));
    assert!(sequential.contains("last delivery: none"), "{sequential}");
    let capped = json("predict stop --nodes 3 --stop rounds:2 --json");
    assert!((capped["last_delivery"]["value"].as_f64().unwrap() - 1.75).abs() < 1e-12);
    let table = "predict stop --nodes 1000 --stop feedback-counter:1 --reset";
    assert!(succeed(table).contains("0.17"));
    assert!(succeed("predict stop --nodes 1000 --stop rounds:22").contains("0.006485"));
    assert!(succeed("predict broadcast --nodes 64 --loss 0.1").contains("0.001310"));
    assert!(succeed("predict average --nodes 64").contains("0.294513"));
}

#[test]
fn both_tails_have_their_digits() {
    // The left one: 32 senders hit 32 different nodes.
    let text = succeed("predict spread --nodes 64 --origins 32 --rounds 1");
    assert!(text.ends_with("P(finished within 1 rounds) = 6.93864e-23\n"), "{text}");
    let report = json("predict spread --nodes 64 --origins 32 --rounds 1 --json");
    let early = report["rounds"]["success"].as_f64().unwrap();
    let exact: f64 = (0..32).map(|i| f64::from(32 - i) / 63.0).product();
    assert!((early / exact - 1.0).abs() < 1e-12, "{early:e} {exact:e}");
    // The right one, in JSON as in the text, and after a change of style.
    let report = json("predict spread --nodes 64 --rounds 60 --json");
    let late = report["rounds"]["survival"].as_f64().unwrap();
    assert!((late / 1.478_84e-22 - 1.0).abs() < 1e-5, "{late:e}");
    assert_eq!(report["survival"].as_array().unwrap().len(), 61);
    assert_eq!(report["survival"][60].as_f64().unwrap(), late);
    assert_eq!(report["success"].as_array().unwrap().len(), 61);
    assert_eq!(report["bound"], "proved");
    let switched = json("predict spread --nodes 64 --pull-after 6 --rounds 60 --json");
    let late = switched["rounds"]["survival"].as_f64().unwrap();
    assert!(late > 1e-60 && late < 1e-50, "{late:e}");
}

#[test]
fn once_slow_questions_are_answered_or_refused() {
    let start = std::time::Instant::now();
    succeed("predict spread --nodes 100 --coverage 0.37 --origins 36");
    succeed("predict spread --nodes 1e7 --fanout 64 --rounds 5");
    succeed("predict spread --nodes 64 --rounds 10000000");
    succeed("predict stop --nodes 1000 --stop rounds:10000000");
    // Each once took minutes, or for ever; this is a build that is not optimised.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    refused("predict spread --nodes 1e15 --loss 0.9999", &["--loss", "within a second"]);
    refused("predict spread --nodes 1e9 --loss 0.95 --coverage 0.5", &["--coverage"]);
    refused("predict spread --nodes 1e9 --dead 0.999999", &["--dead"]);
}

#[test]
fn flags_without_effect_are_refused() {
    for args in [
        "--stop feedback-coin:2 --loss 0.1",
        "--stop feedback-counter:2 --fanout 2",
        "--stop feedback-counter:2 --style pull",
        "--stop feedback-coin:2 --reset",
        "--stop rounds:9 --reset",
        "--stop rounds:9 --semantics sequential",
        "--stop feedback-counter:2 --semantics sequential --runs 9",
    ] {
        line(&format!("predict stop --nodes 10 {args}")).fails(2, &[]);
    }
}

#[test]
fn messages_are_those_really_sent() {
    // More picks than there are nodes, with repeats: one of four pushes seven times.
    let report = json("predict spread --nodes 4 --fanout 7 --targets independent --json");
    assert!(report["messages"].as_f64().unwrap() > 7.0, "{report}");
    // Half of an eager broadcast of two reaches nobody.
    let ways = json("predict broadcast --nodes 64 --loss 0.9 --json");
    let eager = &ways[3];
    assert_eq!(eager["name"], "eager reliable");
    assert!(eager["messages"].as_f64().unwrap() < 4030.0, "{eager}");
    assert!((2.5..4.0).contains(&eager["rounds"].as_f64().unwrap()), "{eager}");
    // 0.1^63, of which one minus the failure has no digit.
    let once = ways[0]["success"].as_f64().unwrap();
    assert!((once / 1e-63 - 1.0).abs() < 1e-12, "{once:e}");
    assert!(succeed("predict spread --nodes 128").contains("622.05"));
    let logistic = &json("predict spread --nodes 128 --json")["logistic_messages"];
    assert!((logistic.as_f64().unwrap() - 622.05).abs() < 0.005, "{logistic}");
    let odd = json("predict average --nodes 3 --json");
    assert_eq!(odd[3]["factor"], 0.5);
    assert!(!succeed("predict broadcast --nodes 9 --loss -0.0").contains("-0"));
}

#[test]
fn the_story_has_its_details() {
    let stages = json("predict spread --nodes 64 --stages --json");
    let first = &stages["stages"][0];
    assert_eq!((first["mean"].as_f64(), first["variance"].as_f64()), (Some(1.0), Some(0.0)));
    let share = |key: &str| first[key].as_f64().unwrap() / stages[key].as_f64().unwrap();
    assert!((share("waits_variance") - 0.29).abs() < 0.005, "{stages}");
    assert!(succeed("predict spread --nodes 64 --stages").contains("1 to 2     1.000000"));
    refused("predict spread --nodes 2501 --stages", &["--nodes", "2500"]);
    let curve = json("predict spread --nodes 1000 --style pull --curve --rounds 14 --json");
    let last = &curve["rounds"][14];
    let missed = |key: &str| 1.0 - last[key].as_f64().unwrap() / 1000.0;
    assert!((missed("exact") - 0.0189).abs() < 5e-5, "{last}");
    assert!((missed("recurrence") / 7.6e-8 - 1.0).abs() < 0.01, "{last}");
    assert!(last["collisions_taylor"].is_null());
    let doubling = json("predict doubling --nodes 64 --loss 0.1 --json");
    assert_eq!((doubling["rounds"].as_u64(), doubling["messages"].as_u64()), (Some(6), Some(63)));
    assert!((doubling["complete"].as_f64().unwrap() - 0.9f64.powi(63)).abs() < 1e-15);
    let perfect = json("predict doubling --nodes 16 --json")["log10_last_round"].as_f64().unwrap();
    assert!((10f64.powf(perfect) / 1.573e-5 - 1.0).abs() < 1e-3, "{perfect}");
    assert!(succeed("predict doubling --nodes 1e15").contains("10^-3.67662"));
    let ratios = &json("predict spread --nodes 1e15 --json")["ratios"];
    assert!((ratios["process"].as_f64().unwrap() - 1.2385).abs() < 1e-4, "{ratios}");
    assert!(json("predict spread --nodes 64 --fanout 2 --json")["ratios"].is_null());
}

#[test]
fn any_graph_has_its_distances() {
    let edges = std::env::temp_dir().join(format!("rumormill-edges-{}", std::process::id()));
    // A path of five with a leaf in its middle.
    std::fs::write(&edges, "0 1\n1 2\n2 3\n3 4\n2 5\n").unwrap();
    let file = format!("predict graph --graph file:{} --json", edges.display());
    let graph = json(&file);
    assert_eq!(
        (graph["diameter"].as_u64(), graph["eccentricity_min"].as_u64()),
        (Some(4), Some(2))
    );
    assert_eq!((graph["edges"].as_u64(), graph["rounds_at_least"].as_u64()), (Some(5), Some(3)));
    let leaf = json(&format!("{file} --origin 5"));
    assert_eq!(leaf["origin"]["eccentricity"].as_u64(), Some(3), "{leaf}");
    std::fs::write(&edges, "0 1\n2 3\n").unwrap();
    let apart = json(&file);
    assert!(apart["diameter"].is_null() && apart["rounds_at_least"].is_null(), "{apart}");
    assert_eq!(apart["components"].as_u64(), Some(2));
    std::fs::remove_file(&edges).unwrap();
    let random = json("predict graph --graph random-regular:4 --nodes 300 --seed 7 --json");
    assert!(random["diameter"].as_u64().unwrap() >= 5, "{random}");
    refused(&format!("{file} --origin 9"), &["--graph"]);
    refused("predict graph --graph ring --nodes 9 --origin 9", &["--origin", "0 to 8"]);
}

#[test]
fn slow_counters_are_refused() {
    let slow = "predict stop --nodes 5000 --stop feedback-counter:1000 --semantics sequential";
    refused(slow, &["--stop", "1 to 16", "second"]);
}
