//! `rumormill explore`: serves the web page, or opens that of an agent.

use std::fs::File;
use std::future::Future;
use std::io::BufReader;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rumormill_agent::StartError;
use rumormill_agent::api::Info;
use rumormill_agent::page::site::Site;
use rumormill_sim::scenario::Scenario;
use rumormill_sim::trace::{TraceError, TraceReader};

use crate::client::http::{self, Client, Target};
use crate::cluster::file::{link, read};
use crate::term::exit::{Exit, Usage};
use crate::term::signal::Signals;
use crate::term::{exit, parse};

const EXAMPLES: &str = "\
Examples:
  rumormill explore                           the tour and the sandbox, in a browser
  rumormill explore run.trace                 a run of `simulate cluster --record`
  rumormill explore fault.toml                a scenario, such as a shrunk counterexample
  rumormill explore --agent 127.0.0.1:7980    the cluster of an agent, which serves the page itself
  rumormill explore --no-open                 print the address, open nothing

The page is part of this program and loads nothing from elsewhere. Ctrl-C ends its server.";

/// The first port to try, and how many.
const PORT: u16 = 7900;
const PORTS: u16 = 20;

/// The place on the page that shows what is served at `/run`.
const RUN: &str = "#/record?run=run";

/// Open the page: why gossip works, and what a cluster does
///
/// Serves the web page on this machine until Ctrl-C, prints its address and opens it in a browser.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Recording or scenario to show
    file: Option<PathBuf>,
    /// Where to serve the page [default: 127.0.0.1:7900, or the next free port]
    #[arg(long, value_name = "IP:PORT", value_parser = parse::socket)]
    bind: Option<SocketAddr>,
    /// Do not open a browser
    #[arg(long)]
    no_open: bool,
}

/// Runs `rumormill explore`.
pub(crate) fn run(target: &Target, args: &Args) -> anyhow::Result<Exit> {
    if target.agent.is_some() {
        return of_agent(target, args);
    }
    let scenario = args.file.as_deref().map(check).transpose()?.flatten();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(serve(args, scenario.as_ref()));
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

async fn serve(args: &Args, scenario: Option<&Scenario>) -> anyhow::Result<Exit> {
    // First of all: a signal while the server starts ends it in good order, too.
    let mut signals = Signals::listen()?;
    let site = bind(args.bind)?;
    let mut url = format!("http://{}/", site.address());
    let site = match (&args.file, scenario) {
        // The page runs it itself.
        (_, Some(scenario)) => {
            url.push_str(&link(scenario)?);
            site
        }
        (Some(file), None) => {
            url.push_str(RUN);
            site.run(file.clone())
        }
        (None, None) => site,
    };
    exit::print(&format!("the page is at {url}\nCtrl-C ends its server"))?;
    let ended = async {
        if !args.no_open {
            show(&url);
        }
        signals.ended().await;
    };
    until(site, ended).await;
    Ok(Exit::Done)
}

/// Serves until `ended`; a browser that keeps a connection open does not hold the end up.
async fn until(site: Site, ended: impl Future<Output = ()>) {
    let (end, ending) = tokio::sync::oneshot::channel::<()>();
    let ended = async {
        ended.await;
        let _ = end.send(());
    };
    let late = async {
        let _ = ending.await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    tokio::select! {
        () = site.serve(ended) => {}
        () = late => {}
    }
}

/// Listens at the address given, or at the first usual port that is free.
fn bind(given: Option<SocketAddr>) -> anyhow::Result<Site> {
    if let Some(address) = given {
        return Ok(Site::bind(address).map_err(|error| unusable(&error))?);
    }
    let mut ports = PORT..PORT + PORTS;
    loop {
        let port = ports.next().with_context(|| {
            format!(
                "ports {PORT} to {} of 127.0.0.1 are taken; choose one with --bind",
                PORT + PORTS - 1
            )
        })?;
        match Site::bind((Ipv4Addr::LOCALHOST, port).into()) {
            Err(StartError::Taken { .. }) => {}
            bound => return Ok(bound.map_err(|error| unusable(&error))?),
        }
    }
}

fn unusable(error: &StartError) -> Usage {
    Usage(format!("--bind: {error}"))
}

/// Refuses a file that the page can't show. Returns the scenario, if it is one.
fn check(path: &Path) -> anyhow::Result<Option<Scenario>> {
    let cannot = || format!("cannot show {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    match TraceReader::new(BufReader::new(file)) {
        Ok(_) => Ok(None),
        Err(TraceError::Foreign) => Ok(read(path).map(Some).map_err(|error| {
            let recording = "a recording of `simulate cluster --record`";
            Usage(format!("not {recording}, and not a scenario: {error}"))
        })?),
        Err(error) => Err(error).with_context(cannot),
    }
}

/// Opens the page of an agent, which serves it itself.
fn of_agent(target: &Target, args: &Args) -> anyhow::Result<Exit> {
    for (given, flag) in [(args.file.is_some(), "FILE"), (args.bind.is_some(), "--bind")] {
        if given {
            let message = format!("--agent opens the agent's own page; leave {flag} out");
            return Err(Usage(message).into());
        }
    }
    let client = Client::new(target)?;
    let info: Info = client.get(&http::Path::new("/v1/info"), Duration::ZERO)?;
    let url = format!("{}/", client.base());
    exit::print(&format!("the page of agent {} is at {url}", info.name))?;
    if !args.no_open {
        show(&url);
    }
    Ok(Exit::Done)
}

/// Opens an address in the user's browser, if there is a screen to show one on.
fn show(url: &str) {
    if !has_screen() {
        exit::note("rumormill: this session has no screen; open the address in a browser\n");
    } else if let Err(error) = open::that_detached(url) {
        exit::note(&format!(
            "rumormill: cannot open a browser ({error}); open the address yourself\n"
        ));
    }
}

/// Returns whether a browser could be shown. Without a screen, some systems would start one in the
/// terminal.
fn has_screen() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos"))
        || ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].into_iter().any(set)
}
