//! Aggregates of inputs that move, on real agents on loopback: how right each reading is, whether its
//! bounds hold, and what it costs. Beside it a cluster at rest, a process that is killed, and storms.

mod cluster;
mod drive;
mod history;
mod http;
mod kill;
mod moving;
mod reading;
mod rest;
mod storm;
mod table;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use rumormill_proto::Mode;
use serde_json::{Value, json};

use cluster::Setup;
use drive::Pace;
use storm::Storm;
use table::Column;

/// Real agents whose inputs move: errors of the sum, bounds, packets, CPU; at rest; killed; in storms.
///
/// Build the command beside this program first: cargo build --release -p rumormill.
#[derive(Parser)]
struct Args {
    /// Cluster sizes of real processes, a table of moving inputs.
    #[arg(long, value_delimiter = ',')]
    agents: Vec<usize>,
    /// Cluster sizes of library agents in this process, in the same table.
    #[arg(long, value_delimiter = ',')]
    in_process: Vec<usize>,
    /// Cluster sizes of a table at rest, with one aggregate and without any.
    #[arg(long, value_delimiter = ',')]
    rest: Vec<usize>,
    /// Cluster sizes of a table of a process that gets SIGKILL.
    #[arg(long, value_delimiter = ',')]
    kill: Vec<usize>,
    /// Cluster sizes of a table of storms.
    #[arg(long, value_delimiter = ',')]
    storm: Vec<usize>,
    /// Values of aggregates.schedule, a column each; `default` leaves the setting alone.
    #[arg(long, value_delimiter = ',', default_value = "event-triggered,periodic")]
    schedule: Vec<String>,
    /// How the aggregate is computed: live or epoch.
    #[arg(long, default_value = "live")]
    mode: Mode,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 20.0)]
    seconds: f64,
    /// Milliseconds between two changes of one input.
    #[arg(long, default_value_t = 1000)]
    period: u64,
    /// Share of its base within which an input is redrawn.
    #[arg(long, default_value_t = 0.1)]
    amplitude: f64,
    /// Mean milliseconds between two readings.
    #[arg(long, default_value_t = 25)]
    reading: u64,
    /// Kills at each size.
    #[arg(long, default_value_t = 5)]
    kills: usize,
    /// Per cent of all UDP packets that the kernel drops, in a network namespace of its own. Needs
    /// root, unshare, iproute2 and iptables.
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// The command; by default the `rumormill` beside this program.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// The namespace is made already.
    #[arg(long, hide = true)]
    inside: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut args = Args::parse();
    if args.loss > 0.0 && !args.inside {
        return lossy(args.loss);
    }
    let tables = [&args.agents, &args.in_process, &args.rest, &args.kill, &args.storm];
    if tables.iter().all(|sizes| sizes.is_empty()) {
        args.agents = vec![5, 30];
    }
    let program = match args.program.clone() {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("rumormill"),
    };
    let processes = args.in_process.is_empty() || tables_of_processes(&args);
    ensure!(
        !processes || program.exists(),
        "{} does not exist: build it, or give --program",
        program.display()
    );
    let mut report = Report { json: args.json, tables: Vec::new() };
    let loss = if args.loss > 0.0 { format!(", {} % loss", args.loss) } else { String::new() };
    let setup = |library: bool, schedule: &str| Setup {
        program: program.clone(),
        library,
        schedule: (schedule != "default").then(|| schedule.to_owned()),
        mode: args.mode,
    };
    let pace = Pace {
        period: Duration::from_millis(args.period),
        amplitude: args.amplitude,
        reading: Duration::from_millis(args.reading),
    };
    let mut columns = Vec::new();
    let sizes = args.agents.iter().map(|&nodes| (nodes, false));
    for (nodes, library) in sizes.chain(args.in_process.iter().map(|&nodes| (nodes, true))) {
        for schedule in &args.schedule {
            let title = format!("{nodes}{} {schedule}", if library { " lib" } else { "" });
            let setup = setup(library, schedule);
            columns.push(moving::measure(&setup, nodes, pace, args.seconds, title).await?);
        }
    }
    let title = format!(
        "Moving inputs: each redrawn by ±{} % every {} ms; mode {}{loss}",
        100.0 * args.amplitude,
        args.period,
        args.mode
    );
    report.add(&title, &columns);
    let mut columns = Vec::new();
    for &nodes in &args.rest {
        for schedule in &args.schedule {
            for aggregate in [false, true] {
                let title = format!("{nodes} {schedule}{}", if aggregate { "" } else { ", none" });
                let setup = setup(false, schedule);
                let column = rest::measure(&setup, nodes, aggregate, args.seconds, title).await?;
                columns.push(column);
            }
        }
    }
    report.add(&format!("At rest, one aggregate or none{loss}"), &columns);
    let mut columns = Vec::new();
    for &nodes in &args.kill {
        for schedule in &args.schedule {
            let title = format!("{nodes} {schedule}");
            let setup = setup(false, schedule);
            columns.push(kill::measure(&setup, nodes, args.kills, title).await?);
        }
    }
    report.add(&format!("One of the processes gets SIGKILL{loss}"), &columns);
    let mut columns = Vec::new();
    for &nodes in &args.storm {
        for schedule in &args.schedule {
            for storm in Storm::ALL {
                let title = format!("{nodes} {schedule}: {}", storm.name());
                columns.push(storm::measure(&setup(false, schedule), nodes, storm, title).await?);
            }
        }
    }
    report.add(&format!("Storms{loss}"), &columns);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report.tables)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn tables_of_processes(args: &Args) -> bool {
    [&args.agents, &args.rest, &args.kill, &args.storm].iter().any(|sizes| !sizes.is_empty())
}

/// Tables, printed as they come or all together as JSON.
struct Report {
    json: bool,
    tables: Vec<Value>,
}

impl Report {
    fn add(&mut self, title: &str, columns: &[Column]) {
        if columns.is_empty() {
        } else if self.json {
            let cases: Vec<Value> = columns.iter().map(Column::json).collect();
            self.tables.push(json!({ "table": title, "cases": cases }));
        } else {
            table::print(title, columns);
        }
    }
}

/// Runs this program again in a network namespace whose loopback loses datagrams. HTTP is TCP, and is
/// not harmed.
fn lossy(percent: f64) -> anyhow::Result<ExitCode> {
    ensure!(percent < 100.0, "--loss is {percent}, but must be below 100");
    let inside = format!(
        "ip link set lo up && iptables -A INPUT -p udp -m statistic --mode random --probability {} \
         -j DROP && exec \"$0\" \"$@\"",
        percent / 100.0
    );
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", &inside]).arg(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--inside");
    let status = command.status().context("start unshare")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
