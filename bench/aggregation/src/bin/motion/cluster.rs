//! The cluster under test: processes of the command on loopback, or agents of the library in this
//! process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rumormill_agent::Agent;
use rumormill_bench::agents::start_all;
use rumormill_bench::process::{Usage, processor_seconds};
use rumormill_proto::{Config, Mode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::http::Connection;
use crate::reading::Seen;

/// The time within which agents must have done what they are waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How agents are started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The command, for processes.
    pub(crate) program: PathBuf,
    /// Whether the agents are of the library, in this process.
    pub(crate) library: bool,
    /// The word for `aggregates.schedule`; `None` leaves the default.
    pub(crate) schedule: Option<String>,
    pub(crate) mode: Mode,
}

/// Running agents.
pub(crate) enum Cluster {
    Processes(Vec<Process>),
    Library(Vec<Agent>, Mode),
}

/// A process of the command.
pub(crate) struct Process {
    child: Mutex<Child>,
    pub(crate) pid: u32,
    mode: Mode,
    /// Its calls do not wait for each other: one connection sets, one reads.
    sets: Mutex<Connection>,
    reads: Mutex<Connection>,
}

/// What agents count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) exchanges: u64,
}

impl Counts {
    fn of(counters: &Value) -> anyhow::Result<Self> {
        let counter = |name: &str| counters[name].as_u64().with_context(|| format!("no {name}"));
        Ok(Self {
            packets: counter("datagrams_sent")?,
            bytes: counter("bytes_sent")? + counter("stream_bytes_sent")?,
            exchanges: counter("exchanges")?,
        })
    }
}

/// What all agents together have used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    pub(crate) counts: Counts,
    pub(crate) cpu: f64,
    /// Voluntary context switches; 0 for agents in this process.
    pub(crate) switches: u64,
}

