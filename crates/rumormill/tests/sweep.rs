//! The commands `sweep` and `merge`, run as a user runs them.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Dir, Owned, PATIENCE, rumormill};

const SWEEP: &str = "\
seeds = 2
[settings]
runs = 200
[grid]
nodes = { from = 10, to = 1000, factor = 10 }
style = ['push', 'push-pull']
loss = [0, 0.1]
";

/// The same of averages, with a fault that may come twice.
const AVERAGES: &str = "\
job = 'average'
seeds = 2
columns = ['engine', 'factor', 'reached_mean', 'worst_error', 'mass_lost', 'messages']
[settings]
runs = 4
until = 1e-6
rounds = 60
[grid]
nodes = [50, 200]
graph = ['complete', 'random-regular:4']
protocol = ['ledger', 'spsp']
crash = [[], '0.1@5', ['0.1@5', '0.2@10']]
";

/// And of the real protocol, with a key of the scenario that is no flag.
const CLUSTERS: &str = "\
job = 'cluster'
seeds = 2
columns = ['verdict', 'failure', 'settled_after', 'members_since', 'events_since', 'digest']
[settings]
nodes = 4
duration = '6s'
publish = '4s'
[grid]
loss = [0, 0.1]
'node.events.fanout' = [1, 3]
crash = [[], 'n2@3s..5s']
";

#[test]
fn a_sweep_is_a_table_of_all_combinations() {
    let folder = Dir::new();
    folder.write("sweep.toml", SWEEP);
    let shown = folder.run("sweep sweep.toml").ok().out;
    assert!(shown.contains("24 rows written to sweep.csv"), "{shown}");
    let table = folder.text("sweep.csv");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 25);
    assert!(lines[0].starts_with("runs,nodes,style,loss,seed,finished,mean,variance,p50"));
    assert!(lines[1].starts_with("200,10,push,0,1,200,"));
    assert!(lines[24].starts_with("200,1000,push-pull,0.1,2,200,"));
    // A cell is what the command says by itself.
    let args = "simulate spread --nodes 1000 --style push-pull --loss 0.1 --runs 200 --seed 2";
    let mean = folder.run(&format!("{args} --json")).ok().json()["mean"].as_f64().unwrap();
    assert_eq!(lines[24].split(',').nth(6).unwrap().parse::<f64>().unwrap(), mean);
    assert!(!folder.join("sweep.part").exists());
}

#[test]
fn averages_are_swept_too() {
    let folder = Dir::new();
    folder.write("sweep.toml", AVERAGES);
    folder.run("sweep sweep.toml").ok();
    let table = folder.text("sweep.csv");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 49);
    let head = "runs,until,rounds,nodes,graph,protocol,crash,seed,engine,factor,reached_mean,worst_error,\
                mass_lost,messages";
    assert_eq!(rows[0].join(","), head);
    assert_eq!(rows[1][..9].join(","), "4,1e-6,60,50,complete,ledger,,1,instant");
    assert_eq!(rows[6][..8].join(","), "4,1e-6,60,50,complete,ledger,0.1@5 0.2@10,2");
    // A cell is what the command says by itself.
    let args = "simulate average --nodes 50 --runs 4 --until 1e-6 --rounds 60 --crash 0.1@5 --crash 0.2@10";
    let answer = folder.run(&format!("{args} --seed 2 --json")).ok().json();
    let same = |at: usize, value: &serde_json::Value| {
        assert_eq!(rows[6][at].parse::<f64>().unwrap(), value.as_f64().unwrap(), "{}", rows[0][at]);
    };
    same(9, &answer["factor"]["mean"]);
    let goal = answer["reached"].as_array().unwrap().iter().find(|goal| goal["error"] == 1e-6);
    same(10, &goal.unwrap()["mean"]);
    assert!(rows[6][11].parse::<f64>().unwrap() <= 1e-6, "{table}");
}

#[test]
fn clusters_are_swept_too() {
    let folder = Dir::new();
    folder.write("sweep.toml", CLUSTERS);
    folder.run("sweep sweep.toml").ok();
    let table = folder.text("sweep.csv");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 17);
    assert_eq!(rows[1][..8].join(","), "4,6s,4s,0,1,,1,holds");
    assert!(rows[1..].iter().all(|row| row[7] == "holds" && row[8].is_empty()), "{table}");
    let args = "simulate cluster --nodes 4 --duration 6s --publish 4s --loss 0.1 --seed 2";
    let args = format!("{args} --crash n2@3s..5s --set node.events.fanout=3 --json");
    let run = folder.run(&args).ok().json();
    assert_eq!(rows[16][12], run["digest"]);
    // What cannot be is refused before anything runs: with any seed, in any cell.
    folder.write("bad.toml", CLUSTERS.replace("n2@3s", "n9@3s"));
    folder.refused("sweep bad.toml", 2, &["bad.toml", "n9@3s..5s", "n9 does not exist"]);
    folder.write("bad.toml", CLUSTERS.replace("node.events.fanout", "node.fanout"));
    folder.refused("sweep bad.toml", 2, &["node.fanout", "unknown field", "max_datagram"]);
}

