//! The documentation does not drift: trycmd runs every `console` block in README.md and docs/ and
//! compares its output, every verb's `--help` is in docs/reference.md, and every link leads somewhere.
//!
//! `TRYCMD=overwrite cargo test -p rumormill --test docs` writes the commands' output into the pages.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::thread;

use common::{Dir, PATIENCE, clean, eventually, run};
use rustix::process::{Pid, Signal, kill_process_group};

const BINARY: &str = env!("CARGO_BIN_EXE_rumormill");

/// The programs in `console` blocks: trycmd skips every other one without a word.
const PROGRAMS: [&str; 2] = ["rumormill", "cat"];

/// The host of the agents on the pages, and the id of the event that they name.
const HOST: &str = "127.0.0.1";
const EVENT: &str = "2ed9f4a7e67165b5";

#[test]
fn console_blocks_print_what_the_pages_show() {
    let dir = Dir::new();
    fs::create_dir_all(dir.join("examples/scenarios")).expect("made");
    for from in ["examples", "examples/scenarios"] {
        let files = fs::read_dir(root().join(from)).expect("examples");
        for path in files.map(|file| file.expect("a file").path()).filter(|path| path.is_file()) {
            fs::copy(&path, dir.join(from).join(path.file_name().expect("a name")))
                .expect("copied");
        }
    }
    std::env::set_current_dir(dir.path()).expect("the commands run there");
    thread::scope(|scope| {
        for (number, page) in pages().into_iter().enumerate() {
            let name = page.display().to_string();
            let test = move || check(&page, number);
            thread::Builder::new().name(name).spawn_scoped(scope, test).expect("a thread");
        }
    });
}

#[test]
fn every_verb_has_its_help_in_the_reference() {
    let text = fs::read_to_string(root().join("docs/reference.md")).expect("the reference");
    let shown: Vec<_> = text.lines().filter(|line| line.starts_with("$ ")).collect();
    assert_eq!(
        shown,
        verbs("rumormill"),
        "docs/reference.md needs a block for each, in this order"
    );
}

#[test]
fn links_and_paths_lead_somewhere() {
    let mut files = pages();
    files.extend(
        ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| root().join(name)),
    );
    let mut broken = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a page");
        let mut check = |what: &str, from: &Path| {
            let (path, heading) = what.split_once('#').unwrap_or((what, ""));
            let target = if path.is_empty() { file.clone() } else { from.join(path) };
            if !target.exists() || !(heading.is_empty() || headings(&target).contains(heading)) {
                broken.push(format!("{}: {what}", file.display()));
            }
        };
        let mut folder = None;
        for line in prose(&text) {
            if let Some(title) = line.strip_prefix("## ") {
                let src = root().join("crates").join(title).join("src");
                folder = src.is_dir().then_some(src);
            }
            for link in between(line, "](", ")").filter(|link| !link.contains("://")) {
                check(link, file.parent().expect("a folder"));
            }
            for code in between(line, "`", "`") {
                let starts = ["crates/", "bench/", "docs/", "examples/", ".ci/", ".github/"];
                if starts.iter().any(|start| code.starts_with(start)) && !code.contains(['*', ' '])
                {
                    check(code, &root());
                }
            }
            // The map: the first column of a crate's table names its files and rooms.
            if let (Some(folder), true) = (&folder, line.starts_with("| `")) {
                for code in between(line.split(" | ").next().unwrap_or_default(), "`", "`") {
                    check(code, folder);
                }
            }
        }
    }
    assert!(broken.is_empty(), "these lead nowhere: {broken:#?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Returns README.md and every page of docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    for folder in ["docs", "docs/decisions"] {
        let files = fs::read_dir(root().join(folder)).expect("a folder");
        let paths = files.map(|file| file.expect("a file").path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|is| is == "md")));
    }
    pages
}