impl Cluster {
    /// Starts agents and waits until all know each other.
    pub(crate) async fn start(setup: &Setup, nodes: usize) -> anyhow::Result<Self> {
        let cluster = if setup.library {
            let config = config(setup)?;
            let with = |_, builder: rumormill_agent::Builder| builder.config(config.clone());
            Self::Library(start_all(nodes, with).await?, setup.mode)
        } else {
            Self::Processes(start_processes(setup, nodes).await?)
        };
        let deadline = Instant::now() + PATIENCE;
        for node in 0..nodes {
            while cluster.members(node).await? < nodes {
                ensure!(Instant::now() < deadline, "the agents did not meet in {PATIENCE:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(cluster)
    }

    /// Returns the number of agents.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Processes(processes) => processes.len(),
            Self::Library(agents, _) => agents.len(),
        }
    }

    /// Returns a process.
    pub(crate) fn process(&self, node: usize) -> anyhow::Result<&Process> {
        match self {
            Self::Processes(processes) => Ok(&processes[node]),
            Self::Library(..) => anyhow::bail!("agents of the library are no processes"),
        }
    }

    /// Sets an input.
    pub(crate) async fn set(&self, node: usize, name: &str, value: f64) -> anyhow::Result<()> {
        match self {
            Self::Processes(processes) => {
                let Process { sets, mode, .. } = &processes[node];
                let body = json!({ "value": value, "mode": mode }).to_string();
                sets.lock().await.ask("PUT", &format!("/v1/inputs/{name}"), &body).await?;
            }
            Self::Library(agents, mode) => {
                agents[node].aggregates().set_in(name, value, *mode).await?;
            }
        }
        Ok(())
    }

    /// Reads an aggregate.
    pub(crate) async fn read(&self, node: usize, name: &str) -> anyhow::Result<Seen> {
        let reading = match self {
            Self::Processes(processes) => {
                let path = format!("/v1/aggregates/{name}");
                processes[node].reads.lock().await.ask("GET", &path, "").await?
            }
            Self::Library(agents, _) => {
                let reading = agents[node].aggregates().get(name).await?;
                serde_json::to_value(reading.with_context(|| format!("no {name} at n{node}"))?)?
            }
        };
        Seen::of(&reading)
    }

    async fn info(&self, node: usize) -> anyhow::Result<Value> {
        match self {
            Self::Processes(processes) => {
                processes[node].reads.lock().await.ask("GET", "/v1/info", "").await
            }
            Self::Library(agents, _) => Ok(serde_json::to_value(agents[node].info().await?)?),
        }
    }

    /// Returns the number of members that an agent knows, itself included.
    pub(crate) async fn members(&self, node: usize) -> anyhow::Result<usize> {
        let members = self.info(node).await?["members"].as_u64();
        Ok(members.context("an info without members")? as usize)
    }

    /// Returns what an agent has counted.
    pub(crate) async fn counts(&self, node: usize) -> anyhow::Result<Counts> {
        Counts::of(&self.info(node).await?["counters"])
    }

    /// Returns what all agents have used so far.
    pub(crate) async fn used(&self) -> anyhow::Result<Used> {
        let mut used = Used::default();
        for node in 0..self.len() {
            let counts = self.counts(node).await?;
            used.counts.packets += counts.packets;
            used.counts.bytes += counts.bytes;
            used.counts.exchanges += counts.exchanges;
        }
        match self {
            Self::Processes(processes) => {
                for process in processes {
                    let usage = Usage::of(process.pid).context("no /proc")?;
                    used.cpu += usage.cpu;
                    used.switches += usage.switches;
                }
            }
            Self::Library(..) => used.cpu = processor_seconds(),
        }
        Ok(used)
    }

    /// Waits until every agent's sum is the truth, up to this relative error.
    pub(crate) async fn all_right(
        &self,
        name: &str,
        truth: f64,
        tolerance: f64,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for node in 0..self.len() {
            loop {
                // Unknown at first: the name has to come here.
                let seen = self.read(node, name).await;
                if seen.as_ref().is_ok_and(|seen| seen.is(truth, tolerance)) {
                    break;
                }
                ensure!(Instant::now() < deadline, "n{node}: {seen:?}, not {truth}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Ok(())
    }

    /// Waits until every agent says that it has converged.
    pub(crate) async fn all_converged(&self, name: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        for node in 0..self.len() {
            while !self.read(node, name).await?.converged {
                ensure!(Instant::now() < deadline, "n{node} has not converged in {PATIENCE:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Ends all agents at once.
    pub(crate) async fn stop(self) {
        match self {
            // They are killed when dropped.
            Self::Processes(processes) => drop(processes),
            Self::Library(agents, _) => {
                for agent in &agents {
                    agent.kill().await;
                }
            }
        }
    }
}

impl Process {
    /// Sends SIGKILL and waits for the end.
    pub(crate) async fn kill(&self) -> anyhow::Result<()> {
        Ok(self.child.lock().await.kill().await?)
    }
}

fn config(setup: &Setup) -> anyhow::Result<Config> {
    let aggregates = setup.schedule.as_ref().map(|word| json!({ "schedule": word }));
    Ok(serde_json::from_value(json!({ "aggregates": aggregates.unwrap_or_else(|| json!({})) }))?)
}

async fn start_processes(setup: &Setup, nodes: usize) -> anyhow::Result<Vec<Process>> {
    let mut processes: Vec<Process> = Vec::new();
    let mut first = None;
    let file = setup.schedule.as_ref().map(|word| {
        let name = format!("rumormill-motion-{}-{word}.toml", std::process::id());
        (std::env::temp_dir().join(name), format!("[aggregates]\nschedule = \"{word}\"\n"))
    });
    if let Some((path, text)) = &file {
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    }
    for node in 0..nodes {
        let config = file.as_ref().map(|(path, _)| path.as_path());
        let (process, peers) = start_process(setup, node, first.as_deref(), config).await?;
        first.get_or_insert(peers);
        processes.push(process);
    }
    if let Some((path, _)) = &file {
        std::fs::remove_file(path)?;
    }
    Ok(processes)
}

/// Starts a process; returns it and the address that others join.
async fn start_process(
    setup: &Setup,
    node: usize,
    join: Option<&str>,
    config: Option<&Path>,
) -> anyhow::Result<(Process, String)> {
    let mut command = Command::new(&setup.program);
    command.args(["agent", "--name", &format!("n{node}")]);
    command.args(["--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "off"]);
    join.map(|join| command.args(["--join", join]));
    config.map(|config| command.arg("--config").arg(config));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let program = setup.program.display();
    let mut child = command.spawn().with_context(|| format!("start {program}"))?;
    let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    let (mut peers, mut http) = (None, None);
    while peers.is_none() || http.is_none() {
        let line = lines.next_line().await?.context("the agent ended before it was ready")?;
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("peers"), Some(addr)) => peers = Some(addr.to_owned()),
            (Some("http"), Some(url)) => http = Some(url.to_owned()),
            _ => {}
        }
    }
    let (peers, http) = (peers.context("no address")?, http.context("no address")?);
    let http = http.trim_start_matches("http://").parse()?;
    // What else it prints must not block it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let process = Process {
        pid: child.id().context("it has ended")?,
        child: Mutex::new(child),
        mode: setup.mode,
        sets: Mutex::new(Connection::open(http).await?),
        reads: Mutex::new(Connection::open(http).await?),
    };
    Ok((process, peers))
}