#[test]
fn a_file_that_has_changed_meanwhile_is_noticed() {
    let folder = Dir::new();
    folder.write("links.txt", "0 1\n1 2\n");
    folder.write("sweep.toml", "[settings]\nruns = 10\n[grid]\ngraph = ['file:links.txt']\n");
    folder.run("sweep sweep.toml --shard 1/2").ok();
    folder.write("links.txt", "0 1\n0 2\n");
    let words = ["sweep.1-of-2.part", "the file links.txt was 8 bytes", "is now 8 bytes"];
    folder.refused("sweep sweep.toml --shard 1/2", 1, &words);
    folder.run("sweep sweep.toml --shard 2/2").ok();
    let merge = "merge sweep.1-of-2.part sweep.2-of-2.part --out no.csv";
    folder.refused(merge, 1, &["another sweep", "links.txt"]);
}

#[test]
fn threads_change_no_byte() {
    let folder = Dir::new();
    for sweep in [SWEEP, AVERAGES, CLUSTERS] {
        folder.write("sweep.toml", sweep);
        folder.run("sweep sweep.toml --threads 1 --out one.csv --out one.parquet").ok();
        folder.run("sweep sweep.toml --threads 4 --out four.csv --out four.parquet").ok();
        assert_eq!(folder.read("one.csv"), folder.read("four.csv"));
        assert_eq!(folder.read("one.parquet"), folder.read("four.parquet"));
        assert!(folder.read("one.parquet").starts_with(b"PAR1"));
    }
}

#[test]
fn merged_shards_are_the_table_of_one_machine() {
    let folder = Dir::new();
    folder.write("sweep.toml", SWEEP);
    folder.run("sweep sweep.toml --out whole.csv --out whole.parquet").ok();
    for part in [2, 5, 1, 4, 3] {
        folder.run(&format!("sweep sweep.toml --shard {part}/5")).ok();
    }
    let part = |number: usize| format!("sweep.{number}-of-5.part");
    let all = [3, 1, 2, 5, 4].map(part).join(" ");
    folder.run(&format!("merge {all} --out merged.csv --out merged.parquet")).ok();
    assert_eq!(folder.read("whole.csv"), folder.read("merged.csv"));
    assert_eq!(folder.read("whole.parquet"), folder.read("merged.parquet"));

    for (name, sweep) in [("averages", AVERAGES), ("clusters", CLUSTERS)] {
        folder.write(&format!("{name}.toml"), sweep);
        folder.run(&format!("sweep {name}.toml")).ok();
        for part in [3, 1, 2] {
            folder.run(&format!("sweep {name}.toml --shard {part}/3")).ok();
        }
        let parts = [2, 3, 1].map(|part| format!("{name}.{part}-of-3.part")).join(" ");
        folder.run(&format!("merge {parts} --out merged-{name}.csv")).ok();
        let (whole, merged) = (format!("{name}.csv"), format!("merged-{name}.csv"));
        assert_eq!(folder.read(&whole), folder.read(&merged));
    }

    // What does not make a whole is refused by name.
    let few = [1, 2, 4].map(part).join(" ");
    folder.refused(&format!("merge {few} --out no.csv"), 1, &["parts 3/5, 5/5 are missing"]);
    let twice = format!("{all} {}", part(2));
    folder.refused(&format!("merge {twice} --out no.csv"), 1, &["both part 2/5"]);
    folder.write("other.toml", SWEEP.replace("0.1", "0.2"));
    folder.run("sweep other.toml --shard 3/5").ok();
    let foreign = format!("{} other.3-of-5.part", [1, 2, 4, 5].map(part).join(" "));
    let words = ["other.3-of-5.part", "another sweep", "loss was [0, 0.1] and is now [0, 0.2]"];
    folder.refused(&format!("merge {foreign} --out no.csv"), 1, &words);
    folder.run("sweep sweep.toml --shard 1/2").ok();
    let mixed = format!("{all} sweep.1-of-2.part");
    folder.refused(&format!("merge {mixed} --out no.csv"), 1, &["1 of 2", "one of 5"]);
    folder.refused("merge sweep.toml --out no.csv", 1, &["sweep.toml", "not a part"]);
    folder.refused("merge nothing --out no.csv", 1, &["cannot read nothing"]);
    folder.refused(&format!("merge {all} --out no.txt"), 2, &[".csv or .parquet"]);
    // An unfinished part: its last line is gone.
    let text = folder.text(&part(4));
    let cut = text.trim_end().rfind('\n').unwrap() + 1;
    folder.write(&part(4), &text[..cut]);
    let words = ["sweep.4-of-5.part", "not finished", "1 cell to go", "--shard 4/5"];
    folder.refused(&format!("merge {all} --out no.csv"), 1, &words);
    // A damaged one: a digit is another.
    folder.write(&part(4), text.replacen("\"row\":[2", "\"row\":[3", 1));
    folder.refused(&format!("merge {all} --out no.csv"), 1, &["sweep.4-of-5.part", "line 2"]);
    assert!(!folder.join("no.csv").exists());
}

