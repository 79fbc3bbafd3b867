//! Arguments that can't be what they should be: each is refused by name before any request is
//! made; and odd ones that can are sent as they are.
#![cfg(unix)]

mod common;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt;

use common::{Agent, Ran, finish, rumormill, run};

/// Where an agent would be. Notices whoever comes.
struct Nobody(TcpListener);

impl Nobody {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        Self(listener)
    }

    /// Runs a verb, which must be refused with exit code 2, say `says`, and ask nobody.
    #[track_caller]
    fn refuses(&self, args: &[OsString], says: &str) {
        let url = format!("http://{}", self.0.local_addr().expect("bound"));
        let ran = finish(rumormill().args(["--agent", &url]).args(args));
        let shown = |ran: &Ran| ran.err.chars().take(400).collect::<String>();
        assert_eq!(ran.code, Some(2), "{args:?}: {}", shown(&ran));
        assert!(ran.err.contains(says), "{args:?} does not say {says:?}: {}", shown(&ran));
        assert_eq!(ran.out, "", "{args:?}");
        match self.0.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            other => panic!("{args:?} made a request: {other:?}"),
        }
    }
}

fn os(text: &str) -> OsString {
    text.into()
}

/// A verb with `bad` in the place of `X`.
fn with(verb: &[&str], bad: &OsString) -> Vec<OsString> {
    let fill = |part: &&str| match part.split_once('X') {
        Some((before, after)) => {
            let mut filled = os(before);
            filled.push(bad);
            filled.push(after);
            filled
        }
        None => os(part),
    };
    verb.iter().map(fill).collect()
}

#[test]
fn what_cannot_be_a_name_a_key_an_id_or_an_address_is_refused_before_any_request() {
    let nobody = Nobody::new();
    let not_text = OsString::from_vec(b"a\xff".to_vec());
    let long = |n: usize| os(&"x".repeat(n));
    let names = ["", " ", "a b", "a?b", "a#b", "a%2Fb", "a%", "a\nb", "\u{1b}[2J", "\u{e4}"];
    let mut names: Vec<OsString> = names.map(os).into();
    names.extend([long(65), long(65_536), not_text.clone()]);
    for (verb, says) in [
        (&["get", "X"][..], "[NAME]"),
        (&["get", "X", "--wait", "1s"], "[NAME]"),
        (&["watch", "X"], "[NAME]"),
        (&["explain", "X"], "<NAME>"),
        (&["unset", "X"], "<NAME>"),
        (&["unset", "good", "X"], "<NAME>"),
        (&["event", "X", "payload"], "<TOPIC>"),
        (&["query", "X"], "<TOPIC>"),
        (&["set", "X=1"], "<NAME=VALUE>"),
    ] {
        for bad in &names {
            nobody.refuses(&with(verb, bad), says);
        }
    }
    let mut keys: Vec<OsString> = ["", "a\nb", "\t", "\u{1b}[2J", "\u{85}"].map(os).into();
    keys.extend([long(4097), long(65_536), not_text.clone()]);
    for (verb, says) in [
        (&["kv", "put", "X", "value"][..], "<KEY>"),
        (&["kv", "put", "X", "--file", "/dev/null"], "<KEY>"),
        (&["kv", "get", "X"], "<KEY>"),
        (&["kv", "get", "X", "--json"], "<KEY>"),
        (&["kv", "delete", "X"], "<KEY>"),
        (&["kv", "list", "X"], "[PREFIX]"),
        (&["kv", "watch", "X"], "[PREFIX]"),
    ] {
        // What all keys begin with is no mistake.
        let any = verb[1] == "list" || verb[1] == "watch";
        for bad in keys.iter().filter(|bad| !any || !bad.is_empty()) {
            nobody.refuses(&with(verb, bad), says);
        }
    }
    for bad in
        ["", "xyz", "0123456789abcde", "0123456789abcdef0", "../../v1/info/xx", "+123456789abcdef"]
    {
        nobody.refuses(&with(&["trace", "X"], &os(bad)), "<ID>");
    }
    for bad in
        ["", "host", ":1", "host:", "host:0", "::1:7", "a b:1", "http://h:1", "a:1,", "a:1,,b:1"]
    {
        nobody.refuses(&with(&["join", "X"], &os(bad)), "<HOST:PORT>");
    }
    for bad in ["", "rumours", "key,", "key&name=x"] {
        nobody.refuses(&with(&["monitor", "--only", "X"], &os(bad)), "--only");
    }
    for bad in ["", "5", "-1s", "s", "1h&x=1", "2h"] {
        nobody.refuses(&with(&["get", "requests", "--wait=X"], &os(bad)), "--wait");
        nobody.refuses(&with(&["query", "disk", "--timeout=X"], &os(bad)), "--timeout");
        nobody.refuses(&with(&["trace", "0123456789abcdef", "--timeout=X"], &os(bad)), "--timeout");
    }
    for bad in ["requests", "requests=", "=5", "=", "", "requests=x", "requests=nan"] {
        nobody.refuses(&with(&["set", "X"], &os(bad)), "<NAME=VALUE>");
    }
    // What looks like a flag is not taken for a name.
    for verb in [&["kv", "get", "-x"][..], &["kv", "delete", "--prefix"], &["get", "-r"]] {
        nobody.refuses(&with(verb, &os("")), verb[verb.len() - 1]);
    }
}

