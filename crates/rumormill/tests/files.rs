//! Files as other programs write them: what is common is read, what is not understood is named with
//! its line, and nothing is left out in silence.

mod common;

use common::{Dir, Ran, run};

#[track_caller]
fn refused(ran: &Ran, says: &[&str]) {
    assert_eq!(ran.out, "", "{ran:?}");
    ran.fails(2, says);
}

/// What text is written as, and what must be said of what it can't be.
fn spoiled(text: &str) -> [(Vec<u8>, &'static str); 4] {
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let unmarked: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        (utf16, "UTF-16"),
        (unmarked, "line 1 holds a zero byte"),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "compressed (gzip)"),
        ([text.as_bytes(), b"\n\xe9\xff\n"].concat(), "is not text in UTF-8"),
    ]
}

fn dressed(text: &str) -> [Vec<u8>; 4] {
    [
        format!("\u{feff}{text}").into_bytes(),
        text.replace('\n', "\r\n").into_bytes(),
        format!("\u{feff}{}", text.replace('\n', "\r")).into_bytes(),
        text.trim_end().as_bytes().to_vec(),
    ]
}

#[test]
fn lists_of_edges() {
    let dir = Dir::new();
    let spread = |graph: &str| {
        run(["simulate", "spread", "--runs", "50", "--seed", "1", "--json", "--graph", graph])
    };
    let answer = |graph: &str| {
        let ran = spread(graph).ok().json();
        (ran["nodes"].clone(), ran["rounds"].clone())
    };
    let plain = "0 1\n1 2\n2 3\n";
    let wanted = answer(&format!("file:{}", dir.write("plain", plain.as_bytes())));
    for bytes in dressed(plain).into_iter().chain(
        [
            "0 1\n1 0\n2 1\n1 2\n2 3\n3 2\n",
            "# Nodes: 4 Edges: 3\n# FromNodeId\tToNodeId\n0\t1\n1\t2\n2\t3\n",
            "source;target\n0;1\n1;2\n2;3\n",
            "\"0\",\"1\"\n\"1\",\"2\"\n\"2\",\"3\"\n",
        ]
        .map(|text| text.as_bytes().to_vec()),
    ) {
        assert_eq!(answer(&format!("file:{}", dir.write("same", &bytes))), wanted, "{bytes:?}");
    }
    let directed = dir.write("directed", b"0 1\n1 0\n1 2\n2 3\n2 3\n");
    assert_eq!(answer(&format!("undirected:{directed}")), wanted);
    refused(&spread(&format!("file:{directed}")), &["line 5", "repeats", "undirected:FILE"]);
    for (text, says) in [
        ("0 1\n1 0\n1 2\n", "line 3"),
        ("0 1\n1 2 0.5\n", "a weight"),
        ("alice bob\nbob carol\n", "line 1"),
        ("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 2\n", "Matrix Market"),
        ("", "at least one line"),
        ("source,target\n", "at least one line"),
    ] {
        refused(
            &spread(&format!("file:{}", dir.write("bad", text.as_bytes()))),
            &["--graph", says],
        );
    }
    for (bytes, says) in spoiled(plain) {
        refused(&spread(&format!("file:{}", dir.write("bad", &bytes))), &["--graph", says]);
    }
    refused(&spread(&format!("file:{}", dir.path())), &["--graph", "directory"]);
}

#[test]
fn files_of_values() {
    let dir = Dir::new();
    let average = |path: &str| {
        let values = format!("file:{path}");
        run(["simulate", "average", "--rounds", "5", "--json", "--seed", "1", "--values", &values])
    };
    let plain = "load\n1\n5\n10.5\n";
    let wanted = average(&dir.write("plain", plain.as_bytes())).ok().json();
    for bytes in dressed(plain).into_iter().chain(
        [
            "1\n5\n10.5\n",
            "host;load\na;1\nb;5\nc;10.5\n",
            "a 1\nb  5\nc 10.5\n",
            "% x\n1\n\n5\n10.5",
        ]
        .map(|text| text.as_bytes().to_vec()),
    ) {
        let got = average(&dir.write("same", &bytes)).ok().json();
        assert_eq!(got["by_round"], wanted["by_round"], "{bytes:?}");
        assert_eq!(got["nodes"], wanted["nodes"], "{bytes:?}");
    }
    for (text, says) in [
        ("1O\n5\n7\n", "line 1: \"1O\""),
        ("1;5\n2\n3\n", "line 2"),
        ("0x10\n5\n7\n", "line 1: \"0x10\""),
        ("0,5\n0,7\n", "decimal comma"),
        ("1,000\n2,500\n", "thousands"),
        ("1\ninf\n", "line 2: inf"),
        ("load\n", "has 0 values"),
        ("", "has 0 values"),
    ] {
        refused(&average(&dir.write("bad", text.as_bytes())), &["--values", says]);
    }
    for (bytes, says) in spoiled(plain) {
        refused(&average(&dir.write("bad", &bytes)), &["--values", says]);
    }
    refused(&average(dir.path()), &["--values", "directory"]);
}

#[test]
fn scenarios_sweeps_configurations_and_traces() {
    let dir = Dir::new();
    let scenario = "nodes = 3\nduration = \"2s\"\n";
    let cluster = |path: &str| run(["simulate", "cluster", path]);
    let sweep = "job = \"spread\"\nseeds = 1\n[settings]\nruns = 10\n[grid]\nnodes = [8, 16]\n";
    let out = dir.join("out.csv");
    let swept = |path: &str| run(["sweep", path, "--out", out.to_str().expect("text")]);
    // The loss is out of its range: the file has been read when that is said.
    let config = "name = \"a\"\nloss = 1.5\n";
    let agent = |path: &str| run(["agent", "--config", path]);
    for bytes in dressed(scenario) {
        cluster(&dir.write("s.toml", &bytes)).ok();
    }
    for bytes in dressed(sweep) {
        swept(&dir.write("w.toml", &bytes)).ok();
        assert!(std::fs::read_to_string(&out).expect("results").lines().count() > 2);
        std::fs::remove_file(&out).expect("results");
    }
    for bytes in dressed(config) {
        refused(&agent(&dir.write("c.toml", &bytes)), &["loss of 1.5"]);
    }
    for ask in [&cluster as &dyn Fn(&str) -> Ran, &swept, &agent] {
        for (bytes, says) in spoiled("name = 1\n") {
            refused(&ask(&dir.write("bad.toml", &bytes)), &["bad.toml", says]);
        }
        refused(&ask(dir.path()), &["directory"]);
    }
    let ran = run(["replay", &dir.write("t.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0")]);
    assert!(ran.code == Some(1) && ran.err.contains("compressed (gzip)"), "{ran:?}");
}
