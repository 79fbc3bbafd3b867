//! The configuration file of an agent.
#![cfg(unix)]

mod common;

use common::{Agent, Dir, run};
use rumormill_proto::Config;

/// A configuration file, and the directory that removes it.
fn file(text: &str) -> (Dir, String) {
    let dir = Dir::new();
    let path = dir.write("agent.toml", text);
    (dir, path)
}

#[test]
fn a_file_is_read_and_flags_override_it() {
    let (_dir, file) = file(
        "cluster = \"shop\"\ninterval = \"70ms\"\n[aggregates]\ntolerance = 1e-3\n\
         [set]\nrequests = 5\nqueue = 1.5\n\
         [events]\nstyle = \"push-pull\"\nfanout = 2\nstop = \"feedback-counter:4\"\n\
         [kv]\nmax_value = 1000\n\
         [queries.handlers]\nhello = [\"echo\", \"hi\"]\n",
    );
    let flags = ["--config", &file, "--interval", "60ms", "--set", "requests=7"];
    let a = Agent::start("a", &flags);
    let info = a.ask(&["info", "--json"]).ok().json();
    assert_eq!((&info["cluster"], &info["name"]), (&"shop".into(), &"a".into()));
    let config = &info["settings"];
    assert_eq!(config["interval"], "60ms");
    assert_eq!(config["aggregates"]["tolerance"], 1e-3);
    assert_eq!(
        (&config["events"]["style"], &config["events"]["fanout"]),
        (&"push-pull".into(), &2.into())
    );
    assert_eq!(config["events"]["stop"], "feedback-counter:4");
    assert_eq!(config["kv"]["max_value"], 1000);
    assert_eq!(info["handlers"][0], "hello");
    let inputs: Vec<_> =
        info["inputs"].as_array().expect("inputs").iter().map(|i| i["value"].as_f64()).collect();
    assert_eq!(inputs, [Some(1.5), Some(7.0)]);
    let text = a.ask(&["info"]).ok().out;
    assert!(text.contains("events.stop") && text.contains("feedback-counter:4"), "{text}");
}

#[test]
fn what_plan_prints_is_accepted_as_it_is() {
    let plan = ["plan", "--nodes", "100", "--deadline", "2s", "--failure", "1e-6", "--top", "1"];
    let plan = run(plan).ok().out;
    let table = &plan[plan.find("# the cheapest").expect("a table")..];
    let (_dir, file) = file(table);
    let a = Agent::start("a", &["--config", &file]);
    let info = a.ask(&["info", "--json"]).ok().json();
    let planned: Config = toml::from_str(table).expect("settings");
    assert_ne!(planned, Config::default());
    assert_eq!(
        serde_json::from_value(info["settings"]["events"].clone()).ok(),
        Some(planned.events)
    );
}

#[test]
fn bad_files_are_refused_before_anything_starts() {
    for (text, says) in [
        ("intervall = \"1s\"", &["intervall"][..]),
        ("interval = \"1ms\"", &["interval is 1ms", "from 10ms to 60s"]),
        ("[aggregates]\nview_size = 3", &["aggregates.view_size is 3", "at least 4"]),
        ("[membership]\nprobe_interval = 5", &["probe_interval = 5", "a duration such as"]),
        ("[rumor]\nfanout = 1", &["[rumor]", "unknown field `rumor`"]),
        ("[events]\nfanout = 0", &["events.fanout is 0", "from 1 to 64"]),
        ("[events]\ninterval = \"1ms\"", &["events.interval is 1ms", "from 10ms to 60s"]),
        ("[events]\nstop = \"rounds:0\"", &["stop = \"rounds:0\"", "at least rounds:1"]),
        ("[events]\nstop = \"blind-coin:0\"", &["\"blind-coin:0\"", "K of at least 1"]),
        ("[events]\nmax_payload = 2000000", &["events.max_payload is 2000000", "1048576"]),
        ("[kv]\ntombstone_life = \"1s\"", &["kv.tombstone_life is 1s", "at least 1min"]),
        ("[queries.handlers]\nx = []", &["queries.handlers.x is empty"]),
        ("[set]\nrequests = nan", &["requests", "finite"]),
        ("{", &["line 1"]),
    ] {
        let (_dir, file) = file(text);
        let ran = run(["agent", "--config", &file, "--bind", "127.0.0.1:0", "--http", "off"]);
        ran.fails(2, &[&file]);
        ran.fails(2, says);
        assert_eq!(ran.out, "", "{text}");
    }
    let ran = run(["agent", "--config", "/nowhere/at-all.toml"]);
    ran.fails(2, &["/nowhere/at-all.toml"]);
    // The flag is to blame, not the file.
    let (_dir, file) = file("[aggregates]\nview_size = 8");
    let ran = run(["agent", "--config", &file, "--view-size", "2"]);
    ran.fails(2, &["--view-size is 2"]);
    assert!(!ran.err.contains(&file), "{ran:?}");
}