#[test]
fn the_agents_own_flags_are_refused_by_name() {
    for (flag, bads) in [
        ("--name", &["", "a b"][..]),
        ("--bind", &["", "localhost:1"]),
        ("--advertise", &["", "x"]),
        ("--http", &["", "of"]),
        ("--join", &["", "a:1,", ",", "a b:1"]),
        ("--set", &["", "x=", "=5", "x"]),
        ("--data", &[""]),
        ("--config", &[""]),
        ("--cluster", &[""]),
        ("--on-query", &["", "x=", "=df", "x= ", "x=''", "x"]),
        ("--interval", &["", "5"]),
        ("--suspicion-timeout", &[""]),
        ("--seed", &["", "x"]),
        ("--loss", &["", "1"]),
        ("--log", &["", "loud"]),
        ("--view-size", &["", "1_0"]),
    ] {
        for bad in bads {
            let ran = run(["agent", "--http", "off", "--bind", "127.0.0.1:0"]
                .iter()
                .copied()
                .chain([flag, bad]));
            ran.fails(2, &[flag]);
        }
    }
}

#[test]
fn an_empty_variable_counts_as_not_set_and_a_bad_one_concerns_only_who_needs_it() {
    let predict = ["predict", "spread", "--nodes", "64"];
    let with =
        |value: &str, args: &[&str]| finish(rumormill().env("RUMORMILL_AGENT", value).args(args));
    for value in ["", "nonsense://x", "a b"] {
        with(value, &predict).ok();
    }
    // There is no telling whether an agent is at the usual address.
    assert_ne!(with("", &["members"]).code, Some(2));
    let ran = with("nonsense://x", &["members"]);
    ran.fails(2, &["RUMORMILL_AGENT", "nonsense://x"]);
    let a = Agent::start("a", &[]);
    assert!(with(&a.url, &["members"]).ok().out.contains("this agent"));
    assert!(with("nonsense://x", &["--agent", &a.url, "members"]).ok().out.contains("this agent"));
    for bad in ["", " ", "http://", "https://h:1", "http://h/path", "http://h?x"] {
        let ran = run(["--agent", bad, "members"]);
        ran.fails(2, &["--agent"]);
    }
}

#[test]
fn odd_keys_and_names_are_what_they_are() {
    let a = Agent::start("a", &[]);
    let longest = "x".repeat(512);
    let keys = [
        ".",
        "..",
        "../info",
        "/",
        "//",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        "?prefix=x",
        "#fragment",
        "%2F",
        "%",
        "%zz",
        " ",
        "a b",
        "+",
        "&=;",
        "\u{e4}",
        "a\u{308}",
        "\u{1f980}",
        "-x",
        &longest,
    ];
    for key in keys {
        a.ask(&["kv", "put", "--", key, key]).ok();
    }
    let listed = a.ask(&["kv", "list", "--json"]).ok().json();
    let mut listed: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["key"].as_str())
        .collect();
    let mut all = keys.to_vec();
    listed.sort_unstable();
    all.sort_unstable();
    assert_eq!(listed, all, "each is a key of its own");
    for key in keys {
        assert_eq!(a.ask(&["kv", "get", "--", key]).ok().out, key);
        assert_eq!(a.ask(&["kv", "get", "--json", "--", key]).ok().json()["key"], *key);
        let with_prefix = a.ask(&["kv", "list", "--json", "--", key]).ok().json();
        assert!(with_prefix.as_array().is_some_and(|found| !found.is_empty()), "{key:?}");
    }
    for key in keys {
        assert_eq!(
            a.ask(&["kv", "get", "--", key]).ok().out,
            key,
            "others were deleted, it was not"
        );
        a.ask(&["kv", "delete", "--", key]).ok();
        assert_eq!(a.ask(&["kv", "get", "--", key]).code, Some(1), "{key:?}");
    }
    assert_eq!(a.ask(&["kv", "list", ""]).ok().out.lines().last(), Some("(0 keys)"));
    // The agent's own limit is lower than what the command knows.
    let ran = a.ask(&["kv", "get", &"x".repeat(513)]);
    ran.fails(2, &["513 bytes, the limit is 512"]);

    for name in [".", "..", "/", "a//b", "a/", ":", "-", "_"] {
        let input = format!("{name}=5");
        assert_eq!(a.ask(&["set", "--", &input]).ok().out, format!("{input}\n"));
        assert_eq!(a.ask(&["get", "--json", "--", name]).ok().json()["name"], *name);
        assert_eq!(a.ask(&["explain", "--json", "--", name]).ok().json()["input"], 5.0);
        a.ask(&["unset", "--", name]).ok();
    }
}