/// Runs the `console` blocks of a page, after the `sh` blocks that start its agents, if there are any.
/// Refuses blocks that show a command but are not run.
fn check(page: &Path, number: usize) {
    let text = fs::read_to_string(page).expect("a page");
    let blocks = || text.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    for (language, body) in blocks() {
        assert!(!language.is_empty(), "a block without a language: {body}");
        for command in body.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let program = command.split(' ').find(|word| !word.contains('=')).unwrap_or("");
            let runs = language == "console" && PROGRAMS.contains(&program);
            assert!(runs, "{} shows `{command}`, but does not run it", page.display());
        }
    }
    // A loopback address of the page's own, of the same length, so that columns stay where they are.
    let unique = id() as usize * 10 + number;
    let host = format!("127.{}.{}.{}", unique / 90 % 10, unique / 9 % 10, 1 + unique % 9);
    let host = if cfg!(target_os = "linux") { host } else { HOST.to_owned() };
    // A block of TOML that begins with `# NAME.toml` is that file.
    for (_, body) in blocks().filter(|(language, _)| *language == "toml") {
        let name = body.lines().next().and_then(|line| line.strip_prefix("# "));
        if let Some(name) = name.filter(|name| name.ends_with(".toml")) {
            fs::write(name, body.replace(HOST, &host)).expect("written");
        }
    }
    let cases = trycmd::TestCases::new();
    cases.register_bin("rumormill", Path::new(BINARY)).register_bin("cat", Path::new("/bin/cat"));
    cases.env("COLUMNS", "100").env("RUMORMILL_PROGRESS", "off").timeout(PATIENCE);
    let background = |(language, body): &(&str, &str)| *language == "sh" && body.ends_with(" &\n");
    let scripts: Vec<_> = blocks().filter(background).map(|(_, body)| body).collect();
    if scripts.is_empty() {
        cases.case(page).run();
        return;
    }
    let mut cluster = Cluster { groups: Vec::new(), agents: Vec::new() };
    for script in scripts {
        cluster.start(&script.replace(HOST, &host));
    }
    let event = if text.contains(EVENT) { cluster.publish() } else { EVENT.to_owned() };
    fs::create_dir(number.to_string()).expect("made");
    let copy = Path::new(&number.to_string()).join(page.file_name().expect("a name"));
    fs::write(&copy, text.replace(HOST, &host).replace(EVENT, &event)).expect("written");
    cases.env("RUMORMILL_AGENT", &cluster.agents[0]).case(&copy).run();
    if std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite") {
        let new = fs::read_to_string(&copy).expect("a page");
        fs::write(page, new.replace(&host, HOST).replace(&event, EVENT)).expect("written");
    }
}

/// The agents that a page starts, and whatever else it runs in the background.
struct Cluster {
    groups: Vec<Pid>,
    agents: Vec<String>,
}

impl Cluster {
    /// Runs a script that ends with `&`; waits until all agents know each other, and until a file that
    /// it writes to has something in it.
    fn start(&mut self, script: &str) {
        let bin = Path::new(BINARY).parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = clean(Command::new("sh"))
            .args(["-c", script])
            .env("PATH", format!("{bin}:{path}"))
            .env("RUMORMILL_AGENT", self.agents.first().map_or("", String::as_str))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        self.groups.push(Pid::from_child(&shell));
        assert!(shell.wait().expect("a child").success(), "{script}");
        self.agents.extend(between(script, "--http ", " ").map(|addr| format!("http://{addr}")));
        for agent in &self.agents {
            eventually(&format!("{agent} knows all members"), || {
                let asked = run(["--agent", agent, "members", "--json"]);
                asked.out.matches("\"alive\"").count() == self.agents.len()
            });
        }
        for file in between(script, "> ", " ") {
            eventually(&format!("something is in {file}"), || {
                self.publish();
                fs::metadata(file).is_ok_and(|file| file.len() > 0)
            });
        }
    }

    /// Publishes the event of the pages; returns its id when all agents have it.
    fn publish(&self) -> String {
        let ask = |args: &[&str]| run([&["--agent", &self.agents[0]], args].concat());
        let event = ask(&["event", "deploy", "v2 started"]).ok().out.trim().to_owned();
        eventually("all have the event", || ask(&["trace", &event]).code == Some(0));
        event
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for &group in &self.groups {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Returns the command that prints a verb's help, and those of the verbs below it.
fn verbs(verb: &str) -> Vec<String> {
    let help = format!("{verb} --help");
    let text = run(help.split(' ').skip(1)).ok().out;
    let mut found = vec![format!("$ {help}")];
    let list = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in list.take_while(|line| !line.is_empty()) {
        let name = line.strip_prefix("  ").and_then(|line| line.split(' ').next()).unwrap_or("");
        if !name.is_empty() && name != "help" {
            found.extend(verbs(&format!("{verb} {name}")));
        }
    }
    found
}

/// Returns the lines of a page outside its blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(str::lines)
}

/// Returns what stands between each `start` and the next `end`.
fn between<'t>(text: &'t str, start: &str, end: &str) -> impl Iterator<Item = &'t str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(start)?;
        let (found, left) = after.split_once(end)?;
        rest = left;
        Some(found)
    })
}

/// Returns the anchors of a page's headings, as GitHub makes them.
fn headings(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap_or_default();
    prose(&text)
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()))
        .map(|title| {
            let title = title.to_lowercase().replace(' ', "-");
            title.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
        })
        .collect()
}