#[test]
fn a_killed_sweep_goes_on_where_it_was() {
    // Each cell takes a moment, so that there is one to kill it in.
    let slow = SWEEP.replace("runs = 200", "runs = 1000\nengine = 'reference'");
    kill_and_go_on(&slow, 24);
    kill_and_go_on(&AVERAGES.replace("runs = 4", "runs = 40"), 48);
    kill_and_go_on(&CLUSTERS.replace("'6s'", "'12s'"), 16);
}

fn kill_and_go_on(sweep: &str, cells: usize) {
    let folder = Dir::new();
    folder.write("sweep.toml", sweep);
    folder.run("sweep sweep.toml --out whole.csv --part whole.part").ok();
    let mut kept = 0;
    let mut kills = 0;
    while kills < 3 {
        let mut command = rumormill();
        command.current_dir(folder.path()).args(["sweep", "sweep.toml", "--threads", "2"]);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = Owned(command.spawn().expect("a child"));
        if !until_lines(&folder.join("sweep.part"), kept + 3, &mut child) {
            break;
        }
        child.0.kill().expect("a signal");
        child.wait();
        kills += 1;
        let lines = folder.text("sweep.part").lines().count();
        assert!(lines >= kept + 3);
        kept = lines;
    }
    assert!(kills > 0, "the sweep was done before it could be killed");
    // A torn line is the most that a kill leaves; a power cut may leave more.
    let mut text = folder.text("sweep.part");
    text.truncate(text.len() - 7);
    folder.write("sweep.part", &(text + "\0\0\0\n\0\0"));
    let ran = folder.run("sweep sweep.toml").ok();
    let found = format!("of {cells} cells are already in sweep.part");
    assert!(ran.err.contains(&found), "{}", ran.err);
    assert_eq!(folder.read("sweep.csv"), folder.read("whole.csv"));
}

