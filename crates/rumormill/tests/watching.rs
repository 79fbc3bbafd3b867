//! What a watcher of keys is promised, at real agents: see docs/kv.md.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;

use common::{Agent, Lines, Owned, eventually};
use serde_json::Value;

/// The writes to each key.
const WRITES: usize = 60;
const KEYS: [&str; 2] = ["w/one", "w/two"];

/// A running `kv watch`, which has begun.
fn watch(agent: &Agent) -> (Owned, Lines) {
    let (child, lines) = agent.follow(&["kv", "watch", "w/", "--json"]);
    // The watch has begun when it shows a write.
    let mut n = 0;
    loop {
        agent.ask(&["kv", "put", "w/begin", &n.to_string()]).ok();
        if lines.so_far().next().is_some() {
            return (child, lines);
        }
        n += 1;
    }
}

/// When a change was made, by the clocks of the cluster: `MILLIS.COUNT@NODE`.
fn version(change: &Value) -> (u64, u64) {
    let text = change["version"].as_str().expect("a version");
    let (stamp, _) = text.split_once('@').expect("a node");
    let (millis, count) = stamp.split_once('.').expect("a count");
    (millis.parse().expect("milliseconds"), count.parse().expect("a count"))
}

/// The changes of each key, up to `w/end`.
fn changes(lines: &Lines) -> BTreeMap<String, Vec<Value>> {
    let mut changes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    lines.find("the end", |line| {
        let change: Value = serde_json::from_str(line).expect("JSON");
        let key = change["key"].as_str().expect("nothing was missed").to_owned();
        if key == "w/begin" {
            return None;
        }
        let end = key == "w/end";
        changes.entry(key).or_default().push(change);
        end.then_some(())
    });
    changes
}

#[test]
fn all_writes_are_reported_where_they_are_made_and_elsewhere_the_last_for_sure() {
    let a = Agent::start("a", &[]);
    let b = Agent::start("b", &["--join", &a.peers]);
    eventually("a knows b", || a.ask(&["members"]).ok().out.contains(&b.peers));
    let (_here, here) = watch(&a);
    let (_there, there) = watch(&b);
    // As fast as can be, with deletions between; every key ends with a value or with a deletion.
    let mut made: BTreeMap<&str, Vec<Option<String>>> = BTreeMap::new();
    for n in 0..WRITES {
        for (at, key) in KEYS.into_iter().enumerate() {
            let value = (n % 10 != 9 || (n + 1 == WRITES && at == 0)).then(|| format!("{key} {n}"));
            match &value {
                Some(value) => a.ask(&["kv", "put", key, value]).ok(),
                None => a.ask(&["kv", "delete", key]).ok(),
            };
            made.entry(key).or_default().push(value);
        }
    }
    for agent in [&a, &b] {
        for (key, made) in &made {
            let last = made.last().expect("written").as_deref();
            eventually("the last write is here", || {
                let got = agent.ask(&["kv", "get", key]);
                (got.code == Some(0)).then_some(got.out.as_str()) == last
            });
        }
    }
    // An end that comes after all that either has reported.
    b.ask(&["kv", "put", "w/end", "end"]).ok();
    let value = |change: &Value| change["value"].as_str().map(str::to_owned);
    for (lines, all) in [(&here, true), (&there, false)] {
        let reported = changes(lines);
        for (key, made) in &made {
            let reported = &reported[*key];
            let versions: Vec<_> = reported.iter().map(version).collect();
            assert!(versions.is_sorted_by(|a, b| a < b), "{key}: {versions:?}");
            for change in reported {
                assert_eq!(change["deleted"] == true, value(change).is_none(), "{change}");
                assert_eq!(change["local"], all, "{change}");
            }
            let values: Vec<_> = reported.iter().map(value).collect();
            if all {
                assert_eq!(values, *made, "each write once");
            } else {
                // Some of them, in their order.
                let mut rest = made.iter();
                for value in &values {
                    assert!(rest.any(|made| made == value), "{value:?} in {values:?}");
                }
            }
            assert_eq!(values.last(), made.last(), "the last");
        }
    }
}
