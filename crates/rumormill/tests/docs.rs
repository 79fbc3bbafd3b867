//! The documentation does not drift: every `console` block in README.md and docs/ is run and its
//! output compared, every verb's `--help` is in docs/reference.md, and every link leads somewhere.
//!
//! `TRYCMD=overwrite cargo test -p rumormill --test docs` writes what the commands print today into
//! the pages.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Dir, PATIENCE, clean, run};
use rustix::process::{Pid, Signal, kill_process_group};

const BINARY: &str = env!("CARGO_BIN_EXE_rumormill");

/// What `console` blocks may run: trycmd skips every other program without a word.
const PROGRAMS: [&str; 2] = ["rumormill", "cat"];

/// The event whose id the pages name: the test publishes one and puts its id in the place of this.
const EVENT: &str = "2ed9f4a7e67165b5";

#[test]
fn console_blocks_print_what_the_pages_show() {
    let dir = Dir::new();
    let failed: Vec<_> = thread::scope(|scope| {
        let pages: Vec<_> = pages()
            .into_iter()
            .filter(|page| wanted(page))
            .enumerate()
            .map(|(number, page)| {
                let place = dir.0.join(number.to_string());
                let name = page.display().to_string();
                (name, scope.spawn(move || attempt(&page, &place)))
            })
            .collect();
        pages.into_iter().filter_map(|(name, page)| page.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "these pages are not what the commands print: {failed:#?}");
}

#[test]
fn every_verb_has_its_help_in_the_reference() {
    let page = root().join("docs/reference.md");
    let text = fs::read_to_string(&page).expect("the reference");
    let verbs = verbs(&mut vec!["rumormill".to_owned()]);
    let block = |verb: &[String]| format!("$ {} --help", verb.join(" "));
    let missing: Vec<_> =
        verbs.iter().filter(|verb| !text.lines().any(|line| line == block(verb))).collect();
    if overwrite() && !missing.is_empty() {
        let sections: String = missing
            .iter()
            .map(|verb| format!("\n## {}\n\n```console\n{}\n```\n", verb.join(" "), block(verb)))
            .collect();
        fs::write(&page, text + &sections).expect("written");
        panic!("verbs were added to docs/reference.md: run this once more to fill them in");
    }
    assert!(missing.is_empty(), "docs/reference.md lacks {missing:?}: run with TRYCMD=overwrite");
    let shown = text.lines().filter(|line| line.starts_with("$ ")).count();
    assert_eq!(shown, verbs.len(), "docs/reference.md shows verbs that the command does not have");
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
            let found =
                target.exists() && (heading.is_empty() || headings(&target).contains(heading));
            if !found {
                broken.push(format!("{}: {what}", file.display()));
            }
        };
        let mut folder = None;
        for line in prose(&text) {
            if let Some(title) = line.strip_prefix("## ") {
                let src = root().join("crates").join(title).join("src");
                folder = src.is_dir().then_some(src);
            }
            for link in between(line, "](", ")") {
                if !link.contains("://") {
                    check(link, file.parent().expect("a folder"));
                }
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

fn overwrite() -> bool {
    std::env::var_os("TRYCMD").is_some_and(|mode| mode == "overwrite")
}

/// Tells whether the test's arguments ask for this page: `-- trycmd=events` for one.
fn wanted(page: &Path) -> bool {
    let asked: Vec<_> =
        std::env::args().filter_map(|arg| Some(arg.strip_prefix("trycmd=")?.to_owned())).collect();
    asked.is_empty() || asked.iter().any(|part| page.to_string_lossy().contains(part.as_str()))
}

/// Returns README.md and every page of docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

/// Runs one page, up to three times: on a busy machine what one agent tells another may arrive late,
/// and commands that take longer than two seconds print how far they are.
fn attempt(page: &Path, place: &Path) {
    let text = fs::read_to_string(page).expect("a page");
    let blocks = blocks(page, &text);
    for number in 1..3 {
        let place = place.join(number.to_string());
        if catch_unwind(|| check(page, &text, &blocks, &place)).is_ok() {
            return;
        }
    }
    check(page, &text, &blocks, &place.join("last"));
}

/// Runs one page in a folder of its own: first its agents, then its `console` blocks.
fn check(page: &Path, text: &str, blocks: &[Block<'_>], place: &Path) {
    let copy = place.join(page.file_name().expect("a name"));
    let folder = copy.with_extension("in");
    fs::create_dir_all(folder.join("examples/scenarios")).expect("made");
    for from in ["examples", "examples/scenarios"] {
        for entry in fs::read_dir(root().join(from)).expect("examples") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                fs::copy(&path, folder.join(from).join(path.file_name().expect("a name")))
                    .expect("copied");
            }
        }
    }

    let mut swaps = ports(blocks);
    // A block of TOML that begins with `# NAME.toml` is that file.
    for block in blocks.iter().filter(|block| block.language == "toml") {
        if let Some(name) = block.lines[0].strip_prefix("# ").filter(|name| name.ends_with(".toml"))
        {
            fs::write(folder.join(name), swapped(&block.lines.join("\n"), &swaps))
                .expect("written");
        }
    }
    let cluster = Cluster::start(blocks, &swaps, &folder);
    if let (Some(agent), true) = (cluster.agents.first(), text.contains(EVENT)) {
        let published = run(["--agent", agent, "event", "deploy", "v2 started"]).ok().out;
        swaps.push((EVENT.to_owned(), published.trim().to_owned()));
    }

    fs::write(&copy, spread(&swapped(text, &swaps))).expect("written");
    let cases = trycmd::TestCases::new();
    cases
        .register_bin("rumormill", Path::new(BINARY))
        .register_bin("cat", Path::new("/bin/cat"))
        .env("COLUMNS", "100")
        .env("RUMORMILL_AGENT", cluster.agents.first().map_or("", String::as_str))
        .timeout(PATIENCE);
    cases.case(&copy);
    cases.run();
    if overwrite() {
        let back: Vec<_> = swaps.into_iter().map(|(doc, real)| (real, doc)).collect();
        let new = swapped(&gathered(&fs::read_to_string(&copy).expect("a page")), &back);
        if new != text {
            fs::write(page, new).expect("written");
        }
    }
}

/// A fenced block of a page: its language and its lines.
struct Block<'t> {
    language: &'t str,
    lines: Vec<&'t str>,
}

impl Block<'_> {
    /// Tells whether this block starts the agents that the page talks to.
    fn is_background(&self) -> bool {
        self.language == "sh" && self.lines.last().is_some_and(|line| line.ends_with(" &"))
    }
}

/// Returns the blocks of a page, and refuses those that show a command and would not be run.
fn blocks<'t>(page: &Path, text: &'t str) -> Vec<Block<'t>> {
    let page = page.display();
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open = false;
    for (line, number) in text.lines().zip(1..) {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            open = !open;
            if open {
                assert!(!language.is_empty(), "{page}:{number}: a block without a language");
                blocks.push(Block { language, lines: Vec::new() });
            }
            let indented = line.starts_with(' ') && language == "console";
            assert!(!indented, "{page}:{number}: an indented block is not run");
        } else if open && let Some(block) = blocks.last_mut() {
            block.lines.push(line);
            if let Some(command) = line.strip_prefix("$ ") {
                assert_eq!(block.language, "console", "{page}:{number}: not run: `{command}`");
                let program = command.split(' ').find(|word| !word.contains('=')).unwrap_or("");
                assert!(PROGRAMS.contains(&program), "{page}:{number}: not run: `{command}`");
            }
        }
    }
    blocks
}