/// Waits until the file has so many lines; false if the process ended before.
fn until_lines(path: &Path, lines: usize, child: &mut Owned) -> bool {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = std::fs::read_to_string(path).unwrap_or_default().lines().count();
        if child.0.try_wait().expect("a child").is_some() {
            return false;
        }
        if found >= lines {
            return true;
        }
        assert!(Instant::now() < deadline, "{found} lines after a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_keeps_what_is_done() {
    let folder = Dir::new();
    let sweep = SWEEP.replace("runs = 200", "runs = 1000\nengine = 'reference'");
    folder.write("sweep.toml", &sweep);
    let mut command = rumormill();
    command.current_dir(folder.path()).args(["sweep", "sweep.toml", "--threads", "1"]);
    command.stdout(std::process::Stdio::piped());
    let mut child = Owned(command.spawn().unwrap());
    let out = child.0.stdout.take().unwrap();
    assert!(until_lines(&folder.join("sweep.part"), 3, &mut child));
    child.signal(rustix::process::Signal::INT);
    assert_eq!(child.wait().code(), Some(130));
    let text = std::io::read_to_string(out).unwrap();
    assert!(text.contains("of 24 cells are done and stored in sweep.part"), "{text}");
    assert!(text.contains("push") && !folder.join("sweep.csv").exists());
    assert!(folder.run("sweep sweep.toml").ok().out.contains("24 rows"));
}

#[test]
fn a_changed_sweep_is_noticed() {
    let folder = Dir::new();
    folder.write("sweep.toml", SWEEP);
    folder.run("sweep sweep.toml --shard 1/2").ok();
    // Comments and the order of keys in a line change nothing.
    folder.write("sweep.toml", format!("# a comment\n{SWEEP}"));
    assert!(folder.run("sweep sweep.toml --shard 1/2").ok().err.contains("12 of 12 cells"));
    folder.write("sweep.toml", SWEEP.replace("runs = 200", "runs = 201"));
    let words = ["sweep.1-of-2.part", "runs was 200 and is now 201", "delete it", "--part"];
    folder.refused("sweep sweep.toml --shard 1/2", 1, &words);
}

#[test]
fn bad_sweeps_name_the_key() {
    let folder = Dir::new();
    let cases: [(&str, &[&str]); 20] = [
        ("[grid]\nnods = [10]", &["[grid] nods", "no such setting", "nodes"]),
        ("[settings]\nseed = 3\n[grid]\nnodes = [10]", &["[settings] seed", "top of the file"]),
        ("seed = 3", &["unknown field `seed`", "seeds"]),
        ("job = 'walk'", &["walk", "spread"]),
        ("[grid]\nnodes = 10", &["[grid] nodes = 10", "list"]),
        ("[grid]\nnodes = []", &["[grid] nodes", "empty"]),
        ("[settings]\nnodes = [10]", &["[settings] nodes", "[grid]"]),
        ("[grid]\nnodes = [10]\nloss = [0, 2]", &["nodes = 10, loss = 2", "--loss", "0 to 1"]),
        ("[grid]\nnodes = [10]\nstyle = ['shout']", &["style = shout", "push-pull"]),
        ("[grid]\nnodes = [5]\ngraph = ['random-regular:3']", &["--graph", "4 or 6"]),
        ("[settings]\nnodes = 10\n[grid]\nnodes = [10]", &["both"]),
        ("columns = ['meen']\n[grid]\nnodes = [10]", &["\"meen\"", "mean"]),
        ("columns = []\n[grid]\nnodes = [10]", &["columns is empty", "exact_mean"]),
        ("columns = ['mean', 'mean']\n[grid]\nnodes = [10]", &["mean", "twice"]),
        ("job = 'average'\n[grid]\nnodes = [10]\ncrash = ['1@5']", &["crash = 1@5", "below 1"]),
        ("job = 'average'\n[grid]\nnodes = [9]\nstyle = ['push']", &["style", "protocol"]),
        (
            "job = 'average'\n[grid]\nnodes = [9]\ngraph = ['ring']\nengine = ['dense']",
            &["graph = ring", "--engine", "complete graph"],
        ),
        ("job = 'cluster'\n[grid]\nruns = [10]", &["[grid] runs", "each seed is one run"]),
        ("seeds = 0\n[grid]\nnodes = [10]", &["seeds = 0"]),
        ("[grid]\nnodes = { from = 1, to = 1e6 }\nfanout = { from = 1, to = 9 }", &["1000000 x 9"]),
    ];
    for (text, words) in cases {
        folder.write("bad.toml", text);
        let words: Vec<&str> = words.iter().copied().chain(["bad.toml"]).collect();
        folder.refused("sweep bad.toml", 2, &words);
    }
    folder.refused("sweep no.toml", 2, &["cannot read no.toml"]);
    folder.write("sweep.toml", SWEEP);
    folder.refused("sweep sweep.toml --shard 4/3", 2, &["1/3 to 3/3"]);
    folder.refused("sweep sweep.toml --shard three", 2, &["3/16"]);
    folder.refused("sweep sweep.toml --out a.xls", 2, &[".csv or .parquet"]);
    folder.refused("sweep sweep.toml --memory 10KiB", 2, &["needs", "10.0 KiB"]);
    folder.write("averages.toml", AVERAGES);
    folder.refused("sweep averages.toml --memory 10KiB", 2, &["needs", "10.0 KiB"]);
    assert!(!folder.join("averages.part").exists(), "nothing is begun that is refused");
}

#[test]
fn the_columns_asked_for_come_in_their_order() {
    let folder = Dir::new();
    let sweep = "columns = ['p_value', 'mean', 'exact_mean', 'engine']\n[settings]\nruns = 2000\n\
                 [grid]\nnodes = [64]\nsemantics = ['synchronous', 'sequential']\n";
    folder.write("sweep.toml", sweep);
    folder.run("sweep sweep.toml").ok();
    let table = folder.text("sweep.csv");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        rows[0],
        ["runs", "nodes", "semantics", "seed", "p_value", "mean", "exact_mean", "engine"]
    );
    let number = |at: usize| rows[1][at].parse::<f64>().unwrap();
    assert!(number(4) > 1e-4 && (number(6) - 11.158_119_112_619).abs() < 1e-9, "{table}");
    // What is not known is empty.
    assert_eq!((rows[2][4], rows[2][6]), ("", ""));
}