/// Finds a free port for each one that the page's agents are given; of as many digits, so that
/// columns stay where they are.
fn ports(blocks: &[Block<'_>]) -> Vec<(String, String)> {
    let lines = blocks.iter().filter(|block| block.is_background()).flat_map(|block| &block.lines);
    let given: BTreeSet<_> = lines
        .flat_map(|line| line.split(' '))
        .filter(|word| word.starts_with("127.0.0.1:"))
        .collect();
    given.into_iter().map(|address| (address.to_owned(), free_address())).collect()
}

fn free_address() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 6000) as u16;
    loop {
        let port = 2000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 7900;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() && UdpSocket::bind(&address).is_ok() {
            return address;
        }
    }
}

fn swapped(text: &str, swaps: &[(String, String)]) -> String {
    swaps.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Adds what trycmd expects: an empty line behind each command's output, and `/` for `\` in it.
fn spread(text: &str) -> String {
    each_console_line(text, |line, before, out| {
        if ends_output(line) && !starts(before, &["$ ", "> ", "? ", "```"]) {
            out.push('\n');
        }
        if starts(line, &["$ ", "> "]) { line.to_owned() } else { line.replace('\\', "/") }
    })
}

/// Takes away what [`spread`] has added.
fn gathered(text: &str) -> String {
    each_console_line(text, |line, before, out| {
        if ends_output(line) && before.is_empty() {
            out.pop();
        }
        match line.strip_suffix(" /") {
            Some(line) if line.starts_with("  rumormill ") => format!("{line} \\"),
            _ => line.to_owned(),
        }
    })
}

fn ends_output(line: &str) -> bool {
    starts(line, &["$ ", "```"])
}

fn starts(line: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| line.starts_with(start))
}

/// Copies a page, and in its `console` blocks what `change` makes of a line, the line before it, and
/// the copy so far.
fn each_console_line(
    text: &str,
    mut change: impl FnMut(&str, &str, &mut String) -> String,
) -> String {
    let (mut out, mut open, mut before) = (String::new(), false, "");
    for line in text.lines() {
        let copy = if open { change(line, before, &mut out) } else { line.to_owned() };
        if line.starts_with("```") {
            open = line == "```console";
        }
        before = line;
        out.push_str(&copy);
        out.push('\n');
    }
    out
}

/// The agents that a page starts, and whatever else it runs in the background.
#[derive(Default)]
struct Cluster {
    groups: Vec<Pid>,
    agents: Vec<String>,
}

impl Cluster {
    /// Runs the page's `sh` blocks that end with `&`, and waits until their agents know each other.
    fn start(blocks: &[Block<'_>], swaps: &[(String, String)], folder: &Path) -> Self {
        let mut cluster = Self::default();
        for block in blocks.iter().filter(|block| block.is_background()) {
            let script = swapped(&block.lines.join("\n"), swaps);
            let bin = Path::new(BINARY).parent().expect("a folder").display();
            let path = std::env::var("PATH").unwrap_or_default();
            let log = fs::File::create(folder.with_extension("log")).expect("a log");
            let mut shell = clean(Command::new("sh"))
                .args(["-c", &script])
                .env("PATH", format!("{bin}:{path}"))
                .env("RUMORMILL_AGENT", cluster.agents.first().map_or("", String::as_str))
                .current_dir(folder)
                .stdout(log.try_clone().expect("a log"))
                .stderr(log)
                .process_group(0)
                .spawn()
                .expect("a shell");
            cluster.groups.push(Pid::from_child(&shell));
            assert!(shell.wait().expect("a child").success(), "{script}");
            cluster.agents.extend(
                between(&(script + " "), "--http ", " ").map(|address| format!("http://{address}")),
            );
            cluster.wait();
        }
        cluster
    }

    /// Waits until all agents know each other, and what follows them has connected.
    fn wait(&self) {
        thread::sleep(Duration::from_millis(300));
        let deadline = Instant::now() + PATIENCE;
        for agent in &self.agents {
            loop {
                let asked = run(["--agent", agent, "members", "--json"]);
                let up = asked.out.matches("\"alive\"").count();
                if up == self.agents.len() {
                    break;
                }
                assert!(Instant::now() < deadline, "{agent} knows {up} members: {asked:?}");
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for &group in &self.groups {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Returns the command's verbs, as its help lists them, each with those that it is one of.
fn verbs(above: &mut Vec<String>) -> Vec<Vec<String>> {
    let help = run(above[1..].iter().map(String::as_str).chain(["--help"])).ok().out;
    let mut found = vec![above.clone()];
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in list.take_while(|line| !line.is_empty()) {
        let name = line.strip_prefix("  ").and_then(|line| line.split(' ').next()).unwrap_or("");
        if !name.is_empty() && name != "help" {
            above.push(name.to_owned());
            found.extend(verbs(above));
            above.pop();
        }
    }
    found
}

/// Returns the lines of a page outside its blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    })
}

/// Returns what stands between each `start` and the next `end`.
fn between<'t>(line: &'t str, start: &str, end: &str) -> impl Iterator<Item = &'t str> {
    let mut rest = line;
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
